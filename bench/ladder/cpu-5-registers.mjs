// C = A · B. What is new: sums stay in registers. The rungs before load and store an element of C for every product. Here 2 × 4 sums
// are local variables through a whole block: six numbers are loaded for eight products, and nothing is stored. A processor has
// sixteen registers for them; 4 × 4 sums would not fit.

const DEPTH = 64; // rows of a block of B, …
const COLUMNS = 128; // … and its columns: 32 KB

/** @type {import("./processor.mjs").Multiply} */
export function multiply(c, a, b, { m, n, k }) {
  const block = new Float32Array(DEPTH * COLUMNS); // [p][j]
  c.fill(0);
  for (let p0 = 0; p0 < k; p0 += DEPTH) {
    const p1 = Math.min(p0 + DEPTH, k);
    for (let j0 = 0; j0 < n; j0 += COLUMNS) {
      const j1 = Math.min(j0 + COLUMNS, n);
      block.fill(0);
      for (let p = p0; p < p1; p++) block.set(b.subarray(p * n + j0, p * n + j1), (p - p0) * COLUMNS);
      for (let i = 0; i < m; i += 2) {
        const next = Math.min(i + 1, m - 1); // of an odd number of rows the last is computed twice, and stored once
        for (let j = j0; j < j1; j += 4) {
          // C[i, j] += Σp A[i, p] · B[p, j], for two i, four j, and the p of this block
          let s0 = 0,
            s1 = 0,
            s2 = 0,
            s3 = 0; // in row i
          let t0 = 0,
            t1 = 0,
            t2 = 0,
            t3 = 0; // in row i + 1
          for (let p = p0; p < p1; p++) {
            const x = a[i * k + p];
            const y = a[next * k + p];
            const from = (p - p0) * COLUMNS + j - j0;
            const b0 = block[from];
            const b1 = block[from + 1];
            const b2 = block[from + 2];
            const b3 = block[from + 3];
            s0 += x * b0;
            s1 += x * b1;
            s2 += x * b2;
            s3 += x * b3;
            t0 += y * b0;
            t1 += y * b1;
            t2 += y * b2;
            t3 += y * b3;
          }
          add(c, i * n + j, j1 - j, s0, s1, s2, s3);
          if (next > i) add(c, next * n + j, j1 - j, t0, t1, t2, t3);
        }
      }
    }
  }
}

/** Adds four sums to C, or as many as there are columns. @param {Float32Array} c @param {number} at @param {number} columns @param {number} s0 @param {number} s1 @param {number} s2 @param {number} s3 */
function add(c, at, columns, s0, s1, s2, s3) {
  c[at] += s0;
  if (columns > 1) c[at + 1] += s1;
  if (columns > 2) c[at + 2] += s2;
  if (columns > 3) c[at + 3] += s3;
}
