// The inverse of the normal distribution function.

const TAIL = 0.02425;
const A = [-3.969683028665376e1, 2.209460984245205e2, -2.759285104469687e2, 1.38357751867269e2, -3.066479806614716e1, 2.506628277459239];
const B = [-5.447609879822406e1, 1.615858368580409e2, -1.556989798598866e2, 6.680131188771972e1, -1.328068155288572e1, 1];
const C = [-7.784894002430293e-3, -3.223964580411365e-1, -2.400758277161838, -2.549732539343734, 4.374664141464968, 2.938163982698783];
const D = [7.784695709041462e-3, 3.224671290700398e-1, 2.445134137142996, 3.754408661907416, 1];

/**
 * Φ⁻¹(u): below it lies the part u of a standard normal. Rational functions whose relative error is below 1.2 · 10⁻⁹ ("An algorithm for
 * computing the inverse normal cumulative distribution function", Acklam 2003).
 */
export function normalQuantile(u: number): number {
  if (!(u > 0 && u < 1)) throw new Error(`normalQuantile: ${u} is not a number between 0 and 1`);
  if (u > 1 - TAIL) return -normalQuantile(1 - u);
  if (u < TAIL) {
    const q = Math.sqrt(-2 * Math.log(u));
    return polynomial(C, q) / polynomial(D, q);
  }
  const q = u - 0.5;
  return (polynomial(A, q * q) * q) / polynomial(B, q * q);
}

/** The coefficient of the highest power first. */
const polynomial = (coefficients: readonly number[], x: number): number => coefficients.reduce((sum, c) => sum * x + c, 0);
