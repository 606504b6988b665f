// Layers: a few parameters and a function of them. Names are those of PyTorch's state_dict, so that saved weights load there.

import { assign, parameter, scalar, type Tensor, where } from "../index.ts";
import { affine, standardized } from "../kernels/norm/normalize.ts";
import { type Shape, size } from "../tensor/shape.ts";
import { type Draw, initializer } from "./initial.ts";
import { biasLayout, linearLayout, storedAs } from "./layouts.ts";

export interface Layer {
  readonly parameters: ReadonlyMap<string, Tensor>;
  /** What belongs to the layer but has no gradient, running averages: saved with the parameters, and no optimizer's business. */
  readonly state?: ReadonlyMap<string, Tensor>;
  forward(x: Tensor, pass?: Pass): Tensor;
}

/** What a layer is told besides x. It is told each time: nothing has a mode that could be forgotten. */
export interface Pass {
  /** Dropout drops, and batchNorm uses the batch's own statistics and remembers them. */
  readonly training?: boolean | undefined;
  /** A number on the device. Where it is 0, a step that changes no parameter is not to change what batchNorm remembers either. */
  readonly remember?: Tensor | undefined;
  /**
   * A number on the device. Where it is not 0, batchNorm goes by what it remembers, in training too, and remembers no more: "FrozenBN"
   * ("Rethinking 'Batch' in BatchNorm", Wu and Johnson 2021). An example's result then depends on no other example.
   */
  readonly frozen?: Tensor | undefined;
}

/**
 * y = x · W + b, for W [inputs, outputs]. Values that come from a picture, or will make one, are said by its shape [h, w, c] instead of
 * their number: x and y are flat all the same, but saving turns them into the order in which PyTorch flattens.
 */
export function linear(inputs: number | Shape, outputs: number | Shape, draw: Draw = initializer(1)): Layer {
  const [from, to] = [inputs, outputs].map((n) => (typeof n === "number" ? [n] : n));
  const [inner, outer] = [size(from), size(to)];
  const fan = { fanIn: inner, fanOut: outer };
  const weight = storedAs(parameter(draw(inner * outer, "weight", fan), [inner, outer]), linearLayout(from, to));
  const bias = storedAs(parameter(draw(outer, "bias", fan), [outer]), biasLayout(to));
  return { parameters: new Map(Object.entries({ weight, bias })), forward: (x) => x.matmul(weight).add(bias) };
}

/** One layer after the other. The parameters and states of layer i are called `i.name`. */
export function sequential(...layers: readonly Layer[]): Layer {
  return {
    parameters: new Map(layers.flatMap((layer, i) => prefixed(`${i}`, layer.parameters))),
    state: new Map(layers.flatMap((layer, i) => prefixed(`${i}`, layer.state))),
    forward: (x, pass) => layers.reduce((y, layer) => layer.forward(y, pass), x),
  };
}

/** Parameters or states under the name of the part that they belong to: `encoder.0.weight`. */
export const prefixed = (prefix: string, tensors: ReadonlyMap<string, Tensor> = new Map()): [string, Tensor][] =>
  Array.from(tensors, ([name, t]) => [`${prefix}.${name}`, t]);

const activation = (forward: (x: Tensor) => Tensor): Layer => ({ parameters: new Map(), forward });

export type Activation = "elu" | "gelu" | "leakyRelu" | "relu" | "sigmoid" | "silu" | "softplus" | "tanh";
export const activations: Readonly<Record<Activation, Layer>> = {
  elu: activation((x) => x.elu()),
  gelu: activation((x) => x.gelu()),
  leakyRelu: activation((x) => x.leakyRelu()),
  relu: activation((x) => x.relu()),
  sigmoid: activation((x) => x.sigmoid()),
  silu: activation((x) => x.silu()),
  softplus: activation((x) => x.softplus()),
  tanh: activation((x) => x.tanh()),
};

/** Drops values while training. */
export const dropout = (rate: number): Layer => ({ parameters: new Map(), forward: (x, pass) => x.dropout(rate, pass) });

/** Over the last axis, within each example. */
export function layerNorm(channels: number, epsilon = 1e-5): Layer {
  const [weight, bias] = [filled(channels, 1), filled(channels, 0)];
  return { parameters: new Map(Object.entries({ weight, bias })), forward: (x) => x.layerNorm(1, { weight, bias, epsilon }) };
}

/** Over each group of channels, within each example. */
export function groupNorm(groups: number, channels: number, epsilon = 1e-5): Layer {
  const [weight, bias] = [filled(channels, 1), filled(channels, 0)];
  return { parameters: new Map(Object.entries({ weight, bias })), forward: (x) => x.groupNorm(groups, { weight, bias, epsilon }) };
}

/**
 * Each channel, the last axis, with the batch's statistics while training, else with the running averages of those. As in PyTorch
 * the batch is scaled by its biased variance, and the average is of the unbiased one.
 */
export function batchNorm(channels: number, { momentum = 0.1, epsilon = 1e-5 }: { momentum?: number; epsilon?: number } = {}): Layer {
  if (!(momentum >= 0 && momentum <= 1)) throw new Error(`batchNorm: momentum ${momentum}; it is from 0 to 1`);
  const [weight, bias] = [filled(channels, 1), filled(channels, 0)];
  const state = { running_mean: filled(channels, 0), running_var: filled(channels, 1), num_batches_tracked: scalar(0, "u32") };

  const forward = (x: Tensor, { training = false, remember, frozen }: Pass = {}): Tensor => {
    if (!training) return x.batchNorm(state.running_mean, state.running_var, { weight, bias, epsilon });
    if (x.rank < 2 || x.shape.at(-1) !== channels) throw new Error(`batchNorm: takes [n, …, ${channels}], not ${x}`);
    const n = x.size / channels;
    if (n < 2) throw new Error(`batchNorm: ${x} has ${n} values per channel, and a variance takes two; train with more examples`);
    const { y, ...batch } = standardized(x, [...x.shape.keys()].slice(0, -1), epsilon);
    const [mean, variance] = [batch.mean, batch.variance].map((t) => t.reshape([channels]));
    const normalized = frozen
      ? x.batchNorm(where(frozen, state.running_mean, mean), where(frozen, state.running_var, variance), { weight, bias, epsilon })
      : affine("batchNorm", y, { weight, bias }, [channels]);
    const counts = frozen ? where(frozen, 0, remember ?? 1) : remember;
    follow(state.running_mean, mean, counts);
    follow(state.running_var, variance.mul(n / (n - 1)), counts);
    assign(state.num_batches_tracked, state.num_batches_tracked.add(counts?.cast("u32") ?? 1), "batchNorm");
    return normalized;
  };
  /** A batch whose statistics are no numbers would spoil the average for good, and changes nothing, as with an optimizer. */
  const follow = (average: Tensor, now: Tensor, remember: Tensor | undefined): void => {
    const moved = average.mul(1 - momentum).add(now.mul(momentum));
    const counts = remember ? moved.isFinite().mul(remember) : moved.isFinite();
    assign(average, where(counts, moved, average), "batchNorm");
  };
  return { parameters: new Map(Object.entries({ weight, bias })), state: new Map(Object.entries(state)), forward };
}

const filled = (count: number, value: number): Tensor => parameter(new Float32Array(count).fill(value), [count]);
