// The seam between programs and what runs them. Nothing outside a device's own files knows which device it is.

import type { Plan } from "../../tensor/plan.ts";
import type { DType, Tensor, Values } from "../../tensor/tensor.ts";
import type { Tiles } from "./webgpu/tiles.ts";

export interface Device {
  readonly name: string;
  /** What stands behind the name: an adapter, a processor. */
  readonly description: string;
  /** Bytes of memory held: parameters, kept values, slots, results. */
  readonly bytes: number;
  /** Storage buffers that one kernel may bind; 0 if nothing is to be fused. */
  readonly buffers: number;
  /** Whether products take their operands from memory only, so that what is computed for them is stored first. */
  readonly storesOperands: boolean;
  /** Why it cannot store values as f16, and what to do about it; undefined where it can. */
  readonly lacksHalf: string | undefined;
  /** Throws if the device is lost or closed. */
  check(): void;
  alloc(elements: number, dtype: DType): unknown;
  free(buffer: unknown): void;
  write(buffer: unknown, values: Values): void;
  copy(from: unknown, to: unknown, elements: number): void;
  read(buffer: unknown, offset: number, elements: number, dtype: DType): Promise<Values>;
  prepare(plan: Plan): Prepared;
  /** Tries other kernels for a plan, and has plans that are prepared from now on take the fastest. On devices that have a choice. */
  tune?(plan: Plan): Promise<Tiles>;
  /** Resolves when all work so far is done. */
  idle(): Promise<void>;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A plan made ready for a device. */
export interface Prepared {
  /** How often a run starts each kernel of the plan: once, twice where its sums are cut into parts, never where nothing is to be computed. */
  readonly dispatches: readonly number[];
  /**
   * Runs the plan `times` times for a graph of its structure: `nodes` bring the scalars and the memory of the leaves.
   * Each output is left in `into`, one row per run. Nothing is waited for.
   */
  run(nodes: readonly Tensor[], times: number, into: readonly unknown[]): void;
  /** Gives back what it holds itself; it is not run again. */
  dispose(): void;
}

let current: Device | undefined;

/** The device that programs run on, unless their states live on another: the last one opened. */
export function device(): Device {
  if (!current) throw new Error('no device is open: await open("auto") first');
  return current;
}

export function use(next: Device): void {
  current = next;
}

/** A device that was closed is no longer the one that programs run on. */
export function leave(closed: Device): void {
  if (current === closed) current = undefined;
}
