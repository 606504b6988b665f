// What a GPU would be given, told without compiling it: the software driver takes long to compile kernels with workgroup memory.
import { vi } from "vitest";
import type { Device } from "../../src/kernels/devices/device.ts";
import { kernelCode } from "../../src/kernels/devices/webgpu/kernel.ts";
import type { Explained } from "../../src/tensor/explain.ts";
import type { Plan } from "../../src/tensor/plan.ts";

/** What `explain` says of a program that this device has not seen yet, and how many dispatches it would be on a GPU. */
export function explainedForGpu(device: Device, explain: () => Explained): Explained & { readonly onGpu: number } {
  const prepare = vi.spyOn(device, "prepare");
  const explained = explain();
  const [plan] = prepare.mock.lastCall as [Plan];
  prepare.mockRestore();
  const codes = plan.kernels.flatMap((k) => kernelCode(plan, k, { family: "tiled", buffers: 8, parts: undefined }));
  return { ...explained, onGpu: codes.length };
}
