// Many completions of one example, told in a few numbers per value.

/** The share of completions that an interval holds. */
export const COVERED = 0.9;

export interface Told {
  /** The standard deviation of the completions. */
  readonly spread: number;
  /** The ends of the interval in which the middle 90 of 100 lie. */
  readonly lower: number;
  readonly upper: number;
}

/** Of the k numbers values[at], values[at + step], … */
export function told(values: ArrayLike<number>, at: number, step: number, k: number): Told {
  const sorted = Float64Array.from({ length: k }, (_, i) => values[at + i * step]).sort();
  const mean = sorted.reduce((sum, v) => sum + v, 0) / k;
  const squares = sorted.reduce((sum, v) => sum + (v - mean) ** 2, 0);
  const tail = (1 - COVERED) / 2;
  // k numbers divide the line into k + 1 parts that the next one falls into with equal probability
  const quantile = (share: number): number => {
    const place = Math.min(k - 1, Math.max(0, share * (k + 1) - 1));
    const [below, rest] = [Math.floor(place), place % 1];
    return rest === 0 ? sorted[below] : sorted[below] * (1 - rest) + sorted[below + 1] * rest;
  };
  return { spread: Math.sqrt(squares / (k - 1)), lower: quantile(tail), upper: quantile(1 - tail) };
}
