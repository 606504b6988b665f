// C = A · B. What is new: packing. The rows of a block of B lie n numbers apart in memory: on as many pages, and where n is a power
// of two, in the same few places of the cache, from which they drive each other out. So each block is first copied to where its rows
// lie one behind the other, and zeros stand for what it lacks at the edges.

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
      // C[i, j] += Σp A[i, p] · B[p, j], for the p and j of this block
      for (let i = 0; i < m; i++) {
        for (let p = p0; p < p1; p++) {
          const x = a[i * k + p];
          const from = (p - p0) * COLUMNS - j0;
          for (let j = j0; j < j1; j++) c[i * n + j] += x * block[from + j];
        }
      }
    }
  }
}
