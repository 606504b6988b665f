// The images as a model of zeros and ones is shown them: those of `evaluate`, pixel by pixel, so that all figures of a model are about the
// same data. Computed here, on the host, where they are needed more than once.

import type { Images } from "../../../data/images.ts";
import { threefry, unit } from "../../../kernels/random/threefry.ts";
import { type Binarize, binarizeImages } from "../../binarize.ts";
import { valuesOf } from "../../pictures.ts";
import { seedOf, whole } from "../../settings.ts";

/** The images that `evaluate` computes its losses from, with the same seed and batch. Without `binarize` they are what they were. */
export function seenImages(images: Images, binarize: Binarize | undefined, seed = 1, batch = 128): Images {
  seedOf(seed);
  whole("batch", batch);
  if (binarize === undefined) return images;
  if (binarize === "static") return binarizeImages(images, seed);
  const { pixels, white, name } = images;
  const size = batch * valuesOf(images);
  const part = Math.fround(1 / white); // in f32, as the device has it: a pixel that is just at the border must fall to the same side
  const drawn = new Uint8Array(pixels.length);
  for (let i = 0; i < pixels.length; i++) {
    // the first draw of a program, stream 0, in which the clock counts batches
    const u = unit(threefry(seed, 0, Math.floor(i / size), i % size)[0]);
    if (u < Math.fround(pixels[i] * part)) drawn[i] = 1;
  }
  return { ...images, pixels: drawn, white: 1, name: `${name}, binarized` };
}
