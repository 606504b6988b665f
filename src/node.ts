// Elbo in Node: all of `elbo`, `elbo/vae` and `elbo/data`, what reads and writes files, threads, and WebGPU by Dawn, if the package `webgpu` is there.

import { registerHost } from "./kernels/devices/wasm/host.ts";
import { nodeHost } from "./kernels/devices/wasm/threads.node.ts";
import { registerGpu } from "./kernels/devices/webgpu/adapter.ts";
import { tilesCache } from "./kernels/devices/webgpu/tiles-cache.node.ts";
import { registerTilesCache } from "./kernels/devices/webgpu/tiles-cache.ts";

export * from "./data/node.ts";
export * from "./index.ts";
export * from "./vae/index.ts";
export * from "./vae/run.node.ts";

registerHost(nodeHost);
registerTilesCache(tilesCache);
registerGpu(async () => {
  if (process.platform === "linux" && !loads("libvulkan.so.1")) return NO_ADAPTERS; // Dawn would print two lines about itself
  try {
    const { create, globals } = await import("webgpu"); // an optional peer: loaded when a GPU is first asked for
    Object.assign(globalThis, globals);
    return create([`enable-dawn-features=${FEATURES}`]);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== "ERR_MODULE_NOT_FOUND") process.emitWarning(`the package webgpu is installed but does not load: ${message}`);
    return undefined;
  }
});

// What Dawn holds back. On NVIDIA it offers f16 only when asked to, and subgroup matrices anywhere only to whoever accepts that
// their form may change; a page must not have either unasked, a program in Node may. Programs in f32 use neither.
const FEATURES = ["vulkan_enable_f16_on_nvidia", "allow_unsafe_apis"];

const NO_ADAPTERS = { requestAdapter: async () => null } as Partial<GPU> as GPU; // all that is asked of it

/** Whether there is such a library. Node loads it, and only then finds that it is no addon. */
function loads(library: string): boolean {
  try {
    process.dlopen({ exports: {} }, library);
    return true;
  } catch (error) {
    return (error as Error).message.includes("did not self-register");
  }
}
