// What a model says of each image: the figures that scores are made of. One number for each image, float64.

import { tensor } from "../../../index.ts";
import type { Vae } from "../../model.ts";
import { seedOf, whole } from "../../settings.ts";
import { stream } from "../../statistics/random.ts";
import { type Examples, encodeImages, type Labelled, overExamples } from "../../use.ts";
import { negativeLogLikelihood } from "../evaluation/nll.ts";
import { reconstructions } from "../reconstruct.ts";
import { entropies } from "./floor.ts";

export interface Evidence {
  /** Σ (x - x̂)², x̂ what remains of x: the mean picture at the mean of q(z|x). */
  readonly squared: Float64Array;
  /** -log p(x|z) at the mean of q(z|x), in nats. */
  readonly reconstruction: Float64Array;
  /** The least that this can be, whatever the decoder says: the entropy of x as probabilities. Of a Bernoulli; else undefined. */
  readonly floor: Float64Array | undefined;
  /** KL(q(z|x) ‖ p(z)), in nats. */
  readonly kl: Float64Array;
  /** The negative ELBO, averaged over several z, in nats. */
  readonly bound: Float64Array;
  /** -log p(x), estimated by importance sampling, in nats. */
  readonly likelihood: Float64Array;
  /** The means of q(z|x), [count, latent]. */
  readonly codes: Float64Array;
}

export interface EvidenceOptions extends Labelled {
  /** Latents of each image for its bound and its likelihood; 16 if left out. */
  readonly samples?: number;
  readonly seed?: number;
}

/** The figures of all images. */
export async function evidenceOf(model: Vae, examples: Examples, options: EvidenceOptions = {}): Promise<Evidence> {
  const { samples = 16, seed = 1, labels } = options;
  whole("samples", samples, 1, 100_000);
  seedOf(seed);
  const labelled = labels && { labels };
  const { squaredError, reconstruction, kl } = await reconstructions(model, examples, labelled);
  const { mean } = await encodeImages(model, examples, labelled);
  const { each } = await negativeLogLikelihood(model, examples, { samples, seed, labels });
  return {
    ...{ squared: Float64Array.from(squaredError), reconstruction: Float64Array.from(reconstruction), kl: Float64Array.from(kl) },
    floor: model.likelihood.support === "bits" ? entropies(examples, squaredError.length) : undefined,
    bound: await bounds(model, examples, { samples, seed, labels }),
    ...{ likelihood: each, codes: Float64Array.from(mean) },
  };
}

/**
 * -log p(x|z) + KL, averaged over z. The noise behind z is the same for all images: so what is said of an image depends on it and on the seed
 * alone, not on the images beside it, and two images differ by what they are.
 */
async function bounds(model: Vae, examples: Examples, { samples = 1, seed = 1, labels }: EvidenceOptions): Promise<Float64Array> {
  const random = stream(seed);
  const sums: Float64Array[] = [];
  for (let i = 0; i < samples; i++) {
    const noise = tensor(Float32Array.from({ length: model.latent }, random.normal), [1, model.latent]);
    const [one] = await overExamples("anomaly", model, examples, labels && { labels }, (x, given) => {
      const { reconstruction, kl } = model.elbo(x, noise, given);
      return [reconstruction.add(kl)];
    });
    sums[0] ??= new Float64Array(one.length);
    for (let j = 0; j < one.length; j++) sums[0][j] += one[j] / samples;
  }
  return sums[0];
}
