// The `webgpu` device, for tests that look behind the interface that all devices share.
import { create, globals } from "webgpu";
import { WebGpuDevice, type WebGpuOptions } from "../../src/kernels/devices/webgpu/device.ts";
import { open } from "../../src/node.ts";

/** Opens `webgpu` and makes it the device that programs run on. */
export const openWebGpu = (options: WebGpuOptions = {}): Promise<WebGpuDevice> => open("webgpu", options);

let nothing: GPU | undefined;

/** Dawn's null backend: it has every feature, compiles and checks whatever it is given, and runs nothing. */
export async function openNull(options: WebGpuOptions = {}): Promise<WebGpuDevice> {
  Object.assign(globalThis, globals);
  nothing ??= create(["backend=null", "enable-dawn-features=allow_unsafe_apis"]);
  Object.assign(globalThis, { nothing }); // Node crashes if the instance is collected while a device lives
  return WebGpuDevice.open((await nothing.requestAdapter()) as GPUAdapter, { tiles: {}, ...options });
}
