// Opening a device. The last one opened is the one that programs run on.

import { type Device, use } from "./device.ts";
import { JsDevice, type JsOptions } from "./js.ts";
import { WasmDevice, type WasmOptions } from "./wasm/device.ts";
import { features } from "./wasm/features.ts";
import { findAdapter, isSoftware, requireAdapter } from "./webgpu/adapter.ts";
import { WebGpuDevice, type WebGpuOptions } from "./webgpu/device.ts";

export type DeviceName = "auto" | "webgpu" | "wasm" | "js";
export type OpenOptions = JsOptions & WasmOptions & WebGpuOptions;

/**
 * Opens a device by name, or by what is there: `auto` takes a hardware GPU, else the CPU with its vectors and threads
 * (`wasm`), else plain loops (`js`). Drivers that compute on the CPU count as `webgpu` only when asked for by that name.
 */
export async function open(name: "webgpu", options?: OpenOptions): Promise<WebGpuDevice>;
export async function open(name?: DeviceName, options?: OpenOptions): Promise<Device>;
export async function open(name: DeviceName = "auto", options: OpenOptions = {}): Promise<Device> {
  const device = await openNamed(name, options);
  use(device);
  return device;
}

async function openNamed(name: DeviceName, options: OpenOptions): Promise<Device> {
  switch (name) {
    case "js":
      return new JsDevice(options);
    case "wasm":
      return WasmDevice.open(options);
    case "webgpu":
      return WebGpuDevice.open(await requireAdapter(), options);
    case "auto": {
      const adapter = await findAdapter();
      if (adapter && !isSoftware(adapter)) return WebGpuDevice.open(adapter, options);
      // Asked for by what it lacks, not by trying: threads that do not start are an error, and no reason to be slow.
      return features().simd ? WasmDevice.open(options) : new JsDevice(options);
    }
    default:
      throw new Error(`open: there is no device "${name satisfies never}"; there are auto, webgpu, wasm and js`);
  }
}
