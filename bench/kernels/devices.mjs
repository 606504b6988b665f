// The devices whose kernels are measured, and what is too large for each.
import { open } from "elbo";
import { findAdapter, isSoftware, registerGpu } from "../../dist/kernels/devices/webgpu/adapter.js";
import { limitsOf } from "../limits.mjs";
import { adapterFacts } from "../machine.mjs";

/** @typedef {import("elbo").Device} Device @typedef {import("elbo").DeviceName} DeviceName */
/**
 * `cache`: bytes beyond which nothing is found in a cache again. `most`: of a kernel.
 * @typedef {{ device: Device, facts: DeviceFacts, cache: number, most: { flop: number, bytes: number } }} Opened
 * @typedef {{ description: string, isSoftware: boolean, adapter?: object, limits: import("../limits.mjs").Limits }} DeviceFacts
 */

/** What a kernel may do and take, so that all of them together take a few minutes. On a GPU large ones are what counts. */
const MOST = {
  js: { small: { flop: 3e8, bytes: 1e7 }, large: { flop: 3e9, bytes: 1e8 } },
  wasm: { small: { flop: 2.2e9, bytes: 1.4e8 }, large: { flop: 2e10, bytes: 6e8 } },
  software: { small: { flop: 3e8, bytes: 1e7 }, large: { flop: 3e9, bytes: 1.4e8 } },
  gpu: { small: { flop: 2e10, bytes: 1.4e8 }, large: { flop: 2e11, bytes: 1e9 } },
};
const CPU_CACHE = 2 ** 26;
const GPU_CACHE = 2 ** 27; // twice the largest level-2 cache, which some GPUs keep in halves

/** Opens it and measures its limits. @param {DeviceName} name @param {{ size: string, enough: number }} options @returns {Promise<Opened>} */
export async function opened(name, { size, enough }) {
  if (name === "webgpu") registerGpu(exactClock);
  const device = await open(name);
  const adapter = name === "webgpu" ? await findAdapter() : undefined;
  const software = adapter !== undefined && isSoftware(adapter);
  const limits = await limitsOf(device, { isSoftware: software, enough });
  const isGpu = adapter !== undefined && !software;
  const most = MOST[name === "webgpu" ? (isGpu ? "gpu" : "software") : /** @type {"js" | "wasm"} */ (name)];
  return {
    device,
    facts: { description: device.description, isSoftware: software, ...(adapter && { adapter: adapterFacts(adapter) }), limits },
    cache: isGpu ? GPU_CACHE : CPU_CACHE,
    most: most[size === "auto" ? (isGpu ? "large" : "small") : /** @type {"small" | "large"} */ (size)],
  };
}

/** Dawn whose timestamps are not rounded to 65,536 ns; made once, for the adapters that it gave depend on it. */
export async function exactClock() {
  try {
    const { create, globals } = await import("webgpu");
    Object.assign(globalThis, globals);
    return (dawn ??= create(["disable-dawn-features=timestamp_quantization"]));
  } catch {
    return undefined; // the package is absent: there is no WebGPU, as `open` says
  }
}
/** @type {GPU | undefined} */
let dawn;
