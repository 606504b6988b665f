// The `webgpu` device, for tests that look behind the interface that all devices share.
import type { WebGpuDevice, WebGpuOptions } from "../../src/kernels/devices/webgpu/device.ts";
import { open } from "../../src/node.ts";

/** Opens `webgpu` and makes it the device that programs run on. */
export const openWebGpu = (options: WebGpuOptions = {}): Promise<WebGpuDevice> => open("webgpu", options);
