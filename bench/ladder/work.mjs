// What the rungs compute: a matrix product, a convolution, and for kernels of one's own a map and a reduction. A work is its operands,
// its result seen as a matrix, what `size` holds, and the terms whose sum an element is. Nothing runs here.

/**
 * @typedef {{
 *   name: string, title: string,
 *   inputs: readonly { name: string, length: number }[],
 *   output: string, rows: number, columns: number,
 *   place(row: number, column: number): readonly number[],
 *   terms: number, term(values: readonly Float32Array[], row: number, column: number, p: number): number,
 *   fields: Readonly<Record<string, number>>,
 *   unit: "GFLOP/s" | "GB/s", amount: number,
 * }} Work
 * `place` says where an element of the matrix stands in the result as the user knows it; `fields` are those of `size`, by name;
 * `amount` is what is counted in `unit`: operations, or bytes that cross memory at least.
 */

/** What there is, its sizes in the order in which --size takes them, and those that need not be given. */
const kinds = {
  matmul: { make: matmul, sizes: ["m", "n", "k"], given: {} },
  conv2d: { make: conv2d, sizes: ["n", "h", "w", "c", "oc", "kh", "kw", "stride", "pad"], given: { kh: 3, kw: 3, stride: 1, pad: 1 } },
  map: { make: map, sizes: ["n"], given: {} },
  reduce: { make: reduce, sizes: ["n", "r"], given: {} },
};

export const names = Object.keys(kinds);

/** Sizes that take a software driver some milliseconds, and a GPU a few. @type {Record<string, { software: string, hardware: string }>} */
export const usual = {
  matmul: { software: "128", hardware: "2048" },
  conv2d: { software: "1,28,28,16,32", hardware: "32,56,56,64,64" },
  map: { software: "1000000", hardware: "4000000" },
  reduce: { software: "1000,1000", hardware: "8000,8000" },
};

/** The work of that name and size, written as on the command line. @param {string} name @param {string} size @returns {Work} */
export function workOf(name, size) {
  if (!(name in kinds)) throw new Error(`there is no "${name}"; there are ${names.join(", ")}`);
  const { make, sizes, given } = kinds[/** @type {keyof typeof kinds} */ (name)];
  const numbers = size.split(",").map(Number);
  if (name === "matmul" && numbers.length === 1) numbers.push(numbers[0], numbers[0]);
  const optional = Object.keys(given);
  const required = sizes.length - optional.length;
  const isWhole = numbers.every((n, i) => Number.isInteger(n) && n >= (sizes[i] === "pad" ? 0 : 1));
  if (!isWhole || numbers.length < required || numbers.length > sizes.length) {
    const rest = optional.length > 0 ? `, and then, if they are not ${Object.values(given)}, ${optional}` : "";
    throw new Error(
      `size "${size}"; that of ${name} is ${sizes.slice(0, required)}${rest}${name === "matmul" ? ", or one number for all" : ""}`,
    );
  }
  return make({ ...given, ...Object.fromEntries(numbers.map((n, i) => [sizes[i], n])) });
}

/** Operands with signs that alternate at random: what is summed does not grow with its length, as in a network. @param {Work} work */
export const operands = ({ inputs }) => inputs.map(({ length }, i) => noise(length, i + 1));

/** From -1 to 1. @param {number} length @param {number} seed */
function noise(length, seed) {
  let bits = seed * 0x9e3779b9;
  return Float32Array.from({ length }, () => {
    bits = (Math.imul(bits, 1664525) + 1013904223) | 0;
    return bits / 2 ** 31;
  });
}

/** @typedef {Record<string, number>} Sizes */

/** @param {Sizes} sizes @returns {Work} */
function matmul({ m, n, k }) {
  return {
    name: "matmul",
    title: `matmul, [${m}, ${k}] · [${k}, ${n}]`,
    inputs: [
      { name: "a", length: m * k },
      { name: "b", length: k * n },
    ],
    output: "c",
    rows: m,
    columns: n,
    place: (row, column) => [row, column],
    terms: k,
    term: ([a, b], row, column, p) => a[row * k + p] * b[p * n + column],
    fields: { m, n, k, batch: 1 },
    unit: "GFLOP/s",
    amount: 2 * m * n * k,
  };
}

/** @param {Sizes} sizes @returns {Work} */
function conv2d({ n, h, w, c, oc, kh, kw, stride, pad }) {
  const rows = Math.floor((h + 2 * pad - kh) / stride) + 1;
  const columns = Math.floor((w + 2 * pad - kw) / stride) + 1;
  if (rows < 1 || columns < 1) throw new Error(`a kernel of ${kh} × ${kw} does not fit into ${h} × ${w} with padding ${pad}`);
  return {
    name: "conv2d",
    title: `conv2d, [${n}, ${h}, ${w}, ${c}] by [${kh}, ${kw}, ${c}, ${oc}], stride ${stride}, padding ${pad}`,
    inputs: [
      { name: "x", length: n * h * w * c },
      { name: "w", length: kh * kw * c * oc },
    ],
    output: "y",
    rows: n * rows * columns,
    columns: oc,
    place: (pixel, o) => [Math.floor(pixel / rows / columns), Math.floor(pixel / columns) % rows, pixel % columns, o],
    terms: kh * kw * c,
    term: ([x, weight], pixel, o, p) => {
      const [image, i, j] = [Math.floor(pixel / rows / columns), Math.floor(pixel / columns) % rows, pixel % columns];
      const [u, v] = [Math.floor(p / c / kw), Math.floor(p / c) % kw];
      const [row, column] = [i * stride + u - pad, j * stride + v - pad];
      if (row < 0 || row >= h || column < 0 || column >= w) return 0;
      return x[((image * h + row) * w + column) * c + (p % c)] * weight[p * oc + o];
    },
    fields: { n, h, w, c, kh, kw, oc, rows, columns, stride, pad },
    unit: "GFLOP/s",
    amount: 2 * n * rows * columns * oc * kh * kw * c,
  };
}

/** y = max(x, 0), for what it is: memory read once and written once. @param {Sizes} sizes @returns {Work} */
function map({ n }) {
  return {
    name: "map",
    title: `map, y[i] = max(x[i], 0) for ${n} numbers`,
    inputs: [{ name: "x", length: n }],
    output: "y",
    rows: 1,
    columns: n,
    place: (_, i) => [i],
    terms: 1,
    term: ([x], _, i) => Math.max(x[i], 0),
    fields: { n },
    unit: "GB/s",
    amount: 8 * n,
  };
}

/** @param {Sizes} sizes @returns {Work} */
function reduce({ n, r }) {
  return {
    name: "reduce",
    title: `reduce, y[i] = Σj x[i, j] for ${n} rows of ${r}`,
    inputs: [{ name: "x", length: n * r }],
    output: "y",
    rows: 1,
    columns: n,
    place: (_, i) => [i],
    terms: r,
    term: ([x], _, i, j) => x[i * r + j],
    fields: { n, r },
    unit: "GB/s",
    amount: 4 * (n * r + n),
  };
}
