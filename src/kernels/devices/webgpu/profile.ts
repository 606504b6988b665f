// How long each kernel takes by the GPU's own clock: while a profile is taken, every dispatch gets a compute pass of its
// own, with a timestamp before and after it. Nothing is timed otherwise, because a pass costs more than a dispatch.

import type { WebGpuDevice } from "./device.ts";
import type { KernelCode } from "./writing.ts";

/**
 * One dispatch, and its time in nanoseconds. Dawn rounds its clock to 65,536 ns, unless it was made without that:
 * `registerGpu(async () => create(["disable-dawn-features=timestamp_quantization"]))`.
 */
export interface KernelTime {
  /** The kernel's file and its ops: `matmul-tiled: matmul add relu`. */
  readonly label: string;
  readonly ops: readonly string[];
  /** Workgroups along x, y and z. */
  readonly groups: readonly [number, number, number];
  readonly ns: number;
}

const MOST = 4096; // timestamps in a query set, which is WebGPU's limit

export class Profile {
  readonly #device: WebGpuDevice;
  readonly #launches: Pick<KernelCode, "label" | "ops" | "groups">[] = [];
  readonly #sets: GPUQuerySet[] = [];

  constructor(device: WebGpuDevice) {
    if (!device.gpu.features.has("timestamp-query")) {
      throw new Error(
        `profile: ${device.description} has no timestamps (the WebGPU feature "timestamp-query"); time the whole with a clock`,
      );
    }
    this.#device = device;
  }

  /** A pass for one dispatch. */
  pass(encoder: GPUCommandEncoder, launch: Pick<KernelCode, "label" | "ops" | "groups">): GPUComputePassEncoder {
    const at = (2 * this.#launches.length) % MOST;
    if (at === 0) this.#sets.push(this.#device.gpu.createQuerySet({ type: "timestamp", count: MOST }));
    this.#launches.push(launch);
    const querySet = this.#sets[this.#sets.length - 1];
    return encoder.beginComputePass({ timestampWrites: { querySet, beginningOfPassWriteIndex: at, endOfPassWriteIndex: at + 1 } });
  }

  /** The times, in the order of the dispatches, once all are done. */
  async times(): Promise<KernelTime[]> {
    const sets = await Promise.all(this.#sets.map((set, i) => this.#resolved(set, Math.min(MOST, 2 * this.#launches.length - i * MOST))));
    const stamps = sets.flatMap((words) => [...new BigUint64Array(words.buffer)]);
    return this.#launches.map(({ label, ops, groups }, i) => {
      const ns = Number(stamps[2 * i + 1] - stamps[2 * i]);
      return { label, ops, groups, ns: Math.max(0, ns) }; // WebGPU allows a clock to be set back in between
    });
  }

  async #resolved(set: GPUQuerySet, count: number): Promise<Uint32Array> {
    const { gpu } = this.#device;
    const buffer = gpu.createBuffer({ size: 8 * count, usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC });
    const encoder = gpu.createCommandEncoder();
    encoder.resolveQuerySet(set, 0, count, buffer, 0);
    gpu.queue.submit([encoder.finish()]);
    try {
      return (await this.#device.read(buffer, 0, 2 * count, "u32")) as Uint32Array; // as it was asked for
    } finally {
      buffer.destroy();
      set.destroy();
    }
  }
}
