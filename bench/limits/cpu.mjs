// What the cores can do at most: for `js` a loop of plain arithmetic in this process, for `wasm` what cpu/ceiling.mjs finds in processes
// of its own, one alone and as many at once as there are threads.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { perSecond } from "./rate.mjs";

const ceiling = fileURLToPath(new URL("../cpu/ceiling.mjs", import.meta.url));

/** @param {number} threads @param {number} samples of each */
export async function wasmLimits(threads, samples) {
  const alone = await core(samples);
  const all = threads === 1 ? [alone] : await Promise.all(Array.from({ length: threads }, () => core(samples)));
  const sum = (/** @type {"gflops" | "gbps"} */ what) => all.reduce((total, one) => total + one[what], 0);
  /** One among others that was faster tells that one alone was disturbed. @param {"gflops" | "gbps"} what */
  const most = (what) => Math.max(alone[what], ...all.map((one) => one[what]));
  return { gflops: sum("gflops"), gbps: sum("gbps"), threads, oneThread: { gflops: most("gflops"), gbps: most("gbps"), how: alone.how } };
}

/** The best of what one process found. @param {number} samples */
async function core(samples) {
  const { stdout } = await promisify(execFile)(process.execPath, [ceiling, "--samples", `${samples}`]);
  const { ceilings, copy } = JSON.parse(stdout);
  /** @param {{ flop: number, ms: number[] }} one */
  const rate = ({ flop, ms }) => flop / Math.min(...ms) / 1e6;
  const best = ceilings.toSorted((/** @type {any} */ a, /** @type {any} */ b) => rate(b) - rate(a))[0];
  return { gflops: rate(best), how: /** @type {string} */ (best.how), gbps: copy.bytes / Math.min(...copy.ms) / 1e6 };
}

/** @param {number} enough milliseconds of each */
export async function jsLimits(enough) {
  const rounds = await perSecond(async (times) => {
    const last = sums(1e5 * times, 0.5, 1);
    if (Math.abs(last - 16) > 1e-9) throw new Error(`eight sums that tend to 2 are ${last} together`);
  }, enough);
  const [from, to] = [new Float32Array(2 ** 24).fill(1), new Float32Array(2 ** 24)];
  const copies = await perSecond(async (times) => {
    for (let i = 0; i < times; i++) to.set(from);
  }, enough);
  return { gflops: (rounds * 1e5 * 16) / 1e9, gbps: (copies * 2 * from.byteLength) / 1e9 };
}

/** Eight sums, s ← s · x + y, which wait for nothing but themselves. @param {number} n @param {number} x @param {number} y */
function sums(n, x, y) {
  let [a, b, c, d, e, f, g, h] = [1, 1.5, 2.5, 3, 3.5, 4, 4.5, 5];
  for (let i = 0; i < n; i++) {
    a = a * x + y;
    b = b * x + y;
    c = c * x + y;
    d = d * x + y;
    e = e * x + y;
    f = f * x + y;
    g = g * x + y;
    h = h * x + y;
  }
  return a + b + c + d + e + f + g + h;
}
