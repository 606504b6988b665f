// The Gaussian with a mean and a variance for each latent: what an encoder says about z, and the prior that it is held to.

import { randomNormal, type Tensor } from "../index.ts";
import type { Shape } from "../tensor/shape.ts";
import type { Draw } from "./initial.ts";
import { linear, prefixed } from "./layers.ts";

/**
 * One distribution per example: mean and log variance are [batch, latent]. Densities and divergences are [batch], in nats. Noise and z may
 * have an axis more in front, [samples, batch, latent], and so have densities then.
 */
export interface Gaussian {
  readonly mean: Tensor;
  /** log σ², of which any number is allowed. */
  readonly logVariance: Tensor;
  /** z = mean + σ · noise: chance enters from the side, so that gradients reach mean and σ ("Auto-Encoding Variational Bayes", 2014). */
  sample(noise?: Tensor): Tensor;
  /** log N(z; mean, σ²) = -½ Σ ((z - mean)² / σ² + log σ² + log 2π) */
  logDensity(z: Tensor): Tensor;
  /** KL(N(mean, σ²) ‖ N(0, 1)) = ½ Σ (mean² + σ² - 1 - log σ²) */
  klToStandard(): Tensor;
  /** The same before the sum, [batch, latent]: how much each latent says. */
  klPerLatent(): Tensor;
}

export function gaussian(mean: Tensor, logVariance: Tensor): Gaussian {
  // expm1, not exp - 1: of a latent that carries nothing, log σ² is nearly 0 and nothing else remains
  const twice = (): Tensor => mean.square().add(logVariance.expm1().sub(logVariance));
  return {
    mean,
    logVariance,
    sample: (noise = randomNormal(mean.shape)) => mean.add(logVariance.mul(0.5).exp().mul(noise)),
    logDensity: (z) => normalLogDensity(z.sub(mean).square().mul(logVariance.neg().exp()), logVariance),
    klToStandard: () => twice().sum(-1).mul(0.5),
    klPerLatent: () => twice().mul(0.5),
  };
}

/** -½ Σ (distance² + log σ² + log 2π), over the last axis. */
const normalLogDensity = (squaredDistance: Tensor, logVariance: Tensor | number): Tensor =>
  squaredDistance
    .add(logVariance)
    .add(Math.log(2 * Math.PI))
    .sum(-1)
    .mul(-0.5);

/** From the encoder's last layer to q(z|x). */
export interface Posterior {
  readonly parameters: ReadonlyMap<string, Tensor>;
  of(h: Tensor): Gaussian;
}

/** Two linear maps: one to the mean, one to the log variance. Inputs from a picture are said by its shape, as `linear` wants it. */
export function gaussianPosterior(inputs: number | Shape, latent: number, draw: Draw): Posterior {
  const mean = linear(inputs, latent, draw);
  const logVariance = linear(inputs, latent, draw);
  return {
    parameters: new Map([...prefixed("mean", mean.parameters), ...prefixed("logVariance", logVariance.parameters)]),
    of: (h) => gaussian(mean.forward(h), logVariance.forward(h)),
  };
}

/** p(z): what latents look like when nothing is known of x. */
export interface Prior {
  readonly parameters: ReadonlyMap<string, Tensor>;
  sample(count: number): Tensor;
  logDensity(z: Tensor): Tensor;
  /** KL(q ‖ p) for each example: exact where there is a formula, else log q(z) - log p(z) at the sample z. */
  kl(q: Gaussian, z: Tensor): Tensor;
  /** KL(q ‖ p) of each latent, [batch, latent], where it is a sum over latents. */
  readonly klPerLatent?: (q: Gaussian) => Tensor;
}

export const standardNormal = (latent: number): Prior => ({
  parameters: new Map(),
  sample: (count) => randomNormal([count, latent]),
  logDensity: (z) => normalLogDensity(z.square(), 0),
  kl: (q) => q.klToStandard(),
  klPerLatent: (q) => q.klPerLatent(),
});
