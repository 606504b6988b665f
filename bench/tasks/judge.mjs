// Is an engine right? If not, its times do not count. Each function says what is wrong, in words, or nothing.
import { join } from "node:path";
import { floats } from "./floats.mjs";
import { passOf, roles } from "./layers.mjs";

/** [m, k, n] @param {string} product */
export const sizes = (product) => product.split("x").map(Number);

/** What is wrong with the losses of the first steps, if anything is. @param {readonly number[]} got @param {readonly number[]} expected */
export function wrongLoss(got, expected, relative = 1e-4) {
  const at = expected.findIndex((loss, i) => !(Math.abs(got[i] - loss) <= relative * loss));
  return at < 0 ? undefined : `the loss of step ${at + 1} is ${got[at]}, and ${expected[at]} in float64`;
}

/** What is wrong with the training that was timed, by its first and last loss. @param {number} first @param {number} last */
export const wrongTraining = (first, last) =>
  Number.isFinite(last) && last < first ? undefined : `while it was timed, the loss went from ${first} to ${last}`;

/** What is wrong with a product that an engine wrote to the folder. @param {string} folder @param {string} product */
export function wrongProduct(folder, product) {
  const [a, b, c] = ["a", "b", "c"].map((name) => floats(join(folder, `${product}.${name}.f32`)));
  const wrong = wrongMatrix(a, b, c, sizes(product), 1e-5);
  return wrong && `${product}: ${wrong}`;
}

/**
 * What is wrong with c = a · b in three rows and three columns of it, where each sum may be off by `relative` of the magnitudes in it.
 * @param {Float32Array} a @param {Float32Array} b @param {Float32Array} c @param {number[]} sizes @param {number} relative
 */
export function wrongMatrix(a, b, c, [m, k, n], relative) {
  if (c.length !== m * n) return `there are ${c.length} values, and ${m * n} expected`;
  const some = (/** @type {number} */ size) => [0, Math.floor(Math.random() * size), size - 1];
  const [rows, columns] = [some(m), some(n)];
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      if (!rows.includes(i) && !columns.includes(j)) continue;
      let [sum, magnitude] = [0, 0];
      for (let p = 0; p < k; p++) {
        const term = a[i * k + p] * b[p * n + j];
        sum += term;
        magnitude += Math.abs(term);
      }
      if (!(Math.abs(c[i * n + j] - sum) <= relative * magnitude)) return `c[${i}, ${j}] is ${c[i * n + j]}, and ${sum} in float64`;
    }
  }
  return undefined;
}

/** What is wrong with the three of a layer that an engine wrote to the folder, beside the expected ones. @param {string} folder @param {string} layer */
export function wrongLayer(folder, layer) {
  for (const role of roles) {
    const [got, expected] = [role, `${role}.expected`].map((name) => floats(join(folder, `${layer}.${name}.f32`)));
    if (got.length !== expected.length) return `${passOf(layer, role)} has ${got.length} values`;
    // What a sum of thousands of terms may be off grows with their size, and not with its own, which may be near 0.
    const size = Math.sqrt(expected.reduce((sum, value) => sum + value * value, 0) / expected.length);
    const at = expected.findIndex((value, i) => !(Math.abs(got[i] - value) <= 1e-4 * size));
    if (at >= 0) return `${passOf(layer, role)}: element ${at} is ${got[at]}, and ${expected[at]} in float64`;
  }
  return undefined;
}
