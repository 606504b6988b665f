// What a GPU would be given, told without compiling it: the software driver takes long to compile kernels with workgroup memory.
import { vi } from "vitest";
import type { Device } from "../../src/kernels/devices/device.ts";
import { kernelCode } from "../../src/kernels/devices/webgpu/kernel.ts";
import type { Explained } from "../../src/tensor/explain.ts";
import type { Plan } from "../../src/tensor/plan.ts";

/** The plan that `record` makes this device prepare: one that it has not seen yet. */
export function planOf(device: Device, record: () => unknown): Plan {
  const prepare = vi.spyOn(device, "prepare");
  record();
  const [plan] = prepare.mock.lastCall as [Plan];
  prepare.mockRestore();
  return plan;
}

/** What `explain` says of a program that this device has not seen yet, and how many dispatches it would be on a GPU. */
export function explainedForGpu(device: Device, explain: () => Explained): Explained & { readonly onGpu: number } {
  let explained: Explained | undefined;
  const plan = planOf(device, () => {
    explained = explain();
  });
  const codes = plan.kernels.flatMap((k) => kernelCode(plan, k, { family: "tiled", buffers: 8, parts: undefined }));
  return { ...(explained as Explained), onGpu: codes.length };
}
