// C = A · B. What is new: the order of the loops. The innermost one now walks along a row of B and along a row of C, so every
// cache line that is fetched is used whole, and the next one is fetched ahead of its use. It shows once the lines of a column of B no
// longer stay in the cache until the next column wants them: --size 1024.

/** @type {import("./processor.mjs").Multiply} */
export function multiply(c, a, b, { m, n, k }) {
  c.fill(0);
  // C[i, j] = Σp A[i, p] · B[p, j]
  for (let i = 0; i < m; i++) {
    for (let p = 0; p < k; p++) {
      const x = a[i * k + p];
      for (let j = 0; j < n; j++) c[i * n + j] += x * b[p * n + j];
    }
  }
}
