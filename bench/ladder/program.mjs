// Dispatches that are compiled and bound: run, read, timed by the GPU's own clock.
import { Refused } from "./declared.mjs";

/** @typedef {{ pipeline: GPUComputePipeline, bound: GPUBindGroup, groups: readonly [number, number, number] }} Launch */

export class Program {
  /** @param {GPUDevice} device @param {readonly Launch[]} launches @param {GPUBuffer} result @param {readonly GPUBuffer[]} own */
  constructor(device, launches, result, own) {
    this.device = device;
    this.launches = launches;
    this.result = result;
    this.own = own;
  }

  /** Runs it, and waits until it is done. @param {number} times */
  async run(times) {
    const encoder = this.device.createCommandEncoder();
    this.#encode(encoder, times);
    this.device.queue.submit([encoder.finish()]);
    await this.device.queue.onSubmittedWorkDone();
  }

  /** What one run leaves in the result. Whatever WebGPU has against it is an error here. */
  async results() {
    this.device.pushErrorScope("validation");
    const encoder = this.device.createCommandEncoder();
    this.#encode(encoder, 1);
    this.device.queue.submit([encoder.finish()]);
    const refused = await this.device.popErrorScope();
    if (refused) throw new Refused(refused.message);
    return new Float32Array(await this.#read(this.result));
  }

  /** Microseconds of one run of several, by the GPU's own clock; undefined if it has none. @param {number} times */
  async clock(times) {
    if (!this.device.features.has("timestamp-query")) return undefined;
    const querySet = this.device.createQuerySet({ type: "timestamp", count: 2 });
    const stamps = this.device.createBuffer({ size: 16, usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC });
    const encoder = this.device.createCommandEncoder();
    this.#encode(encoder, times, { querySet, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1 });
    encoder.resolveQuerySet(querySet, 0, 2, stamps, 0);
    this.device.queue.submit([encoder.finish()]);
    const [begin, end] = new BigUint64Array(await this.#read(stamps));
    stamps.destroy();
    querySet.destroy();
    return Number(end - begin) / 1e3 / times;
  }

  /** @param {GPUCommandEncoder} encoder @param {number} times @param {GPUComputePassTimestampWrites} [timestampWrites] */
  #encode(encoder, times, timestampWrites) {
    const pass = encoder.beginComputePass(timestampWrites && { timestampWrites });
    for (let i = 0; i < times; i++) {
      for (const { pipeline, bound, groups } of this.launches) {
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, bound);
        pass.dispatchWorkgroups(...groups);
      }
    }
    pass.end();
  }

  /** @param {GPUBuffer} buffer */
  async #read(buffer) {
    const { size } = buffer;
    const staging = this.device.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
    const encoder = this.device.createCommandEncoder();
    encoder.copyBufferToBuffer(buffer, 0, staging, 0, size);
    this.device.queue.submit([encoder.finish()]);
    await staging.mapAsync(GPUMapMode.READ);
    const bytes = staging.getMappedRange().slice(0);
    staging.destroy();
    return bytes;
  }

  close() {
    for (const buffer of this.own) buffer.destroy();
  }
}
