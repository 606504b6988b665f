// Convolutions see more in pictures than dense layers do, in as many epochs.
import { differenceOf } from "../experiment.mjs";
import { losses } from "./pytorch-example.mjs";

const data = "fashion-mnist";
const trainings = {
  dense: { data, options: ["--seed", "1"], epochs: 5 },
  conv28: { data, options: ["--model", "conv28", "--seed", "1"], epochs: 5 },
};

/** @type {import("../experiment.mjs").Experiment} */
export const convolutions = {
  name: "conv-fashion-mnist",
  title: "Fashion-MNIST: conv28 beside the dense model after 5 epochs",
  about: "The convolutional model has 16 latents, the dense one 20. The loss is of the 10,000 test images.",
  published: "Nothing: that convolutions do better is what everybody expects.",
  data,
  steps: Object.entries(trainings).map(([name, settings]) => ({
    name,
    settings,
    minutes: name === "dense" ? 0.5 : 5,
    async run({ train, load }) {
      const { model, metrics } = await load(await train(settings));
      model.dispose();
      return losses(metrics);
    },
  })),
  figures: [
    {
      name: "loss of the dense model less that of conv28",
      ...{ unit: "nats", digits: 2, above: 0 },
      of: ({ dense, conv28 }) => differenceOf(dense?.["loss"], conv28?.["loss"]),
    },
  ],
};
