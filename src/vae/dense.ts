// The dense VAE: fully connected layers down to the latents, and up again ("Auto-Encoding Variational Bayes", Kingma and Welling 2014).

import { size } from "../tensor/shape.ts";
import { gaussianPosterior, standardNormal } from "./gaussian.ts";
import { activations, type Draw, initializer, type Layer, linear, sequential } from "./layers.ts";
import { likelihoods } from "./likelihoods.ts";
import { type Vae, type VaeConfig, vae } from "./model.ts";
import { type CheckedOptions, checkedOptions, completed, type ModelKind, type ModelOptions, modelDefaults } from "./options.ts";
import { sizes } from "./settings.ts";

export interface DenseOptions extends ModelOptions {
  /** Values of an example, or its shape: [height, width, channels]. */
  readonly input: number | readonly number[];
  /** Widths of the encoder's layers; the decoder has them in reverse. */
  readonly hidden?: number | readonly number[];
}

export function denseVae(options: DenseOptions, draw?: Draw): Vae {
  const config = checked(options);
  const { input, hidden, latent, likelihood, scale, beta, activation, seed } = config;
  const p = likelihoods[likelihood](scale);
  const from = draw ?? initializer(seed);
  const widths = [input, ...hidden];
  const up = [latent, ...hidden.toReversed()];
  const output = [...input.slice(0, -1), (input.at(-1) as number) * p.outputs];

  const rise = (sizes: readonly (number | readonly number[])[]): Layer[] =>
    sizes.slice(1).flatMap((size, i) => [linear(sizes[i], size, from), activations[activation]]);
  const encoder = sequential(...rise(widths));
  const posterior = gaussianPosterior(hidden.at(-1) as number, latent, from);
  const decoder = sequential(...rise(up), linear(up.at(-1) as number, output, from));

  return vae(config, {
    ...{ shape: input, latent, beta, posterior, decoder, prior: standardNormal(latent), likelihood: p },
    encoder: { ...encoder, forward: (x, pass) => encoder.forward(x.reshape([x.shape[0], size(input)]), pass) },
  });
}

type Config = VaeConfig & CheckedOptions & { readonly input: number[]; readonly hidden: number[] };

const defaults = { input: undefined, hidden: [400], latent: 20, ...modelDefaults };

function checked(options: DenseOptions): Config {
  const all = completed("denseVae", defaults, options);
  return { model: "dense", input: sizes("input", all["input"]), hidden: sizes("hidden", all["hidden"]), ...checkedOptions(all) };
}

export const dense: ModelKind = {
  defaults,
  build: (config, draw) => denseVae(config as VaeConfig & DenseOptions, draw),
  outline: (config) => {
    const { input, hidden, latent } = checked(config as VaeConfig & DenseOptions);
    return [size(input), ...hidden, latent].join("-");
  },
};
