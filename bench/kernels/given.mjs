// What kernels are given: random numbers, never zeros, the same in every run. And parts of them: the rows of some indices along an axis.

/** @typedef {import("elbo").Values} Values @typedef {import("elbo").DType} DType */
/**
 * An argument. All copies of a kernel have the same values in memory of their own; but one that is `shared` they have in common, and one
 * of which each has its `own` is drawn again for each.
 * @typedef {{ shape: readonly number[], dtype: DType, value(random: () => number): number, shared?: boolean, own?: boolean }} Given
 */

/** In [low, high). @param {readonly number[]} shape @returns {Given} */
export const uniform = (shape, low = -1, high = 1) => ({ shape, dtype: "f32", value: (random) => low + (high - low) * random() });

/** Multiples of 1/8 from -1 to 1 without 0: their sums are exact in any order, so that a sum which lacks a single one is wrong. @param {readonly number[]} shape @returns {Given} */
export const eighths = (shape) => ({
  shape,
  dtype: "f32",
  value: (random) => (random() < 0.5 ? -1 : 1) * (Math.floor(8 * random()) + 1) * 0.125,
});

/** @param {readonly number[]} shape @returns {Given} */
export const bytes = (shape) => ({ shape, dtype: "u8", value: (random) => Math.floor(256 * random()), shared: true });

/** Row numbers below `rows`. @param {readonly number[]} shape @param {number} rows @returns {Given} */
export const indices = (shape, rows) => ({ shape, dtype: "u32", value: (random) => Math.floor(rows * random()), own: true });

const ARRAYS = { f32: Float32Array, u32: Uint32Array, u8: Uint8Array };

/** Its values. @param {Given} given @param {() => number} random @returns {Values} */
export function drawn({ shape, dtype, value }, random) {
  const values = new ARRAYS[dtype](size(shape));
  for (let i = 0; i < values.length; i++) values[i] = value(random);
  return values;
}

/** Numbers in [0, 1), by "xorshift" (Marsaglia 2003). @param {number} seed not 0 */
export function generator(seed) {
  let s = seed;
  return () => {
    s ^= s << 13;
    s ^= s >>> 17;
    s ^= s << 5;
    return (s >>> 0) / 2 ** 32;
  };
}

/** @param {readonly number[]} shape */
export const size = (shape) => shape.reduce((a, b) => a * b, 1);

/** @param {Given} given */
export const bytesOf = ({ shape, dtype }) => size(shape) * (dtype === "u8" ? 1 : 4);

/** The values at some indices along an axis; all of them where no axis is named. @param {Values} values @param {readonly number[]} shape @param {number | undefined} axis @param {readonly number[]} at */
export function taken(values, shape, axis, at) {
  if (axis === undefined) return { values, shape };
  const [before, along, after] = [size(shape.slice(0, axis)), shape[axis], size(shape.slice(axis + 1))];
  const part = /** @type {Values} */ (new /** @type {any} */ (values.constructor)(before * at.length * after));
  for (let b = 0; b < before; b++)
    for (const [i, index] of at.entries()) {
      const from = (b * along + index) * after;
      part.set(values.subarray(from, from + after), (b * at.length + i) * after);
    }
  return { values: part, shape: shape.map((n, i) => (i === axis ? at.length : n)) };
}
