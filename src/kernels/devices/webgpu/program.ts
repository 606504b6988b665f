// A plan made ready for WebGPU: pipelines compiled, uniform block laid out, bind groups kept. A run encodes one pass
// over the kernels and submits it.

import { isLeaf } from "../../../tensor/graph.ts";
import { stateOf } from "../../../tensor/inline.ts";
import { bytesOf, type Plan } from "../../../tensor/plan.ts";
import { format } from "../../../tensor/shape.ts";
import type { Storage, Tensor } from "../../../tensor/tensor.ts";
import type { Prepared } from "../device.ts";
import type { WebGpuDevice } from "./device.ts";
import { kernelCode } from "./kernel.ts";
import { pipelineOf } from "./pipeline.ts";
import type { Profile } from "./profile.ts";
import type { Binding, KernelCode } from "./writing.ts";

interface Launch extends KernelCode {
  readonly pipeline: GPUComputePipeline;
  /** Where the kernel's sizes and scalars begin in the plan's uniform block, in bytes. */
  readonly at: number;
}

export function prepare(device: WebGpuDevice, plan: Plan): Prepared {
  plan.graph.nodes.forEach((t, i) => {
    if (plan.stored[i] || isLeaf(t)) device.checkSize(bytesOf(plan, i), `${t.op.name} ${format(t.shape)}`);
  });
  let bytes = 0;
  const launches: Launch[] = [];
  const codes = plan.kernels.map((kernel) => kernelCode(plan, kernel, device).filter(({ groups }) => !groups.includes(0))); // of an empty tensor nothing
  for (const code of codes.flat()) {
    launches.push({ ...code, pipeline: pipelineOf(device, code), at: bytes });
    bytes += Math.ceil((code.uniforms.fields.length * 4) / 256) * 256; // bindings of a uniform buffer are aligned
  }
  const scratch = Math.max(0, ...launches.map((l) => l.scratch)); // one for all: it is used up by the dispatch that follows
  const block = new Block(device, launches, bytes);
  const leaves = plan.graph.nodes.map((t, i) => (isLeaf(t) ? i : -1)).filter((i) => i >= 0);
  /** The buffer of each leaf and each stored node, and scratch memory: what the bind groups were made for. */
  const bound = new Map<Binding["node"], GPUBuffer>();
  let groups: readonly GPUBindGroup[] | undefined;
  let slotChanges = -1;

  /** Brings the bind groups up to date with the memory of this run's leaves, and with slots that grew. */
  const bindAll = (nodes: readonly Tensor[], encoder: GPUCommandEncoder): readonly GPUBindGroup[] => {
    let copies = plan.slots.length + (scratch > 0 ? 1 : 0); // slots behind the plan's own
    for (const i of leaves) {
      const { block, offset } = nodes[i].storage as Storage; // a leaf has one when it runs
      // Where an argument begins was not known to the plan: one that lies behind something else is copied.
      const stays = block.buffer && offset === plan.offsets[i];
      const buffer = stays ? (block.buffer as GPUBuffer) : copied(device, encoder, nodes[i], copies++);
      if (bound.get(i) === buffer) continue;
      bound.set(i, buffer);
      groups = undefined;
    }
    const uniforms = block.bytes > 0 ? device.uniforms(block.bytes) : undefined;
    if (!groups || slotChanges !== device.slotChanges) {
      plan.slotOf.forEach((slot, i) => {
        if (slot !== undefined) bound.set(i, device.slot(slot, plan.slots[slot]));
      });
      if (scratch > 0) bound.set("scratch", device.slot(plan.slots.length, scratch));
      slotChanges = device.slotChanges;
      groups = launches.map((launch) => bindGroup(device, launch, bound, uniforms));
    }
    return groups;
  };

  return {
    dispatches: codes.map(({ length }) => length),
    dispose: () => {}, // pipelines are the device's, for other plans of the same kernels
    run: (nodes, times, into) => {
      device.check();
      const encoder = device.gpu.createCommandEncoder();
      const current = bindAll(nodes, encoder);
      block.update(nodes);
      for (let time = 0; time < times; time++) {
        if (device.profiling) encodeTimed(encoder, launches, current, device.profiling);
        else if (launches.length > 0) encode(encoder, launches, current);
        plan.graph.outputs.forEach((i, which) => {
          const t = nodes[i];
          const home = t.op.loops === "effect" ? stateOf(plan.graph, i) : i;
          const width = t.dtype === "u8" ? 1 : 4;
          const length = Math.ceil((t.size * width) / 4) * 4;
          const target = into[which] as GPUBuffer;
          if (length > 0)
            encoder.copyBufferToBuffer(bound.get(home) as GPUBuffer, plan.offsets[home] * width, target, time * length, length);
        });
      }
      device.submit(encoder);
    },
  };
}

/** All kernels in one pass. */
function encode(encoder: GPUCommandEncoder, launches: readonly Launch[], current: readonly GPUBindGroup[]): void {
  const pass = encoder.beginComputePass();
  let set: GPUComputePipeline | undefined;
  for (let k = 0; k < launches.length; k++) {
    const { pipeline, groups } = launches[k];
    if (pipeline !== set) pass.setPipeline(pipeline); // a call that is left out saves a quarter of the cost of encoding
    set = pipeline;
    pass.setBindGroup(0, current[k]);
    pass.dispatchWorkgroups(groups[0], groups[1], groups[2]);
  }
  pass.end();
}

/** A pass for each kernel, between two timestamps. */
function encodeTimed(encoder: GPUCommandEncoder, launches: readonly Launch[], current: readonly GPUBindGroup[], profile: Profile): void {
  launches.forEach((launch, k) => {
    const pass = profile.pass(encoder, launch);
    pass.setPipeline(launch.pipeline);
    pass.setBindGroup(0, current[k]);
    pass.dispatchWorkgroups(...launch.groups);
    pass.end();
  });
}

/** A leaf's values in a slot: written from the host, or copied from where they lie on the device. */
function copied(device: WebGpuDevice, encoder: GPUCommandEncoder, t: Tensor, slot: number): GPUBuffer {
  const { block, offset } = t.storage as Storage;
  if (block.host) {
    const buffer = device.slot(slot, Math.ceil(block.host.byteLength / 4));
    device.write(buffer, block.host);
    return buffer;
  }
  const buffer = device.slot(slot, t.size);
  if (t.size > 0) encoder.copyBufferToBuffer(block.buffer as GPUBuffer, 4 * offset, buffer, 0, 4 * t.size); // never u8, which shares no block
  return buffer;
}

function bindGroup(
  device: WebGpuDevice,
  launch: Launch,
  buffers: ReadonlyMap<Binding["node"], GPUBuffer>,
  uniforms: GPUBuffer | undefined,
): GPUBindGroup {
  const entries: GPUBindGroupEntry[] = launch.bindings.map(({ node }, binding) => ({
    binding,
    resource: { buffer: buffers.get(node) as GPUBuffer },
  }));
  if (uniforms) {
    const size = Math.ceil((launch.uniforms.fields.length * 4) / 16) * 16;
    entries.push({ binding: entries.length, resource: { buffer: uniforms, offset: launch.at, size } });
  }
  return device.gpu.createBindGroup({ label: launch.label, layout: launch.pipeline.getBindGroupLayout(0), entries });
}

/** The uniform block of a plan: sizes that never change, and scalars that do. Written when it changed, or another plan ran. */
class Block {
  readonly bytes: number;
  readonly #device: WebGpuDevice;
  readonly #words: Uint32Array<ArrayBuffer>;
  readonly #floats: Float32Array;
  readonly #scalars: { readonly at: number; readonly type: "f32" | "u32"; readonly value: (nodes: readonly Tensor[]) => number }[] = [];

  constructor(device: WebGpuDevice, launches: readonly Launch[], bytes: number) {
    this.bytes = bytes;
    this.#device = device;
    this.#words = new Uint32Array(bytes / 4);
    this.#floats = new Float32Array(this.#words.buffer);
    for (const { uniforms, at } of launches) {
      uniforms.fields.forEach(({ type, value }, i) => {
        if (typeof value === "number") this.#words[at / 4 + i] = value;
        else this.#scalars.push({ at: at / 4 + i, type, value });
      });
    }
  }

  update(nodes: readonly Tensor[]): void {
    if (this.bytes === 0) return;
    let changed = this.#device.uniformsOf !== this;
    for (const { at, type, value } of this.#scalars) {
      const before = this.#words[at];
      if (type === "u32") this.#words[at] = value(nodes);
      else this.#floats[at] = value(nodes);
      changed ||= this.#words[at] !== before;
    }
    if (changed) this.#device.write(this.#device.uniforms(this.bytes), this.#words);
    this.#device.uniformsOf = this;
  }
}
