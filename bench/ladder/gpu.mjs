// Kernels on a GPU as they are written, with nothing of the engine in between: compiled and bound. program.mjs runs them.
import { describe, isSoftware, requestDevice, requireAdapter } from "../../dist/kernels/devices/webgpu/adapter.js";
import { unwritten } from "./check.mjs";
import { Refused } from "./declared.mjs";
import { Program } from "./program.mjs";
import { operands } from "./work.mjs";

/**
 * One dispatch. Bindings are operands by their number, the result, or scratch memory; `size`, a block of words, is bound behind them.
 * `origin` says where a line of the code (from 1) stands.
 * @typedef {{ of: number | "result" | "scratch", writes: boolean }} Binding
 * @typedef {{
 *   code: string, entryPoint: string, origin(line: number): { file: string, line: number },
 *   bindings: readonly Binding[], size: readonly number[], groups: readonly [number, number, number], scratch?: number,
 * }} Dispatch
 */

export async function openGpu() {
  const adapter = await requireAdapter();
  return new Gpu(await requestDevice(adapter), describe(adapter), isSoftware(adapter));
}

export class Gpu {
  /** @type {{ work: import("./work.mjs").Work, buffers: GPUBuffer[] } | undefined} */
  #uploaded;
  /** By their code: a driver may take a second to compile one. @type {Map<string, GPUComputePipeline>} */
  #pipelines = new Map();

  /** @param {GPUDevice} device @param {string} description @param {boolean} isSoftware */
  constructor(device, description, isSoftware) {
    this.device = device;
    this.description = description;
    this.isSoftware = isSoftware;
  }

  /** The dispatches of one rung, compiled and bound. @param {import("./work.mjs").Work} work @param {readonly Dispatch[]} dispatches */
  async prepare(work, dispatches) {
    /** @type {GPUComputePipeline[]} */
    const pipelines = [];
    for (const dispatch of dispatches) pipelines.push(await this.#pipeline(dispatch)); // one by one, so that the first error is the first
    const result = this.#buffer(unwritten(work.rows * work.columns));
    const scratch = this.#buffer(new Float32Array(Math.max(0, ...dispatches.map((d) => d.scratch ?? 0))));
    const inputs = this.#operands(work);
    const sizes = dispatches.map(({ size }) => this.#buffer(Uint32Array.from(size), GPUBufferUsage.UNIFORM));
    const bound = dispatches.map(({ bindings }, i) => {
      const buffers = bindings.map(({ of }) => (of === "result" ? result : of === "scratch" ? scratch : inputs[of]));
      const entries = [...buffers, sizes[i]].map((buffer, binding) => ({ binding, resource: { buffer } }));
      return this.device.createBindGroup({ layout: pipelines[i].getBindGroupLayout(0), entries });
    });
    const launches = dispatches.map(({ groups }, i) => ({ pipeline: pipelines[i], bound: bound[i], groups }));
    return new Program(this.device, launches, result, [result, scratch, ...sizes]);
  }

  /** A work's operands are uploaded once for all its rungs. @param {import("./work.mjs").Work} work */
  #operands(work) {
    if (this.#uploaded?.work !== work) {
      for (const buffer of this.#uploaded?.buffers ?? []) buffer.destroy();
      this.#uploaded = { work, buffers: operands(work).map((values) => this.#buffer(values)) };
    }
    return this.#uploaded.buffers;
  }

  /** Memory of whole vectors of four, so that a kernel may read it by vectors. @param {Float32Array | Uint32Array} values */
  #buffer(values, kind = GPUBufferUsage.STORAGE) {
    const size = Math.max(16, Math.ceil(values.byteLength / 16) * 16);
    const buffer = this.device.createBuffer({ size, usage: kind | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST });
    this.device.queue.writeBuffer(buffer, 0, values.buffer, values.byteOffset, values.byteLength);
    return buffer;
  }

  /** @param {Dispatch} dispatch */
  async #pipeline(dispatch) {
    const { code, bindings } = dispatch;
    const key = `${bindings.map(({ writes }) => writes)} ${code}`;
    const pipeline = this.#pipelines.get(key) ?? (await this.#compiled(dispatch));
    this.#pipelines.set(key, pipeline);
    return pipeline;
  }

  /** @param {Dispatch} dispatch */
  async #compiled({ code, entryPoint, origin, bindings }) {
    const { device } = this;
    device.pushErrorScope("validation"); // told below, in words of our own
    try {
      const module = device.createShaderModule({ code });
      const { messages } = await module.getCompilationInfo();
      const error = messages.find(({ type }) => type === "error");
      if (error) throw new Refused(pointing(code, error, origin));
      /** @type {GPUBufferBindingType[]} */
      const types = [...bindings.map(({ writes }) => (writes ? "storage" : "read-only-storage")), "uniform"];
      const entries = types.map((type, binding) => ({ binding, visibility: GPUShaderStage.COMPUTE, buffer: { type } }));
      const layout = device.createPipelineLayout({ bindGroupLayouts: [device.createBindGroupLayout({ entries })] });
      return await device.createComputePipelineAsync({ layout, compute: { module, entryPoint } }).catch((error) => {
        throw new Refused(`${origin(1).file}: ${error.message}`);
      });
    } finally {
      await device.popErrorScope();
    }
  }

  close() {
    this.device.destroy();
  }
}

/** The file, the line, what is wrong, the line itself, a caret. @param {string} code @param {GPUCompilationMessage} error @param {Dispatch["origin"]} origin */
function pointing(code, { lineNum, linePos, message }, origin) {
  const { file, line } = origin(lineNum);
  return `${file}:${line}: ${message}\n${code.split("\n")[lineNum - 1] ?? ""}\n${" ".repeat(Math.max(0, linePos - 1))}^`;
}
