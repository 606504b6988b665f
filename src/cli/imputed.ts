// The picture of elbo impute: images with holes, filled in several ways.

import { heat } from "../data/heat.ts";
import type { Images } from "../data/index.ts";
import type { Imputation, Vae } from "../vae/index.ts";
import { gridPng, inColour, stacked, valuesIn } from "./pictures.ts";

const MOST = 32; // images that are drawn
const HOLE = [0.16, 0.27, 0.47]; // a blue that no grey picture has

/** Under each other: what is seen, what is filled in, one completion, the truth, and the spread of the completions, brightest where it is largest. */
export function imputedPng({ shape: [height, width, channels] }: Vae, images: Images, seen: Uint8Array, made: Imputation): Uint8Array {
  const count = Math.min(MOST, images.count);
  const values = count * height * width * channels;
  const truth = valuesIn(images).subarray(0, values);
  const seenInColour = inColour(truth, channels).map((v, i) => (seen[Math.floor(i / 3) * channels] ? v : HOLE[i % 3]));
  const spread = new Float32Array(values / channels);
  for (let i = 0; i < values; i++) spread[Math.floor(i / channels)] += made.spread[i] / channels;
  const most = spread.reduce((a, b) => Math.max(a, b), 0);
  const rows = [
    seenInColour,
    ...[made.filled, made.drawn, truth].map((all) => inColour(all.subarray(0, values), channels)),
    heat(spread, most),
  ];
  const { grid, columns } = stacked(rows, count);
  return gridPng({ shape: [height, width, 3] }, grid, columns);
}
