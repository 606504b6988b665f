// Is a kernel right? Its results beside those of `js` in float64: all of them, or of a large one the parts at some indices along each axis.
import { compile, open, tensor } from "elbo";
import { difference } from "../verify.mjs";
import { bytesOf, taken } from "./given.mjs";

/** @typedef {import("./case.mjs").Case} Case @typedef {import("elbo").Values} Values */
/** @typedef {{ axis: number | undefined, at: readonly number[], values: readonly Values[] }} Expected The results at these indices along this axis. */

const WHOLE_FLOP = 3e8; // what `js` does in about half a second
const WHOLE_BYTES = 1e7;
const INDICES = 8;

/** What `js` computes of it. It opens a device of its own: whoever calls says afterwards which one is used. @param {Case} one @param {readonly Values[]} given @returns {Promise<Expected[]>} */
export async function expected(one, given, inParts = !isSmall(one)) {
  const parts = inParts && one.parts ? one.parts : [{ result: undefined, given: [] }];
  const device = await open("js", { precision: "f64" });
  const found = [];
  for (const part of parts) {
    const [which] = one.given.flatMap(({ shape }, i) =>
      part.given[i] === undefined ? [] : [shape[/** @type {number} */ (part.given[i])]],
    );
    const at = some(which ?? 0);
    const xs = one.given.map(({ shape }, i) => {
      const piece = taken(given[i], shape, part.given[i], at);
      return tensor(piece.values, piece.shape);
    });
    const results = once(one, xs);
    found.push({ axis: part.result, at, values: await Promise.all(results.map((t) => t.data())) });
  }
  await device.close();
  return found;
}

/** Is all of it compared? @param {Case} one */
const isSmall = (one) => (one.flop ?? 0) <= WHOLE_FLOP && one.given.reduce((sum, g) => sum + bytesOf(g), 0) <= WHOLE_BYTES;

/** Its results after one call. @param {Case} one @param {readonly import("elbo").Tensor[]} xs */
export function once(one, xs) {
  const { results, step } = one.record(...xs);
  const program = compile(() => {
    step();
    return [];
  });
  program();
  program.dispose();
  return results;
}

/** The first index, the last, and random ones between them, in order. @param {number} n */
function some(n) {
  const between = Array.from({ length: INDICES - 2 }, () => Math.floor(Math.random() * n));
  return [...new Set(n === 0 ? [] : [0, ...between, n - 1])].sort((a, b) => a - b);
}

/** The first element that is wrong, in words. @param {readonly import("elbo").Tensor[]} results @param {readonly Expected[]} expected */
export async function wrong(results, expected) {
  for (const [i, t] of results.entries()) {
    const got = await t.data();
    for (const { axis, at, values } of expected) {
      const found = difference(taken(got, t.shape, axis, at).values, values[i]);
      const of = results.length > 1 ? `result ${i}, ` : "";
      if (found)
        return `${of}${axis === undefined ? "" : `of the part at ${at.join(", ")} along axis ${axis} of [${t.shape.join(", ")}] `}${found}`;
    }
  }
  return undefined;
}

/** How much of it was compared, in words. @param {readonly Expected[]} expected */
export const extent = (expected) =>
  expected.map(({ axis, at }) => (axis === undefined ? "whole" : `${at.length} indices along axis ${axis}`)).join(", ");
