// Layers for pictures [n, h, w, c]: convolutions up and down, blocks around them, and the way to flat values and back.

import { parameter } from "../index.ts";
import { type ConvOptions, type ConvTransposeOptions, type Pair, pair } from "../kernels/conv/geometry.ts";
import { type Shape, size } from "../tensor/shape.ts";
import { type Draw, type Fan, initializer } from "./initial.ts";
import { type Activation, activations, batchNorm, groupNorm, type Layer, layerNorm, prefixed, sequential } from "./layers.ts";
import { kernelLayout, storedAs } from "./layouts.ts";

export interface ConvLayerOptions extends ConvOptions {
  readonly kernel: number | Pair;
}

/** A convolution from `inputs` to `outputs` channels, and a bias for each of these. */
export function conv2d(inputs: number, outputs: number, { kernel, ...options }: ConvLayerOptions, draw: Draw = initializer(1)): Layer {
  const groups = groupsOf("conv2d", options, inputs, outputs);
  const [kh, kw] = pair("conv2d", "kernel", kernel, 1);
  const fan = { fanIn: (kh * kw * inputs) / groups, fanOut: (kh * kw * outputs) / groups };
  const { weight, bias } = kernels([kh, kw, inputs / groups, outputs], outputs, draw, fan);
  return { parameters: new Map(Object.entries({ weight, bias })), forward: (x) => x.conv2d(weight, options).add(bias) };
}

export interface ConvTransposeLayerOptions extends ConvTransposeOptions {
  readonly kernel: number | Pair;
}

/** The convolution turned round, which makes pictures larger. */
export function convTranspose2d(
  inputs: number,
  outputs: number,
  { kernel, ...options }: ConvTransposeLayerOptions,
  draw: Draw = initializer(1),
): Layer {
  const groups = groupsOf("convTranspose2d", options, inputs, outputs);
  const [kh, kw] = pair("convTranspose2d", "kernel", kernel, 1);
  const [across, down] = pair("convTranspose2d", "stride", options.stride ?? 1, 1);
  const fanOut = (kh * kw * inputs) / groups;
  const fan = { fanIn: (kh * kw * outputs) / groups, fanOut, terms: fanOut / (across * down) };
  const { weight, bias } = kernels([kh, kw, outputs / groups, inputs], outputs, draw, fan);
  return { parameters: new Map(Object.entries({ weight, bias })), forward: (x) => x.convTranspose2d(weight, options).add(bias) };
}

function groupsOf(caller: string, { groups = 1 }: ConvOptions, inputs: number, outputs: number): number {
  if (Number.isInteger(groups) && groups >= 1 && inputs % groups === 0 && outputs % groups === 0) return groups;
  throw new Error(`${caller}: ${groups} groups do not divide ${inputs} channels in and ${outputs} out`);
}

function kernels(shape: Shape, outputs: number, draw: Draw, fan: Fan) {
  const weight = storedAs(parameter(draw(size(shape), "weight", fan), shape), kernelLayout(shape));
  return { weight, bias: parameter(draw(outputs, "bias", fan), [outputs]) };
}

const plain = (forward: Layer["forward"]): Layer => ({ parameters: new Map(), forward });

/** Each pixel becomes a block of scale × scale equal ones. */
export const upsample = (scale: number): Layer => plain((x) => x.upsampleNearest(scale));

/** Pictures as flat values. A `linear` on either side is told the pictures' shape. */
export const flatten: Layer = plain((x) => x.reshape([x.shape[0], -1]));

/** Flat values as pictures of a shape [h, w, c]. */
export const unflatten = (shape: Shape): Layer => plain((x) => x.reshape([x.shape[0], ...shape]));

/** What holds the values between layers in bounds. */
export type Norm = "none" | "batch" | "group" | "layer";
export const norms: Readonly<Record<Norm, (channels: number) => Layer[]>> = {
  none: () => [],
  batch: (channels) => [batchNorm(channels)],
  group: (channels) => [groupNorm(groupsFor(channels), channels)],
  layer: (channels) => [layerNorm(channels)], // over the channels of each pixel
};

/** Eight groups where eight divides the channels; else as many as divide both. */
const groupsFor = (channels: number): number => [8, 4, 2, 1].find((groups) => channels % groups === 0) as number;

export interface ResidualOptions {
  readonly norm?: Norm;
  readonly activation?: Activation;
}

/**
 * y = activation(skip(x) + norm(conv(activation(norm(conv(x)))))), both 3 x 3: the first form of the block, activated after the sum
 * ("Deep Residual Learning for Image Recognition", He et al. 2015). `skip` is x itself, or a 1 x 1 convolution where channels change.
 */
export function residual(
  inputs: number,
  outputs: number,
  { norm = "none", activation = "relu" }: ResidualOptions = {},
  draw: Draw = initializer(1),
): Layer {
  const same = { kernel: 3, padding: 1 };
  const first = conv2d(inputs, outputs, same, draw);
  const body = sequential(
    ...[first, ...norms[norm](outputs), activations[activation]],
    ...[conv2d(outputs, outputs, same, draw), ...norms[norm](outputs)],
  );
  const skip = inputs === outputs ? plain((x) => x) : conv2d(inputs, outputs, { kernel: 1 }, draw);
  return {
    parameters: new Map([...prefixed("body", body.parameters), ...prefixed("skip", skip.parameters)]),
    state: new Map(prefixed("body", body.state)),
    forward: (x, pass) => activations[activation].forward(skip.forward(x).add(body.forward(x, pass))),
  };
}
