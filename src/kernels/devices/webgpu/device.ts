// The `webgpu` device: memory, reading, errors. What runs on it is in program.ts and kernel.ts.

import type { Plan } from "../../../tensor/plan.ts";
import { arrayOf, type DType, type Values } from "../../../tensor/tensor.ts";
import { type Device, leave, type Prepared } from "../device.ts";
import { DeviceLostError, LimitError, OutOfMemoryError } from "../errors.ts";
import { describe, isSoftware, requestDevice } from "./adapter.ts";
import type { Family } from "./kernel.ts";
import { type Matrices, matricesOf } from "./matrices.ts";
import { type KernelTime, Profile } from "./profile.ts";
import { prepare } from "./program.ts";
import { Reading } from "./reading.ts";
import { checkedTile, checkedTiles, type Tiles } from "./tiles.ts";
import { keepTiles, knownTiles } from "./tiles-cache.ts";
import { tune } from "./tune.ts";

export interface WebGpuOptions {
  /** Which kernels to use: with workgroup memory (`tiled`, for GPUs) or without (`simple`). Default: by the adapter. */
  readonly kernels?: Family;
  /** Into how many parts the inner sums of products, and reductions, are cut, for tests. Default: by their shapes. */
  readonly parts?: number;
  /** Whether kernels may use subgroups. Default: where the adapter has them. */
  readonly subgroups?: boolean;
  /** The tile of all products that have one, for tests and benchmarks. Default: by their shapes. */
  readonly tile?: string;
  /** What `tune` found, for this adapter among others. Default: in Node what was found there before, elsewhere nothing. */
  readonly tiles?: Tiles;
  /** The tensor cores that products of mixed precision use, or false for none, for tests. Default: what the adapter offers. */
  readonly matrices?: Matrices | false;
}

/** Core WebGPU guarantees eight storage buffers to a kernel; no more are used anywhere. */
const STORAGE_BUFFERS = 8;
const BIG = 1 << 20; // bytes from which an allocation is watched for running out of memory
const STAGING = 8; // buffers to read through that are kept for the next read

const F16 = "Dawn and Chrome offer it on NVIDIA with their toggle vulkan_enable_f16_on_nvidia, on others as it is, where the driver has it";

export class WebGpuDevice implements Device {
  readonly name = "webgpu";
  readonly description: string;
  readonly buffers: number = STORAGE_BUFFERS;
  readonly storesOperands = false;
  readonly lacksHalf: string | undefined;
  readonly gpu: GPUDevice;
  readonly family: Family;
  readonly parts: number | undefined;
  readonly subgroups: boolean;
  readonly tile: string | undefined;
  /** Tiles that were found faster than those of the table: names, by product. */
  readonly tiles: Map<string, string>;
  readonly matrices: Matrices | undefined;
  readonly memory: number;
  readonly #slots: GPUBuffer[] = [];
  #uniforms: GPUBuffer | undefined;
  /** The plan whose sizes and scalars the uniform buffer holds. */
  uniformsOf: object | undefined;
  /** Counts how often a slot was replaced by a larger one: bind groups made before that are stale. */
  slotChanges = 0;
  /** The profile that is being taken, if one is. */
  profiling: Profile | undefined;
  readonly #staging: GPUBuffer[] = [];
  readonly #reading: Reading;
  readonly #pipelines = new Map<string, GPUComputePipeline>();
  /** Checks under way whose outcome a read waits for. */
  readonly #checks = new Set<Promise<void>>();
  #failure: Error | undefined;
  #bytes = 0;
  #closed = false;

  static async open(adapter: GPUAdapter, options: WebGpuOptions): Promise<WebGpuDevice> {
    if (options.tile !== undefined) checkedTile(options.tile, "open: tile");
    const tiles = options.tiles ? checkedTiles(options.tiles, "open: tiles") : await knownTiles(describe(adapter));
    return new WebGpuDevice(adapter, await requestDevice(adapter), options, tiles);
  }

  private constructor(adapter: GPUAdapter, gpu: GPUDevice, options: WebGpuOptions, tiles: Tiles) {
    const { kernels, parts, tile, matrices, subgroups = true } = options;
    this.gpu = gpu;
    this.#reading = new Reading(gpu, { take: (bytes) => this.#takeStaging(bytes), giveBack: (buffer) => this.#giveBack(buffer) });
    this.description = describe(adapter);
    this.family = kernels ?? (isSoftware(adapter) ? "simple" : "tiled");
    this.parts = parts;
    this.subgroups = subgroups && gpu.features.has("subgroups");
    this.tile = tile;
    this.tiles = new Map(Object.entries(tiles[this.description] ?? {}));
    this.matrices = matrices === false ? undefined : (matrices ?? matricesOf(adapter, gpu));
    this.memory = gpu.limits.maxComputeWorkgroupStorageSize;
    this.lacksHalf = gpu.features.has("shader-f16")
      ? undefined
      : `${this.description} does not offer the WebGPU feature "shader-f16" (${F16})`;
    gpu.onuncapturederror = ({ error }) => {
      // What only follows from an earlier error is left to the check that explains that one.
      const follows = this.#checks.size > 0 && error.message.includes("due to a previous error");
      if (!follows) this.fail(new Error(`webgpu: ${error.message}`));
    };
    gpu.lost.then(({ reason, message }) => {
      const why = reason === "destroyed" ? "the device was closed" : `the device was lost (${message || reason}); open it again`;
      this.#failure = new DeviceLostError(`webgpu: ${why}`);
    });
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The first failure is kept: what follows it is its consequence. */
  fail(error: Error): void {
    this.#failure ??= error;
  }

  check(): void {
    if (this.#failure) throw this.#failure;
  }

  /** Runs WebGPU calls, and fails the device with `explain`'s error if they are refused. */
  guarded<T>(filter: GPUErrorFilter, explain: (message: string) => Error | Promise<Error>, calls: () => T): T {
    this.gpu.pushErrorScope(filter);
    try {
      return calls();
    } finally {
      const check = this.gpu
        .popErrorScope()
        .then(async (error) => {
          if (error) this.fail(await explain(error.message));
        })
        .catch(() => {}) // the device is gone, which `lost` reports
        .finally(() => this.#checks.delete(check));
      this.#checks.add(check);
    }
  }

  /** Throws if one buffer cannot hold this. Plans ask before anything is allocated for them. */
  checkSize(bytes: number, what: string): void {
    const { maxStorageBufferBindingSize, maxBufferSize } = this.gpu.limits;
    const most = Math.min(maxStorageBufferBindingSize, maxBufferSize);
    if (bytes > most) throw new LimitError(`webgpu: ${what} takes ${bytes} bytes; this adapter binds ${most} at most; use smaller batches`);
  }

  #create(bytes: number, usage: GPUBufferUsageFlags, what: string): GPUBuffer {
    const size = Math.max(4, Math.ceil(bytes / 4) * 4);
    this.checkSize(size, what);
    this.#bytes += size;
    const create = () => this.gpu.createBuffer({ size, usage });
    if (size < BIG) return create();
    return this.guarded(
      "out-of-memory",
      () =>
        new OutOfMemoryError(
          `webgpu: no memory for ${what}, ${size} bytes beside ${this.#bytes - size} in use; open it again and ask for less`,
        ),
      create,
    );
  }

  #destroy(buffer: GPUBuffer): void {
    if (this.#closed) return; // everything went with the device
    this.#reading.flush();
    this.#bytes -= buffer.size;
    buffer.destroy();
  }

  alloc(elements: number, dtype: DType): GPUBuffer {
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    return this.#create(elements * (dtype === "u8" ? 1 : 4), usage, `a tensor of ${elements} elements of ${dtype}`);
  }

  free(buffer: unknown): void {
    this.#destroy(buffer as GPUBuffer);
  }

  write(buffer: unknown, values: Values): void {
    // Whole words are written: bytes are filled up, and what a float64 device computed is rounded.
    const words = values instanceof Float64Array ? Float32Array.from(values) : values;
    const whole = words.byteLength % 4 === 0 ? words : padded(words as Uint8Array);
    this.#reading.flush();
    this.gpu.queue.writeBuffer(buffer as GPUBuffer, 0, whole.buffer as ArrayBuffer, whole.byteOffset, whole.byteLength);
  }

  copy(from: unknown, to: unknown, elements: number): void {
    const encoder = this.gpu.createCommandEncoder();
    encoder.copyBufferToBuffer(from as GPUBuffer, 0, to as GPUBuffer, 0, elements * 4);
    this.submit(encoder);
  }

  /** Submits, behind the reads that were asked for before. */
  submit(encoder: GPUCommandEncoder): void {
    this.#reading.flush();
    this.gpu.queue.submit([encoder.finish()]);
  }

  async read(buffer: unknown, offset: number, elements: number, dtype: DType): Promise<Values> {
    this.check();
    const values = arrayOf(dtype, elements);
    try {
      await this.#reading.read(buffer as GPUBuffer, offset * (dtype === "u8" ? 1 : 4), new Uint8Array(values.buffer));
    } catch (error) {
      await this.#settled();
      this.check();
      throw new DeviceLostError(`webgpu: reading failed: ${error instanceof Error ? error.message : error}`);
    }
    await this.#settled();
    this.check();
    return values;
  }

  async #settled(): Promise<void> {
    while (this.#checks.size > 0) await Promise.all(this.#checks);
  }

  /** A buffer to read through: one that is free and large enough, but not far too large, or a new one. */
  #takeStaging(bytes: number): GPUBuffer {
    const i = this.#staging.findIndex((b) => b.size >= bytes && b.size <= 4 * Math.max(bytes, 1024));
    if (i >= 0) return this.#staging.splice(i, 1)[0];
    if (this.#staging.length === STAGING) this.#destroy(this.#staging.shift() as GPUBuffer);
    // Small ones serve reads of many sizes; large ones waste no memory.
    const size = bytes < BIG ? 2 ** Math.ceil(Math.log2(Math.max(bytes, 256))) : bytes;
    return this.#create(size, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST, "a buffer to read through");
  }

  #giveBack(staging: GPUBuffer): void {
    if (this.#staging.length < STAGING) this.#staging.push(staging);
    else this.#destroy(staging);
  }

  /** The shared buffers that values of all plans use in turn, grown to at least `elements`. */
  slot(index: number, elements: number): GPUBuffer {
    const old = this.#slots[index];
    if (old && old.size >= elements * 4) return old;
    this.#slots[index] = this.alloc(elements, "f32");
    this.slotChanges++;
    if (old) this.#destroy(old);
    return this.#slots[index];
  }

  /** The buffer through which every plan passes its sizes and scalars to its kernels: written again when another plan runs. */
  uniforms(bytes: number): GPUBuffer {
    const old = this.#uniforms;
    if (old && old.size >= bytes) return old;
    this.#uniforms = this.#create(bytes, GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST, "the uniform block");
    this.uniformsOf = undefined;
    this.slotChanges++;
    if (old) this.#destroy(old);
    return this.#uniforms;
  }

  /** A pipeline is made once per code; making one costs milliseconds. */
  pipeline(code: string, make: () => GPUComputePipeline): GPUComputePipeline {
    const known = this.#pipelines.get(code);
    if (known) return known;
    const made = make();
    this.#pipelines.set(code, made);
    return made;
  }

  prepare(plan: Plan): Prepared {
    return prepare(this, plan);
  }

  async tune(plan: Plan): Promise<Tiles> {
    for (const [product, tile] of await tune(this, plan)) this.tiles.set(product, tile);
    const tiles = { [this.description]: Object.fromEntries(this.tiles) };
    await keepTiles(this.description, tiles);
    return tiles;
  }

  /** How long each kernel that `work` starts takes on the GPU: `await device.profile(() => step(batch))`. */
  async profile(work: () => unknown): Promise<readonly KernelTime[]> {
    if (this.profiling) throw new Error("profile: another one is being taken on this device; await it first");
    const profile = new Profile(this);
    this.profiling = profile;
    try {
      await work();
    } finally {
      this.profiling = undefined;
    }
    return profile.times();
  }

  async idle(): Promise<void> {
    await this.gpu.queue.onSubmittedWorkDone();
    await this.#settled();
    this.check();
  }

  async close(): Promise<void> {
    leave(this);
    await this.gpu.queue.onSubmittedWorkDone();
    this.gpu.destroy();
    await this.gpu.lost;
    this.#closed = true;
    this.#bytes = 0;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function padded(bytes: Uint8Array): Uint8Array {
  const whole = new Uint8Array(Math.ceil(bytes.length / 4) * 4);
  whole.set(bytes);
  return whole;
}
