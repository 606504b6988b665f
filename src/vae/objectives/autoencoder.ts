// The plain autoencoder, for contrast.

import { zeros } from "../../index.ts";
import type { Objective } from "./objective.ts";

/**
 * loss = reconstruction at z = the mean: no noise, and nothing holds the latents to the prior, so that samples of it show nothing. The layer
 * that gives log σ² stays as it began, and the KL is 0 by definition, not by measurement.
 */
export const autoencoder = (): Objective => ({
  name: "ae",
  formula: "reconstruction, at the mean of q(z|x)",
  terms: (model, x, now = {}) => {
    const decoded = model.decode(model.encode(x, now).mean, now);
    const reconstruction = model.likelihood.logProb(model.examples(x), decoded).neg().mean();
    return { loss: reconstruction, reconstruction, kl: zeros([]) };
  },
});
