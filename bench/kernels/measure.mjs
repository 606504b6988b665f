// How long a kernel takes: a call from the host until the device is idle, which contains the way there and back; one of many that are
// started together; and, where the adapter has timestamps, by the GPU's own clock.
import { summary, time } from "../time.mjs";

/** @typedef {import("elbo").Device} Device @typedef {import("../time.mjs").Times} Times */

const MILLISECONDS = 5; // that what is started together should take, beside which the way there and back is little
const MOST = 2000; // kernels started together
const CLOCKED = [5, 30]; // rounds that are timed by the GPU's clock: as many as take the time, but no fewer and no more
const STEP = 65_536; // nanoseconds, to which Dawn rounds that clock unless it is told not to

/**
 * @param {Device} device @param {import("./copies.mjs").Copies} copies @param {number} seconds for each way of timing
 * @returns {Promise<{ call: Times, repetition: Times, together: number, gpu?: Times }>}
 */
export async function measured(device, copies, seconds) {
  const { single, run, count } = copies;
  const done = async (/** @type {() => unknown} */ start) => {
    start();
    await device.idle();
  };
  const call = await time(() => done(() => single()), 1, seconds);
  const rounds = await roundsFor((n) => done(() => run(n)), count);
  const isOne = rounds * count === 1;
  const repetition = isOne ? call : await time(() => done(() => run(rounds)), rounds * count, seconds);
  const clocked = Math.round((seconds * 1e6) / (repetition.median * count));
  const gpu = await byClock(device, run, Math.min(Math.max(clocked, CLOCKED[0]), CLOCKED[1]), copies);
  return { call, repetition, together: rounds * count, ...(gpu && { gpu }) };
}

/** How many rounds through the copies take long enough. @param {(rounds: number) => Promise<void>} run @param {number} count */
async function roundsFor(run, count) {
  await run(1); // the first time may compile
  const ms = async (/** @type {number} */ rounds) => {
    const start = performance.now();
    await run(rounds);
    return performance.now() - start;
  };
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
