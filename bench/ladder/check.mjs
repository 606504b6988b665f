// Is a result right? Its elements are compared with the same sums in float64: all of them, or, where that would take long, whole rows
// and columns here and there. And each one must have been written: memory is full of a mark beforehand.
import { operands } from "./work.mjs";

/** @typedef {import("./work.mjs").Work} Work */

/** A NaN that no arithmetic makes. */
const UNWRITTEN = 0x7fc0beef;
const MOST = 2 ** 25; // terms that are added up for a check: a fraction of a second

/** Memory for a result, marked as unwritten. @param {number} length */
export const unwritten = (length) => new Float32Array(new Uint32Array(length).fill(UNWRITTEN).buffer);

/** A check of results of that work: it says what is wrong with the first element that is, or nothing. @param {Work} work @param {number} [most] */
export function checkOf(work, most = MOST) {
  const values = operands(work);
  const { rows, columns, output, place } = work;
  /** Computed once, for all rungs. @type {{ at: number, sum: number, bound: number }[] | undefined} */
  let expected;
  const name = (/** @type {number} */ at) => `${output}[${place(Math.floor(at / columns), at % columns).join(", ")}]`;
  return (/** @type {Float32Array} */ got) => {
    const missing = new Uint32Array(got.buffer, got.byteOffset, rows * columns).indexOf(UNWRITTEN);
    if (missing >= 0) return `${name(missing)} was not written`;
    expected ??= sampled(work, most).map((at) => ({ at, ...element(work, values, Math.floor(at / columns), at % columns) }));
    const wrong = expected.find(({ at, sum, bound }) => !(Math.abs(got[at] - sum) <= bound));
    return (
      wrong &&
      `${name(wrong.at)} is ${got[wrong.at].toPrecision(9)}, and ${wrong.sum.toPrecision(9)} ± ${wrong.bound.toPrecision(1)} in float64`
    );
  };
}

/**
 * An element in float64, and how far float32 may be from it. Each addition rounds by 2⁻²⁴ of a partial sum at most, to either side, so
 * that n of them come to about √n. Eight times that is no accident, and still far less than one term that is missing or wrong.
 * @param {Work} work @param {Float32Array[]} values @param {number} row @param {number} column
 */
function element({ terms, term }, values, row, column) {
  let [sum, magnitude] = [0, 0];
  for (let p = 0; p < terms; p++) {
    const t = term(values, row, column, p);
    sum += t;
    magnitude += Math.abs(t);
  }
  return { sum, bound: 8 * Math.sqrt(terms) * 2 ** -24 * magnitude };
}

/** The elements that are looked at, in order. @param {Work} work @param {number} most */
function sampled({ rows, columns, terms }, most) {
  const all = rows * columns;
  if (all * terms <= most) return Array.from({ length: all }, (_, at) => at);
  const found = new Set();
  for (const row of some(rows, most / columns / terms)) for (let j = 0; j < columns; j++) found.add(row * columns + j);
  for (const column of some(columns, most / rows / terms)) for (let i = 0; i < rows; i++) found.add(i * columns + column);
  return [...found].sort((a, b) => a - b);
}

/** The first, the last, and some in between, drawn at random. @param {number} n @param {number} count */
function some(n, count) {
  const drawn = Array.from({ length: Math.min(64, Math.floor(count)) }, () => Math.floor(Math.random() * n));
  return new Set([0, n - 1, ...drawn]);
}
