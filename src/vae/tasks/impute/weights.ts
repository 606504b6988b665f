// What each of k latents is worth as a draw from p(z|x seen), when it was drawn from q.

import { logSumExp } from "../../statistics/normals.ts";

/** For one example: k latents, each drawn from its own Gaussian, all [k, latent] row by row; and log p(x seen|z) + log p(z) of each, [k]. */
export interface Proposals {
  readonly z: ArrayLike<number>;
  readonly qMean: ArrayLike<number>;
  readonly qLogVariance: ArrayLike<number>;
  readonly logJoint: ArrayLike<number>;
}

/**
 * Weights that sum to 1: w_i ∝ p(x seen|z_i) p(z_i) / ((1/k) Σ_j q_j(z_i)). Each z is weighed as a draw from all k Gaussians together (the balance heuristic,
 * "Optimally Combining Sampling Techniques …", Veach and Guibas 1995): they are as wide together as what is hidden is uncertain, where
 * each alone is too narrow. If all are the same one, as with q(z|x seen), these are the weights of "MIWAE" (Mattei and Frellsen 2019).
 */
export function importanceWeights({ z, qMean, qLogVariance, logJoint }: Proposals, areSame = false): Float64Array {
  const k = logJoint.length;
  const latent = z.length / k;
  const logDensity = (i: number, j: number): number => {
    let sum = latent * Math.log(2 * Math.PI);
    for (let l = 0; l < latent; l++) {
      const logVariance = qLogVariance[j * latent + l];
      sum += (z[i * latent + l] - qMean[j * latent + l]) ** 2 * Math.exp(-logVariance) + logVariance;
    }
    return -0.5 * sum;
  };
  const densities = new Float64Array(k);
  const logWeights = Float64Array.from({ length: k }, (_, i) => {
    if (areSame) return logJoint[i] - logDensity(i, i);
    for (let j = 0; j < k; j++) densities[j] = logDensity(i, j);
    return logJoint[i] - logSumExp(densities);
  });
  const total = logSumExp(logWeights);
  return logWeights.map((log) => Math.exp(log - total));
}

/** As if so many draws had the same weight: 1 / Σ w², between 1 and k. */
export const effectiveSamples = (weights: Float64Array): number => 1 / weights.reduce((sum, w) => sum + w * w, 0);

/** Which of them to take, k with repetition, so that each comes k · w times, rounded up or down: systematic resampling; u is from 0 to 1. */
export function resampled(weights: Float64Array, u: number): number[] {
  const k = weights.length;
  let passed = 0;
  let i = 0;
  return Array.from({ length: k }, (_, n) => {
    while (i < k - 1 && passed + weights[i] <= (n + u) / k) passed += weights[i++];
    return i;
  });
}
