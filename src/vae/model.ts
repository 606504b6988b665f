// A variational autoencoder, put together from five parts that know nothing of each other, and its loss. All losses are nats per
// example: summed over the dimensions of an example, averaged over the batch, with reconstruction and KL told apart.

import type { Tensor } from "../index.ts";
import type { Gaussian, Posterior, Prior } from "./gaussian.ts";
import { type Layer, type Pass, prefixed } from "./layers.ts";
import type { Likelihood } from "./likelihoods.ts";

export interface Parts {
  /** Of one example: [784], or [28, 28, 1]. */
  readonly shape: readonly number[];
  readonly latent: number;
  readonly encoder: Layer;
  readonly posterior: Posterior;
  readonly prior: Prior;
  readonly decoder: Layer;
  readonly likelihood: Likelihood;
  /** What the KL is multiplied by in the loss. 1 is the ELBO. */
  readonly beta: number;
}

/** What a model was made from, as plain JSON: `build` makes it again. */
export interface VaeConfig {
  /** A name in the list of models.ts. */
  readonly model: string;
  readonly [setting: string]: string | number | readonly number[];
}

/** In nats per example. */
export interface Terms<T> {
  /** reconstruction + beta · KL. With beta 1 it is the negative ELBO, an upper bound on -log p(x). */
  readonly loss: T;
  /** -log p(x|z), for one z from q(z|x). */
  readonly reconstruction: T;
  /** KL(q(z|x) ‖ p(z)), not multiplied by beta. */
  readonly kl: T;
}

export interface ElboOptions extends Pass {
  readonly beta?: number | Tensor;
  /** The standard normal numbers [batch, latent] behind z, to have the same ones elsewhere. Drawn if left out. */
  readonly noise?: Tensor;
}

export interface Vae extends Pick<Parts, "shape" | "latent" | "prior" | "likelihood" | "beta"> {
  readonly config: VaeConfig;
  /** By their names in PyTorch: encoder.0.weight, mean.bias, … */
  readonly parameters: ReadonlyMap<string, Tensor>;
  /** What is saved with the parameters but not trained: encoder.1.running_mean, … */
  readonly state: ReadonlyMap<string, Tensor>;
  /** q(z|x). x is [batch, ...shape], or anything with as many values per example. */
  encode(x: Tensor, pass?: Pass): Gaussian;
  /** The parameters of p(x|z), which `likelihood.mean` turns into pictures. z is [batch, latent]. */
  decode(z: Tensor, pass?: Pass): Tensor;
  /** -log p(x|z) and KL for each example, [batch]. */
  elbo(x: Tensor, noise?: Tensor, pass?: Pass): Omit<Terms<Tensor>, "loss">;
  /** The loss and its two parts, scalars. */
  terms(x: Tensor, options?: ElboOptions): Terms<Tensor>;
  /** What remains of x: the mean picture at the mean of q(z|x). */
  reconstruct(x: Tensor): Tensor;
  /** Mean pictures at latents from the prior. */
  sample(count: number): Tensor;
  dispose(): void;
  [Symbol.dispose](): void;
}

export function vae(config: VaeConfig, parts: Parts): Vae {
  const { shape, latent, encoder, posterior, prior, decoder, likelihood, beta } = parts;
  const parameters = new Map([
    ...prefixed("encoder", encoder.parameters),
    ...posterior.parameters,
    ...prefixed("prior", prior.parameters),
    ...prefixed("decoder", decoder.parameters),
    ...prefixed("likelihood", likelihood.parameters),
  ]);
  const state = new Map([...prefixed("encoder", encoder.state), ...prefixed("decoder", decoder.state)]);
  const size = shape.reduce((n, d) => n * d, 1);

  const examples = (x: Tensor): Tensor => {
    if (x.rank < 2 || x.size !== x.shape[0] * size)
      throw new Error(`vae: examples are [${shape.join(", ")}] here; ${x} is no batch of them`);
    const values = x.storage?.block.host; // values that are at hand are checked; the data of a training is checked once, before it starts
    if (values?.length === x.size) likelihood.check(values, size);
    return x.reshape([x.shape[0], ...shape]);
  };
  const encode = (x: Tensor, pass?: Pass) => posterior.of(encoder.forward(examples(x), pass));
  const decode = (z: Tensor, pass?: Pass): Tensor => {
    if (z.rank !== 2 || z.shape[1] !== latent) throw new Error(`vae: latents are [batch, ${latent}], not ${z}`);
    return decoder.forward(z, pass).reshape([z.shape[0], ...shape, ...(likelihood.outputs === 1 ? [] : [likelihood.outputs])]);
  };
  const elbo = (x: Tensor, noise?: Tensor, pass?: Pass) => {
    const q = encode(x, pass);
    const z = q.sample(noise);
    return { reconstruction: likelihood.logProb(examples(x), decode(z, pass)).neg(), kl: prior.kl(q, z) };
  };
  const dispose = () => {
    for (const t of [...parameters.values(), ...state.values()]) t.dispose();
  };

  return {
    ...{ config, parameters, state, shape, latent, prior, likelihood, beta },
    ...{ encode, decode, elbo, dispose, [Symbol.dispose]: dispose },
    terms: (x, options = {}) => {
      const each = elbo(x, options.noise, options);
      const reconstruction = each.reconstruction.mean();
      const kl = each.kl.mean();
      return { loss: reconstruction.add(kl.mul(options.beta ?? beta)), reconstruction, kl };
    },
    reconstruct: (x) => likelihood.mean(decode(encode(x).mean)),
    sample: (count) => likelihood.mean(decode(prior.sample(count))),
  };
}
