// The `wasm` device: memory, reading, threads. What runs on it is in program.ts and steps.ts.

import type { Plan } from "../../../tensor/plan.ts";
import { arrayOf, type DType, type Values } from "../../../tensor/tensor.ts";
import { gemm, scratchBytes } from "../../matmul/gemm.wasm.ts";
import { widthOf as columnsOf, type Tile, tileFor } from "../../matmul/tile.wasm.ts";
import { type Device, leave, type Prepared } from "../device.ts";
import { NoDeviceError } from "../errors.ts";
import { Module, type Target } from "./assembler.ts";
import { features } from "./features.ts";
import { Heap } from "./memory.ts";
import { prepare } from "./program.ts";
import { Threads, type ThreadsOptions } from "./threads.ts";
import type { Spoil, Turbo } from "./turbo.ts";
import type { compile } from "./worker.ts";

export interface WasmOptions extends ThreadsOptions {
  /** Threads to compute on, this one included. Default: one per core, eight at most; one where memory cannot be shared. */
  readonly threads?: number;
  /**
   * Set flags of V8 that make kernels faster: vectors of 256 bits on Node 24, relaxed SIMD on Node 20. They are experiments
   * of V8 and hold for the whole process. What they make of the kernels is compared with `js` before it is used.
   */
  readonly turbo?: boolean;
  /** In pages of 64 KiB: how far the memory may grow. Default: 65536, all that WebAssembly addresses. */
  readonly maximum?: number;
}

/** A piece of the device's memory, of so many bytes. */
export interface Memory {
  readonly address: number;
  readonly bytes: number;
}

const widthOf = (dtype: DType): number => (dtype === "u8" ? 1 : 4);

/** Kernels bind no buffers here; more than this many streams at once are more than a cache follows well. */
const STREAMS = 64;

export class WasmDevice implements Device {
  readonly name = "wasm";
  readonly description: string;
  readonly buffers: number = STREAMS;
  readonly storesOperands = true;
  readonly lacksHalf = "WebAssembly has no f16";
  readonly heap: Heap;
  readonly threads: Threads;
  readonly target: Target;
  /** The part of a product that is kept in registers. */
  readonly tile: Tile;
  /** What became of the wish for turbo; undefined if there was none. */
  readonly turbo: Turbo | undefined;
  readonly #slots: Memory[] = [];
  #scratch: Memory | undefined;
  /** Counts how often a slot was replaced by a larger one: addresses taken before that are stale. */
  slotChanges = 0;
  #bytes = 0;
  /** Reads that wait for a run to end, each ready to copy what it asked for. */
  readonly #reads: (() => void)[] = [];
  isClosed = false;

  /** `spoil` is for tests of turbo.ts. */
  static async open({ threads, maximum, turbo: wanted = false, ...options }: WasmOptions = {}, spoil?: Spoil): Promise<WasmDevice> {
    const can = features();
    if (can.forbidden) {
      const remedy = `script-src 'wasm-unsafe-eval' allows it, or use open("js")`;
      throw new NoDeviceError(`open: this page's policy forbids to compile WebAssembly; ${remedy}`);
    }
    if (!can.simd) throw new NoDeviceError('open: this engine has no WebAssembly SIMD; use open("js")');
    const count = threads ?? can.threads;
    if (!Number.isInteger(count) || count < 1) throw new Error(`open: ${count} threads; it is a whole number from 1`);
    if (count > 1 && can.whyOne) throw new NoDeviceError(`open: ${count} threads are not to be had: ${can.whyOne}; use threads: 1`);
    const shared = count > 1;
    const make = async (count: number, turbo?: Turbo, functions?: typeof compile): Promise<WasmDevice> => {
      const { relaxed } = features(); // asked anew, for turbo may have brought it
      const heap = new Heap({ shared, maximum });
      const target: Target = { relaxed, constantAt: (word) => heap.constantAt(word), mark: turbo?.on ? "turbo" : undefined };
      const tile = tileFor({ relaxed, major: can.v8Major, turbo: turbo?.on ?? false });
      const library = new Module(heap.limits, target);
      gemm(library, tile);
      const pool = await Threads.open(heap, library.bytes(), count, options, functions);
      return new WasmDevice(heap, pool, target, tile, turbo);
    };
    if (!wanted) return make(count);
    const { turbo } = await import("./turbo.ts"); // few ask for it
    return make(count, await turbo((turbo, functions) => make(1, turbo, functions), spoil));
  }

  private constructor(heap: Heap, threads: Threads, target: Target, tile: Tile, turbo: Turbo | undefined) {
    this.heap = heap;
    this.threads = threads;
    this.target = target;
    this.tile = tile;
    this.turbo = turbo;
    const several = threads.count === 1 ? "one thread" : `${threads.count} threads`;
    this.description = `SIMD on ${several}, tiles of ${tile.rows} × ${columnsOf(tile)}${target.relaxed ? ", relaxed" : ""}${turbo ? `, turbo ${turbo.on ? "on" : `off: ${turbo.why}`}` : ""}`;
  }

  get bytes(): number {
    return this.#bytes;
  }

  check(): void {
    if (this.isClosed) throw new Error("wasm: the device was closed");
    this.threads.check();
  }

  /** Memory for so many bytes. */
  take(bytes: number): Memory {
    const memory = { address: this.heap.alloc(bytes), bytes };
    this.#bytes += bytes;
    return memory;
  }

  alloc(elements: number, dtype: DType): Memory {
    return this.take(elements * widthOf(dtype));
  }

  free(buffer: unknown): void {
    if (this.isClosed) return; // the memory went with the device
    const { address, bytes } = buffer as Memory;
    this.heap.free(address);
    this.#bytes -= bytes;
  }

  /** Waits for the run that may still go on: afterwards memory may be written. What was to be read of it is copied first. */
  finish(): void {
    this.check();
    this.threads.finish();
    for (const read of this.#reads.splice(0)) read();
  }

  write(buffer: unknown, values: Values): void {
    this.finish();
    this.#fill(buffer as Memory, values);
  }

  #fill({ address }: Memory, values: Values): void {
    if (values instanceof Uint8Array) this.heap.octets(address, values.length).set(values);
    else if (values instanceof Uint32Array) this.heap.words(address, values.length).set(values);
    else this.heap.floats(address, values.length).set(values);
  }

  copy(from: unknown, to: unknown, elements: number): void {
    this.finish();
    this.heap.words((to as Memory).address, elements).set(this.heap.words((from as Memory).address, elements));
  }

  async read(buffer: unknown, offset: number, elements: number, dtype: DType): Promise<Values> {
    this.check();
    const values = arrayOf(dtype, elements);
    const { address } = buffer as Memory;
    const at = address + offset * widthOf(dtype);
    const copy = () => {
      if (dtype === "u8") values.set(this.heap.octets(at, elements));
      else if (dtype === "u32") values.set(this.heap.words(at, elements));
      else values.set(this.heap.floats(at, elements));
    };
    if (!this.threads.isBusy) copy();
    else {
      this.#reads.push(copy);
      await this.threads.settled();
      this.finish();
    }
    return values;
  }

  prepare(plan: Plan): Prepared {
    return prepare(this, plan);
  }

  // For programs.

  /** Memory that all plans use, one after the other. */
  slot(index: number, elements: number): Memory {
    const slot = this.#slots[index];
    if (slot && slot.bytes >= 4 * elements) return slot;
    this.finish();
    if (slot) this.free(slot);
    this.slotChanges++;
    this.#slots[index] = this.take(4 * elements);
    return this.#slots[index];
  }

  /** The host's values in a slot. */
  copied(index: number, values: Values): Memory {
    const slot = this.slot(index, Math.ceil(values.byteLength / 4));
    this.#fill(slot, values);
    return slot;
  }

  /** Memory for the packed parts of products, a piece for each thread. */
  scratch(): Memory {
    this.#scratch ??= this.take(this.threads.count * scratchBytes(this.tile));
    return this.#scratch;
  }

  async idle(): Promise<void> {
    await this.threads.settled();
    this.finish();
  }

  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    leave(this);
    await this.threads.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
