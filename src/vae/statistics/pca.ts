// Principal components: the few directions in which rows vary most. With X centred, they are the leading eigenvectors of C = XᵀX / (count - 1).
// Found by subspace iteration: a block of vectors Q is multiplied by C and made orthonormal again, and in its span the eigenproblem is small
// (Rayleigh and Ritz; Halko, Martinsson and Tropp 2011, "Finding structure with randomness"). The products over all rows are the engine's
// (covariance.ts); all else is float64 on the host.

import { tensor } from "../../index.ts";
import { blocks, covariance } from "./covariance.ts";
import { orthonormalize } from "./orthonormal.ts";
import { stream } from "./random.ts";
import { checkColumns, checked, moments, type Rows } from "./rows.ts";
import { type Eigen, eigen } from "./symmetric.ts";

export interface Pca {
  readonly mean: Float64Array;
  /** [kept, columns], orthonormal; of each the entry that is largest in magnitude is positive. */
  readonly components: Float64Array;
  /** Of the rows along each component, the largest first; divided by count - 1. */
  readonly variances: Float64Array;
  /** The variance along all directions, kept or not. */
  readonly total: number;
  readonly kept: number;
  readonly columns: number;
}

const EXTRA = 10; // vectors beside those wanted: the next eigenvalues, which slow the convergence down, are taken along
const ROUNDS = 100;
const TOLERANCE = 1e-4; // of a residual; where eigenvalues are apart, theirs is about the square of it

/** The first `kept` principal components; leading variances are right to about 1e-4 of themselves. */
export async function pca(x: Rows, kept: number): Promise<Pca> {
  checked("pca", x);
  const { count, columns } = x;
  const most = Math.min(count, columns);
  if (count < 2) throw new Error("pca: one row does not vary; two or more are needed");
  if (!(Number.isInteger(kept) && kept >= 1 && kept <= most)) {
    throw new Error(`pca: ${kept} components of ${count} rows of ${columns} columns; 1 to ${most} can be kept`);
  }
  const { mean, variance } = moments(x);
  const total = (variance.reduce((sum, v) => sum + v, 0) * count) / (count - 1);
  const unit = unitOf({ total, columns });
  const times = await covariance(x, mean, unit);

  const random = stream(0);
  const width = Math.min(columns, 2 * kept + EXTRA);
  let q: Float64Array = Float64Array.from({ length: width * columns }, () => random.normal());
  orthonormalize(q, width, columns, random);
  let found: Eigen = { values: new Float64Array(width), vectors: q };
  for (let round = 0; round < ROUNDS; round++) {
    const cq = await times(q, width);
    const small = eigen(products(q, cq, width, columns), width);
    const next = turned(small.vectors, cq, width, columns); // C times the Ritz vectors
    found = { values: small.values, vectors: turned(small.vectors, q, width, columns) };
    if (residual(found, next, kept, columns) <= TOLERANCE || width === columns) break;
    q = next;
    orthonormalize(q, width, columns, random);
  }
  const components = found.vectors.slice(0, kept * columns);
  for (let i = 0; i < kept; i++) fixSign(components.subarray(i * columns, (i + 1) * columns));
  const variances = found.values.slice(0, kept).map((v) => Math.max(0, v) * unit ** 2); // rounding may leave a 0 below 0
  return { mean, components, variances, total, kept, columns };
}

/** What rows are divided by before f32 sees them, so that squares neither overflow nor vanish. */
const unitOf = ({ total, columns }: Pick<Pca, "total" | "columns">): number => Math.sqrt(total / columns) || 1;

/** The coordinates of each row along the components, [count, kept]. */
export async function projected(p: Pca, x: Rows): Promise<Float64Array> {
  checkColumns("projected", x, p.columns);
  const { mean, kept, columns } = p;
  const unit = unitOf(p);
  const axes = tensor(Float32Array.from(p.components), [kept, columns]);
  const result = new Float64Array(x.count * kept);
  for (const { rows, start, count } of blocks(x, mean, unit)) {
    result.set(await tensor(rows, [count, columns]).matmul(axes, { flipB: true }).data(), start * kept);
  }
  return result.map((v) => v * unit);
}

/** The squared distance of each row to the plane of the components: what they leave of it, [count]. */
export async function residuals(p: Pca, x: Rows): Promise<Float64Array> {
  checkColumns("residuals", x, p.columns);
  const { mean, kept, columns } = p;
  const unit = unitOf(p);
  const axes = tensor(Float32Array.from(p.components), [kept, columns]);
  const result = new Float64Array(x.count);
  for (const { rows, start, count } of blocks(x, mean, unit)) {
    const own = tensor(rows, [count, columns]);
    const left = own.sub(own.matmul(axes, { flipB: true }).matmul(axes)); // and not |x|² - |projection|², which cancels near the plane
    result.set(await left.square().sum(1).data(), start);
  }
  return result.map((v) => v * unit ** 2);
}

/** a[i, p] b[j, p] summed over p, made symmetric. */
function products(a: Float64Array, b: Float64Array, rows: number, columns: number): Float64Array {
  const result = new Float64Array(rows * rows);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < rows; j++) {
      let sum = 0;
      for (let p = 0; p < columns; p++) sum += a[i * columns + p] * b[j * columns + p];
      result[i * rows + j] += sum / 2;
      result[j * rows + i] += sum / 2;
    }
  }
  return result;
}

/** The vectors in another basis: sums of the rows of `vectors` with the weights in each row of `weights`. */
function turned(weights: Float64Array, vectors: Float64Array, rows: number, columns: number): Float64Array {
  const result = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let p = 0; p < rows; p++) {
      for (let j = 0; j < columns; j++) result[i * columns + j] += weights[i * rows + p] * vectors[p * columns + j];
    }
  }
  return result;
}

/**
 * The largest |C v - λ v| of the wanted pairs, relative to λ: within that distance of λ lies an eigenvalue (and much nearer where the next
 * is far). What f32 cannot tell from 0 beside the largest eigenvalue is not waited for.
 */
function residual({ values, vectors }: Eigen, cv: Float64Array, kept: number, columns: number) {
  let worst = 0;
  for (let i = 0; i < kept; i++) {
    let sum = 0;
    for (let j = i * columns; j < (i + 1) * columns; j++) sum += (cv[j] - values[i] * vectors[j]) ** 2;
    const scale = Math.max(values[i], 0.1 * values[0]);
    if (scale > 0) worst = Math.max(worst, Math.sqrt(sum) / scale);
  }
  return worst;
}

/** An eigenvector may be turned round: its largest entry becomes positive, the first of those that rounding cannot tell apart. */
function fixSign(v: Float64Array): void {
  const largest = v.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  const first = v.findIndex((x) => Math.abs(x) >= largest * (1 - 1e-4));
  if (v[first] < 0) for (let j = 0; j < v.length; j++) v[j] = -v[j];
}
