// Many completions of one example, each with a weight, told in a few numbers per value.

/** Where the middle 90 of 100 completions lie. */
export const COVERED = 0.9;

export interface Told {
  /** The standard deviation of the completions. */
  readonly spread: number;
  /** The ends of the interval in which the middle 90 of 100 lie. */
  readonly lower: number;
  readonly upper: number;
}

/** Of the k numbers values[at], values[at + step], …, with weights that sum to 1. */
export function told(values: ArrayLike<number>, at: number, step: number, weights: Float64Array): Told {
  const k = weights.length;
  let mean = 0;
  let squares = 0;
  for (let i = 0; i < k; i++) {
    mean += weights[i] * values[at + i * step];
    squares += weights[i] ** 2;
  }
  let sum = 0;
  for (let i = 0; i < k; i++) sum += weights[i] * (values[at + i * step] - mean) ** 2;
  // divided by 1 - Σ w², which for equal weights makes it the sum divided by k - 1; of one draw that has all the weight nothing is known
  const spread = squares < 1 - 1e-9 ? Math.sqrt(sum / (1 - squares)) : 0;

  const order = Array.from({ length: k }, (_, i) => i).sort((i, j) => values[at + i * step] - values[at + j * step]);
  const tail = (1 - COVERED) / 2;
  const quantile = (share: number): number => {
    let passed = 0;
    for (const i of order) {
      passed += weights[i];
      if (passed >= share - 1e-12) return values[at + i * step];
    }
    return values[at + order[k - 1] * step];
  };
  return { spread, lower: quantile(tail), upper: quantile(1 - tail) };
}
