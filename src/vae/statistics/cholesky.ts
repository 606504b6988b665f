// The Cholesky factor of a covariance: C = L Lᵀ with L lower triangular. From it follow what a normal density needs, the logarithm of the
// determinant and (x - m)ᵀ C⁻¹ (x - m), without an inverse; and what sampling needs, m + L e (Golub and Van Loan, section 4.2).

/** L of the symmetric positive definite matrix [n, n]. Throws if it is not positive definite. */
export function cholesky(c: Float64Array, n: number): Float64Array {
  const l = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = c[i * n + j];
      for (let p = 0; p < j; p++) sum -= l[i * n + p] * l[j * n + p];
      if (i === j && !(sum > 0)) throw new Error(`cholesky: the matrix is not positive definite, from row ${i} on`);
      l[i * n + j] = i === j ? Math.sqrt(sum) : sum / l[j * n + j];
    }
  }
  return l;
}

/** log det C. */
export function logDeterminant(l: Float64Array, n: number): number {
  let sum = 0;
  for (let i = 0; i < n; i++) sum += 2 * Math.log(l[i * n + i]);
  return sum;
}

/** |L⁻¹ d|² = dᵀ C⁻¹ d. `d` is overwritten. */
export function quadratic(l: Float64Array, n: number, d: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < n; i++) {
    let v = d[i];
    for (let p = 0; p < i; p++) v -= l[i * n + p] * d[p];
    d[i] = v / l[i * n + i];
    sum += d[i] * d[i];
  }
  return sum;
}
