// One kernel on one device: verified, timed, and set beside what the device could do.
import { copiesOf, firstOf } from "./copies.mjs";
import { generator } from "./given.mjs";
import { measured, milliseconds } from "./measure.mjs";
import { least } from "./roofline.mjs";
import { extent, wrong } from "./verified.mjs";

/** @typedef {import("./case.mjs").Case} Case */

/**
 * What is wrong with it, or else how long it takes. The device is the one that is used.
 * @param {Case} one @param {readonly import("elbo").Values[]} given @param {readonly import("./verified.mjs").Expected[]} answer
 * @param {import("./devices.mjs").Opened} opened @param {number} seconds for each way of timing
 */
export async function resultOf(one, given, answer, { device, facts, cache }, seconds) {
  const first = firstOf(one, given);
  first.single();
  const what = await wrong(first.results, answer);
  if (what) {
    first.dispose();
    return { what };
  }
  const ms = await milliseconds(device, first.single);
  const copies = copiesOf(one, given, first, { cache, isGpu: device.name === "webgpu", ms, random: generator(8) });
  copies.run(1);
  const then = copies.last && (await wrong(copies.last, answer));
  const found = then
    ? { what: then }
    : { verified: extent(answer), ...rated(one, first, copies, await measured(device, copies, seconds), facts) };
  copies.dispose();
  first.dispose();
  return found;
}

/**
 * Its work by the plan's own count, its times, and its rates.
 * @param {Case} one @param {import("./copies.mjs").First} first @param {import("./copies.mjs").Copies} copies @param {Awaited<ReturnType<typeof measured>>} times
 * @param {import("./devices.mjs").DeviceFacts} facts
 */
function rated(one, { kernels, dispatches }, { count, isCached }, times, { limits }) {
  const sum = (/** @type {"flops" | "bytes"} */ of) => kernels.reduce((total, k) => total + k[of], 0);
  const [flops, bytes] = [sum("flops"), one.bytes ?? sum("bytes")];
  const { us, bound } = least(one.bytes === undefined ? kernels : [{ flops, bytes }], limits, isCached);
  const { median } = times.gpu ?? times.repetition;
  const work = { flops, bytes, kernels: kernels.length, dispatches, copies: count, isCached };
  return { ...work, ...times, gflops: flops / median / 1e3, gbps: bytes / median / 1e3, share: us / median, bound };
}
