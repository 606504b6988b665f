// The continuous Bernoulli likelihood, for greys from 0 to 1: what a Bernoulli's loss lacks to be a density of them ("The continuous
// Bernoulli: fixing a pervasive error in variational autoencoders", Loaiza-Ganem and Cunningham 2019).

import { randomUniform, type Tensor, where } from "../../index.ts";
import { isBinary, type Likelihood, type LikelihoodKind, logProbs, refuse } from "./likelihood.ts";

/** p(x) = e^(x·l) / ∫₀¹ e^(t·l) dt on [0, 1], so log p = x · l - A(l). In the paper's letters l is the logit of λ, and C = (1 + eˡ) / e^A. */
export function continuousBernoulli(): Likelihood {
  return {
    name: "continuous-bernoulli",
    parameters: new Map(),
    outputs: 1,
    support: "unit",
    ...logProbs((x, l) => x.mul(l).sub(logNormalizer(l))),
    mean,
    sample,
    check: (values, size, white = 1) => {
      if (values instanceof Uint8Array && white === 255) return;
      const why = `outside [0, ${white}]; scale the data or choose "gaussian"`;
      refuse("continuous-bernoulli", values, size, (v) => v >= 0 && v <= white, why);
    },
    // at l = ±∞ the density of 1 or 0 is unbounded: of such data alone the loss falls for ever and says nothing
    objection: (values, white) =>
      isBinary(values, white) ? `only 0 and ${white}, at which its density has no bound; choose "bernoulli"` : undefined,
  };
}

const NEAR = 1; // from here on the formulas lose no more digits than the series below, cut after four terms, leaves out: 2e-8

/** Calls `series` near 0, where a formula is 0/0, and `formula` of |l| elsewhere; neither sees what it could not take, nor its gradient. */
function joined(l: Tensor, series: (l: Tensor) => Tensor, formula: (size: Tensor) => Tensor): Tensor {
  const size = l.abs();
  const isNear = size.less(NEAR);
  return where(isNear, series(where(isNear, l, 0)), formula(where(isNear, NEAR, size)));
}

/**
 * A(l) = log ∫₀¹ e^(t·l) dt = log((eˡ - 1) / l) = max(l, 0) + log((1 - e^-|l|) / |l|). Near 0, with log(sinh(u) / u) at u = l/2:
 * A = l/2 + l²/24 - l⁴/2880 + l⁶/181440 - l⁸/9676800 + …
 */
export const logNormalizer = (l: Tensor): Tensor =>
  joined(
    l,
    (near) => {
      const s = near.square();
      return near.mul(0.5).add(s.mul(polynomial(s, [1 / 24, -1 / 2880, 1 / 181_440, -1 / 9_676_800])));
    },
    (size) => size.neg().expm1().neg().div(size).log(),
  ).add(where(l.abs().less(NEAR), 0, l.relu()));

/** A'(l) = 1 / (1 - e^-l) - 1/l, which for -l is 1 - A'(l). Near 0: ½ + l/12 - l³/720 + l⁵/30240 - l⁷/1209600 + … */
function mean(l: Tensor): Tensor {
  const ofSize = joined(
    l.abs(),
    (near) => near.mul(polynomial(near.square(), [1 / 12, -1 / 720, 1 / 30_240, -1 / 1_209_600])).add(0.5),
    (size) => size.neg().expm1().neg().reciprocal().sub(size.reciprocal()),
  );
  return where(l.less(0), ofSize.neg().add(1), ofSize);
}

/** Where the distribution function is u: x = log(1 + u · (e^-|l| - 1)) / -|l| for l below 0, and 1 - x for l above. */
function sample(l: Tensor): Tensor {
  const size = l.abs().maximum(1e-6); // so near 0 it is uniform to seven digits
  const u = randomUniform(l.shape);
  const x = u.mul(size.neg().expm1()).log1p().div(size.neg());
  return where(l.less(0), x, x.neg().add(1));
}

/** c₀ + c₁·x + c₂·x² + c₃·x³ */
const polynomial = (x: Tensor, [c0, c1, c2, c3]: readonly [number, number, number, number]): Tensor =>
  x.mul(c3).add(c2).mul(x).add(c1).mul(x).add(c0);

export const continuousBernoulliKind: LikelihoodKind = { of: continuousBernoulli, scales: [] };
