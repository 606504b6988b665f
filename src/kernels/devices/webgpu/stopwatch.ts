// How long dispatches take that are small against the time of a submission: many of them in one pass, timed together, by the GPU's
// clock where it has one. That clock is rounded to 65,536 ns, so that single dispatches could not be told apart by it either.

import type { WebGpuDevice } from "./device.ts";
import { encode, type Launch } from "./trial.ts";

const BATCH = 10; // milliseconds that a batch should take
const MOST = 1000; // dispatches in a batch

export class Stopwatch {
  readonly #device: WebGpuDevice;
  readonly #stamps: { readonly set: GPUQuerySet; readonly buffer: GPUBuffer } | undefined;
  /** How many fill a batch, for each list of dispatches. */
  readonly #counts = new WeakMap<readonly Launch[], number>();

  constructor(device: WebGpuDevice) {
    this.#device = device;
    if (!device.gpu.features.has("timestamp-query")) return;
    this.#stamps = {
      set: device.gpu.createQuerySet({ type: "timestamp", count: 2 }),
      buffer: device.gpu.createBuffer({ size: 16, usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC }),
    };
  }

  /** Milliseconds of one run of the dispatches. */
  async time(launches: readonly Launch[]): Promise<number> {
    let count = this.#counts.get(launches);
    if (count === undefined) {
      const alone = await this.#batch(launches, 1);
      count = Math.min(MOST, Math.max(1, Math.round(BATCH / Math.max(alone, BATCH / MOST))));
      this.#counts.set(launches, count);
    }
    return (await this.#batch(launches, count)) / count;
  }

  async #batch(launches: readonly Launch[], count: number): Promise<number> {
    const { gpu } = this.#device;
    const stamps = this.#stamps;
    const encoder = gpu.createCommandEncoder();
    const timestampWrites = stamps && { querySet: stamps.set, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1 };
    encode(encoder.beginComputePass(timestampWrites ? { timestampWrites } : {}), launches, count);
    if (stamps) encoder.resolveQuerySet(stamps.set, 0, 2, stamps.buffer, 0);
    const start = performance.now();
    gpu.queue.submit([encoder.finish()]);
    await gpu.queue.onSubmittedWorkDone();
    const passed = performance.now() - start;
    if (!stamps) return passed;
    const words = (await this.#device.read(stamps.buffer, 0, 4, "u32")) as Uint32Array; // as it was asked for
    const [begin, end] = new BigUint64Array(words.buffer);
    return end > begin ? Number(end - begin) / 1e6 : passed; // WebGPU allows a clock to be set back in between
  }

  dispose(): void {
    this.#stamps?.set.destroy();
    this.#stamps?.buffer.destroy();
  }
}
