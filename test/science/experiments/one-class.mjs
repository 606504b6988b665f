// One class against the rest, by the plain VAE: AUROC of the scores of anomalies. Of each class a model of its own.
import { auroc, oneClass } from "elbo/node";
import { markdown } from "../../../bench/markdown.mjs";
import { byClass } from "../../../dist/data/classes.js";
import { differenceOf, meanOf } from "../experiment.mjs";
import { allScores, likelihoodBased, moreScores } from "./one-class-scores.mjs";

/** @typedef {import("../experiment.mjs").Experiment} Experiment @typedef {import("../experiment.mjs").Found} Found */

const CLASSES = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
const stepName = (/** @type {number} */ label) => `class ${label}`;

/**
 * In percent, by class.
 * @typedef {{ score: string, source: string, each: readonly number[], mean?: number }} Known
 * @param {{ data: string, title: string, published: string, known: readonly Known[] }} row @returns {Experiment}
 */
const experiment = ({ data, title, published, known }) => ({
  name: `one-class-${data}`,
  title: `${title}: one class against the rest, AUROC of ${Object.keys(allScores).length} scores`,
  about:
    "For each class the dense model 784-400-20, trained on its training images alone for 20 epochs, scores all 10,000 test images. The best of the " +
    "likelihood-based scores is chosen by these very figures, so that it stands there a little too well.",
  published,
  data,
  steps: CLASSES.map((label) => {
    const training = { data, options: ["--only", `${label}`, "--seed", "1"], epochs: 20 };
    return {
      name: stepName(label),
      settings: { ...training, samples: SAMPLES, scores: Object.keys(allScores) },
      minutes: 0.9,
      async run({ train, load, images, tell }) {
        const { model } = await load(await train(training));
        try {
          tell("scores", 0);
          return { auroc: await areas(model, images(data), label) };
        } finally {
          model.dispose();
        }
      },
    };
  }),
  figures: [
    ...["squared", "bound", "pca", "kl"].map((score) => ({
      name: `mean AUROC by ${score}`,
      ...{ unit: "%", digits: 1, known: mean(known, score), ...(score !== "kl" && { within: 1 }) },
      of: (/** @type {Found} */ found) => meanArea(found, score),
    })),
    {
      name: "best likelihood-based score, mean AUROC",
      ...{ unit: "%", digits: 1 },
      of: (found) => best(found)?.area,
      words: (found) => best(found)?.score,
    },
    {
      name: "the best likelihood-based score less the squared error",
      ...{ unit: "%", digits: 1, above: 0, isHope: true },
      of: (found) => differenceOf(best(found)?.area, meanArea(found, "squared")),
    },
  ],
  table: (found) => areasTable(found, known),
});

const SAME = "The same, computed with NumPy for one seed";
const SAMPLES = 16; // latents of each image, for its bound and its likelihood

/** @param {import("elbo/node").Vae} model @param {{ train: import("elbo/node").Images, test: import("elbo/node").Images }} images @param {number} label */
async function areas(model, { train, test }, label) {
  const found = await oneClass(model, train, test, label, { samples: SAMPLES });
  const own = byClass(train, label).own;
  const parts = byClass(test, label);
  /** @type {Record<string, Float64Array>} */
  const normal = { ...found.normal, ...(await moreScores(model, own, parts.own, found.normal)) };
  /** @type {Record<string, Float64Array>} */
  const others = { ...found.others, ...(await moreScores(model, own, parts.others, found.others)) };
  return Object.fromEntries(Object.keys(allScores).map((name) => [name, 100 * auroc(normal[name], others[name])]));
}

/** @param {Found} found @param {string} score */
const meanArea = (found, score) => meanOf(CLASSES.map((label) => found[stepName(label)]?.["auroc"][score]));

/** @param {Found} found */
function best(found) {
  const all = likelihoodBased.flatMap((score) => {
    const area = meanArea(found, score);
    return area === undefined ? [] : [{ score, area }];
  });
  return all.sort((a, b) => b.area - a.area)[0];
}

/** @param {readonly Known[]} known @param {string} score */
function mean(known, score) {
  const row = /** @type {Known} */ (known.find((one) => one.score === score));
  return row.mean ?? Math.round(10 * /** @type {number} */ (meanOf(row.each))) / 10;
}

/** Ours, the best mean first, and what is published below. @param {Found} found @param {readonly Known[]} known */
function areasTable(found, known) {
  const cell = (/** @type {number | undefined} */ area) => area?.toFixed(1) ?? "";
  const ours = Object.entries(allScores).map(([score, help]) => {
    const each = CLASSES.map((label) => found[stepName(label)]?.["auroc"][score]);
    return { area: meanOf(each), row: [score, ...each.map(cell), cell(meanOf(each)), help.replaceAll("|", "\\|")] };
  });
  const theirs = known.map(({ score, source, each, mean: given }) => {
    return [score, ...(each.length > 0 ? each.map(cell) : CLASSES.map(() => "")), cell(given ?? meanOf(each)), source];
  });
  return markdown([
    ["AUROC, %", ...CLASSES.map(String), "mean", ""],
    ...ours.sort((a, b) => (b.area ?? 0) - (a.area ?? 0)).map(({ row }) => row),
    ...theirs,
  ]);
}

export const oneClassRows = [
  experiment({
    data: "mnist",
    title: "MNIST",
    published: `${SAME}; and Deep SVDD (Ruff et al. 2018), the mean of whose classes is computed from them.`,
    known: [
      { score: "squared", source: "published", mean: 96.9, each: [99.5, 99.9, 94.3, 96.7, 97.2, 97.7, 99.2, 97.4, 89.0, 97.8] },
      { score: "bound", source: "published", mean: 92.2, each: [98.4, 99.9, 85.7, 88.0, 92.2, 92.3, 96.5, 95.5, 78.9, 94.6] },
      { score: "kl", source: "published", mean: 53.3, each: [] },
      { score: "pca", source: "published", mean: 95.5, each: [] },
      { score: "Deep SVDD", source: "published", each: [98.0, 99.7, 91.7, 91.9, 94.9, 88.5, 98.3, 94.6, 93.9, 96.5] },
    ],
  }),
  experiment({
    data: "fashion-mnist",
    title: "Fashion-MNIST",
    published: `${SAME}.`,
    known: [
      { score: "squared", source: "published", mean: 91.1, each: [90.0, 98.9, 88.8, 92.8, 90.2, 88.0, 82.8, 98.3, 83.2, 97.9] },
      { score: "bound", source: "published", mean: 74.6, each: [63.3, 97.2, 52.9, 89.9, 68.1, 92.9, 48.0, 96.1, 51.2, 86.1] },
      { score: "kl", source: "published", mean: 68.4, each: [] },
      { score: "pca", source: "published", mean: 90.4, each: [] },
    ],
  }),
];
