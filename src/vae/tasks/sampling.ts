// Samples from where the codes of the training images really lie. What a decoder has learned to decode is the aggregated posterior
// q(z) = E q(z|x), and the prior is only what that was pulled towards: of latents from a gap between the two nobody knows what they decode
// to. So a mixture of Gaussians is fitted to q(z) after training, and latents are drawn from it ("From Variational to Deterministic
// Autoencoders", Ghosh et al. 2020, who took one Gaussian and ten).

import { compile, type Tensor, tensor } from "../../index.ts";
import type { Vae } from "../model.ts";
import { positive, seedOf, whole } from "../settings.ts";
import { gaussianMixture, type Mixture, mixtureOf } from "../statistics/mixture.ts";
import { stream } from "../statistics/random.ts";
import { rowsOf } from "../statistics/rows.ts";
import { checkLabel, decodeLatents, type Examples, encodeImages, inBatches, type Labelled, type SampleOptions } from "../use.ts";

export interface LatentMixtureOptions {
  readonly components?: number;
  readonly seed?: number;
  /**
   * Fitted to one z ~ q(z|x) for each example, or to the means of q(z|x). Samples, if left out, because they are what the decoder was
   * trained on; and a latent that says nothing has means that are all 0, to which no Gaussian can be fitted. Means are for autoencoders
   * without noise, whose q(z|x) was never trained.
   */
  readonly codes?: "samples" | "means";
  /** Of a conditional model: fit to the examples of this class alone. If left out, to those of each class in turn. */
  readonly label?: number | undefined;
}

/** The mixtures of a model's codes: one, or one for each class of a conditional model, because there z goes with the class. */
export type LatentMixtures = ReadonlyMap<number | undefined, Mixture>;

/** Mixtures of full Gaussians, fitted to the codes of the examples. */
export async function fitLatents(model: Vae, examples: Examples, options: LatentMixtureOptions & Labelled = {}): Promise<LatentMixtures> {
  const { components = 10, seed = 1, codes = "samples", label } = options;
  const { latent, classes } = model;
  whole("components", components);
  seedOf(seed);
  checkLabel("fitLatents", model, label);
  const own = examples instanceof Float32Array ? undefined : examples.labels;
  const labels = options.labels ?? own; // which encodeImages checks
  const { mean, logVariance } = await encodeImages(model, examples, classes > 0 ? { labels } : {});
  const random = stream(seed);
  const z = codes === "means" ? mean : mean.map((m, i) => m + Math.exp(logVariance[i] / 2) * random.normal());

  const every = Array.from({ length: classes }, (_, c) => c);
  const wanted = classes === 0 ? [undefined] : every.filter((c) => label === undefined || c === label);
  return new Map(
    wanted.map((c) => {
      const part = c === undefined ? z : rowsWhere(z, latent, (i) => labels?.[i] === c);
      const rows = part.length / latent;
      if (components > rows) {
        const of = c === undefined ? "" : ` of class ${c}`;
        throw new Error(`fitLatents: ${components} components for the codes of ${rows} examples${of}; take fewer, or more examples`);
      }
      return [c, gaussianMixture(rowsOf(part, latent), components, { seed })] as const;
    }),
  );
}

/**
 * Pictures of latents drawn from the mixtures, [count, ...shape]. Classes take turns, as in `sampleImages`. The temperature is that of each
 * component: its standard deviations are multiplied by it, and its mean stays.
 */
export async function sampleMixtures(
  model: Vae,
  mixtures: LatentMixtures,
  { count = 64, seed = 1, label, temperature = 1, values = false }: SampleOptions = {},
): Promise<Float32Array> {
  const { latent, classes } = model;
  whole("count", count);
  seedOf(seed);
  positive("temperature", temperature);
  checkLabel("sampleMixtures", model, label);
  const labels = Uint32Array.from({ length: count }, (_, i) => label ?? i % Math.max(classes, 1)); // of no use without classes
  const z = new Float32Array(count * latent);
  for (const [c, mixture] of mixtures) {
    const places = Array.from(labels.keys()).filter((i) => c === undefined || labels[i] === c);
    if (places.length === 0) continue;
    const drawn = mixtureOf({ ...mixture, covariances: mixture.covariances.map((c) => c * temperature ** 2) }).sample(places.length, seed);
    for (const [row, i] of places.entries()) z.set(drawn.subarray(row * latent, (row + 1) * latent), i * latent);
  }
  const missing = classes === 0 ? undefined : labels.find((c) => !mixtures.has(c));
  if (missing !== undefined) throw new Error(`sampleMixtures: there is no mixture of class ${missing}; fit one, or ask for another label`);
  if (values) return await drawValues(model, z, labels, seed);
  return await decodeLatents(model, z, classes > 0 ? { labels } : {});
}

/** Values drawn from p(x|z), [count, ...shape], for latents [count, latent]. */
async function drawValues({ latent, classes, likelihood, decode }: Vae, latents: Float32Array, labels: Uint32Array, seed: number) {
  const draw = compile((z: Tensor, told: Tensor) => likelihood.sample(decode(z, classes > 0 ? { labels: told } : {})), { seed });
  try {
    const [pictures] = await inBatches(labels.length, (start, end) => {
      const z = tensor(latents.subarray(start * latent, end * latent), [end - start, latent]);
      return [draw(z, tensor(labels.subarray(start, end)))];
    });
    return pictures;
  } finally {
    draw.dispose();
  }
}

/** The rows for which a claim holds. */
function rowsWhere(values: Float32Array, columns: number, holds: (row: number) => boolean): Float32Array {
  const rows = Array.from({ length: values.length / columns }, (_, i) => i).filter(holds);
  const kept = new Float32Array(rows.length * columns);
  for (const [to, from] of rows.entries()) kept.set(values.subarray(from * columns, (from + 1) * columns), to * columns);
  return kept;
}
