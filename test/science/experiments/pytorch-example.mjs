// The losses of PyTorch's VAE example: the same model, data and training.
import { meanOf } from "../experiment.mjs";

const SEEDS = [1, 2, 3];
const SOURCE =
  "The settings of the VAE in pytorch/examples (784-400-20-400-784, ReLU, greys under a Bernoulli likelihood, Adam at 1e-3, batch 128, 10 epochs, " +
  "PyTorch's first weights), computed with NumPy for seeds 1 to 3";

/** @param {{ data: string, title: string, known: readonly number[], within: number }} row @returns {import("../experiment.mjs").Experiment} */
const example = ({ data, title, known, within }) => ({
  name: `dense-${data}`,
  title: `${title}: test loss of PyTorch's example after 10 epochs`,
  about: "Three trainings. The loss is of the 10,000 test images, one z for each.",
  published: `${SOURCE}: ${known.join(", ")} nats.`,
  data,
  steps: SEEDS.map((seed) => ({
    name: `seed ${seed}`,
    settings: plain(data, seed),
    minutes: 1,
    async run({ train, load }) {
      const { model, metrics } = await load(await train(plain(data, seed)));
      model.dispose();
      return losses(metrics);
    },
  })),
  figures: [
    {
      name: "test loss, mean of three seeds",
      ...{ unit: "nats", digits: 2, known: round(/** @type {number} */ (meanOf(known))), within },
      of: (found) => meanOf(SEEDS.map((seed) => found[`seed ${seed}`]?.["loss"])),
      words: (found) => SEEDS.map((seed) => found[`seed ${seed}`]?.["loss"].toFixed(2) ?? "not run").join(", "),
    },
  ],
});

const round = (/** @type {number} */ x) => Math.round(100 * x) / 100;

/** A training that others can share. @param {string} data @param {number} seed @param {number} latent */
export const plain = (data, seed, latent = 20) => ({ data, options: ["--latent", `${latent}`, "--seed", `${seed}`], epochs: 10 });

/** Of the last epoch. @param {any[]} metrics */
export function losses(metrics) {
  const { train, test } = metrics[metrics.length - 1];
  return { loss: test.loss, reconstruction: test.reconstruction, kl: test.kl, training: train.loss };
}

export const pytorchExample = [
  example({ data: "mnist", title: "MNIST", known: [105.72, 105.64, 105.79], within: 0.6 }),
  example({ data: "fashion-mnist", title: "Fashion-MNIST", known: [244.4, 244.7, 244.0], within: 1 }),
];
