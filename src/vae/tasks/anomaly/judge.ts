// How good a score is: a threshold from one half of the normal images, false alarms among the other half, and what is found of the rest.

import { permuted } from "../../../kernels/random/permutation.ts";
import { type Interval, shareInterval } from "../../statistics/beta.ts";
import { above, auroc, type Threshold, thresholdAt } from "../../statistics/roc.ts";

/** k of n, and where the probability behind it lies with 90 % confidence. */
export interface Share extends Interval {
  readonly count: number;
  readonly of: number;
}

export interface Judgement {
  readonly threshold: Threshold;
  /** Of normal images that did not place the threshold. */
  readonly falseAlarms: Share;
  /** Of images that are not normal, where there are some. */
  readonly found?: Share;
  /** Of all normal images and all others: no score was fitted to any of them. */
  readonly auroc?: number;
}

const HALVES = 0x68616c76;

/** The numbers 0 to count - 1 in two halves, drawn by the count alone: one places the threshold, with it the other is judged. */
export function halves(count: number): { placing: number[]; judged: number[] } {
  const order = Array.from({ length: count }, (_, i) => permuted(i, count, HALVES, 0));
  const placing = Math.ceil(count / 2);
  return { placing: order.slice(0, placing).sort((a, b) => a - b), judged: order.slice(placing).sort((a, b) => a - b) };
}

/** Scores of normal images that the model was not trained on, and of others if there are such. */
export function judge(normal: Float64Array, others: Float64Array | undefined, falseAlarms: number): Judgement {
  if (normal.length < 2)
    throw new Error(`anomaly: ${normal.length} normal images to place a threshold and to judge it; two or more are needed`);
  const { placing, judged } = halves(normal.length);
  const pick = (numbers: readonly number[]) => Float64Array.from(numbers, (i) => normal[i]);
  const threshold = thresholdAt(falseAlarms, pick(placing));
  const share = (scores: Float64Array): Share => {
    const count = above(threshold.value, scores);
    return { count, of: scores.length, ...shareInterval(count, scores.length) };
  };
  return {
    ...{ threshold, falseAlarms: share(pick(judged)) },
    ...(others && others.length > 0 && { found: share(others), auroc: auroc(normal, others) }),
  };
}
