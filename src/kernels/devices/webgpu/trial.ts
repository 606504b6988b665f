// A kernel of a plan on trial: its dispatches, made ready to run on memory of their own.

import { isLeaf } from "../../../tensor/graph.ts";
import type { Plan } from "../../../tensor/plan.ts";
import { arrayOf, type DType, type Values } from "../../../tensor/tensor.ts";
import type { WebGpuDevice } from "./device.ts";
import { pipelineOf } from "./pipeline.ts";
import type { Binding, KernelCode } from "./writing.ts";

/** One dispatch, ready to be encoded. */
export interface Launch {
  readonly pipeline: GPUComputePipeline;
  readonly bindings: GPUBindGroup;
  readonly groups: readonly [number, number, number];
}

interface Memory {
  readonly buffer: GPUBuffer;
  readonly values: Values;
  readonly dtype: DType;
}

/** Has buffers in the place of those that the plan would bind, and in them small positive numbers, whose sums of products are exact. */
export class Trial {
  readonly #device: WebGpuDevice;
  readonly #plan: Plan;
  readonly #buffers = new Map<Binding["node"], Memory>();
  readonly #uniforms: GPUBuffer[] = [];
  readonly #written = new Set<Binding["node"]>();

  constructor(device: WebGpuDevice, plan: Plan) {
    this.#device = device;
    this.#plan = plan;
  }

  launch(code: KernelCode): Launch {
    const { gpu } = this.#device;
    const pipeline = pipelineOf(this.#device, code);
    const buffers = code.bindings.map(({ node, writes }) => {
      if (writes && node !== "scratch") this.#written.add(node);
      return this.#bufferOf(node, code.scratch);
    });
    const entries = [...buffers, this.#uniformsOf(code)].map((buffer, binding) => ({ binding, resource: { buffer } }));
    return { pipeline, bindings: gpu.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }), groups: code.groups };
  }

  /** What dispatches leave in memory, in what the plan would read of it. */
  async outcome(launches: readonly Launch[]): Promise<Values[]> {
    const written = [...this.#written].map((node) => this.#buffers.get(node) as Memory);
    for (const { buffer, values } of written) this.#device.write(buffer, values);
    const encoder = this.#device.gpu.createCommandEncoder();
    encode(encoder.beginComputePass(), launches);
    this.#device.gpu.queue.submit([encoder.finish()]);
    return Promise.all(written.map(({ buffer, values, dtype }) => this.#device.read(buffer, 0, values.length, dtype)));
  }

  #bufferOf(node: Binding["node"], scratch: number): GPUBuffer {
    const known = this.#buffers.get(node);
    if (known) return known.buffer;
    const { nodes } = this.#plan.graph;
    const dtype = node === "scratch" ? "f32" : nodes[node].dtype;
    const elements = node === "scratch" ? scratch : this.#elementsOf(node);
    const buffer = this.#device.alloc(elements, dtype);
    const scale = dtype === "f32" ? 1 / 8 : 1;
    const values = arrayOf(dtype, elements).map((_: number, i: number) => scale * (1 + ((7 * i + ((i * i) % 11)) % 7)));
    this.#device.write(buffer, values);
    this.#buffers.set(node, { buffer, values, dtype });
    return buffer;
  }

  /** Of all that lies in one block with a leaf: a parameter's moments lie behind it. */
  #elementsOf(node: number): number {
    const { offsets, graph } = this.#plan;
    const { nodes, blockOf } = graph;
    const together = [...nodes.keys()].filter((i) => i === node || (isLeaf(nodes[i]) && blockOf[i] >= 0 && blockOf[i] === blockOf[node]));
    return Math.max(...together.map((i) => offsets[i] + nodes[i].size));
  }

  #uniformsOf({ uniforms }: KernelCode): GPUBuffer {
    const words = new Uint32Array(4 * Math.ceil(uniforms.fields.length / 4));
    const floats = new Float32Array(words.buffer);
    uniforms.fields.forEach(({ type, value }, i) => {
      (type === "f32" ? floats : words)[i] = typeof value === "number" ? value : value(this.#plan.graph.nodes);
    });
    const { gpu } = this.#device;
    const buffer = gpu.createBuffer({ size: words.byteLength, usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST });
    gpu.queue.writeBuffer(buffer, 0, words);
    this.#uniforms.push(buffer);
    return buffer;
  }

  dispose(): void {
    for (const { buffer } of this.#buffers.values()) this.#device.free(buffer);
    for (const buffer of this.#uniforms) buffer.destroy();
  }
}

export function encode(pass: GPUComputePassEncoder, launches: readonly Launch[], times = 1): void {
  for (let time = 0; time < times; time++) {
    for (const { pipeline, bindings, groups } of launches) {
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, bindings);
      pass.dispatchWorkgroups(...groups);
    }
  }
  pass.end();
}
