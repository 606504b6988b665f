// Kernels that pass over their numbers once or a few times: elementwise ones, reductions, norms, the loss, Adam, random numbers, gathers.
import { adam, grad, keep, randomNormal } from "elbo";
import { stored } from "./case.mjs";
import { bytes, eighths, indices, uniform } from "./given.mjs";

/** @typedef {import("./case.mjs").Case} Case */

const everywhere = (/** @type {number} */ count) => [{ result: 0, given: Array.from({ length: count }, () => 0) }];
const amount = (/** @type {number} */ n) => (n >= 2 ** 20 ? `${n / 2 ** 20} Mi` : `${n}`);

/** @param {number} n @returns {Case[]} */
export const elementwise = (n) => [
  { name: `x + y, ${amount(n)}`, given: [uniform([n]), uniform([n])], record: stored((x, y) => x.add(y)), parts: everywhere(2) },
  {
    name: `exp(x · y + x), ${amount(n)}`,
    given: [uniform([n]), uniform([n])],
    record: stored((x, y) => x.mul(y).add(x).exp()),
    parts: everywhere(2),
  },
  { name: `softplus(x), ${amount(n)}`, given: [uniform([n], -20, 20)], record: stored((x) => x.softplus()), parts: everywhere(1) },
];

/** @param {number} n @returns {Case} */
export const wholeSum = (n) => ({ name: `sum of ${amount(n)}`, given: [eighths([n])], record: stored((x) => x.sum()) });

/** @param {number} r @param {number} c @returns {Case[]} */
export const rowwise = (r, c) => {
  const rows = [{ result: 0, given: [0] }];
  const columns = [{ result: 0, given: [1] }];
  const of = `of [${r}, ${c}]`;
  return [
    { name: `row sums ${of}`, given: [eighths([r, c])], record: stored((x) => x.sum(1)), parts: rows },
    { name: `column sums ${of}`, given: [eighths([r, c])], record: stored((x) => x.sum(0)), parts: columns },
    { name: `row maxima ${of}`, given: [uniform([r, c])], record: stored((x) => x.max(1)), parts: rows },
    { name: `log-sum-exp of rows ${of}`, given: [uniform([r, c], -9, 9)], record: stored((x) => x.logSumExp(1)), parts: rows },
    { name: `softmax of rows ${of}`, given: [uniform([r, c], -9, 9)], record: stored((x) => x.softmax(1)), parts: rows },
  ];
};

/** With the statistics of the batch, as in training. @param {readonly number[]} shape [n, h, w, c] @returns {Case} */
export const batchNorm = (shape) => ({
  name: `batch norm of [${shape.join(", ")}]`,
  given: [uniform(shape, -1, 3), uniform(shape.slice(-1), 0.5, 1.5), uniform(shape.slice(-1))],
  record: stored((x, weight, bias) => {
    const axes = [...shape.keys()].slice(0, -1);
    const mean = x.mean(axes);
    const variance = x.sub(mean).square().mean(axes);
    return x.batchNorm(mean, variance, { weight, bias });
  }),
  parts: [{ result: shape.length - 1, given: [shape.length - 1, 0, 0] }],
});

/** @param {number} n @returns {Case} */
export const adamUpdate = (n) => ({
  name: `Adam of ${amount(n)} parameters`,
  given: [uniform([n]), uniform([n])],
  record: (w, gradient) => {
    const state = keep(w);
    const optimizer = adam([state]);
    return { results: [state], step: () => optimizer.apply([gradient]), dispose: () => optimizer.dispose() };
  },
  parts: everywhere(2),
});

/** The binary cross-entropy of logits and its gradient, in one kernel where there is fusion. @param {number} n @param {number} size @returns {Case} */
export const loss = (n, size) => ({
  name: `cross-entropy of logits [${n}, ${size}] and its gradient`,
  given: [uniform([n, size], 0, 1), uniform([n, size], -9, 9)],
  record: stored((x, l) => {
    const y = l.softplus().sub(x.mul(l)).sum(1).mean();
    return [y, ...grad(y, [l])];
  }),
});

/** @param {number} n @returns {Case} */
export const normals = (n) => ({
  name: `random normals, ${amount(n)}`,
  given: [],
  record: stored(() => randomNormal([n])),
  bytes: 4 * n,
});

/** A batch of pictures, bytes, by their numbers. @param {number} rows @param {number} size @param {number} batch @returns {Case} */
export const gather = (rows, size, batch) => ({
  name: `gather of ${batch} from u8 [${rows}, ${size}]`,
  given: [bytes([rows, size]), indices([batch], rows)],
  record: stored((x, index) =>
    x
      .take(index)
      .cast("f32")
      .mul(1 / 255),
  ),
  bytes: batch * (4 + size + 4 * size), // not all rows, which it might read for all the plan knows
});
