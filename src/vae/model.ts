// A variational autoencoder, put together from five parts that know nothing of each other, and its loss. All losses are nats per
// example: summed over the dimensions of an example, averaged over the batch, with reconstruction and KL told apart.

import type { Tensor } from "../index.ts";
import { oneHotOf, withClass } from "./condition.ts";
import type { Gaussian, Posterior, Prior } from "./gaussian.ts";
import { type Layer, type Pass, prefixed } from "./layers.ts";
import type { Likelihood } from "./likelihoods.ts";
import { elbo as elboObjective } from "./objectives/elbo.ts";
import type { Moment, Terms } from "./objectives/objective.ts";

export type { Terms } from "./objectives/objective.ts";

export interface Parts {
  /** Of one example: [784], or [28, 28, 1]. */
  readonly shape: readonly number[];
  /** The shape in which the encoder takes an example, if not in its own. */
  readonly encoded?: readonly number[];
  readonly latent: number;
  /** Of a conditional model, which has as many more inputs in its encoder and its decoder, behind the last axis. 0 if left out. */
  readonly classes?: number | undefined;
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

/** What a model is told besides x or z. */
export interface Given extends Pass {
  /** The class of each example, u32 [batch]: of a conditional model, and of no other. */
  readonly labels?: Tensor | undefined;
}

export interface ElboOptions extends Moment {
  /** Of the loss; the model's own if left out. */
  readonly beta?: number | Tensor;
}

export interface Vae extends Pick<Parts, "shape" | "latent" | "prior" | "likelihood" | "beta"> {
  readonly config: VaeConfig;
  /** Of a conditional model; else 0. */
  readonly classes: number;
  /** By their names in PyTorch: encoder.0.weight, mean.bias, … */
  readonly parameters: ReadonlyMap<string, Tensor>;
  /** What is saved with the parameters but not trained: encoder.1.running_mean, … */
  readonly state: ReadonlyMap<string, Tensor>;
  /** x as [batch, ...shape]. Throws if it is no batch of examples, or holds a value that the likelihood does not fit. */
  examples(x: Tensor): Tensor;
  /** q(z|x). x is [batch, ...shape], or anything with as many values per example. */
  encode(x: Tensor, given?: Given): Gaussian;
  /** The parameters of p(x|z), which `likelihood.mean` turns into pictures. z is [batch, latent]. */
  decode(z: Tensor, given?: Given): Tensor;
  /** -log p(x|z) and KL for each example, [batch]. */
  elbo(x: Tensor, noise?: Tensor, given?: Given): Omit<Terms<Tensor>, "loss">;
  /** The negative ELBO, or with another beta its relative, and its two parts, scalars. Other losses stand in objectives.ts. */
  terms(x: Tensor, options?: ElboOptions): Terms<Tensor>;
  /** What remains of x: the mean picture at the mean of q(z|x). */
  reconstruct(x: Tensor, given?: Given): Tensor;
  /** Mean pictures at latents from the prior. */
  sample(count: number, given?: Given): Tensor;
  dispose(): void;
  [Symbol.dispose](): void;
}

export function vae(config: VaeConfig, parts: Parts): Vae {
  const { shape, encoded = shape, latent, classes = 0, encoder, posterior, prior, decoder, likelihood, beta } = parts;
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
  const encode = (x: Tensor, given: Given = {}): Gaussian => {
    const [batch] = x.shape;
    const values = examples(x).reshape([batch, ...encoded]);
    return posterior.of(encoder.forward(withClass(values, oneHotOf(given.labels, classes, batch)), given));
  };
  const decode = (z: Tensor, given: Given = {}): Tensor => {
    if (z.rank !== 2 || z.shape[1] !== latent) throw new Error(`vae: latents are [batch, ${latent}], not ${z}`);
    const [batch] = z.shape;
    const decoded = decoder.forward(withClass(z, oneHotOf(given.labels, classes, batch)), given);
    return decoded.reshape([batch, ...shape, ...(likelihood.outputs === 1 ? [] : [likelihood.outputs])]);
  };
  const elbo = (x: Tensor, noise?: Tensor, given?: Given) => {
    const q = encode(x, given);
    const z = q.sample(noise);
    return { reconstruction: likelihood.logProb(examples(x), decode(z, given)).neg(), kl: prior.kl(q, z) };
  };
  const dispose = () => {
    for (const t of [...parameters.values(), ...state.values()]) t.dispose();
  };

  const model: Vae = {
    ...{ config, parameters, state, shape, latent, classes, prior, likelihood, beta },
    ...{ examples, encode, decode, elbo, dispose, [Symbol.dispose]: dispose },
    terms: (x, { beta: weight = beta, ...now } = {}) => elboObjective({ beta: weight }).terms(model, x, now),
    reconstruct: (x, given) => likelihood.mean(decode(encode(x, given).mean, given)),
    sample: (count, given) => likelihood.mean(decode(prior.sample(count), given)),
  };
  return model;
}
