// The dense VAE: fully connected layers down to the latents, and up again ("Auto-Encoding Variational Bayes", Kingma and Welling 2014).

import { size } from "../tensor/shape.ts";
import { gaussianPosterior, standardNormal } from "./gaussian.ts";
import { type Draw, initializer } from "./initial.ts";
import { activations, type Layer, linear, sequential } from "./layers.ts";
import { likelihoodOf } from "./likelihoods.ts";
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
  const { input, hidden, latent, classes = 0, likelihood, scale, beta, activation, seed, init } = config;
  const p = likelihoodOf(likelihood, scale);
  const from = draw ?? initializer(seed, init);
  // with the class behind it, a picture is saved as it lies here, channels last: what is one vector has no order of PyTorch's
  const widths = [classes === 0 ? input : size(input) + classes, ...hidden];
  const up = [latent + classes, ...hidden.toReversed()];
  const output = [...input.slice(0, -1), (input.at(-1) as number) * p.outputs];

  const rise = (sizes: readonly (number | readonly number[])[]): Layer[] =>
    sizes.slice(1).flatMap((size, i) => [linear(sizes[i], size, from), activations[activation]]);
  const encoder = sequential(...rise(widths));
  const posterior = gaussianPosterior(hidden.at(-1) as number, latent, from);
  const decoder = sequential(...rise(up), linear(up.at(-1) as number, output, from));

  return vae(config, {
    ...{ shape: input, encoded: [size(input)], latent, classes, beta },
    ...{ encoder, posterior, prior: standardNormal(latent), decoder, likelihood: p },
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
