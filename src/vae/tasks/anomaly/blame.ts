// Which pixels make an image anomalous: the terms of the sum that is its score.

import type { Images } from "../../../data/images.ts";
import type { Vae } from "../../model.ts";
import { valuesOf } from "../../pictures.ts";
import { reconstructions } from "../reconstruct.ts";
import { divergence } from "./floor.ts";
import type { ScoreName } from "./scores.ts";

export interface Blame {
  /** What the model makes of the images, [count, h, w, c]. */
  readonly pictures: Float32Array;
  /** How much each pixel adds to the score, [count, h, w]: summed over its channels. */
  readonly pixels: Float32Array;
}

/**
 * Of `excess` under a Bernoulli likelihood its nats, pixel by pixel. Of all other scores the squared errors, which are the terms of `squared`, and show
 * where an image and its reconstruction differ for those that are not sums over pixels.
 */
export async function blame(model: Vae, images: Images, score: ScoreName): Promise<Blame> {
  const { pictures } = await reconstructions(model, images);
  const { channels, white } = images;
  const isNats = score === "excess" && model.likelihood.support === "bits";
  const term = isNats ? divergence : (x: number, y: number) => (x - y) ** 2;
  const pixels = new Float32Array((images.count * valuesOf(images)) / channels);
  for (let i = 0; i < pictures.length; i++) pixels[Math.floor(i / channels)] += term(images.pixels[i] / white, pictures[i]);
  return { pictures, pixels };
}
