// How well a score tells two groups apart, and where to draw the line. A score is larger the more anomalous; `normal` and `anomalous` are the
// scores of two groups of examples.

import { betaQuantile, type Interval } from "./beta.ts";

type Scores = ArrayLike<number>;

/**
 * The area under the ROC curve: the probability that an anomalous example has the larger score, where a tie counts half (Mann and Whitney's
 * U, divided by the number of pairs).
 */
export function auroc(normal: Scores, anomalous: Scores): number {
  const [n, m] = [check("normal", normal), check("anomalous", anomalous)];
  const all = Float64Array.from({ length: n + m }, (_, i) => (i < n ? normal[i] : anomalous[i - n])).sort();
  const sorted = Float64Array.from({ length: m }, (_, i) => anomalous[i]).sort();
  let ranks = 0; // of the anomalous, from 1; those that are equal share the mean of their ranks
  for (let i = 0, at = 0; i < m; ) {
    while (all[at] < sorted[i]) at++;
    let end = at;
    while (end < all.length && all[end] === sorted[i]) end++;
    for (const tie = sorted[i]; i < m && sorted[i] === tie; i++) ranks += (at + 1 + end) / 2;
  }
  return (ranks - (m * (m + 1)) / 2) / (n * m);
}

/** Of all that score at least `threshold`: the share of the normal, which are false alarms, and of the anomalous, which are found. */
export interface RocPoint {
  readonly threshold: number;
  readonly falseAlarms: number;
  readonly found: number;
}

/** The corners of the curve, from nobody (threshold ∞) to everybody. Equal scores are one step, so the area under it is `auroc`. */
export function rocPoints(normal: Scores, anomalous: Scores): RocPoint[] {
  const [n, m] = [check("normal", normal), check("anomalous", anomalous)];
  const order = Array.from({ length: n + m }, (_, i) => ({ score: i < n ? normal[i] : anomalous[i - n], isNormal: i < n }));
  order.sort((a, b) => b.score - a.score);
  const points: RocPoint[] = [{ threshold: Number.POSITIVE_INFINITY, falseAlarms: 0, found: 0 }];
  let [alarms, found] = [0, 0];
  order.forEach(({ score, isNormal }, i) => {
    if (isNormal) alarms++;
    else found++;
    if (order[i + 1]?.score !== score) points.push({ threshold: score, falseAlarms: alarms / n, found: found / m });
  });
  return points;
}

/** The points that a picture needs: those between two others on a straight line are left out, and steps smaller than `step`. */
export function simplified(points: readonly RocPoint[], step = 0.002): RocPoint[] {
  const kept: RocPoint[] = [];
  for (const [i, point] of points.entries()) {
    const before = kept.at(-1);
    const isEnd = i === 0 || i === points.length - 1;
    if (isEnd || !before || point.falseAlarms - before.falseAlarms >= step || point.found - before.found >= step) kept.push(point);
  }
  return kept;
}

export interface Threshold {
  /** What scores above it is an alarm. */
  readonly value: number;
  /** The false-alarm rate that was asked for. */
  readonly wanted: number;
  /** Where the true rate lies: 90 of 100 sets of as many normal examples place the threshold so that it does. */
  readonly rate: Interval;
  /** How many normal scores placed it. */
  readonly from: number;
}

/**
 * The threshold above which at most a share `rate` of normal examples lies, on average over the sets that calibrate it: the k-th smallest of n
 * scores with k = ⌈(n + 1)(1 - rate)⌉. The share above the k-th smallest of n has the distribution Beta(n + 1 - k, k), whatever that of the
 * scores, if they are continuous ("Algorithmic Learning in a Random World", Vovk et al. 2005). Throws if n is too small to say.
 */
export function thresholdAt(rate: number, normal: Scores): Threshold {
  if (!(rate > 0 && rate < 1)) throw new Error(`false-alarm rate: ${rate} is not between 0 and 1`);
  const n = check("normal", normal);
  const k = Math.ceil((n + 1) * (1 - rate) - 1e-9);
  if (k > n) {
    const needed = Math.ceil(1 / rate - 1 - 1e-9);
    throw new Error(
      `a false-alarm rate of ${rate} needs ${needed} normal examples to place the threshold, and there are ${n}; ask for ${roundUp(1 / (n + 1))} or more, or give more examples`,
    );
  }
  const value = Float64Array.from({ length: n }, (_, i) => normal[i]).sort()[k - 1];
  return { value, wanted: rate, rate: { low: betaQuantile(0.05, n + 1 - k, k), high: betaQuantile(0.95, n + 1 - k, k) }, from: n };
}

/** A rate that is no smaller, in two digits. */
const roundUp = (rate: number): number => {
  const unit = 10 ** (Math.floor(Math.log10(rate)) - 1);
  return Number((Math.ceil(rate / unit - 1e-9) * unit).toPrecision(2));
};

/** How many scores lie above a threshold. */
export function above(threshold: number, scores: Scores): number {
  let count = 0;
  for (let i = 0; i < scores.length; i++) if (scores[i] > threshold) count++;
  return count;
}

/** The number of scores, which are numbers. */
function check(which: string, scores: Scores): number {
  if (scores.length === 0) throw new Error(`scores: there are no ${which} ones`);
  for (let i = 0; i < scores.length; i++)
    if (Number.isNaN(scores[i])) throw new Error(`scores: the one of ${which} example ${i} is no number`);
  return scores.length;
}
