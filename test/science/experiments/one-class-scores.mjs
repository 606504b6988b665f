// Scores of anomalies that come from likelihoods, beside those that the library has. A Bernoulli likelihood of greys holds their entropy, which
// says nothing of anomalies, and the squared error does better than its nats. Two ways out are tried: to take the entropy away; and to take what
// the decoder says as the mean of a Gaussian, whose variance is fitted to what is left of normal training images, so that the squared error
// is a term of -log p(x), and the question is what the other terms add.
import { encodeImages, pca, pixelRows, projected, reconstructions, residuals, rowsOf, scoreNames, scores, sliceImages } from "elbo/node";
import { entropies } from "../../../dist/vae/tasks/anomaly/floor.js";
import { distances, normalOf } from "../../../dist/vae/tasks/anomaly/normal.js";

/** @typedef {import("elbo/node").Images} Images @typedef {import("elbo/node").Rows} Rows @typedef {import("elbo/node").Vae} Vae @typedef {import("elbo/node").Pca} Pca */
/** @typedef {Readonly<Record<string, Float64Array>>} Scores of each image, larger for more anomalous, by their names */

/** @type {Readonly<Record<string, string>>} */
export const likelihoodScores = {
  "bound above entropy": "negative ELBO less the entropy of the greys",
  "likelihood above entropy": "-log p(x) less the entropy of the greys",
  "excess, codes": "excess, and half the squared distance of the code from normal codes",
  "Gaussian bound": "negative ELBO, the decoder's mean with one variance for all pixels",
  "Gaussian bound, pixels": "the Gaussian bound with a variance for each pixel",
  "Gaussian bound, correlated":
    "the Gaussian bound with the covariance of what is left along its 40 principal components, and one variance beside them",
  "Gaussian, codes": "the Gaussian bound with the distance of the code from normal codes instead of the KL",
  "probabilistic PCA": "-log p(x) of the linear model, with as many components as latents: without a VAE",
};

/** All that are tried, with what they are. @type {Readonly<Record<string, string>>} */
export const allScores = { ...Object.fromEntries(scoreNames.map((name) => [name, scores[name].help])), ...likelihoodScores };

/** Those that come from a VAE's likelihood, of which the best one is looked for. @type {readonly string[]} */
export const likelihoodBased = ["excess", "bound", "likelihood", ...Object.keys(likelihoodScores)].filter(
  (name) => name !== "probabilistic PCA",
);

const COMPONENTS = 40;
const LEAST = 0.1; // of the mean variance, is added to that of each pixel: one that is black in all training images may be another in the next

/**
 * The scores that the library does not have. `given` are those that it has, of the same images.
 * @param {Vae} model @param {Images} normal that it was trained on @param {Images} images @param {Scores} given @returns {Promise<Scores>}
 */
export async function moreScores(model, normal, images, given) {
  const [own, others] = [await leftOf(model, normal), await leftOf(model, images)];
  const { codes, plane } = await normalOf(model, normal);
  const { mean } = await encodeImages(model, images);
  const away = distances(codes, Float64Array.from(mean));
  const floor = entropies(images, images.count);
  const correlated = gaussian(await pca(own, Math.min(COMPONENTS, own.count - 1, own.columns - 1)));

  const variances = variancesOf(own);
  const middle = variances.reduce((sum, v) => sum + v, 0) / variances.length;
  const one = weighed(others, new Float64Array(variances.length).fill(middle));
  const pixels = weighed(
    others,
    variances.map((v) => v + LEAST * middle),
  );
  const joint = await correlated(others);
  const { kl, bound, likelihood, excess } = given;
  return {
    "bound above entropy": bound.map((nats, i) => nats - floor[i]),
    "likelihood above entropy": likelihood.map((nats, i) => nats - floor[i]),
    "Gaussian bound": one.map((nats, i) => nats + kl[i]),
    "Gaussian bound, pixels": pixels.map((nats, i) => nats + kl[i]),
    "Gaussian bound, correlated": joint.map((nats, i) => nats + kl[i]),
    "Gaussian, codes": one.map((nats, i) => nats + away[i] / 2),
    "excess, codes": excess.map((nats, i) => nats + away[i] / 2),
    "probabilistic PCA": await gaussian(plane)(pixelRows(images)),
  };
}

const MOST = 10_000;

/** What the reconstructions leave of the images. @param {Vae} model @param {Images} images @returns {Promise<Rows>} */
async function leftOf(model, images) {
  const some = sliceImages(images, 0, Math.min(MOST, images.count));
  const { pictures } = await reconstructions(model, some);
  const rows = pixelRows(some);
  return rowsOf(
    pictures.map((y, i) => rows.values[i] - y),
    rows.columns,
  );
}

/** The mean square of each column. @param {Rows} rows */
function variancesOf({ values, count, columns }) {
  const sums = new Float64Array(columns);
  for (let i = 0; i < values.length; i++) sums[i % columns] += values[i] ** 2 / count;
  return sums;
}

/** Σ ½ (x / deviation)², the part of -log N(x; 0, variances) that differs between rows. @param {Rows} rows @param {Float64Array} variances */
function weighed({ values, count, columns }, variances) {
  const sums = new Float64Array(count);
  for (let i = 0; i < values.length; i++) sums[Math.floor(i / columns)] += values[i] ** 2 / (2 * variances[i % columns]);
  return sums;
}

/**
 * -log N(x; mean, C) but for a constant: C has the variances of the components along them, and what is left over evenly in all other directions
 * ("Probabilistic principal component analysis", Tipping and Bishop 1999).
 * @param {Pca} plane
 */
function gaussian(plane) {
  const { variances, total, kept, columns } = plane;
  const rest = (total - variances.reduce((sum, v) => sum + v, 0)) / (columns - kept);
  return async (/** @type {Rows} */ rows) => {
    const [along, beside] = [await projected(plane, rows), await residuals(plane, rows)];
    return beside.map((square, i) => {
      let sum = square / rest;
      for (let j = 0; j < kept; j++) sum += along[i * kept + j] ** 2 / Math.max(variances[j], rest);
      return sum / 2;
    });
  };
}
