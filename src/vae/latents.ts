// What the latents of a model say of examples, one by one: figures of the posteriors q(z|x), as `encodeImages` gives them: means and log
// variances, each [count, latent] row by row. Sums over examples are float64.

/** KL(q(z_j|x) ‖ N(0, 1)) of each latent j in nats, averaged over the examples: ½ (mean² + σ² - 1 - log σ²), as in gaussian.ts. */
export function klPerLatent(mean: ArrayLike<number>, logVariance: ArrayLike<number>, latent: number): Float64Array {
  const count = examplesIn(mean, latent);
  if (logVariance.length !== mean.length) throw new Error(`latents: ${mean.length} means, but ${logVariance.length} log variances`);
  const kl = new Float64Array(latent);
  for (let i = 0; i < mean.length; i++) kl[i % latent] += mean[i] ** 2 + Math.expm1(logVariance[i]) - logVariance[i];
  return kl.map((sum) => sum / 2 / count);
}

/** The variance over the examples of each latent's posterior mean: how far the latent moves with x. */
export function varianceOfMeans(mean: ArrayLike<number>, latent: number): Float64Array {
  const count = examplesIn(mean, latent);
  const middle = new Float64Array(latent);
  for (let i = 0; i < mean.length; i++) middle[i % latent] += mean[i] / count;
  const variance = new Float64Array(latent);
  for (let i = 0; i < mean.length; i++) variance[i % latent] += (mean[i] - middle[i % latent]) ** 2 / count;
  return variance;
}

/** What is above it counts as moving: units are well apart, below or above. */
export const ACTIVE = 0.01;

/** How many latents have means that vary over the examples ("Importance Weighted Autoencoders", Burda et al. 2016). */
export const activeUnits = (mean: ArrayLike<number>, latent: number, threshold: number = ACTIVE): number =>
  varianceOfMeans(mean, latent).filter((variance) => variance > threshold).length;

function examplesIn(values: ArrayLike<number>, latent: number): number {
  const count = values.length / latent;
  if (count >= 1 && Number.isInteger(count)) return count;
  throw new Error(`latents: ${values.length} numbers are not the ${latent} latents of one or more examples`);
}
