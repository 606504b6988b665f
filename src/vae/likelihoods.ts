// Likelihoods: what a decoder's output says about x. Each has a density to train by, a mean to look at, and refuses data that it
// does not fit, because a loss that is computed all the same is wrong without a sign of it.

import { parameter, randomNormal, randomUniform, type Tensor } from "../index.ts";

export interface Likelihood {
  readonly name: string;
  readonly parameters: ReadonlyMap<string, Tensor>;
  /** Numbers that the decoder gives for each value of x. */
  readonly outputs: number;
  /** log p(x | decoded) for each example, in nats, summed over all its values. */
  logProb(x: Tensor, decoded: Tensor): Tensor;
  mean(decoded: Tensor): Tensor;
  sample(decoded: Tensor): Tensor;
  /** Throws if a value of the data (value / white is what a model sees) has no density; `size` values make an example. */
  check(values: ArrayLike<number>, size: number, white?: number): void;
}

/** x is 0 or 1, or a grey between, with probability sigmoid(l): log p = x · l - softplus(l), which is right at any logit l. */
export function bernoulli(): Likelihood {
  return {
    name: "bernoulli",
    parameters: new Map(),
    outputs: 1,
    logProb: (x, l) => perExample(x.mul(l).sub(l.softplus())),
    mean: (l) => l.sigmoid(),
    sample: (l) => randomUniform(l.shape).less(l.sigmoid()),
    check: (values, size, white = 1) => {
      if (values instanceof Uint8Array && white === 255) return; // no byte can be wrong
      refuse("bernoulli", values, size, (v) => v >= 0 && v <= white, `outside [0, ${white}]; scale the data or choose "gaussian"`);
    },
  };
}

/** x = decoded + scale · noise: log p = -½ ((x - decoded) / scale)² - log scale - ½ log 2π. A learned scale is shared by all values. */
export function gaussianLikelihood(scale: number | "learned" = "learned"): Likelihood {
  const fixed = scale === "learned" ? undefined : scale;
  if (fixed !== undefined && !(fixed > 0 && fixed < Number.POSITIVE_INFINITY)) throw new Error(`gaussian: scale ${scale}; it is above 0`);
  const logScale = fixed === undefined ? parameter(-1) : undefined; // e⁻¹ = 0.37, about the deviation of pixels
  const inverse = (): Tensor | number => logScale?.neg().exp() ?? 1 / (fixed as number);
  return {
    name: "gaussian",
    parameters: new Map(logScale ? [["logScale", logScale]] : []),
    outputs: 1,
    logProb: (x, decoded) =>
      perExample(
        x
          .sub(decoded)
          .mul(inverse())
          .square()
          .mul(-0.5)
          .sub(logScale ?? Math.log(fixed as number))
          .sub(0.5 * Math.log(2 * Math.PI)),
      ),
    mean: (decoded) => decoded,
    sample: (decoded) => decoded.add(randomNormal(decoded.shape).div(inverse())),
    check: (values, size) => {
      if (values instanceof Uint8Array) return;
      refuse("gaussian", values, size, Number.isFinite, "not finite; leave such examples out");
    },
  };
}

/** What the names in a config stand for. */
export const likelihoods: Readonly<Record<string, (scale?: number | "learned") => Likelihood>> = {
  bernoulli,
  gaussian: gaussianLikelihood,
};

const perExample = (t: Tensor): Tensor => t.reshape([t.shape[0], -1]).sum(1);

function refuse(name: string, values: ArrayLike<number>, size: number, fits: (v: number) => boolean, why: string): void {
  for (let i = 0; i < values.length; i++) {
    if (fits(values[i])) continue;
    throw new Error(`${name}: value ${i % size} of example ${Math.floor(i / size)} is ${values[i]}, ${why}`);
  }
}
