// From WGSL to a pipeline. A kernel that does not compile is a fault of Elbo's: the error shows the line of the file that
// it was linked from, and a caret. Compilation goes on in the background, so the next read reports it.

import type { WebGpuDevice } from "./device.ts";
import type { KernelCode } from "./writing.ts";

export function pipelineOf(device: WebGpuDevice, { linked, label }: Pick<KernelCode, "linked" | "label">): GPUComputePipeline {
  return device.pipeline(linked.code, () => {
    const { gpu } = device;
    let module: GPUShaderModule | undefined;
    const explain = async (message: string): Promise<Error> => {
      const info = await module?.getCompilationInfo();
      const first = info?.messages.find((m) => m.type === "error");
      if (!first) return new Error(`webgpu: kernel "${label}" was refused: ${message}`);
      const { file, line } = linked.origin(first.lineNum);
      const text = linked.code.split("\n")[first.lineNum - 1] ?? "";
      return new Error(`${file}:${line}: ${first.message}\n${text}\n${" ".repeat(Math.max(0, first.linePos - 1))}^`);
    };
    return device.guarded("validation", explain, () => {
      module = gpu.createShaderModule({ label, code: linked.code });
      return gpu.createComputePipeline({ label, layout: "auto", compute: { module, entryPoint: "main" } });
    });
  });
}
