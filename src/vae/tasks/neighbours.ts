// The examples nearest to others: what a model takes for alike, and whether its samples are more than what it was trained on.

import type { Images } from "../../data/images.ts";
import type { Vae } from "../model.ts";
import { checkImages, valuesOf } from "../pictures.ts";
import { choice, whole } from "../settings.ts";
import { encodeImages } from "../use.ts";

export type Space = "code" | "pixels";
export const spaces: readonly Space[] = ["code", "pixels"];

export interface NeighbourOptions {
  /** Neighbours of each query. */
  readonly count?: number;
  /** Where distances are measured: between means of q(z|x), or between the values of the images, 0 to 1. */
  readonly space?: Space;
}

/** The neighbours of all queries, the nearest first: of query i, number i · count and those after it. */
export interface Neighbours {
  readonly count: number;
  /** [queries, count]: numbers among the images searched, from 0. */
  readonly numbers: Uint32Array;
  /** [queries, count]: Euclidean distances. */
  readonly distances: Float64Array;
}

/** For each of the queries the nearest of other images. */
export async function nearestImages(
  model: Vae,
  queries: Images,
  among: Images,
  { count = 8, space = "code" }: NeighbourOptions = {},
): Promise<Neighbours> {
  choice("space", space, spaces);
  whole("count", count);
  if (count > among.count) throw new Error(`neighbours: ${count} of the ${among.count} images of ${among.name}; ask for fewer`);
  if (space === "code") {
    const [from, to] = [await encodeImages(model, queries), await encodeImages(model, among)];
    return await nearestRows(from.mean, to.mean, model.latent, count);
  }
  for (const images of [queries, among]) checkImages("neighbours", model, images);
  const scaled = Float32Array.from(queries.pixels, (byte) => (byte / queries.white) * among.white); // so that bytes are compared with bytes
  const { numbers, distances } = await nearestRows(scaled, among.pixels, valuesOf(among), count);
  return { count, numbers, distances: distances.map((d) => d / among.white) };
}

/**
 * The nearest `count` of the rows to each of the queries, by Euclidean distance. Differences are squared one by one and added in float64: by way of
 * |a|² + |b|² - 2 a·b in f32 an image would not be at distance 0 from itself. A row is left as soon as it is too far.
 */
export async function nearestRows(
  queries: Float32Array,
  rows: Float32Array | Uint8Array,
  size: number,
  count: number,
): Promise<Neighbours> {
  const asked = queries.length / size;
  const numbers = new Uint32Array(asked * count);
  const distances = new Float64Array(asked * count).fill(Number.POSITIVE_INFINITY); // squared, until the end
  for (let q = 0; q < asked; q++) {
    const query = Float64Array.from(queries.subarray(q * size, (q + 1) * size));
    const worst = (q + 1) * count - 1;
    for (let row = 0, at = 0; at < rows.length; row++, at += size) {
      const far = distances[worst];
      let sum = 0;
      for (let from = 0; from < size && sum < far; from += BLOCK) {
        const to = Math.min(from + BLOCK, size);
        for (let j = from; j < to; j++) {
          const difference = query[j] - rows[at + j];
          sum += difference * difference;
        }
      }
      if (!(sum < far)) continue;
      let place = worst; // those that are farther move up by one; of equal ones the first stays first
      for (; place > q * count && distances[place - 1] > sum; place--) {
        distances[place] = distances[place - 1];
        numbers[place] = numbers[place - 1];
      }
      distances[place] = sum;
      numbers[place] = row;
    }
    await new Promise((resolve) => setTimeout(resolve)); // a Ctrl-C or a frame gets its turn
  }
  return { count, numbers, distances: distances.map(Math.sqrt) };
}

const BLOCK = 64; // values between two looks at whether a row is too far already
