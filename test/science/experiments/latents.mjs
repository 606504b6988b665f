// What a linear classifier and k-means make of the codes, beside what they make of as many principal components of the pixels.
import { clusterAgreement, clusterRows, embed, linearProbe, pixelComponents } from "elbo/node";
import { plain } from "./pytorch-example.mjs";

const data = "mnist";
const LATENTS = [2, 10, 20];
const CLUSTERS = 10;
const stepName = (/** @type {number} */ latent) => `${latent} latents`;

/** @type {readonly { key: string, name: string, unit: string, digits: number }[]} */
const KINDS = [
  { key: "probe", name: "linear probe", unit: "%", digits: 2 },
  { key: "adjustedRand", name: "k-means, adjusted Rand index", unit: "", digits: 3 },
  { key: "information", name: "k-means, normalized mutual information", unit: "", digits: 3 },
];

/** @type {import("../experiment.mjs").Experiment} */
export const latents = {
  name: "latents-mnist",
  title: "MNIST: linear probe and k-means on 2, 10 and 20 latents",
  about:
    `The dense model after 10 epochs. Both are fitted to the codes of the 60,000 training images; the probe's figure is the share of test images ` +
    `that it is right about, and ${CLUSTERS} clusters are compared with the labels of the test images.`,
  published: "Nothing for this model: ours stand beside the same on principal components of the pixels, which need no model.",
  data,
  steps: LATENTS.map((latent) => ({
    name: stepName(latent),
    settings: { ...plain(data, 1, latent), clusters: CLUSTERS },
    minutes: 2,
    async run({ train, load, images, tell }) {
      const { model } = await load(await train(plain(data, 1, latent)));
      try {
        const all = images(data);
        tell("codes", 0);
        const [a, b] = [(await embed(model, all.train)).codes, (await embed(model, all.test)).codes];
        const floor = await pixelComponents(all.train, all.test, latent);
        tell("linear probe and k-means", 0);
        const codes = judgedRows(a, b, all);
        tell("the same on principal components", 0.5);
        return { codes, pixels: judgedRows(floor.train, floor.test, all) };
      } finally {
        model.dispose();
      }
    },
  })),
  figures: LATENTS.flatMap((latent) =>
    KINDS.map(({ key, name, unit, digits }) => ({
      name: `${stepName(latent)}: ${name}`,
      ...{ unit, digits },
      of: (/** @type {import("../experiment.mjs").Found} */ found) => found[stepName(latent)]?.["codes"][key],
      words: (/** @type {import("../experiment.mjs").Found} */ found) => {
        const pixels = found[stepName(latent)]?.["pixels"][key];
        return pixels === undefined ? undefined : `${latent} principal components: ${pixels.toFixed(digits)}${unit && ` ${unit}`}`;
      },
    })),
  ),
};

/** @typedef {import("elbo/node").Rows} Rows @param {Rows} train @param {Rows} test @param {{ train: import("elbo/node").Images, test: import("elbo/node").Images }} images */
function judgedRows(train, test, images) {
  const [own, others] = [images.train.labels, images.test.labels];
  if (!own || !others) throw new Error(`${images.train.name}: no labels`);
  const probe = linearProbe({ rows: train, labels: own }, { rows: test, labels: others });
  const groups = clusterRows(train, CLUSTERS, { seed: 1 });
  const { adjustedRand, normalizedMutualInformation } = clusterAgreement(groups.assign(test), others, CLUSTERS);
  return { probe: 100 * probe.test, settled: probe.settled, adjustedRand, information: normalizedMutualInformation };
}
