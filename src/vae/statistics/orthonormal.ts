// Vectors made orthonormal, one after another (modified Gram and Schmidt). Each is cleared of the earlier ones twice: after the second time
// they are orthogonal to rounding ("Twice is enough", Parlett 1980). One that depends on the earlier ones is replaced by a random one.

import type { Stream } from "./random.ts";

/** In place: the rows of [rows, n] become orthonormal and span what they spanned. There must be at most n of them. */
export function orthonormalize(vectors: Float64Array, rows: number, n: number, random: Stream): void {
  for (let i = 0; i < rows; i++) {
    const own = vectors.subarray(i * n, (i + 1) * n);
    for (let tries = 0; !clear(own, vectors, i, n); tries++) {
      // A random vector has a part outside of the span of fewer than n others; only numbers that are not finite have none.
      if (tries > 100) throw new Error(`orthonormalize: vector ${i} of ${n} numbers has no direction of its own`);
      for (let j = 0; j < n; j++) own[j] = random.normal();
    }
  }
}

/** Whether something remained of `own` without the first `count` vectors; if so, it has length 1. */
function clear(own: Float64Array, vectors: Float64Array, count: number, n: number): boolean {
  const before = length(own);
  if (!(before > 0)) return false;
  for (let j = 0; j < n; j++) own[j] /= before;
  for (let time = 0; time < 2; time++) {
    for (let i = 0; i < count; i++) {
      let dot = 0;
      for (let j = 0; j < n; j++) dot += own[j] * vectors[i * n + j];
      for (let j = 0; j < n; j++) own[j] -= dot * vectors[i * n + j];
    }
    const left = length(own);
    if (!(left > 1e-8)) return false;
    for (let j = 0; j < n; j++) own[j] /= left;
  }
  return true;
}

function length(v: Float64Array): number {
  let largest = 0;
  for (const x of v) largest = Math.max(largest, Math.abs(x));
  if (largest === 0) return 0;
  let sum = 0;
  for (const x of v) sum += (x / largest) ** 2;
  return largest * Math.sqrt(sum);
}
