// Importance-weighted bounds: k latents for each example, weighted by how well they explain it.

import { grad, randomNormal, type Tensor } from "../../index.ts";
import { gaussian } from "../gaussian.ts";
import type { Vae } from "../model.ts";
import { whole } from "../settings.ts";
import type { Moment, Objective, Terms } from "./objective.ts";

export interface ImportanceSettings {
  /** k, latents for each example: 5 if left out. */
  readonly samples?: number | undefined;
}

export const SAMPLES = 5; // if nothing is said, as in the article's smaller experiment
const MOST = 10_000; // samples

/**
 * loss = -log (1/k) Σ_i w_i, with w_i = p(x|z_i) · p(z_i) / q(z_i|x) and z_i from q(z|x). On average it is never below -log p(x), and comes down to
 * it as k grows; with k = 1 it is the ELBO ("Importance Weighted Autoencoders", Burda et al. 2016).
 */
export function iwae({ samples = SAMPLES }: ImportanceSettings = {}): Objective {
  whole("samples", samples, 1, MOST);
  return {
    name: "iwae",
    formula: `-log mean of ${samples} weights p(x|z) p(z) / q(z|x)`,
    terms: (model, x, now = {}) => {
      const { logWeights, ...parts } = weighed(model, x, samples, now, "attached");
      return { loss: negativeBound(logWeights), ...parts };
    },
  };
}

/**
 * The same loss with another gradient of the encoder: Σ_i w̃_i² · ∂log w_i/∂z_i · ∂z_i/∂φ, where w̃ are the weights divided by their sum and q's own
 * parameters are held still in log w. Its expectation is that of the gradient of `iwae`, but its signal does not drown in noise as k grows
 * ("Doubly Reparameterized Gradient Estimators for Monte Carlo Objectives", Tucker et al. 2019). The decoder's is Σ_i w̃_i · ∂log w_i/∂θ, as there.
 */
export function dreg({ samples = SAMPLES }: ImportanceSettings = {}): Objective {
  const plain = iwae({ samples });
  return {
    name: "dreg",
    formula: plain.formula,
    terms: (model, x, now = {}) => {
      if (now.valuesOnly) return plain.terms(model, x, now); // they are the same
      const { z, still, logWeights, ...parts } = weighed(model, x, samples, now, "still");
      const share = logWeights.softmax(0).stopGradient();
      const loss = negativeBound(logWeights).stopGradient();
      const batch = x.shape[0];
      // The decoder's part, and with it dL/dz for each z: two ways from here, to θ and back to φ, and w̃ belongs on the second once more.
      const downstream = share
        .mul(logWeights)
        .sum()
        .mul(-1 / batch);
      const [dz] = grad(downstream, [still]);
      const upstream = dz
        .mul(share.reshape([samples, batch, 1]))
        .stopGradient()
        .mul(z)
        .sum();
      const slope = downstream.add(upstream); // its gradient is wanted, not its value
      return { loss: loss.add(slope.sub(slope.stopGradient())), ...parts };
    },
  };
}

/** log w for each of k latents of each example, [k, batch], and the parts of the ELBO. */
function weighed(model: Vae, x: Tensor, k: number, now: Moment, gradient: "attached" | "still"): Weighed {
  if (model.beta !== 1)
    throw new Error(`objective: beta ${model.beta} has no place in an importance-weighted bound; make the model with beta 1`);
  const q = model.encode(x, now);
  const batch = x.shape[0];
  const z = q.sample(now.noise ?? randomNormal([k, batch, model.latent]));
  if (z.rank !== 3 || z.shape[0] !== k)
    throw new Error(`objective: noise for ${k} samples is [${k}, ${batch}, ${model.latent}], not ${now.noise}`);
  const still = gradient === "still" ? z.stopGradient() : z;
  const density = gradient === "still" ? gaussian(q.mean.stopGradient(), q.logVariance.stopGradient()) : q;
  // Layers, those of convolutions above all, know one axis of examples: k times the batch.
  const repeated = (t: Tensor): Tensor =>
    t
      .reshape([1, ...t.shape])
      .broadcastTo([k, ...t.shape])
      .reshape([-1, ...t.shape.slice(1)]);
  const decoded = model.decode(still.reshape([k * batch, model.latent]), { ...now, labels: now.labels && repeated(now.labels) });
  const logLikelihood = model.likelihood.logProb(repeated(model.examples(x)), decoded).reshape([k, batch]);
  const logWeights = logLikelihood.add(model.prior.logDensity(still)).sub(density.logDensity(still));
  return { z, still, logWeights, reconstruction: logLikelihood.mean().neg(), kl: model.prior.kl(q, z).mean() };
}

interface Weighed extends Pick<Terms<Tensor>, "reconstruction" | "kl"> {
  readonly z: Tensor;
  /** z, from which no gradient goes on to the encoder, if that was asked for; else z itself. */
  readonly still: Tensor;
  readonly logWeights: Tensor;
}

/** -log (1/k) Σ w, averaged over the batch. */
const negativeBound = (logWeights: Tensor): Tensor => logWeights.logSumExp(0).mean().neg().add(Math.log(logWeights.shape[0]));
