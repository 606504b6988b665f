// What a Bernoulli likelihood of greys cannot know. Its loss of a picture is the cross-entropy of the greys with what the decoder says, and
// that is never below the entropy of the greys themselves. So of two pictures that are reconstructed without any error the greyer one
// has the larger loss, and of one-class Fashion-MNIST a loss tells less than the squared error.

import type { Examples } from "../../use.ts";

/** H(p) = -p log p - (1 - p) log(1 - p), in nats; 0 at 0 and 1. */
export const entropy = (p: number): number => (p > 0 && p < 1 ? -p * Math.log(p) - (1 - p) * Math.log1p(-p) : 0);

/** Σ H(x) over the values of each example: what is left of -log p(x|z) when the decoder says x itself. */
export function entropies(examples: Examples, count: number): Float64Array {
  const values = examples instanceof Float32Array ? examples : examples.pixels;
  const white = examples instanceof Float32Array ? 1 : examples.white;
  const size = values.length / count;
  const sums = new Float64Array(count);
  for (let i = 0; i < values.length; i++) sums[Math.floor(i / size)] += entropy(values[i] / white);
  return sums;
}

/** KL(Bernoulli(x) ‖ Bernoulli(y)) in nats: the cross-entropy less its floor. 0 where y is x. */
export function divergence(x: number, y: number): number {
  const p = Math.min(1 - 1e-7, Math.max(1e-7, y)); // a decoder in f32 may say 0 or 1
  return x * Math.log((x || 1) / p) + (1 - x) * Math.log((1 - x || 1) / (1 - p));
}
