// The models whose training step is timed, by name, and the pictures that they are trained on.
import { digits, shapes } from "elbo/data";
import { convVae, denseVae } from "elbo/vae";

/** @type {Record<string, { batch: number, make(): import("elbo/vae").Vae, pictures(): import("elbo/data").Images }>} */
export const models = {
  dense: {
    batch: 128,
    make: () => denseVae({ input: 784, hidden: 400, latent: 20, seed: 1 }),
    pictures: () => digits({ count: 128 }),
  },
  conv28: { batch: 64, make: () => convVae({ model: "conv28", seed: 1 }), pictures: () => digits({ count: 64 }) },
  conv64: { batch: 64, make: () => convVae({ model: "conv64", seed: 1 }), pictures: () => shapes({ count: 64 }) },
};
