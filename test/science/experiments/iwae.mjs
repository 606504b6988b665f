// "Importance Weighted Autoencoders" (Burda et al. 2016), Table 1, one stochastic layer: its first 13 epochs, and all 3,280 for whoever has days.
import { adam, denseVae, iwae as iwaeBound, readRate, set } from "elbo/node";
import { differenceOf } from "../experiment.mjs";

const data = "mnist";
const BATCH = 20;
const RATE = "steps:1e-3-1e-4:1,4,13,40,121,364,1093ep"; // eight rates 10^(-i/7) · 1e-3, each for 3^i epochs
const SAMPLES = 5000;

/** @param {number} k latents for each image in the bound: 1 is the VAE @param {number} epochs */
const training = (k, epochs) => ({
  data,
  options: [
    `${k === 1 ? "vae" : "iwae"}-${k}`,
    "784-200-200-50",
    "tanh",
    "glorot",
    "bias of the mean image",
    "dynamic",
    `batch ${BATCH}`,
    "eps 1e-4",
    RATE,
  ],
  epochs,
  make,
  /** @param {import("elbo/node").Images} train */
  meaning: ({ count }) => ({
    options: {
      ...{ batch: BATCH, seed: 1, binarize: /** @type {"dynamic"} */ ("dynamic"), ...(k > 1 && { objective: iwaeBound({ samples: k }) }) },
      optimizer: (/** @type {readonly import("elbo/node").Tensor[]} */ parameters) =>
        adam(parameters, { rate: readRate("rate", RATE).rate(Math.floor(count / BATCH)), epsilon: 1e-4 }),
    },
    record: { data, batch: BATCH, seed: 1, binarize: "dynamic", lr: RATE, adamEps: 1e-4, k },
  }),
});

/** The model at its beginning. @param {import("elbo/node").Images} train */
function make(train) {
  const { height, width, channels } = train;
  const model = denseVae({ input: [height, width, channels], hidden: [200, 200], latent: 50, activation: "tanh", init: "glorot", seed: 1 });
  set(/** @type {import("elbo/node").Tensor} */ (model.parameters.get("decoder.4.bias")), meanLogits(train));
  return model;
}

/**
 * The bias of the decoder with which it says the mean image: so the authors' code begins. Without it the bound of the fourth epoch was 115.1 nats
 * instead of 109.9.
 * @param {import("elbo/node").Images} images
 */
function meanLogits({ pixels, count, white }) {
  const size = pixels.length / count;
  const mean = new Float64Array(size);
  for (let i = 0; i < pixels.length; i++) mean[i % size] += pixels[i] / white / count;
  return Float32Array.from(mean, (p) => {
    const within = Math.min(0.999, Math.max(0.001, p));
    return Math.log(within / (1 - within));
  });
}

/** Trains to the end of a stage, from where the stage before it ended. @param {number} k @param {number} epochs @param {number | undefined} before @param {number} minutes */
function stage(k, epochs, before, minutes, count = 1000) {
  const { options } = training(k, epochs);
  /** @type {import("../experiment.mjs").Step} */
  const step = {
    name: `${k === 1 ? "VAE" : `IWAE k=${k}`}, ${epochs} epochs`,
    settings: { data, options, epochs, samples: SAMPLES, images: count },
    minutes,
    async run(tools) {
      const { model, metrics } = await tools.load(await tools.trainHere(training(k, epochs), before));
      try {
        const found = await tools.likelihood(model, data, { samples: SAMPLES, count });
        const { train, test } = metrics[metrics.length - 1];
        return { ...found, elbo: test.reconstruction + test.kl, bound: train.loss };
      } finally {
        model.dispose();
      }
    },
  };
  return step;
}

const early = {
  "VAE, 4 epochs": { nll: 101.82, units: 44, bound: 111.1 },
  "VAE, 13 epochs": { nll: 96.1, units: 21, bound: 103.28 },
  "IWAE k=5, 4 epochs": { nll: 100.54, bound: 107.03 },
  "IWAE k=5, 13 epochs": { nll: 94.77, units: 38, bound: 99.75 },
};

/** @type {import("../experiment.mjs").Experiment} */
const thirteen = {
  name: "iwae-13",
  title: "MNIST, binarized: the first 13 epochs of Table 1 of Burda et al., VAE and IWAE k=5",
  about:
    "784-200-200-50, mirrored, tanh, Glorot's first weights, the decoder's first bias that of the mean image, pixels drawn anew in each step, batch 20, " +
    "Adam with ε 1e-4, the rate 1e-3 · 10^(-i/7) " +
    "for 3^i epochs, i = 0, 1, 2. -log p(x) by 5,000 samples for each of 1,000 test images, evenly spaced from the first to the last (others would differ by a nat: their standard error is 0.8); a unit is active if the variance of its " +
    "posterior mean over the test images is above 0.01; bound: in training, over the last epoch.",
  published: "Computed with NumPy for one seed; of the first bias it is not said what it was.",
  data,
  steps: [stage(1, 4, undefined, 2), stage(1, 13, 4, 3), stage(5, 4, undefined, 3), stage(5, 13, 4, 4)],
  figures: [
    ...Object.entries(early).flatMap(([name, known]) => beside(name, known)),
    {
      name: "13 epochs: -log p(x) of the VAE less that of the IWAE",
      ...{ unit: "nats", digits: 2, above: 0 },
      of: (found) => differenceOf(found["VAE, 13 epochs"]?.["nll"], found["IWAE k=5, 13 epochs"]?.["nll"]),
    },
  ],
};

/** @param {string} name @param {{ nll: number, units?: number, bound: number }} known @returns {import("../experiment.mjs").Figure[]} */
function beside(name, { nll, units, bound }) {
  const isLast = name.includes("13");
  return [
    { name: `${name}: -log p(x)`, unit: "nats", digits: 2, known: nll, within: 1, of: (found) => found[name]?.["nll"] },
    { name: `${name}: bound`, unit: "nats", digits: 2, known: bound, of: (found) => found[name]?.["bound"] },
    {
      name: `${name}: active units`,
      ...{ unit: "", digits: 0, ...(units !== undefined && { known: units }), ...(isLast && { within: 5 }) },
      of: (found) => found[name]?.["activeUnits"],
    },
  ];
}

const STAGES = [13, 40, 121, 364, 1093, 3280];

/** @param {{ k: number, nll: number, hours: number }} row @returns {import("../experiment.mjs").Experiment} */
const full = ({ k, nll, hours }) => ({
  name: `iwae-full-${k}`,
  title: `MNIST, binarized: Table 1 of Burda et al. in full, ${k === 1 ? "VAE" : `IWAE k=${k}`}, 3,280 epochs`,
  about:
    "As above, to the end of the schedule. At the end of each of its stages the run is kept, and scored; at the end on all test images.",
  published: "Burda et al. 2016, Table 1, one stochastic layer, as the README of nbip/IWAE quotes it.",
  data,
  aside: "run by its name only, for it takes from half a day to days: it may be interrupted, and the same command goes on",
  steps: STAGES.map((epochs, i) => {
    const before = STAGES[i - 1];
    const isLast = epochs === STAGES[STAGES.length - 1];
    return stage(k, epochs, before, (60 * hours * (epochs - (before ?? 0))) / 3280, isLast ? 10_000 : 1000);
  }),
  figures: STAGES.map((epochs) => {
    const name = `${k === 1 ? "VAE" : `IWAE k=${k}`}, ${epochs} epochs`;
    const isLast = epochs === STAGES[STAGES.length - 1];
    return {
      name: `${name}: -log p(x)`,
      ...{ unit: "nats", digits: 2, ...(isLast && { known: nll, within: 0.4 }) },
      of: (found) => found[name]?.["nll"],
      words: (found) => found[name] && `${found[name]["activeUnits"]} active units`,
    };
  }),
});

export const iwae = [
  thirteen,
  full({ k: 1, nll: 86.76, hours: 12 }),
  full({ k: 5, nll: 85.54, hours: 18 }),
  full({ k: 50, nll: 84.78, hours: 80 }),
];
