// The pictures that a training leaves: under the number of their epoch, and as the latest.

import { join } from "node:path";
import { type Images, sliceImages } from "../data/index.ts";
import type { Vae } from "../vae/index.ts";
import type { Split } from "./data.ts";
import { writeWhole } from "./files.ts";
import { reconstructionsPng, samplesPng, traversalPng } from "./pictures.ts";

const SAMPLES = 64;
const RECONSTRUCTIONS = 16;
const TRAVERSED = 32;
const MOST_SHOWN = 20;

export const PICTURES: readonly string[] = ["samples.png", "reconstructions.png", "traversal.png"];

/** The images that are reconstructed, the same ones in each epoch. */
export function shownImages({ train, test = train }: Split): Images {
  return sliceImages(test, 0, Math.min(RECONSTRUCTIONS, test.count));
}

/** Is this an epoch whose pictures are drawn and kept: each of a few, of many the first and about so many at equal distances, and the last. */
export const isShown = (epoch: number, epochs: number): boolean =>
  epoch === 1 || epoch === epochs || epoch % Math.ceil(epochs / MOST_SHOWN) === 0;

/** Writes the pictures of an epoch. */
export async function draw(
  out: string,
  model: Vae,
  shown: Images,
  at: number,
  { epochs, seed }: { epochs: number; seed: number },
): Promise<void> {
  const pictures = {
    samples: await samplesPng(model, SAMPLES, seed),
    reconstructions: await reconstructionsPng(model, shown),
    traversal: (await traversalPng(model, shown, { count: TRAVERSED })).png,
  };
  const epoch = String(at).padStart(Math.max(2, String(epochs).length), "0");
  for (const [name, png] of Object.entries(pictures)) {
    writeWhole(join(out, `${name}-epoch-${epoch}.png`), png);
    writeWhole(join(out, `${name}.png`), png);
  }
}
