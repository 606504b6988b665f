// The dense VAE: fully connected layers down to the latents, and up again ("Auto-Encoding Variational Bayes", Kingma and Welling 2014).

import { gaussianPosterior, standardNormal } from "./gaussian.ts";
import { type Activation, activations, type Draw, initializer, type Layer, linear, sequential } from "./layers.ts";
import { likelihoods } from "./likelihoods.ts";
import { type Vae, type VaeConfig, vae } from "./model.ts";
import { choice, notNegative, positive, seedOf, sizes, whole } from "./settings.ts";

export interface DenseOptions {
  /** Values of an example, or its shape: [height, width, channels]. */
  readonly input: number | readonly number[];
  /** Widths of the encoder's layers; the decoder has them in reverse. */
  readonly hidden?: number | readonly number[];
  readonly latent?: number;
  readonly likelihood?: "bernoulli" | "gaussian";
  /** Standard deviation of the Gaussian likelihood: fixed, or one learned number. */
  readonly scale?: number | "learned";
  readonly beta?: number;
  readonly activation?: Activation;
  /** Of the first parameters. */
  readonly seed?: number;
}

export function denseVae(options: DenseOptions, draw?: Draw): Vae {
  const config = checked(options);
  const { input, hidden, latent, likelihood, scale, beta, activation, seed } = config;
  const p = likelihoods[likelihood](scale);
  const from = draw ?? initializer(seed);
  const values = input.reduce((n, d) => n * d, 1);
  const widths = [values, ...hidden];

  const rise = (sizes: readonly number[]): Layer[] =>
    sizes.slice(1).flatMap((size, i) => [linear(sizes[i], size, from), activations[activation]]);
  const encoder = sequential(...rise(widths));
  const posterior = gaussianPosterior(widths.at(-1) as number, latent, from);
  const up = [latent, ...hidden.toReversed()];
  const decoder = sequential(...rise(up), linear(up.at(-1) as number, values * p.outputs, from));

  return vae(config, {
    ...{ shape: input, latent, beta, posterior, decoder, prior: standardNormal(latent), likelihood: p },
    encoder: { ...encoder, forward: (x) => encoder.forward(x.reshape([x.shape[0], values])) },
  });
}

type Config = VaeConfig & Required<Omit<DenseOptions, "scale">> & { input: number[]; hidden: number[]; scale?: number | "learned" };

/** The options with every default filled in. They may come from a file, so nothing is taken for granted. */
function checked({ input, hidden, latent, likelihood, scale, beta, activation, seed }: DenseOptions): Config {
  const name = choice("likelihood", likelihood ?? "bernoulli", Object.keys(likelihoods) as NonNullable<DenseOptions["likelihood"]>[]);
  if (name === "bernoulli" && scale !== undefined) throw new Error(`scale: ${scale} is of no use to a bernoulli likelihood`);
  return {
    model: "dense",
    input: sizes("input", input),
    hidden: sizes("hidden", hidden ?? 400),
    latent: whole("latent", latent ?? 20),
    likelihood: name,
    ...(name === "gaussian" ? { scale: scale === undefined || scale === "learned" ? "learned" : positive("scale", scale) } : {}),
    beta: notNegative("beta", beta ?? 1),
    activation: choice("activation", activation ?? "relu", Object.keys(activations) as Activation[]),
    seed: seedOf(seed ?? 1),
  };
}
