// Layers: a few parameters and a function of them. Names are those of PyTorch's state_dict, so that saved weights load there.

import { parameter, type Tensor } from "../index.ts";
import { threefry, unit } from "../kernels/random/threefry.ts";

export interface Layer {
  readonly parameters: ReadonlyMap<string, Tensor>;
  forward(x: Tensor): Tensor;
}

/** y = x · W + b. W is stored [inputs, outputs]: the transpose of PyTorch's, which saving turns round. */
export function linear(inputs: number, outputs: number, draw: Draw = initializer(1)): Layer {
  const bound = 1 / Math.sqrt(inputs); // PyTorch's default, for weight and bias
  const weight = parameter(draw(inputs * outputs, bound), [inputs, outputs]);
  const bias = parameter(draw(outputs, bound), [outputs]);
  return { parameters: new Map(Object.entries({ weight, bias })), forward: (x) => x.matmul(weight).add(bias) };
}

/** One layer after the other. The parameters of layer i are called `i.name`. */
export function sequential(...layers: readonly Layer[]): Layer {
  return {
    parameters: new Map(layers.flatMap((layer, i) => prefixed(`${i}`, layer.parameters))),
    forward: (x) => layers.reduce((y, layer) => layer.forward(y), x),
  };
}

/** Parameters under the name of the part that they belong to: `encoder.0.weight`. */
export const prefixed = (prefix: string, parameters: ReadonlyMap<string, Tensor>): [string, Tensor][] =>
  Array.from(parameters, ([name, t]) => [`${prefix}.${name}`, t]);

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

/** The first values of a model's parameters: `count` numbers within ±bound. Each call is a stream of its own. */
export type Draw = (count: number, bound: number) => Float32Array;

const STREAM = 0x696e6974; // sets these draws apart from the noise of a training with the same seed
const MAX_PARAMETERS = 2 ** 28; // a gigabyte: more is a mistake in a config, noticed before anything is allocated

/** Uniform numbers, made on the host: the same seed gives the same model on every device. */
export function initializer(seed: number): Draw {
  const admit = budget(MAX_PARAMETERS, `the ${MAX_PARAMETERS} that Elbo allows`);
  let stream = 0;
  return (count, bound) => {
    admit(count);
    const own = stream++;
    return Float32Array.from({ length: count }, (_, i) => bound * (2 * unit(threefry(seed, own, STREAM, i)[0]) - 1));
  };
}

/** Zeros, for parameters that will be read from a file, which has `limit` of them. */
export function blank(limit: number): Draw {
  const admit = budget(limit, `the ${limit} in the file`);
  return (count) => {
    admit(count);
    return new Float32Array(count);
  };
}

/** Adds up parameters, and throws before they are too many. */
function budget(limit: number, what: string): (count: number) => void {
  let total = 0;
  return (count) => {
    total += count;
    if (!(total <= limit)) throw new Error(`model: ${total} parameters or more, which exceeds ${what}`);
  };
}
