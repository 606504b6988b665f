// A Tensor is a value, or the recipe for one: the autograd record, the lazy graph and the captured program are
// this one structure. Nothing is computed here; `read.ts` runs what somebody asks to see.

import type { Device } from "../kernels/devices/device.ts";
import type { Methods } from "../kernels/methods.ts";
import type { Op } from "../kernels/op.ts";
import { read } from "./read.ts";
import { vacate } from "./run.ts";
import { checkShape, format, type Shape, size } from "./shape.ts";
import { discard } from "./trace.ts";

/** f32 computes; u32 counts and indexes; u8 stores data (pixels), and is cast before it is computed with. */
export type DType = "f32" | "u32" | "u8";

/** What the host sees of a value. Float64Array only on a `js` device opened for float64. */
export type Values = Float32Array | Uint32Array | Uint8Array | Float64Array;

/** Op-specific parameters: axes, flags, scalars. */
export type Attrs = Readonly<Record<string, unknown>>;

/** A piece of memory: on the host, on a device, or both. Several tensors may lie in one (a parameter and its moments). */
export interface Block {
  host: Values | undefined;
  device: Device | undefined;
  /** The device's own name for the memory. */
  buffer: unknown;
  readonly elements: number;
  readonly dtype: DType;
  /** Kept blocks stay on their device until disposed; others are uploaded by each program that reads them. */
  kept: boolean;
  /** The last effect that was run on it: a tensor recorded earlier and read later would see the wrong value. */
  written: { readonly id: number; readonly by: string } | undefined;
  /** Why the value is gone, if it is. */
  gone: string | undefined;
}

export interface Storage {
  readonly block: Block;
  /** In elements. */
  readonly offset: number;
}

let count = 0;
/** Creation order. It is a topological order of every graph, and tells which version of a state a tensor saw. */
export const nextId = (): number => ++count;

export interface Tensor extends Methods {}
/** One method per op is installed by kernels/methods.ts. */
export class Tensor {
  readonly id: number = nextId();
  readonly op: Op;
  readonly inputs: readonly Tensor[];
  readonly attrs: Attrs;
  readonly shape: Shape;
  readonly dtype: DType;
  /** Where the value lies, once there is one. A tensor with storage is a leaf of every later program. */
  storage: Storage | undefined;

  constructor(op: Op, inputs: readonly Tensor[], attrs: Attrs, shape: Shape, dtype: DType, storage?: Storage) {
    checkShape(op.name, shape);
    this.op = op;
    this.inputs = inputs;
    this.attrs = attrs;
    this.shape = shape;
    this.dtype = dtype;
    this.storage = storage;
  }

  get rank(): number {
    return this.shape.length;
  }

  get size(): number {
    return size(this.shape);
  }

  /** The values, row-major. All reads of one microtask run as one program. */
  data(): Promise<Values> {
    return read(this);
  }

  /** The value of a tensor of one element. */
  async item(): Promise<number> {
    if (this.size !== 1) throw new Error(`item: ${this} has ${this.size} elements`);
    return (await this.data())[0];
  }

  /** Nested arrays, as deep as the rank. */
  async array(): Promise<Nested> {
    const data = await this.data();
    let at = 0;
    const nest = (axis: number): Nested =>
      axis === this.rank ? data[at++] : Array.from({ length: this.shape[axis] }, () => nest(axis + 1));
    return nest(0);
  }

  /** Gives back the memory of a parameter, a state or a kept value, at once. */
  dispose(): void {
    const block = this.storage?.block;
    if (!block || block.gone) return;
    block.gone = `${this} was disposed`;
    discard(block);
    vacate(block);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  toString(): string {
    return `${this.op.name} ${format(this.shape)} (tensor ${this.id})`;
  }
}

export type Nested = number | Nested[];

export const arrayOf = (dtype: DType, n: number): Values => {
  if (dtype === "f32") return new Float32Array(n);
  return dtype === "u32" ? new Uint32Array(n) : new Uint8Array(n);
};

/** A block that so far lies on the host only. */
export const hostBlock = (host: Values, dtype: DType, kept = false): Block => ({
  host,
  device: undefined,
  buffer: undefined,
  elements: host.length,
  dtype,
  kept,
  written: undefined,
  gone: undefined,
});
