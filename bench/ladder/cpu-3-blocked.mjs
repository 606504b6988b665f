// C = A · B. What is new: blocks. Rung 2 reads all of B once for each row of A. Here all rows of A pass by one block of B, which
// stays in the first cache until the last of them has used it.
//
// By itself this gains nothing: the arithmetic, with a load and a store for each product, takes longer than memory does. Blocks and
// packing are for what makes it fast: registers, and then SIMD.

const DEPTH = 64; // rows of a block of B, …
const COLUMNS = 128; // … and its columns: 32 KB

/** @type {import("./processor.mjs").Multiply} */
export function multiply(c, a, b, { m, n, k }) {
  c.fill(0);
  for (let p0 = 0; p0 < k; p0 += DEPTH) {
    const p1 = Math.min(p0 + DEPTH, k);
    for (let j0 = 0; j0 < n; j0 += COLUMNS) {
      const j1 = Math.min(j0 + COLUMNS, n);
      // C[i, j] += Σp A[i, p] · B[p, j], for the p and j of this block
      for (let i = 0; i < m; i++) {
        for (let p = p0; p < p1; p++) {
          const x = a[i * k + p];
          for (let j = j0; j < j1; j++) c[i * n + j] += x * b[p * n + j];
        }
      }
    }
  }
}
