// A kernel on the device that is used, and copies of what it reads and writes, as many as no cache holds together. Kernels run through the
// copies in turn, so that each finds its numbers in memory, as it would in a training step. Their results are stored in states: what a
// compiled function returns is copied once more, and that would be timed.
import { compile, tensor } from "elbo";
import { bytesOf, drawn, size } from "./given.mjs";

/** @typedef {import("./case.mjs").Case} Case @typedef {import("elbo").Tensor} Tensor @typedef {import("elbo").Values} Values */
/** @typedef {ReturnType<typeof firstOf>} First @typedef {ReturnType<typeof copiesOf>} Copies */

const MOST = 64;
const ROUND = 200; // milliseconds that all copies together may take, where kernels are slow
const TINY = 4096; // elements up to which kernels that loop alike are made one, as fuse.ts has it

/** The first copy, which is verified. @param {Case} one @param {readonly Values[]} values */
export function firstOf(one, values) {
  const given = one.given.map(({ shape }, i) => tensor(values[i], shape));
  const recorded = one.record(...given);
  const single = program([recorded]);
  const { kernels, dispatches } = single.explain();
  const results = recorded.results.reduce((sum, t) => sum + 4 * t.size, 0);
  const bytes = one.bytes ?? one.given.reduce((sum, g) => sum + bytesOf(g), results);
  const dispose = () => {
    single.dispose();
    gone(given, [recorded]);
  };
  return { given, recorded, single, kernels, dispatches, bytes, results: recorded.results, dispose };
}

/**
 * The others, and how one runs through all. `ms` is what one kernel takes.
 * @param {Case} one @param {readonly Values[]} values @param {First} first @param {{ cache: number, isGpu: boolean, ms: number, random: () => number }} options
 */
export function copiesOf(one, values, first, { cache, isGpu, ms, random }) {
  const isSeparate = !isGpu || first.kernels.some(({ shape }) => size(shape) > TINY);
  const count = isSeparate ? Math.max(1, Math.min(MOST, Math.floor(ROUND / ms), Math.ceil(cache / first.bytes))) : 1;
  /** @type {Tensor[]} */
  const tensors = [];
  const others = Array.from({ length: count - 1 }, () => {
    const given = one.given.map((g, i) => {
      if (g.shared) return first.given[i];
      return tensor(g.own ? drawn(g, random) : values[i], g.shape);
    });
    tensors.push(...given);
    return one.record(...given);
  });

  // On a GPU one submission runs them all. On the others each is a call: code for all of them would be too much for the caches of code.
  const all = isGpu && count > 1 ? program([first.recorded, ...others]) : undefined;
  const calls = all ? [] : [first.single, ...others.map((other) => program([other]))];
  const run = (/** @type {number} */ rounds) => {
    if (all) return void all.repeat(rounds);
    if (isGpu) return void first.single.repeat(rounds);
    for (let i = 0; i < rounds; i++) for (const call of calls) call();
  };
  const dispose = () => {
    for (const p of [...(all ? [all] : []), ...calls.slice(1)]) p.dispose();
    gone(
      tensors.filter((t) => !first.given.includes(t)),
      others,
    );
  };
  /** Of a round. */
  const { dispatches } = (all ?? first.single).explain();
  const isAlike = one.given.length > 0 && !one.given.some(({ own }) => own);
  /** Of the last copy, which are to be as those of the first; none where copies draw numbers of their own. */
  const last = isAlike ? others.at(-1)?.results : undefined;
  return { count, isCached: count * first.bytes < cache, dispatches, single: first.single, run, last, dispose };
}

/** @param {readonly import("./case.mjs").Recorded[]} recorded */
function program(recorded) {
  return compile(() => {
    for (const { step } of recorded) step();
    return [];
  });
}

/** @param {readonly Tensor[]} given @param {readonly import("./case.mjs").Recorded[]} recorded */
function gone(given, recorded) {
  for (const { results, dispose } of recorded) {
    dispose?.();
    for (const t of results) t.dispose();
  }
  for (const t of given) t.dispose();
}
