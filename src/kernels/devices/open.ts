// Opening a device. The last one opened is the one that programs run on.

import { type Device, use } from "./device.ts";
import { JsDevice, type JsOptions } from "./js.ts";
import { findAdapter, isSoftware, requireAdapter } from "./webgpu/adapter.ts";
import { WebGpuDevice, type WebGpuOptions } from "./webgpu/device.ts";

export type DeviceName = "auto" | "webgpu" | "js";
export type OpenOptions = JsOptions & WebGpuOptions;

/**
 * Opens a device by name, or by what is there: `auto` takes a hardware GPU, else the CPU. Drivers that compute on the
 * CPU count as `webgpu` only when asked for by that name.
 */
export async function open(name: DeviceName = "auto", options: OpenOptions = {}): Promise<Device> {
  const device = await openNamed(name, options);
  use(device);
  return device;
}

async function openNamed(name: DeviceName, options: OpenOptions): Promise<Device> {
  switch (name) {
    case "js":
      return new JsDevice(options);
    case "webgpu":
      return WebGpuDevice.open(await requireAdapter(), options);
    case "auto": {
      const adapter = await findAdapter();
      return adapter && !isSoftware(adapter) ? WebGpuDevice.open(adapter, options) : new JsDevice(options);
    }
    default:
      throw new Error(`open: there is no device "${name satisfies never}"; there are auto, webgpu and js`);
  }
}
