// The machine's own limits, measured in the same run as what is compared with them: how many numbers are multiplied and added in a
// second, and how many bytes of memory are read and written.
import { jsLimits, wasmLimits } from "./limits/cpu.mjs";
import { webgpuLimits } from "./limits/webgpu.mjs";
import { digits, duration } from "./markdown.mjs";

/** @typedef {import("elbo").Device} Device @typedef {import("./time.mjs").Times} Times */
/**
 * Rates in 10⁹ per second. `oneThread` where `gflops` and `gbps` are of several threads; the rest is WebGPU's, in microseconds.
 * @typedef {{ gflops: number, gbps: number, threads?: number, oneThread?: { gflops: number, gbps: number, how: string }, dispatch?: number, submit?: Times, readBack?: Times }} Limits
 */

/** @param {Device} device @param {{ isSoftware: boolean, enough: number }} options how many milliseconds of something tell its rate @returns {Promise<Limits>} */
export function limitsOf(device, options) {
  if (device.name === "webgpu") return webgpuLimits(/** @type {import("elbo").WebGpuDevice} */ (device).gpu, options);
  if (device.name === "js") return jsLimits(options.enough);
  return wasmLimits(
    /** @type {import("../src/kernels/devices/wasm/device.ts").WasmDevice} */ (device).threads.count,
    Math.ceil(options.enough),
  );
}

/** @param {Limits} limits */
export function limitsText({ gflops, gbps, threads = 1, oneThread, dispatch, submit, readBack }) {
  const rates = (/** @type {{ gflops: number, gbps: number }} */ of) =>
    `${digits(of.gflops)} GFLOP/s from registers to registers, ${digits(of.gbps)} GB/s copying`;
  const one = oneThread && threads > 1 ? ` with ${threads} threads (${rates(oneThread)} with one)` : "";
  if (dispatch === undefined || !submit || !readBack) return `${rates({ gflops, gbps })}${one}`;
  const latencies = `an empty dispatch ${duration(dispatch)}, a submission ${duration(submit.median)}, reading 4 bytes ${duration(readBack.median)}`;
  return `${rates({ gflops, gbps })}; ${latencies}`;
}
