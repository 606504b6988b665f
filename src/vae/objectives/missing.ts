// Learning from pictures with holes: any objective, on what is left of the examples when some of their pixels are hidden.

import { randomUniform, type Tensor } from "../../index.ts";
import { perExample } from "../likelihoods/likelihood.ts";
import type { Vae } from "../model.ts";
import type { Objective } from "./objective.ts";

/**
 * The objective when each pixel is hidden with probability `share`, others in each step: the encoder sees 0 in its place, and log p(x|z) is that
 * of the pixels seen. With `elbo` it is a lower bound on log p(x seen) ("Handling Incomplete Heterogeneous Data using VAEs", Nazábal et al. 2020),
 * with `iwae` a tighter one ("MIWAE", Mattei and Frellsen 2019). What is hidden never enters the loss, so the model learns q(z|x seen), and imputes.
 */
export function withMissing(objective: Objective, share: number): Objective {
  if (!(share > 0 && share < 1)) throw new Error(`missing: ${share} is not between 0 and 1; with 0 nothing is hidden, with 1 everything`);
  return {
    name: objective.name,
    formula: `${objective.formula}, all of the pixels that are left when each is hidden with probability ${share}`,
    terms: (model, x, now) => objective.terms(seeing(model, seenPixels(model, x.shape[0], share)), x, now),
  };
}

/** 1 at the pixels that are seen, else 0: [batch, h, w, 1] of pictures, whose channels are hidden together. */
function seenPixels({ shape }: Vae, batch: number, share: number): Tensor {
  const places = shape.length === 3 ? [...shape.slice(0, -1), 1] : shape;
  return randomUniform([batch, ...places]).less(1 - share);
}

/** The model as an objective sees it where `seen` is 0 at what nobody may look at. Objectives may repeat the batch, one after the other. */
function seeing(model: Vae, seen: Tensor): Vae {
  const { likelihood } = model;
  const repeated = (times: number): Tensor =>
    seen
      .reshape([1, ...seen.shape])
      .broadcastTo([times, ...seen.shape])
      .reshape([-1, ...seen.shape.slice(1)]);
  return {
    ...model,
    encode: (x, given) => model.encode(model.examples(x).mul(seen), given),
    likelihood: {
      ...likelihood,
      logProb: (x, decoded) => perExample(likelihood.logProbEach(x, decoded).mul(repeated(x.shape[0] / seen.shape[0]))),
    },
  };
}
