// Examples as codes: the means of q(z|x), a row of a table for each, which any method for tables takes. What is left of the pixels, and
// what a linear model can see in them, is said by probe.ts; which belong together, by cluster.ts.

import type { Vae } from "../model.ts";
import { type Rows, rowsOf } from "../statistics/rows.ts";
import { type Examples, encodeImages, type Labelled } from "../use.ts";

export interface Embedding {
  /** [count, latent]: the means of q(z|x). */
  readonly codes: Rows;
  /** [count, latent]: the logarithms of its variances. Near 0 in a latent that says nothing. */
  readonly logVariances: Rows;
}

/** The posteriors of all examples. A conditional model is told their labels. */
export async function embed(model: Vae, examples: Examples, labelled?: Labelled): Promise<Embedding> {
  const { mean, logVariance } = await encodeImages(model, examples, labelled);
  return { codes: rowsOf(mean, model.latent), logVariances: rowsOf(logVariance, model.latent) };
}
