// A mixture of normal distributions: p(x) = Σk w_k N(x; m_k, C_k). Here is what can be done with one; mixture.ts fits one to rows.
// Everything is computed from logarithms, so that a row far from all components has a density, and belongs to the nearest of them.

import { cholesky, logDeterminant, quadratic } from "./cholesky.ts";
import { stream } from "./random.ts";
import { checkColumns, type Rows } from "./rows.ts";

/** full: any ellipsoid. diagonal: its axes along the columns, which takes fewer rows to estimate. */
export type Covariance = "full" | "diagonal";

/** The numbers of a mixture, which are all there is to it. */
export interface MixtureParameters {
  readonly covariance: Covariance;
  readonly columns: number;
  /** [k], 1 in sum. */
  readonly weights: Float64Array;
  /** [k, columns] */
  readonly means: Float64Array;
  /** [k, columns, columns]; if diagonal, [k, columns]. */
  readonly covariances: Float64Array;
}

export interface Mixture extends MixtureParameters {
  /** log p(x) of each row, in nats. */
  logDensity(x: Rows): Float64Array;
  /** The component of each row that most probably made it. */
  assign(x: Rows): Uint32Array;
  /** [count, columns]: drawn from the mixture. The first ten of a hundred are the ten of the same seed. */
  sample(count: number, seed: number): Float32Array;
}

/** The mixture of these parameters. */
export function mixtureOf(parameters: MixtureParameters): Mixture {
  const { columns, weights } = parameters;
  const k = weights.length;
  const joint = jointDensity(parameters);
  return {
    ...parameters,
    logDensity(x) {
      checkColumns("logDensity", x, columns);
      const terms = new Float64Array(k);
      return Float64Array.from({ length: x.count }, (_, i) => {
        joint(x, i, terms);
        return logSumExp(terms);
      });
    },
    assign(x) {
      checkColumns("assign", x, columns);
      const terms = new Float64Array(k);
      return Uint32Array.from({ length: x.count }, (_, i) => {
        joint(x, i, terms);
        return terms.reduce((best, t, c) => (t > terms[best] ? c : best), 0);
      });
    },
    sample(count, seed) {
      const random = stream(seed);
      const result = new Float32Array(count * columns);
      const factors = factorsOf(parameters);
      for (let i = 0; i < count; i++) {
        let left = random.uniform();
        let c = 0;
        while (c < k - 1 && left >= weights[c]) left -= weights[c++];
        const e = Float64Array.from({ length: columns }, () => random.normal());
        for (let j = 0; j < columns; j++) {
          let v = parameters.means[c * columns + j];
          if (parameters.covariance === "diagonal") v += factors[c][j] * e[j];
          else for (let p = 0; p <= j; p++) v += factors[c][j * columns + p] * e[p];
          result[i * columns + j] = v;
        }
      }
      return result;
    },
  };
}

/** What writes log(w_k N(x; m_k, C_k)) of row i of x into `terms`, for every k. */
export function jointDensity(parameters: MixtureParameters): (x: Rows, i: number, terms: Float64Array) => void {
  const { covariance, columns, weights, means } = parameters;
  const factors = factorsOf(parameters);
  const constants = factors.map((l, c) => {
    const logDet = covariance === "full" ? logDeterminant(l, columns) : 2 * l.reduce((sum, s) => sum + Math.log(s), 0);
    return Math.log(weights[c]) - 0.5 * (logDet + columns * Math.log(2 * Math.PI));
  });
  const d = new Float64Array(columns);
  return ({ values }, i, terms) => {
    for (let c = 0; c < terms.length; c++) {
      const l = factors[c];
      for (let j = 0; j < columns; j++) d[j] = values[i * columns + j] - means[c * columns + j];
      let distance = 0;
      if (covariance === "full") distance = quadratic(l, columns, d);
      else for (let j = 0; j < columns; j++) distance += (d[j] / l[j]) ** 2;
      terms[c] = constants[c] - 0.5 * distance;
    }
  };
}

/** log Σ exp(t), with the largest taken out, so that exp neither overflows nor makes all of them 0. */
export function logSumExp(terms: Float64Array): number {
  let most = Number.NEGATIVE_INFINITY;
  for (const t of terms) most = Math.max(most, t);
  if (!Number.isFinite(most)) return most;
  let sum = 0;
  for (const t of terms) sum += Math.exp(t - most);
  return most + Math.log(sum);
}

/** L with C = L Lᵀ of each component; if diagonal, the standard deviations. */
function factorsOf({ covariance, columns, weights, covariances }: MixtureParameters): Float64Array[] {
  const size = covariance === "full" ? columns * columns : columns;
  return Array.from(weights, (_, c) => {
    const own = covariances.subarray(c * size, (c + 1) * size);
    return covariance === "full" ? cholesky(own, columns) : own.map(Math.sqrt);
  });
}
