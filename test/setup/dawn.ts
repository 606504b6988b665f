// The `webgpu` device itself, for tests that look behind the interface that all devices share.
import { WebGpuDevice, type WebGpuOptions } from "../../src/kernels/devices/webgpu/device.ts";
import { open } from "../../src/node.ts";

/** Opens `webgpu` and makes it the device that programs run on. */
export async function openWebGpu(options: WebGpuOptions = {}): Promise<WebGpuDevice> {
  const device = await open("webgpu", options);
  if (device instanceof WebGpuDevice) return device;
  throw new Error(`open("webgpu") gave ${device.name}`);
}
