// The list of likelihoods: what a decoder's output says about x. Each has a density to train by, a mean to look at, and refuses data
// that it does not fit, because a loss that is computed all the same is wrong without a sign of it.

import { bernoulliKind } from "./likelihoods/bernoulli.ts";
import { continuousBernoulliKind } from "./likelihoods/continuous-bernoulli.ts";
import { discretizedLogisticKind } from "./likelihoods/discretized-logistic.ts";
import { gaussianKind } from "./likelihoods/gaussian.ts";
import { isBinary, type Likelihood, type LikelihoodKind, type Scale } from "./likelihoods/likelihood.ts";
import { choice } from "./settings.ts";

export { bernoulli } from "./likelihoods/bernoulli.ts";
export { continuousBernoulli } from "./likelihoods/continuous-bernoulli.ts";
export { discretizedLogistic } from "./likelihoods/discretized-logistic.ts";
export { gaussianLikelihood } from "./likelihoods/gaussian.ts";
export type { Likelihood, LikelihoodKind, Scale, Support } from "./likelihoods/likelihood.ts";

export type LikelihoodName = "bernoulli" | "continuous-bernoulli" | "discretized-logistic" | "gaussian";

/** What the names in a config stand for. */
export const likelihoods: Readonly<Record<LikelihoodName, LikelihoodKind>> = {
  bernoulli: bernoulliKind,
  "continuous-bernoulli": continuousBernoulliKind,
  "discretized-logistic": discretizedLogisticKind,
  gaussian: gaussianKind,
};
export const likelihoodNames: readonly LikelihoodName[] = Object.keys(likelihoods) as LikelihoodName[];

export const likelihoodOf = (name: unknown, scale?: Scale): Likelihood =>
  likelihoods[choice("likelihood", name, likelihoodNames)].of(scale);

/**
 * The likelihood that fits data best, and why: `bernoulli` for zeros and ones; `discretized-logistic` for bytes, because then the loss is
 * the log of a probability and counts bits; `continuous-bernoulli` for other whole greys; `gaussian` for real values.
 */
export function likelihoodFor(values: ArrayLike<number>, white = 1): { readonly name: LikelihoodName; readonly why: string } {
  if (isBinary(values, white)) return { name: "bernoulli", why: `the data are only 0 and ${white}` };
  if (!(values instanceof Uint8Array)) return { name: "gaussian", why: "the data are real values" };
  if (white === 255) return { name: "discretized-logistic", why: "the data are bytes" };
  return { name: "continuous-bernoulli", why: `the data are greys from 0 to ${white}` };
}

/** Bits per value of an example: nats / (size · ln 2). Only of discrete data; `countsBits` says whether a loss can be read so. */
export const bitsPerDimension = (nats: number, size: number): number => nats / (size * Math.LN2);

/** Whether -log p(x|z) of these data is the log of a probability, and not of a density or of no distribution at all. */
export function countsBits({ support }: Likelihood, values: ArrayLike<number>, white: number): boolean {
  return support === "bytes" || (support === "bits" && isBinary(values, white));
}
