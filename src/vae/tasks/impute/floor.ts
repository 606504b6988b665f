// What is filled in without a model: the mean of the training images at the same place, or the pixels of the training image that is nearest
// by what is seen. A model that does not beat them is of no use.

import type { Images } from "../../../data/images.ts";
import { tensor } from "../../../index.ts";
import { shade, valuesOf } from "../../pictures.ts";

/** The mean of each value over the images, from 0 to 1, [h · w · c]. */
export function meanImage({ pixels, count, white, ...form }: Images): Float64Array {
  const size = valuesOf(form);
  if (count === 0) throw new Error(`meanImage: there are no images in ${form.name}`);
  const mean = new Float64Array(size);
  for (let at = 0, j = 0; at < pixels.length; at++, j = j + 1 === size ? 0 : j + 1) mean[j] += pixels[at];
  return mean.map((sum) => sum / count / white);
}

const BLOCK = 4096; // training images on the device at once
const BATCH = 256; // examples

/**
 * For each example the number of the training image with the smallest Σ over what is seen of (x - t)². Up to Σ x², which is the same for all of
 * them, that is Σ seen · t² - 2 Σ (seen · x) · t: two products of matrices.
 */
export async function nearestBySeen(train: Images, x: Float32Array, seen: ArrayLike<number>): Promise<Uint32Array> {
  const size = valuesOf(train);
  const count = x.length / size;
  const nearest = new Uint32Array(count);
  const distance = new Float64Array(count).fill(Number.POSITIVE_INFINITY);
  const known = Float32Array.from(x, (v, j) => (seen[j] ? v : 0));
  for (let from = 0; from < count; from += BATCH) {
    const rows = Math.min(BATCH, count - from);
    const part = (values: ArrayLike<number>) =>
      tensor(
        Float32Array.from({ length: rows * size }, (_, j) => values[from * size + j]),
        [rows, size],
      );
    const [mask, values] = [part(seen), part(known)];
    for (let start = 0; start < train.count; start += BLOCK) {
      const n = Math.min(BLOCK, train.count - start);
      const t = shade(tensor(train.pixels.subarray(start * size, (start + n) * size), [n, size]), train.white);
      const products = mask.matmul(t.square(), { flipB: true }).sub(values.matmul(t, { flipB: true }).mul(2));
      const found = await products.data();
      for (let i = 0; i < rows; i++) {
        for (let j = 0; j < n; j++) {
          if (found[i * n + j] >= distance[from + i]) continue;
          distance[from + i] = found[i * n + j];
          nearest[from + i] = start + j;
        }
      }
    }
  }
  return nearest;
}
