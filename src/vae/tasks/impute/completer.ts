// Completions of a batch of examples: chains on the device, and for `resample` the weights of what they end with.

import { type Tensor, tensor } from "../../../index.ts";
import type { Vae } from "../../model.ts";
import { stream } from "../../statistics/random.ts";
import { type Fill, filledBy, metropolisWithinGibbs, pseudoGibbs, type Step } from "./chain.ts";
import type { Blanked } from "./examples.ts";
import type { ImputeMethod } from "./impute.ts";
import { effectiveSamples, importanceWeights, resampled } from "./weights.ts";

/** Of n examples with k completions each. Row s · n + i is completion s of example i. */
export interface Completions {
  /** [k · n, size], of equal weight. */
  readonly values: ArrayLike<number>;
  /** The means of p(x|z), [k · n, size], and for each example the weights of its z, [k], which sum to 1. */
  readonly means: ArrayLike<number>;
  readonly weights: readonly Float64Array[];
  /** As if so many of the z of an example had the same weight, [n]. */
  readonly effective: readonly number[];
}

export interface Completer {
  /** The examples from `from` to `end`. */
  complete(from: number, end: number): Promise<Completions>;
  dispose(): void;
}

interface Settings {
  readonly method: ImputeMethod;
  readonly samples: number;
  readonly rounds: number;
  readonly fill: Fill;
  readonly seed: number;
}

export function completer(model: Vae, x: Blanked, labels: ArrayLike<number> | undefined, settings: Settings): Completer {
  const { method, samples, rounds, fill, seed } = settings;
  const gibbs = pseudoGibbs(model, fill, seed);
  const metropolis = method === "metropolis" ? metropolisWithinGibbs(model, fill, seed) : undefined;
  const again = method === "resample" ? filledBy(model, fill, (seed + 1) >>> 0) : undefined; // not the noise of the chains once more
  const { uniform } = stream(seed);

  const inputs = (from: number, end: number) => {
    const rows = samples * (end - from);
    const repeated = (values: Float32Array): Tensor => {
      const own = values.subarray(from * x.size, end * x.size);
      const all = new Float32Array(rows * x.size);
      for (let s = 0; s < samples; s++) all.set(own, s * own.length);
      return tensor(all, [rows, ...model.shape]);
    };
    const given = labels ? [tensor(Uint32Array.from({ length: rows }, (_, i) => labels[from + (i % (end - from))]))] : [];
    return { seen: repeated(x.seen), mask: repeated(x.mask), guessed: repeated(x.guessed), given };
  };

  return {
    complete: async (from, end) => {
      const n = end - from;
      const { seen, mask, guessed, given } = inputs(from, end);
      let [filled, z] = [guessed, tensor(new Float32Array(samples * n * model.latent), [samples * n, model.latent])];
      let last: Step | undefined;
      for (let round = 0; round <= rounds; round++) {
        const step = metropolis && round >= rounds / 2 ? metropolis : gibbs;
        last = step(seen, mask, filled, z, ...given);
        [filled, z] = [last.filled, last.z];
      }
      const { mean, qMean, qLogVariance, logJoint } = last as Step; // there is a round 0
      const [values, means, ...rest] = await Promise.all([filled, mean, z, qMean, qLogVariance, logJoint].map((t) => t.data()));
      if (!again) {
        const equal = new Float64Array(samples).fill(1 / samples);
        return { values, means, weights: Array.from({ length: n }, () => equal), effective: Array.from({ length: n }, () => samples) };
      }
      const weights = Array.from({ length: n }, (_, i) => weightsOf(rest, i, n, samples, rounds === 0));
      const chosen = weights.map((w) => resampled(w, uniform()));
      const { latent } = model;
      const [latents] = rest;
      const zs = Float32Array.from({ length: samples * n * latent }, (_, at) => {
        const [s, i, l] = [Math.floor(at / latent / n), Math.floor(at / latent) % n, at % latent];
        return latents[(chosen[i][s] * n + i) * latent + l];
      });
      const drawn = await again(seen, mask, tensor(zs, [samples * n, latent]), ...given).data();
      return { values: drawn, means, weights, effective: weights.map(effectiveSamples) };
    },
    dispose: () => {
      for (const program of [gibbs, metropolis, again]) program?.dispose();
    },
  };
}

/** Of example i of n: z, qMean, qLogVariance and logJoint are given for all of them. */
function weightsOf(all: readonly ArrayLike<number>[], i: number, n: number, samples: number, areSame: boolean): Float64Array {
  const [z, qMean, qLogVariance, logJoint] = all.map((values) => {
    const width = values.length / samples / n;
    return Float64Array.from({ length: samples * width }, (_, at) => values[(Math.floor(at / width) * n + i) * width + (at % width)]);
  });
  return importanceWeights({ z, qMean, qLogVariance, logJoint }, areSame);
}
