// The models whose training step is timed, by name, and the pictures that they are trained on.
import { digits, shapes } from "elbo/data";
import { convVae, denseVae } from "elbo/vae";

/**
 * `activations` are the values of one example that layers make, latents and logits among them.
 * @typedef {{ batch: number, make(): import("elbo/vae").Vae, pictures(count: number): import("elbo/data").Images, activations: number }} Model
 * @type {Record<string, Model>}
 */
export const models = {
  dense: {
    batch: 128,
    make: () => denseVae({ input: 784, hidden: 400, latent: 20, seed: 1 }),
    pictures: (count) => digits({ count }),
    activations: 2 * 400 + 3 * 20 + 784,
  },
  conv28: {
    batch: 64,
    make: () => convVae({ model: "conv28", seed: 1 }),
    pictures: (count) => digits({ count }),
    activations: 2 * (14 * 14 * 32 + 7 * 7 * 64) + 3 * 16 + 28 * 28,
  },
  conv64: {
    batch: 64,
    make: () => convVae({ model: "conv64", seed: 1 }),
    pictures: (count) => shapes({ count }),
    activations: 2 * (32 * 32 * 32 + 16 * 16 * 32 + 8 * 8 * 32 + 4 * 4 * 32 + 2 * 256) + 3 * 10 + 64 * 64,
  },
};

/**
 * The bytes that a training step moves at least, if products and reductions are kernels: each parameter and its two moments are read and
 * written once; each activation is written once, and read by the next layer and by that layer's weight gradient; its gradient likewise;
 * pictures are read by the first layer, its weight gradient and the loss.
 * @param {Model} model @param {import("elbo/vae").Vae} vae @param {number} batch
 */
export function leastBytes({ activations }, vae, batch) {
  const parameters = [...vae.parameters.values()].reduce((sum, p) => sum + p.size, 0);
  const pixels = vae.shape.reduce((a, b) => a * b);
  return 4 * (6 * parameters + 3 * batch * pixels + 6 * batch * activations);
}
