// Filling in what is hidden of examples: many completions of each, drawn from what a model believes of the hidden values given the seen ones.

import { type Tensor, tensor } from "../../../index.ts";
import type { Vae } from "../../model.ts";
import { choice, seedOf, whole } from "../../settings.ts";
import { stream } from "../../statistics/random.ts";
import type { Examples, Labelled } from "../../use.ts";
import { type ChainStep, type Fill, metropolisWithinGibbs, pseudoGibbs } from "./chain.ts";
import { type Blanked, blanked, labelsFor } from "./examples.ts";
import { told } from "./summary.ts";
import { effectiveSamples, importanceWeights } from "./weights.ts";

export type ImputeMethod = "resample" | "gibbs" | "metropolis";
export const imputeMethods: readonly ImputeMethod[] = ["resample", "gibbs", "metropolis"];

export interface ImputeOptions extends Labelled {
  /**
   * `gibbs`: chains of encoding and decoding, the seen values held. `metropolis`: the same, with latents that are refused now and then, so that
   * the chains go where the model says; its first half is `gibbs`. `resample`: latents as `gibbs` draws them, each weighed by how well it explains
   * what is seen; if left out.
   */
  readonly method?: ImputeMethod;
  /** Completions of each example; 100 if left out. */
  readonly samples?: number;
  /** Steps of each chain before the one that counts. With 0, `resample` draws from q(z|x seen) alone, which is for models trained so. 10 if left out. */
  readonly rounds?: number;
  /** What hidden values are at first, one number for each value of an example; 0 if left out, which models trained with hidden pixels know. */
  readonly start?: ArrayLike<number> | undefined;
  /** `mean` for a likelihood whose draws do not look like the data, a Bernoulli of greys; then the spread is that of the means. */
  readonly fill?: Fill;
  readonly seed?: number;
}

/** Each [count, ...shape]; what was seen is as it was, with spread 0. */
export interface Imputation {
  /** The expected value of what is hidden. */
  readonly filled: Float32Array;
  /** One completion, drawn by weight. */
  readonly drawn: Float32Array;
  /** Of the completions: the standard deviation, and the interval in which the middle 90 of 100 lie. */
  readonly spread: Float32Array;
  readonly lower: Float32Array;
  readonly upper: Float32Array;
  /** As if so many completions of each example had the same weight, [count]: of `resample`, where near 1 a single one decides. */
  readonly effective: Float64Array;
}

const ROWS = 1024; // completions that are computed at once

/**
 * Fills in the values of examples at which `seen`, [count, ...shape], is 0. What stands there is not looked at. Throws if a mask hides everything or
 * nothing of an example.
 */
export async function impute(model: Vae, examples: Examples, seen: ArrayLike<number>, options: ImputeOptions = {}): Promise<Imputation> {
  const { method = "resample", samples = 100, rounds = 10, fill = "drawn", seed = 1, start } = options;
  choice("method", method, imputeMethods);
  choice("fill", fill, ["drawn", "mean"]);
  whole("samples", samples, 2, 100_000);
  whole("rounds", rounds, method === "metropolis" ? 2 : 0, 1_000_000);
  seedOf(seed);
  if (method === "metropolis" && fill === "mean")
    throw new Error('impute: "metropolis" weighs drawn values; with fill "mean" take another method');
  const x = blanked(model, examples, seen, start);
  const { count, size } = x;
  const labels = labelsFor(model, examples, options, count);

  const gibbs = pseudoGibbs(model, fill, seed);
  const metropolis = method === "metropolis" ? metropolisWithinGibbs(model, fill, seed) : undefined;
  const empty = (): Float32Array => Float32Array.from(x.seen);
  const made = { filled: empty(), drawn: empty(), spread: new Float32Array(count * size), lower: empty(), upper: empty() };
  const effective = new Float64Array(count);
  const pick = stream(seed);
  try {
    const batch = Math.max(1, Math.floor(ROWS / samples));
    for (let from = 0; from < count; from += batch) {
      const end = Math.min(count, from + batch);
      const last = await chains(model, { gibbs, metropolis, rounds, samples }, x, labels, from, end);
      for (let i = from; i < end; i++) finish(i, i - from, end - from, last);
    }
  } finally {
    gibbs.dispose();
    metropolis?.dispose();
  }
  return { ...made, effective };

  /** The completions of example i, which is `at` of a batch of `n`: rows at, at + n, at + 2n, … */
  function finish(i: number, at: number, n: number, last: Last): void {
    const rowsOf = (values: ArrayLike<number>, width: number): Float64Array => {
      const rows = new Float64Array(samples * width);
      for (let s = 0; s < samples; s++) for (let j = 0; j < width; j++) rows[s * width + j] = values[(s * n + at) * width + j];
      return rows;
    };
    const own = (name: "z" | "qMean" | "qLogVariance") => rowsOf(last[name], model.latent);
    const weights =
      method === "resample"
        ? importanceWeights(
            { z: own("z"), qMean: own("qMean"), qLogVariance: own("qLogVariance"), logJoint: rowsOf(last.logJoint, 1) },
            rounds === 0,
          )
        : new Float64Array(samples).fill(1 / samples);
    effective[i] = effectiveSamples(weights);
    const chosen = drawnBy(weights, pick.uniform());
    for (let j = 0; j < size; j++) {
      if (seen[i * size + j]) continue;
      let mean = 0;
      for (let s = 0; s < samples; s++) mean += weights[s] * last.mean[(s * n + at) * size + j];
      const { spread, lower, upper } = told(last.filled, at * size + j, n * size, weights);
      Object.entries({ filled: mean, drawn: last.filled[(chosen * n + at) * size + j], spread, lower, upper }).forEach(([name, value]) => {
        made[name as keyof typeof made][i * size + j] = value;
      });
    }
  }
}

type Last = Readonly<Record<"filled" | "mean" | "z" | "qMean" | "qLogVariance" | "logJoint", ArrayLike<number>>>;

/** Runs `samples` chains for each of the examples from `from` to `end`, and reads what their last steps gave. */
async function chains(
  model: Vae,
  { gibbs, metropolis, rounds, samples }: { gibbs: ChainStep; metropolis: ChainStep | undefined; rounds: number; samples: number },
  { size, seen, guessed, mask }: Blanked,
  labels: ArrayLike<number> | undefined,
  from: number,
  end: number,
): Promise<Last> {
  const rows = samples * (end - from);
  const part = (values: Float32Array): Tensor => {
    const own = values.subarray(from * size, end * size);
    const all = new Float32Array(rows * size);
    for (let s = 0; s < samples; s++) all.set(own, s * own.length);
    return tensor(all, [rows, ...model.shape]);
  };
  const [x, known] = [part(seen), part(mask)];
  const given = labels ? [tensor(Uint32Array.from({ length: rows }, (_, i) => labels[from + (i % (end - from))]))] : [];
  let [filled, z] = [part(guessed), tensor(new Float32Array(rows * model.latent), [rows, model.latent])];
  for (let round = 0; ; round++) {
    const step = metropolis && round >= rounds / 2 ? metropolis : gibbs;
    const result = step(x, known, filled, z, ...given);
    if (round === rounds) {
      const { qMean, qLogVariance, logJoint, mean } = result;
      const all = [result.filled, mean, result.z, qMean, qLogVariance, logJoint].map((t) => t.data()); // one program
      const values = await Promise.all(all);
      return { filled: values[0], mean: values[1], z: values[2], qMean: values[3], qLogVariance: values[4], logJoint: values[5] };
    }
    [filled, z] = [result.filled, result.z];
  }
}

/** The index at which the weights, added up, pass u. */
function drawnBy(weights: Float64Array, u: number): number {
  let passed = 0;
  for (let i = 0; i < weights.length; i++) {
    passed += weights[i];
    if (passed > u) return i;
  }
  return weights.length - 1;
}
