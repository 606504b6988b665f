// The first values of a model's parameters: made on the host, so that the same seed gives the same model on every device.

import { threefry, unit } from "../kernels/random/threefry.ts";

/** What feeds one value of a layer's result. */
export interface Fan {
  /** As PyTorch counts it, which of a transposed convolution is the channels that it makes, times the kernel's pixels. */
  readonly fanIn: number;
  /** The products that are really added up. If left out, fanIn. */
  readonly terms?: number;
  /** What one value of its input feeds, as PyTorch counts it. */
  readonly fanOut: number;
}

/** `count` first values of a weight or of a bias. Each call is a stream of its own. */
export type Draw = (count: number, of: "weight" | "bias", fan: Fan) => Float32Array;

/**
 * - `pytorch`: weights and biases uniform within 1/√fanIn, PyTorch's default. Behind each relu the variance falls to a sixth.
 * - `he`: weights uniform within √(6/terms), biases 0: the variance stays ("Delving Deep into Rectifiers", He et al. 2015), and
 *   networks of many layers begin to learn sooner.
 * - `glorot`: weights uniform within √(6/(fanIn + fanOut)), biases 0: a compromise between keeping the variance of values and that of
 *   gradients, for tanh ("Understanding the difficulty of training deep feedforward neural networks", Glorot and Bengio 2010).
 */
export type Initialization = "pytorch" | "he" | "glorot";

const bounds: Readonly<Record<Initialization, (of: "weight" | "bias", fan: Fan) => number>> = {
  pytorch: (_, { fanIn }) => 1 / Math.sqrt(fanIn),
  he: (of, { fanIn, terms = fanIn }) => (of === "bias" ? 0 : Math.sqrt(6 / terms)),
  glorot: (of, { fanIn, fanOut }) => (of === "bias" ? 0 : Math.sqrt(6 / (fanIn + fanOut))),
};
export const initializations = Object.keys(bounds) as readonly Initialization[];

const STREAM = 0x696e6974; // sets these draws apart from the noise of a training with the same seed
const MAX_PARAMETERS = 2 ** 28; // a gigabyte: more is a mistake in a config, noticed before anything is allocated

/** Uniform numbers. */
export function initializer(seed: number, init: Initialization = "pytorch"): Draw {
  const admit = budget(MAX_PARAMETERS, `the ${MAX_PARAMETERS} that Elbo allows`);
  let stream = 0;
  return (count, of, fan) => {
    admit(count);
    const own = stream++;
    const bound = bounds[init](of, fan);
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
