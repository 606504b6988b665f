// The VAE of convolutions: pictures shrink on their way to the latents, and grow again in the mirror.

import { conv2d, convTranspose2d, flatten, type Norm, norms, residual, unflatten, upsample } from "./conv-layers.ts";
import { outputPadding, type Steps, sizesAlong, UnfitSizeError } from "./conv-sizes.ts";
import { gaussianPosterior, standardNormal } from "./gaussian.ts";
import { type Draw, initializer } from "./initial.ts";
import { activations, dropout, type Layer, linear, sequential } from "./layers.ts";
import { likelihoodOf } from "./likelihoods.ts";
import { type Vae, type VaeConfig, vae } from "./model.ts";
import { type CheckedOptions, checkedOptions, completed, type ModelKind, type ModelOptions, modelDefaults } from "./options.ts";
import { choice, sizes, whole } from "./settings.ts";

export interface ConvVaeOptions extends ModelOptions {
  /** Where the options begin: `conv28` or `conv64`, below, or `conv`, which is conv28 for any size. */
  readonly model?: "conv" | "conv28" | "conv64";
  /** [height, width, channels] of a picture. */
  readonly input?: readonly number[];
  /** Of each convolution on the way down; the decoder has them in reverse. */
  readonly channels?: readonly number[];
  readonly kernel?: number;
  readonly stride?: number;
  /** Zeros on each side. If left out, as many as make a layer divide the size by its stride. */
  readonly padding?: number;
  /** Widths of the dense layers between the last convolution and the latents, and in reverse behind them. */
  readonly hidden?: readonly number[];
  /** Behind every layer but the last. "group" is of eight groups, "layer" over the channels of each pixel. */
  readonly norm?: Norm;
  /** Residual blocks at each size that a convolution makes, in the encoder and in the decoder. */
  readonly residual?: number;
  /** How pictures grow: by the convolution turned round, or by repeating pixels before a 3 x 3 convolution. */
  readonly decoder?: "transposed" | "upsample";
  /** The part of all values that is dropped while training. */
  readonly dropout?: number;
}

/** For MNIST and its like: 28 x 28, down to 7 x 7 with 64 channels, and straight to the latents. */
const conv28Defaults = {
  ...{ input: [28, 28, 1], channels: [32, 64], kernel: 4, stride: 2, padding: undefined, hidden: [], latent: 16 },
  ...{ norm: "none", residual: 0, decoder: "transposed", dropout: 0, ...modelDefaults },
};

/** For dSprites and its like: the model of "Understanding disentangling in β-VAE" (Burgess et al. 2018). */
const conv64Defaults = { ...conv28Defaults, input: [64, 64, 1], channels: [32, 32, 32, 32], hidden: [256, 256], latent: 10 };

const presets = { conv: { ...conv28Defaults, input: undefined }, conv28: conv28Defaults, conv64: conv64Defaults };

export function convVae(options: ConvVaeOptions = {}, draw?: Draw): Vae {
  const config = checked(options);
  const { input, kernel, stride, padding, hidden, latent, classes = 0, likelihood, scale, activation, norm, decoder: way } = config;
  const p = likelihoodOf(likelihood, scale);
  const from = draw ?? initializer(config.seed, config.init);
  const shapes = resolutions(config);
  const smallest = shapes.at(-1) as Shape3;
  const after = (channels: number): Layer[] => [
    ...norms[norm](channels),
    activations[activation],
    ...(config.dropout > 0 ? [dropout(config.dropout)] : []),
  ];
  const blocks = (channels: number): Layer[] =>
    Array.from({ length: config.residual }, () => residual(channels, channels, { norm, activation }, from));
  const shrink = (channels: number, y: Shape3): Layer => conv2d(channels, y[2], { kernel, stride, padding }, from);
  const grow = (x: Shape3, y: Shape3, channels: number): Layer[] => {
    if (way === "upsample") return [upsample(stride), conv2d(x[2], channels, { kernel: 3, padding: 1 }, from)];
    const more = [0, 1].map((axis) => outputPadding(y[axis], x[axis], steps(config)));
    return [convTranspose2d(x[2], channels, { kernel, stride, padding, outputPadding: [more[0], more[1]] }, from)];
  };

  const encoder = sequential(
    ...shapes.slice(1).flatMap((y, i) => [shrink(shapes[i][2] + (i === 0 ? classes : 0), y), ...after(y[2]), ...blocks(y[2])]),
    flatten,
    ...hidden.flatMap((width, i) => [linear(hidden[i - 1] ?? smallest, width, from), ...after(width)]),
  );
  const posterior = gaussianPosterior(hidden.at(-1) ?? smallest, latent, from);
  const up = [latent + classes, ...hidden.toReversed()];
  const decoder = sequential(
    ...up.slice(1).flatMap((width, i) => [linear(up[i], width, from), ...after(width)]),
    ...[linear(up.at(-1) as number, smallest, from), unflatten(smallest), ...after(smallest[2])],
    ...shapes.slice(1).flatMap((_, i) => {
      const [y, x] = shapes.slice(-2 - i);
      const isLast = i === shapes.length - 2;
      return [...blocks(x[2]), ...grow(x, y, isLast ? y[2] * p.outputs : y[2]), ...(isLast ? [] : after(y[2]))];
    }),
  );
  return vae(config, {
    shape: input,
    latent,
    classes,
    beta: config.beta,
    encoder,
    posterior,
    prior: standardNormal(latent),
    decoder,
    likelihood: p,
  });
}

type Shape3 = readonly [height: number, width: number, channels: number];
type Config = VaeConfig & CheckedOptions & Required<Omit<ConvVaeOptions, keyof ModelOptions>> & { readonly input: Shape3 };

/** Of the input and after each convolution. */
function resolutions(config: Config): Shape3[] {
  const [height, width, channels] = config.input;
  const [heights, widths] = [height, width].map((side) => sizesAlong(side, steps(config)));
  if (!heights || !widths) throw new UnfitSizeError(height, width, steps(config));
  return [channels, ...config.channels].map((c, i) => [heights[i], widths[i], c]);
}

const steps = ({ channels, kernel, stride, padding, decoder }: Config): Steps => ({
  ...{ layers: channels.length, kernel, stride, padding, decoder },
});

function checked(options: ConvVaeOptions): Config {
  const model = choice("model", options.model ?? "conv", Object.keys(presets) as (keyof typeof presets)[]);
  const all = completed("convVae", presets[model], options);
  if (all["input"] === undefined) throw new Error("convVae: input is missing: [height, width, channels] of a picture");
  const [height, width, channels, ...rest] = sizes("input", all["input"]);
  if (channels === undefined || rest.length > 0) throw new Error(`input: ${JSON.stringify(all["input"])} is not [height, width, channels]`);
  const kernel = whole("kernel", all["kernel"]);
  const stride = whole("stride", all["stride"]);
  const hidden = all["hidden"];
  return {
    ...{ model, input: [height, width, channels], channels: sizes("channels", all["channels"]), kernel, stride },
    padding: whole("padding", all["padding"] ?? Math.max(0, Math.ceil((kernel - stride) / 2)), 0, kernel - 1),
    hidden: Array.isArray(hidden) && hidden.length === 0 ? [] : sizes("hidden", hidden),
    norm: choice("norm", all["norm"], Object.keys(norms) as Norm[]),
    residual: whole("residual", all["residual"], 0, 64),
    decoder: choice("decoder", all["decoder"], ["transposed", "upsample"]),
    dropout: rate(all["dropout"]),
    ...checkedOptions(all),
  };
}

function rate(value: unknown): number {
  if (typeof value === "number" && value >= 0 && value < 1) return value;
  throw new Error(`dropout: ${JSON.stringify(value)} is not a number from 0 up to, but not including, 1`);
}

const kind = (model: keyof typeof presets): ModelKind => ({
  defaults: presets[model],
  build: (config, draw) => convVae({ ...(config as ConvVaeOptions), model }, draw),
  outline: (config) => {
    const all = checked({ ...(config as ConvVaeOptions), model });
    return [...resolutions(all).map((shape) => shape.join("x")), ...all.hidden, all.latent].join("-");
  },
});
export const conv: ModelKind = kind("conv");
export const conv28: ModelKind = kind("conv28");
export const conv64: ModelKind = kind("conv64");
