// A mixture of normals fitted to rows by expectation and maximization (Dempster, Laird and Rubin 1977; Bishop, Pattern Recognition and
// Machine Learning, section 9.2). E: r_ik, the probability that component k made row i. M: weights, means and covariances of the rows
// weighted so. Neither step lowers the likelihood, but where a component closes in on a single row it has no upper bound: so each
// covariance gets a ridge, 10⁻⁶ of the column's own variance, and no density is infinite.

import { kMeans } from "./kmeans.ts";
import { type Covariance, jointDensity, logSumExp, type Mixture, type MixtureParameters, mixtureOf } from "./normals.ts";
import { stream } from "./random.ts";
import { checked, moments, type Rows } from "./rows.ts";

export { type Covariance, type Mixture, type MixtureParameters, mixtureOf } from "./normals.ts";

export interface MixtureOptions {
  readonly seed?: number;
  readonly covariance?: Covariance;
  /** Starts from other clusters of k-means; the most likely end is kept. */
  readonly restarts?: number;
  /** At most so many steps, for each start. */
  readonly iterations?: number;
}

const RIDGE = 1e-6;
const SETTLED = 1e-4; // nats of log likelihood that a row gains in a step: the same in any unit of the columns

/** The most likely mixture of k components that was found. */
export function gaussianMixture(
  x: Rows,
  k: number,
  { seed = 1, covariance = "full", restarts = 1, iterations = 100 }: MixtureOptions = {},
): Mixture {
  checked("gaussianMixture", x);
  if (!(Number.isInteger(k) && k >= 1 && k <= x.count)) {
    throw new Error(`gaussianMixture: ${k} components of ${x.count} rows; a whole number from 1 to ${x.count} is needed`);
  }
  for (const [name, n] of Object.entries({ restarts, iterations })) {
    if (!(Number.isInteger(n) && n >= 1)) throw new Error(`gaussianMixture: ${name} ${n} is not a whole number of 1 or more`);
  }
  if (covariance !== "full" && covariance !== "diagonal")
    throw new Error(`gaussianMixture: covariance "${covariance}" is not full or diagonal`);
  const random = stream(seed);
  let best: { mixture: MixtureParameters; likelihood: number } | undefined;
  for (let start = 0; start < restarts; start++) {
    const found = climb(x, k, covariance, start === 0 ? seed : random.below(2 ** 32), iterations);
    if (!best || found.likelihood > best.likelihood) best = found;
  }
  return mixtureOf(best!.mixture);
}

function climb(x: Rows, k: number, covariance: Covariance, seed: number, iterations: number) {
  const { count, columns } = x;
  const { variance } = moments(x);
  const average = variance.reduce((sum, v) => sum + v, 0) / columns || 1; // for a column that does not vary at all
  const ridge = variance.map((v) => RIDGE * (v || average));

  const r = new Float64Array(count * k); // begins with the clusters of k-means: each row is wholly of one
  kMeans(x, k, { seed, restarts: 2, iterations: 50 }).labels.forEach((c, i) => {
    r[i * k + c] = 1;
  });
  const size = covariance === "full" ? columns * columns : columns;
  let mixture: MixtureParameters = {
    ...{ covariance, columns, weights: new Float64Array(k), means: new Float64Array(k * columns) },
    covariances: Float64Array.from({ length: k * size }, (_, at) => startOf(at % size, covariance, columns, variance, ridge)),
  };
  let likelihood = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < iterations; i++) {
    mixture = maximized(x, r, mixture, ridge);
    const before = likelihood;
    likelihood = expected(x, r, mixture);
    if (likelihood - before <= SETTLED) break;
  }
  return { mixture, likelihood };
}

/** The covariance of all rows along the columns: what a component keeps that gets no rows. */
function startOf(at: number, covariance: Covariance, columns: number, variance: Float64Array, ridge: Float64Array): number {
  if (covariance === "diagonal") return variance[at] + ridge[at];
  const [i, j] = [Math.floor(at / columns), at % columns];
  return i === j ? variance[i] + ridge[i] : 0;
}

/** E: replaces r by the probabilities under the mixture, and returns the mean log likelihood of a row. */
function expected(x: Rows, r: Float64Array, mixture: MixtureParameters): number {
  const k = mixture.weights.length;
  const joint = jointDensity(mixture);
  let sum = 0;
  for (let i = 0; i < x.count; i++) {
    const own = r.subarray(i * k, (i + 1) * k);
    joint(x, i, own);
    const total = logSumExp(own);
    for (let c = 0; c < k; c++) own[c] = Math.exp(own[c] - total);
    sum += total;
  }
  return sum / x.count;
}

const NOBODY = 1e-12; // of a row: what less than this adds to a mean or a covariance is below rounding

/** M: the mixture that the rows make if r is who made them. A component that made none of them stays as it was, with the weight 0. */
function maximized({ values, count, columns }: Rows, r: Float64Array, before: MixtureParameters, ridge: Float64Array): MixtureParameters {
  const { covariance } = before;
  const k = before.weights.length;
  const size = before.covariances.length / k;
  const weights = new Float64Array(k);
  const means = before.means.slice();
  const covariances = before.covariances.slice();
  const d = new Float64Array(columns);
  for (let c = 0; c < k; c++) {
    let made = 0;
    for (let i = 0; i < count; i++) made += r[i * k + c];
    weights[c] = made / count;
    if (made <= NOBODY) continue;

    const mean = means.subarray(c * columns, (c + 1) * columns).fill(0);
    for (let i = 0; i < count; i++) for (let j = 0; j < columns; j++) mean[j] += (r[i * k + c] / made) * values[i * columns + j];

    const own = covariances.subarray(c * size, (c + 1) * size).fill(0);
    for (let i = 0; i < count; i++) {
      const weight = r[i * k + c] / made;
      if (weight * made <= NOBODY) continue; // most rows are nobody's but one component's
      for (let j = 0; j < columns; j++) d[j] = values[i * columns + j] - mean[j];
      if (covariance === "diagonal") for (let j = 0; j < columns; j++) own[j] += weight * d[j] * d[j];
      else for (let j = 0; j < columns; j++) for (let p = 0; p <= j; p++) own[j * columns + p] += weight * d[j] * d[p];
    }
    for (let j = 0; j < columns; j++) own[covariance === "diagonal" ? j : j * columns + j] += ridge[j];
    if (covariance === "full") for (let j = 0; j < columns; j++) for (let p = 0; p < j; p++) own[p * columns + j] = own[j * columns + p];
  }
  return { covariance, columns, weights, means, covariances };
}
