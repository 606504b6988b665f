// The discretized logistic likelihood, for pictures of bytes ("PixelCNN++", Salimans et al. 2017, with one component): a logistic
// distribution, whose density over the width of a byte is the byte's probability. The first and the last byte take the tails.

import { randomUniform, type Tensor } from "../../index.ts";
import { above, isBinary, type Likelihood, type LikelihoodKind, located, logProbs, refuse, type Scale } from "./likelihood.ts";

// As in the article a byte b is the number 2 · b/255 - 1, from -1 to 1, and locations and scales are in these units.
const HALF = 1 / 255; // half the distance from one to the next
const LEAST = -7; // of a log scale: a byte is 8.6 scales wide there, and a narrower one would have no gradient
const MOST = 20; // a byte is 4e-12 scales wide there, and much further on its probability would be 0 in f32, and the loss infinite
const START = -2; // of a learned log scale

/**
 * With a = (x + ½byte - location) / scale and b = (x - ½byte - location) / scale the probability is σ(a) - σ(b), of the first byte σ(a), of the
 * last 1 - σ(b). Written as σ(a) · σ(-b) · (1 - e^(b-a)) nothing cancels, however far x is: each factor has its own logarithm.
 */
export function discretizedLogistic(scale: Scale = "pixel"): Likelihood {
  if (typeof scale === "number") throw new Error(`discretized-logistic: scale ${scale}; it takes "pixel" or "learned"`);
  const { parameters, outputs, of } = located(scale, START);
  const parts = (decoded: Tensor) => {
    const { location, logScale } = of(decoded);
    return { location, logScale: above(LEAST, logScale as Tensor).minimum(MOST) };
  };
  return {
    ...{ name: "discretized-logistic", parameters, outputs, support: "bytes" },
    ...logProbs((x, decoded) => {
      const { location, logScale } = parts(decoded);
      const sharpness = logScale.neg().exp();
      const distance = x.mul(2).sub(1).sub(location);
      const notFirst = x.greater(HALF / 2);
      const notLast = x.less(1 - HALF / 2);
      const below = distance.add(HALF).mul(sharpness).neg().softplus().mul(notLast); // -log σ(a)
      const beyond = distance.sub(HALF).mul(sharpness).softplus().mul(notFirst); // -log σ(-b)
      const width = sharpness
        .mul(-2 * HALF)
        .expm1()
        .neg()
        .log()
        .mul(notFirst.mul(notLast)); // log(1 - e^(b-a))
      return width.sub(below).sub(beyond);
    }),
    /** The mean of the logistic with its tails moved to the ends: scale · (softplus((location + 1) / scale) - softplus((location - 1) / scale)). */
    mean: (decoded) => {
      const { location, logScale } = parts(decoded);
      const sharpness = logScale.neg().exp();
      const integral = (end: number): Tensor => location.add(end).mul(sharpness).softplus();
      return integral(1).sub(integral(-1)).mul(logScale.exp()).mul(0.5).clip(0, 1);
    },
    sample: (decoded) => {
      const { location, logScale } = parts(decoded);
      const u = randomUniform(location.shape).maximum(2 ** -25); // the logarithm of 0 would be no number everywhere
      const x = location.add(u.log().sub(u.neg().log1p()).mul(logScale.exp()));
      return x
        .clip(-1, 1)
        .add(1)
        .mul(127.5)
        .add(0.5)
        .floor()
        .mul(1 / 255);
    },
    check: (values, size, white = 1) => {
      if (values instanceof Uint8Array && white === 255) return;
      const why = `no byte of 0 to 255${white === 255 ? "" : `, as a part of ${white}`}; choose "continuous-bernoulli" or "gaussian"`;
      refuse("discretized-logistic", values, size, (v) => isByte((v / white) * 255), why);
    },
    objection: (values, white) => (isBinary(values, white) ? `only 0 and ${white}; choose "bernoulli"` : undefined),
  };
}

/** To the digits of an f32, in which b / 255 is rounded. */
const isByte = (v: number): boolean => v > -0.5 && v < 255.5 && Math.abs(v - Math.round(v)) < 1e-3;

export const discretizedLogisticKind: LikelihoodKind = { of: discretizedLogistic, scales: ["pixel", "learned"] };
