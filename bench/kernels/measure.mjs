// How long a kernel takes: a call from the host until the device is idle, which contains the way there and back; one of many that are
// started together; and, where the adapter has timestamps, by the GPU's own clock.
import { summary, time, timed } from "../time.mjs";

/** @typedef {import("elbo").Device} Device @typedef {import("../time.mjs").Times} Times */

const MILLISECONDS = 5; // that what is started together should take, beside which the way there and back is little
const MOST = 2000; // kernels started together
const SLOW = 100; // milliseconds, from which few samples have to do
const SAMPLES = 3;
const CLOCKED = [3, 30]; // rounds that are timed by the GPU's clock: as many as take the time, but no fewer and no more
const STEP = 65_536; // nanoseconds, to which Dawn rounds that clock unless it is told not to

/**
 * @param {Device} device @param {import("./copies.mjs").Copies} copies @param {number} seconds for each way of timing
 * @returns {Promise<{ call: Times, repetition: Times, together: number, gpu?: Times }>}
 */
export async function measured(device, copies, seconds) {
  const { single, run, count } = copies;
  const ms = (/** @type {() => unknown} */ start) => milliseconds(device, start);
  const sampled = async (/** @type {() => unknown} */ start, /** @type {number} */ each) =>
    (await ms(start)) > SLOW ? timed(() => ms(start), each, SAMPLES) : time(() => ms(start), each, seconds);
  const call = await sampled(single, 1);
  const rounds = await roundsFor((n) => ms(() => run(n)), count);
  const together = rounds * count;
  const repetition = together === 1 ? call : await sampled(() => run(rounds), together);
  const clocked = Math.round((seconds * 1e6) / (repetition.median * count));
  const gpu = await byClock(device, run, Math.min(Math.max(clocked, CLOCKED[0]), CLOCKED[1]), copies);
  return { call, repetition, together, ...(gpu && { gpu }) };
}

/** Until the device is idle. @param {Device} device @param {() => unknown} start */
export async function milliseconds(device, start) {
  const begin = performance.now();
  start();
  await device.idle();
  return performance.now() - begin;
}

/** How many rounds through the copies take long enough. @param {(rounds: number) => Promise<number>} ms that so many rounds take @param {number} count */
async function roundsFor(ms, count) {
  const one = await ms(1);
  if (one >= MILLISECONDS) return 1;
  const each = Math.max(((await ms(5)) - one) / 4, one / 100); // less the latency
  return Math.max(1, Math.min(Math.ceil(MILLISECONDS / each), Math.ceil(MOST / count)));
}

/**
 * By the GPU's own clock, a sample for each round; nothing where there is none, or it is too coarse.
 * @param {Device} device @param {(rounds: number) => void} run @param {number} rounds @param {import("./copies.mjs").Copies} copies
 */
async function byClock(device, run, rounds, { count, dispatches }) {
  const { gpu, profile } = /** @type {import("elbo").WebGpuDevice} */ (device);
  if (device.name !== "webgpu" || !gpu.features.has("timestamp-query")) return undefined;
  const ns = (await profile.call(device, () => run(rounds))).map((t) => t.ns);
  if (ns.every((t) => t % STEP === 0)) return undefined;
  const totals = Array.from({ length: rounds }, (_, i) => ns.slice(i * dispatches, (i + 1) * dispatches).reduce((a, b) => a + b, 0));
  return summary(totals.map((total) => total / count / 1e3));
}
