// The evidence lower bound, and the losses that weigh its KL in another way.

import { Tensor } from "../../index.ts";
import { notNegative } from "../settings.ts";
import type { Objective, Terms } from "./objective.ts";
import { checkWeight, type Weight, weightAt } from "./weights.ts";

export interface ElboSettings {
  /** What the KL is multiplied by; the model's own beta if left out. Above 1: "β-VAE" (Higgins et al. 2017). */
  readonly beta?: Weight | undefined;
  /** Nats that each latent may carry for nothing. */
  readonly freeBits?: number | undefined;
  /** Nats that all latents together are held to. */
  readonly capacity?: Weight | undefined;
}

/**
 * loss = reconstruction + beta · KL. With beta 1 it is the negative ELBO ("Auto-Encoding Variational Bayes", Kingma and Welling 2014).
 * - With `freeBits` λ: + beta · Σ_j max(λ, KL_j), where KL_j is latent j's, averaged over the batch ("Improving Variational Inference with
 *   Inverse Autoregressive Flow", Kingma et al. 2016): a latent below λ is not pushed further down.
 * - With `capacity` C: + beta · |KL - C|, of the KL averaged over the batch ("Understanding disentangling in β-VAE", Burgess et al. 2018).
 */
export function elbo({ beta, freeBits, capacity }: ElboSettings = {}): Objective {
  checkWeight("beta", beta);
  checkWeight("capacity", capacity);
  if (freeBits !== undefined) notNegative("freeBits", freeBits);
  if (freeBits !== undefined && capacity !== undefined)
    throw new Error("objective: freeBits and capacity both bend the KL; give one of them");
  return {
    name: "vae",
    formula: formulaOf({ freeBits, capacity }),
    terms: (model, x, now = {}) => {
      const q = model.encode(x, now);
      const z = q.sample(now.noise);
      const reconstruction = model.likelihood.logProb(model.examples(x), model.decode(z, now)).neg().mean();
      const kl = model.prior.kl(q, z).mean();
      const weight = weightAt(beta ?? model.beta, now.step);
      const target = capacity === undefined ? undefined : weightAt(capacity, now.step);
      let penalty = kl;
      if (target !== undefined) penalty = kl.sub(target).abs();
      if (freeBits !== undefined) {
        if (!model.prior.klPerLatent) throw new Error("freeBits: the KL to this prior is no sum over latents");
        penalty = model.prior.klPerLatent(q).mean(0).maximum(freeBits).sum();
      }
      const terms: Terms<Tensor> = { loss: reconstruction.add(penalty.mul(weight)), reconstruction, kl };
      // constants are known, and a state is known to whoever set it
      return {
        ...terms,
        ...(typeof beta === "function" && weight instanceof Tensor && { beta: weight }),
        ...(typeof capacity === "function" && target instanceof Tensor && { capacity: target }),
      };
    },
  };
}

function formulaOf({ freeBits, capacity }: ElboSettings): string {
  if (freeBits !== undefined) return `reconstruction + beta * (sum over latents j of max(${freeBits}, kl_j))`;
  return capacity === undefined ? "reconstruction + beta * kl" : "reconstruction + beta * |kl - capacity|";
}
