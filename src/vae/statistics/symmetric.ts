// Eigenvalues and eigenvectors of a small symmetric matrix, by Jacobi's rotations: each makes one pair of entries beside the diagonal zero,
// and sweeps over all pairs converge quadratically (Golub and Van Loan, Matrix Computations, section 8.5). Exact to rounding, also for small
// eigenvalues beside large ones; the time grows with the cube of the size, so it is for some hundreds of rows.

export interface Eigen {
  /** The largest first. */
  readonly values: Float64Array;
  /** [n, n]: row i is the eigenvector of values[i], of length 1. */
  readonly vectors: Float64Array;
}

const SWEEPS = 60; // ten are many

/** Of the symmetric matrix [n, n]. */
export function eigen(matrix: Float64Array, n: number): Eigen {
  const a = Float64Array.from(matrix);
  const v = new Float64Array(n * n);
  for (let i = 0; i < n; i++) v[i * n + i] = 1;
  const size = a.reduce((sum, x) => sum + x * x, 0);

  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    let beside = 0;
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) beside += a[p * n + q] ** 2;
    if (beside <= size * 1e-32) break;
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) rotate(a, v, n, p, q);
  }
  const order = Array.from({ length: n }, (_, i) => i).sort((i, j) => a[j * n + j] - a[i * n + i]);
  const vectors = new Float64Array(n * n);
  for (const [to, from] of order.entries()) vectors.set(v.subarray(from * n, (from + 1) * n), to * n);
  return { values: Float64Array.from(order, (i) => a[i * n + i]), vectors };
}

/** A ← J A Jᵀ with the rotation J of rows p and q after which a[p, q] is 0; the rows of V are turned with it. */
function rotate(a: Float64Array, v: Float64Array, n: number, p: number, q: number): void {
  const apq = a[p * n + q];
  if (apq === 0) return;
  const theta = (a[q * n + q] - a[p * n + p]) / (2 * apq);
  const t = Math.sign(theta || 1) / (Math.abs(theta) + Math.hypot(theta, 1)); // tan of the smaller angle
  const c = 1 / Math.hypot(t, 1);
  const s = t * c;
  for (let i = 0; i < n; i++) {
    const [aip, aiq] = [a[i * n + p], a[i * n + q]];
    a[i * n + p] = c * aip - s * aiq;
    a[i * n + q] = s * aip + c * aiq;
  }
  for (const m of [a, v]) {
    for (let i = 0; i < n; i++) {
      const [mpi, mqi] = [m[p * n + i], m[q * n + i]];
      m[p * n + i] = c * mpi - s * mqi;
      m[q * n + i] = s * mpi + c * mqi;
    }
  }
}
