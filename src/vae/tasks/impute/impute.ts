// Filling in what is hidden of examples: many completions of each, drawn from what a model believes of the hidden values given the seen ones.

import type { Vae } from "../../model.ts";
import { choice, seedOf, whole } from "../../settings.ts";
import { stream } from "../../statistics/random.ts";
import type { Examples, Labelled } from "../../use.ts";
import type { Fill } from "./chain.ts";
import { type Completions, completer } from "./completer.ts";
import { blanked, labelsFor } from "./examples.ts";
import { told } from "./summary.ts";

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
  /** One of the completions. */
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

  const copy = (): Float32Array => Float32Array.from(x.seen);
  const made = { filled: copy(), drawn: copy(), spread: new Float32Array(count * size), lower: copy(), upper: copy() };
  const effective = new Float64Array(count);
  const { below } = stream(seed);
  const work = completer(model, x, labels, { method, samples, rounds, fill, seed });
  try {
    const batch = Math.max(1, Math.floor(ROWS / samples));
    for (let from = 0; from < count; from += batch) {
      const end = Math.min(count, from + batch);
      const completions = await work.complete(from, end);
      for (let i = from; i < end; i++) tell(i, i - from, end - from, completions);
    }
  } finally {
    work.dispose();
  }
  return { ...made, effective };

  /** Of example i, which is `at` of a batch of n: its completions are the rows at, at + n, at + 2n, … */
  function tell(i: number, at: number, n: number, { values, means, weights, effective: effectiveOf }: Completions): void {
    effective[i] = effectiveOf[at];
    const shown = below(samples);
    for (let j = 0, to = i * size; j < size; j++, to++) {
      if (x.mask[to]) continue;
      let mean = 0;
      for (let s = 0; s < samples; s++) mean += weights[at][s] * means[(s * n + at) * size + j];
      const { spread, lower, upper } = told(values, at * size + j, n * size, samples);
      made.filled[to] = mean;
      made.drawn[to] = values[(shown * n + at) * size + j];
      made.spread[to] = spread;
      made.lower[to] = lower;
      made.upper[to] = upper;
    }
  }
}
