// Opening a device. The last one opened is the one that programs run on.

import { type Device, use } from "./device.ts";
import { JsDevice, type JsOptions } from "./js.ts";

export type DeviceName = "auto" | "webgpu" | "js";
export type OpenOptions = JsOptions;

export async function open(name: DeviceName = "auto", options: OpenOptions = {}): Promise<Device> {
  if (name !== "auto" && name !== "js") throw new Error(`open: there is no device "${name}"`);
  const device: Device = new JsDevice(options);
  use(device);
  return device;
}
