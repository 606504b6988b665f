// C = A · B, as it is defined: each element of C is a row of A times a column of B.
//
// The innermost loop walks down a column of B. Each of its numbers lies in a cache line of its own, of which the next fifteen
// numbers are not used before the line is gone again.

/** @type {import("./processor.mjs").Multiply} */
export function multiply(c, a, b, { m, n, k }) {
  // C[i, j] = Σp A[i, p] · B[p, j]
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let p = 0; p < k; p++) sum += a[i * k + p] * b[p * n + j];
      c[i * n + j] = sum;
    }
  }
}
