// Averages of weights that are known by their logarithms, one weight after another, in float64: nothing is kept but three numbers for
// each example, and no weight is too large or too small.

export interface LogMeans {
  readonly count: number;
  /** Adds the weight e^log to those of example i. */
  add(i: number, log: number): void;
  /** log Σ w of example i. */
  logSum(i: number): number;
  /** (Σ w)² / Σ w² of example i: as many equal weights would tell as much. */
  effective(i: number): number;
}

export function logMeans(count: number): LogMeans {
  // Σ w = e^largest · sum, Σ w² = e^(2 · largest) · squares
  const largest = new Float64Array(count).fill(Number.NEGATIVE_INFINITY);
  const sum = new Float64Array(count);
  const squares = new Float64Array(count);
  return {
    count,
    add: (i, log) => {
      if (Number.isNaN(log) || log === Number.POSITIVE_INFINITY)
        throw new Error(
          `negativeLogLikelihood: a log weight of example ${i} is ${log}; the model's parameters or the example are not finite`,
        );
      if (log === Number.NEGATIVE_INFINITY) return; // a weight of 0
      if (log > largest[i]) {
        const shrunk = Math.exp(largest[i] - log);
        sum[i] *= shrunk;
        squares[i] *= shrunk * shrunk;
        largest[i] = log;
      }
      const w = Math.exp(log - largest[i]);
      sum[i] += w;
      squares[i] += w * w;
    },
    logSum: (i) => largest[i] + Math.log(sum[i]),
    effective: (i) => (squares[i] > 0 ? sum[i] ** 2 / squares[i] : 0),
  };
}

/** An importance-sampled -log p(x), in nats per example, and how far it can be trusted. */
export interface Estimate {
  /** The average of `each`. */
  readonly mean: number;
  /** Of the mean, because the examples are only some of all: their deviation / √count. NaN of one example. */
  readonly standardError: number;
  readonly samples: number;
  /** -log (1/k) Σ w of each example. */
  readonly each: Float64Array;
  /** The effective sample size of each example, from 1 to k: (Σ w)² / Σ w². */
  readonly effective: Float64Array;
  /**
   * By how much the mean is too high, about: an average of weights is right on average, its logarithm is too low by half its relative variance,
   * which is 1/effective - 1/k. Where few weights decide, it is itself too low.
   */
  readonly bias: number;
  /** The part of the examples with an effective sample size below `FEW`. */
  readonly few: number;
  /** What to think of it, if there is something to say. */
  readonly warning?: string;
}

/** Below this effective sample size an example's bias is above 0.05 nats, and what is known of it hangs on single weights. */
export const FEW = 10;
const MANY_OF_FEW = 0.05; // from this part of the examples on there is a warning

export function summary(sums: LogMeans, samples: number): Estimate {
  const { count } = sums;
  const each = Float64Array.from({ length: count }, (_, i) => Math.log(samples) - sums.logSum(i));
  const effective = Float64Array.from({ length: count }, (_, i) => sums.effective(i));
  const mean = average(each);
  const variance = each.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (count - 1);
  const bias = average(effective.map((n) => (1 / n - 1 / samples) / 2));
  const few = effective.filter((n) => n < FEW).length / count;
  return {
    ...{ mean, standardError: Math.sqrt(variance / count), samples, each, effective, bias, few },
    ...(few > MANY_OF_FEW && { warning: warningOf(few, bias, samples) }),
  };
}

function warningOf(few: number, bias: number, samples: number): string {
  const part = `${(100 * few).toFixed(few < 0.1 ? 1 : 0)} % of the examples have an effective sample size below ${FEW} of ${samples}`;
  return `${part}: -log p(x) is too high, by ${bias.toFixed(2)} nats or more; more samples bring it down`;
}

const average = (values: Float64Array): number => values.reduce((sum, v) => sum + v, 0) / values.length;
