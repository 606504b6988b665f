// What remains of examples, with figures for each: how much was lost, and how much the code says.

import type { Vae } from "../model.ts";
import { type Examples, type Labelled, overExamples } from "../use.ts";

/** One number for each example. */
export interface Reconstructions {
  /** [count, ...shape]: mean pictures at the means of q(z|x). */
  readonly pictures: Float32Array;
  /** -log p(x|z) in nats, at the mean of q(z|x) as the pictures are: no noise is in it. In a loss it is an average over z, and larger. */
  readonly reconstruction: Float32Array;
  /** KL(q(z|x) ‖ p(z)) in nats. */
  readonly kl: Float32Array;
  /** Σ (x - picture)², over all values of an example. */
  readonly squaredError: Float32Array;
}

export async function reconstructions(model: Vae, examples: Examples, labelled?: Labelled): Promise<Reconstructions> {
  const [pictures, reconstruction, kl, squaredError] = await overExamples("reconstructions", model, examples, labelled, (x, given) => {
    const q = model.encode(x, given);
    const decoded = model.decode(q.mean, given);
    const picture = model.likelihood.mean(decoded);
    const lost = model.examples(x).sub(picture).square();
    return [
      picture,
      model.likelihood.logProb(model.examples(x), decoded).neg(),
      model.prior.kl(q, q.mean),
      lost.reshape([lost.shape[0], -1]).sum(1),
    ];
  });
  return { pictures, reconstruction, kl, squaredError };
}
