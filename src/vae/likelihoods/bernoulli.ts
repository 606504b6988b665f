// The Bernoulli likelihood, for data of zeros and ones.

import { randomUniform } from "../../index.ts";
import { type Likelihood, type LikelihoodKind, logProbs, refuse } from "./likelihood.ts";

/**
 * x is 0 or 1 with probability sigmoid(l): log p = x · l - softplus(l), which is right at any logit l. Greys between are let in, as in
 * most published examples: then log p is cross-entropy and no log of a probability, and holds a floor that no model gets below.
 */
export function bernoulli(): Likelihood {
  return {
    name: "bernoulli",
    parameters: new Map(),
    outputs: 1,
    support: "bits",
    ...logProbs((x, l) => x.mul(l).sub(l.softplus())),
    mean: (l) => l.sigmoid(),
    sample: (l) => randomUniform(l.shape).less(l.sigmoid()),
    check: (values, size, white = 1) => {
      if (values instanceof Uint8Array && white === 255) return; // no byte can be wrong
      refuse("bernoulli", values, size, (v) => v >= 0 && v <= white, `outside [0, ${white}]; scale the data or choose "gaussian"`);
    },
  };
}

export const bernoulliKind: LikelihoodKind = { of: bernoulli, scales: [] };
