// What a kernel of the bench is.
import { assign, keep, zeros } from "elbo";

/** @typedef {import("elbo").Tensor} Tensor @typedef {import("./given.mjs").Given} Given */
/**
 * Where the results depend, at each index along their axis `result`, on nothing of the arguments but what is there along the axes `given`
 * (undefined: on all of that argument). So a part can be computed from parts.
 * @typedef {{ result: number, given: readonly (number | undefined)[] }} Part
 */
/**
 * `record` makes what the kernel writes to from what it is given, and says how one call of it is recorded. `flop` decides only on which
 * devices it is too large. `bytes` it moves, where its tensors do not tell.
 * @typedef {{ name: string, given: readonly Given[], record(...xs: Tensor[]): Recorded, parts?: readonly Part[], flop?: number, bytes?: number }} Case
 * @typedef {{ results: readonly Tensor[], step(): void, dispose?(): void }} Recorded
 */

/** Results that are stored in states, which a replay does not copy as it copies what it returns. @param {(...xs: Tensor[]) => Tensor | Tensor[]} compute @returns {Case["record"]} */
export const stored =
  (compute) =>
  (...xs) => {
    const results = [compute(...xs)].flat().map((y) => keep(zeros(y.shape)));
    const step = () => {
      for (const [i, y] of [compute(...xs)].flat().entries()) assign(results[i], y, "bench");
    };
    return { results, step };
  };
