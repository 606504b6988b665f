// A kernel on the device that is open, with as many copies of what it reads and writes as no cache holds together. Kernels run through
// the copies in turn, so that each finds its numbers in memory, as it would in a training step. Their results are stored in states:
// what a compiled function returns is copied once more, and that would be timed.
import { compile, tensor } from "elbo";
import { bytesOf, drawn, size } from "./given.mjs";

/** @typedef {import("./case.mjs").Case} Case @typedef {import("elbo").Tensor} Tensor @typedef {import("elbo").Values} Values */
/** @typedef {ReturnType<typeof copiesOf>} Copies */

const MOST = 64;
const PART = 1 / 4; // of the largest kernel's work: all copies together do no more, or a round of slow ones would take seconds
const TINY = 4096; // elements up to which kernels that loop alike are made one, as fuse.ts has it

/** @param {Case} one @param {readonly Values[]} values @param {{ cache: number, most: { flop: number }, isGpu: boolean, random: () => number }} options */
export function copiesOf(one, values, { cache, most, isGpu, random }) {
  const first = one.given.map(({ shape }, i) => tensor(values[i], shape));
  const recorded = [one.record(...first)];
  const single = program(recorded);
  const { kernels } = single.explain();
  const bytes =
    (one.bytes ?? one.given.reduce((sum, g) => sum + bytesOf(g), 0)) + recorded[0].results.reduce((sum, t) => sum + 4 * t.size, 0);
  const isSeparate = !isGpu || kernels.some(({ shape }) => size(shape) > TINY);
  const affordable = one.flop ? Math.floor((most.flop * PART) / one.flop) : MOST;
  const count = isSeparate ? Math.max(1, Math.min(MOST, affordable, Math.ceil(cache / bytes))) : 1;
  const tensors = [...first];
  while (recorded.length < count) {
    const xs = one.given.map((given, i) => {
      if (given.shared) return first[i];
      return tensor(given.own ? drawn(given, random) : values[i], given.shape);
    });
    tensors.push(...xs);
    recorded.push(one.record(...xs));
  }

  // On a GPU one submission runs them all. On the others each is a call: code for all of them would be too much for the caches of code.
  const programs = isGpu ? [count === 1 ? single : program(recorded)] : [single, ...recorded.slice(1).map((r) => program([r]))];
  const run = (/** @type {number} */ rounds) => {
    if (isGpu) return void programs[0].repeat(rounds);
    for (let i = 0; i < rounds; i++) for (const p of programs) p();
  };
  const { dispatches } = programs[0].explain();
  const dispose = () => {
    for (const p of new Set([single, ...programs])) p.dispose();
    for (const { results, dispose } of recorded) {
      dispose?.();
      for (const t of results) t.dispose();
    }
    for (const t of tensors) t.dispose();
  };
  return { results: recorded[0].results, count, bytes, isCached: count * bytes < cache, kernels, dispatches, single, run, dispose };
}

/** @param {readonly import("./case.mjs").Recorded[]} recorded */
function program(recorded) {
  return compile(() => {
    for (const { step } of recorded) step();
    return [];
  });
}
