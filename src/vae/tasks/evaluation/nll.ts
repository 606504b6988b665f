// -log p(x) of a trained model, by importance sampling: the figure by which articles compare models. The bound of training falls short of
// it by KL(q(z|x) ‖ p(z|x)), which differs from model to model; here that distance goes to 0 as samples grow.

import type { Images } from "../../../data/images.ts";
import { compile, randomNormal, type Tensor, tensor } from "../../../index.ts";
import { gaussian } from "../../gaussian.ts";
import type { Vae } from "../../model.ts";
import { valuesOf } from "../../pictures.ts";
import { inFlight } from "../../pipeline.ts";
import { seedOf, whole } from "../../settings.ts";
import { type Examples, encodeImages, type Labelled } from "../../use.ts";
import { type Estimate, logMeans, summary } from "./log-mean.ts";

export interface NllOptions extends Labelled {
  /** k, latents for each example. */
  readonly samples?: number;
  /** Latents that are decoded at once: as many as the device likes best. Another number draws other noise. */
  readonly chunk?: number;
  readonly seed?: number;
  /** Ends the work after the running chunk; there is no result then. */
  readonly signal?: AbortSignal | undefined;
  /** Told after each chunk how many of all latents have been decoded. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** As in "Importance Weighted Autoencoders" (Burda et al. 2016) and most articles since. */
export const NLL_SAMPLES = 5000;

/**
 * -log (1/k) Σ_i w_i for each example, in nats, with w_i = p(x|z_i) · p(z_i) / q(z_i|x) and z_i from q(z|x): on average never below -log p(x), and
 * with k = 1 the negative ELBO. Weights are f32 from the device; their sums are float64, over all chunks. Images of a run that was trained on
 * zeros and ones are given as such: `seenImages`.
 */
export async function negativeLogLikelihood(model: Vae, examples: Examples, options: NllOptions = {}): Promise<Estimate> {
  const { samples = NLL_SAMPLES, chunk = chunkOf(model), seed = 1, labels, signal, onProgress } = options;
  whole("samples", samples);
  whole("chunk", chunk);
  seedOf(seed);
  const q = await encodeImages(model, examples, { labels }); // which also says what does not fit
  const count = q.mean.length / model.latent;
  const classes = model.classes > 0 ? (labels ?? (examples as Images).labels) : undefined;

  // Many samples of one example, or few samples of several: as near to `chunk` latents as it comes.
  const rounds = Math.ceil(samples / chunk);
  const atOnce = Math.ceil(samples / rounds);
  const width = Math.min(count, Math.max(1, Math.floor(chunk / samples)));
  const weigh = compile((...args: Tensor[]) => logWeights(model, atOnce, args), { seed });
  const sums = logMeans(count);

  function* jobs(): Iterable<Promise<Chunk>> {
    for (let start = 0; start < count; start += width) {
      const args = argumentsFrom(model, examples, q, classes, start, width);
      for (let round = 0; round < rounds && !signal?.aborted; round++) {
        const from = round * atOnce;
        yield weigh(...args)
          .data()
          .then((values) => ({ values: values as Float32Array, start, count: Math.min(atOnce, samples - from) }));
      }
    }
  }
  try {
    let done = 0;
    for await (const { values, start, count: rows } of inFlight(jobs())) {
      const examplesHere = Math.min(width, count - start);
      // what was computed beyond the last example or sample, so that all chunks are one program, is left out
      for (let i = 0; i < rows; i++) for (let j = 0; j < examplesHere; j++) sums.add(start + j, values[i * width + j]);
      done += rows * examplesHere;
      onProgress?.(done, samples * count);
    }
    signal?.throwIfAborted();
    return summary(sums, samples);
  } finally {
    weigh.dispose();
  }
}

interface Chunk {
  readonly values: Float32Array;
  /** The first example. */
  readonly start: number;
  /** Samples of each that count. */
  readonly count: number;
}

/** log w for `k` latents of each example, [k, batch]. */
function logWeights(model: Vae, k: number, [x, mean, logVariance, labels]: readonly Tensor[]): Tensor {
  const [batch] = x.shape;
  const q = gaussian(mean, logVariance);
  const z = q.sample(randomNormal([k, batch, model.latent]));
  // Layers know one axis of examples: k times the batch.
  const repeated = (t: Tensor): Tensor =>
    t
      .reshape([1, ...t.shape])
      .broadcastTo([k, ...t.shape])
      .reshape([-1, ...t.shape.slice(1)]);
  const decoded = model.decode(z.reshape([k * batch, model.latent]), labels ? { labels: repeated(labels) } : {});
  const logLikelihood = model.likelihood.logProb(repeated(model.examples(x)), decoded).reshape([k, batch]);
  return logLikelihood.add(model.prior.logDensity(z)).sub(q.logDensity(z));
}

type Codes = Awaited<ReturnType<typeof encodeImages>>;

/** What `logWeights` takes for `width` examples from `start` on; behind the last example it comes once more. */
function argumentsFrom(
  model: Vae,
  examples: Examples,
  q: Codes,
  classes: ArrayLike<number> | undefined,
  start: number,
  width: number,
): Tensor[] {
  const size = model.shape.reduce((n, d) => n * d, 1);
  const count = q.mean.length / model.latent;
  const numbers = Array.from({ length: width }, (_, i) => Math.min(start + i, count - 1));
  const rows = (values: ArrayLike<number>, columns: number, unit = 1): Tensor => {
    const all = new Float32Array(width * columns);
    for (const [i, from] of numbers.entries()) for (let j = 0; j < columns; j++) all[i * columns + j] = values[from * columns + j] * unit;
    return tensor(all, [width, columns]);
  };
  const x = examples instanceof Float32Array ? rows(examples, size) : rows(examples.pixels, valuesOf(examples), 1 / examples.white);
  const labels = classes ? [tensor(Uint32Array.from(numbers, (i) => classes[i]))] : [];
  return [x, rows(q.mean, model.latent), rows(q.logVariance, model.latent), ...labels];
}

// Decoded at once. A latent of a 50-200-200-784 decoder takes 14 µs on one thread of wasm with 400,000 values and with 3,200,000, and 20 µs
// with 12,500; of convolutions the same holds, from 100,000 on. Not measured on a GPU.
const VALUES = 2 ** 20;

/** Latents of one chunk. */
const chunkOf = ({ shape }: Vae): number => Math.max(1, Math.round(VALUES / shape.reduce((n, d) => n * d, 1)));
