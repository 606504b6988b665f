// Products of matrices, and the three passes of convolutions.
import { matmul } from "elbo";
import { form } from "../../dist/kernels/conv/conv.js";
import { geometryOf } from "../../dist/kernels/conv/geometry.js";
import { stored } from "./case.mjs";
import { size, uniform } from "./given.mjs";

/** @typedef {import("./case.mjs").Case} Case @typedef {import("./case.mjs").Part} Part */

/**
 * [m, k] · [k, n]; a flipped operand is stored the other way round.
 * @param {number} m @param {number} k @param {number} n @param {{ flipA?: boolean, flipB?: boolean }} [flips] @returns {Case}
 */
export function product(m, k, n, { flipA = false, flipB = false } = {}) {
  const [a, b] = [flipA ? [k, m] : [m, k], flipB ? [n, k] : [k, n]];
  return {
    name: `matmul [${a.join(", ")}]${flipA ? "ᵀ" : ""} · [${b.join(", ")}]${flipB ? "ᵀ" : ""}`,
    given: [uniform(a), uniform(b)],
    record: stored((a, b) => matmul(a, b, { flipA, flipB })),
    parts: [
      { result: 0, given: [flipA ? 1 : 0, undefined] },
      { result: 1, given: [undefined, flipB ? 0 : 1] },
    ],
    flop: 2 * m * k * n,
  };
}

export const square = (/** @type {number} */ n) => product(n, n, n);

/**
 * The three passes of a layer. The weight gradient is the op itself: the way to it from a loss would be timed as well.
 * @param {string} title @param {readonly [n: number, h: number, w: number, c: number]} x @param {readonly [kh: number, kw: number, c: number, o: number]} w
 * @param {{ stride?: number, padding: number, groups?: number }} options @returns {Case[]}
 */
export function convolution(title, x, w, options) {
  const { stride = 1, padding, groups = 1 } = options;
  const along = (/** @type {0 | 1} */ axis) => Math.floor((x[1 + axis] + 2 * padding - w[axis]) / stride) + 1;
  const y = [x[0], along(0), along(1), w[3]];
  const flop = 2 * size(y) * size(w.slice(0, 3));
  const ofImages = { result: 0, given: [0, undefined, 0] };
  /** Channels of the result depend on channels of the others only without groups. @param {Part} part */
  const ofChannels = (part) => (groups === 1 ? [part] : []);
  const given = [uniform(x), uniform(w), uniform(y)];
  const named = (/** @type {string} */ pass) => `conv2d ${title}, ${pass}`;
  return [
    {
      name: named("forward"),
      given: given.slice(0, 2),
      record: stored((x, w) => x.conv2d(w, options)),
      parts: [{ result: 0, given: [0, undefined] }, ...ofChannels({ result: 3, given: [undefined, 3] })],
      flop,
    },
    {
      name: named("input gradient"),
      given,
      record: stored((x, w, dy) => form("x", { y: dy, w }, geometryOf(x.conv2d(w, options)))),
      parts: [ofImages, ...ofChannels({ result: 3, given: [3, 2, undefined] })],
      flop,
    },
    {
      name: named("weight gradient"),
      given,
      record: stored((x, w, dy) => form("w", { x, y: dy }, geometryOf(x.conv2d(w, options)))),
      ...(groups === 1 && { parts: [{ result: 3, given: [undefined, 3, 3] }] }),
      flop,
    },
  ];
}
