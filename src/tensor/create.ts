// Making tensors from numbers: data, constants, counts, parameters and other states.

import { fullOf } from "../kernels/layout/full.ts";
import { iota } from "../kernels/layout/iota.ts";
import { leaf, parameterLeaf } from "../kernels/layout/leaf.ts";
import { assign } from "../kernels/state/assign.ts";
import { checkShape, format, type Shape, size } from "./shape.ts";
import { arrayOf, type Block, type DType, hostBlock, type Nested, Tensor, type Values } from "./tensor.ts";

export type Data = Nested | Values;

/** Nested arrays, flattened; the shape follows from the nesting, which must be even. */
function flatten(data: Nested, name: string): { values: number[]; shape: number[] } {
  const shape: number[] = [];
  for (let level: Nested = data; Array.isArray(level); level = level[0]) {
    shape.push(level.length);
    if (level.length === 0) break;
  }
  const values: number[] = [];
  const visit = (x: Nested, axis: number): void => {
    if (Array.isArray(x) !== axis < shape.length || (Array.isArray(x) && x.length !== shape[axis])) {
      throw new Error(`${name}: the nested arrays are uneven: ${format(shape)} at first, another length at depth ${axis}`);
    }
    if (Array.isArray(x)) for (const y of x) visit(y, axis + 1);
    else values.push(x);
  };
  visit(data, 0);
  return { values, shape };
}

const dtypeOf = (data: Data): DType => {
  if (data instanceof Uint32Array) return "u32";
  return data instanceof Uint8Array ? "u8" : "f32";
};

function blockFrom(name: string, data: Data, shape: Shape | undefined, dtype: DType, kept: boolean): { block: Block; shape: Shape } {
  const flat = Array.isArray(data) || typeof data === "number" ? flatten(data, name) : { values: data, shape: [data.length] };
  const wanted = shape ?? flat.shape;
  checkShape(name, wanted);
  if (flat.values.length !== size(wanted)) throw new Error(`${name}: ${flat.values.length} values do not fill ${format(wanted)}`);
  const values = arrayOf(dtype, flat.values.length); // a copy: what the caller does to the data later changes nothing here
  values.set(flat.values);
  if (dtype !== "f32" && flat.values.constructor !== values.constructor) {
    for (let i = 0; i < values.length; i++)
      if (values[i] !== flat.values[i]) throw new Error(`${name}: ${flat.values[i]} at ${i} is no ${dtype}`);
  }
  return { block: hostBlock(values, dtype, kept), shape: wanted };
}

/** A tensor of the given values: a number, nested arrays, or a typed array with a shape. */
export function tensor(data: Data, shape?: Shape, dtype: DType = dtypeOf(data)): Tensor {
  const made = blockFrom("tensor", data, shape, dtype, false);
  return new Tensor(leaf, [], {}, made.shape, dtype, { block: made.block, offset: 0 });
}

/** A state: values that live on the device until disposed, and that effects may overwrite. */
export function parameter(data: Data | Tensor, shape?: Shape, dtype?: DType): Tensor {
  if (data instanceof Tensor) {
    if (shape || dtype) throw new Error(`parameter: ${data} has a shape and a dtype; reshape or cast it first`);
    return keep(data);
  }
  const made = blockFrom("parameter", data, shape, dtype ?? dtypeOf(data), true);
  return new Tensor(parameterLeaf, [], {}, made.shape, dtype ?? dtypeOf(data), { block: made.block, offset: 0 });
}

/** A number that may be set between replays of a compiled program. */
export const scalar = (value: number, dtype: "f32" | "u32" = "f32"): Tensor => parameter(value, [], dtype);

/** Gives a state another value, on every device: `set(rate, 1e-4)`. Runs with the next program. */
export function set(state: Tensor, value: Data): void {
  assign(state, tensor(value, state.shape, state.dtype), "set");
}

/** The value of x as a state of its own, on the device until disposed: for data that many programs read. */
export function keep(x: Tensor): Tensor {
  const host = x.storage?.block.host;
  const offset = x.storage?.offset ?? 0;
  const whole = x.storage?.block.kept ? undefined : host?.subarray(offset, offset + x.size);
  const block = hostBlock(whole ?? new Float32Array(0), x.dtype, true);
  const state = new Tensor(parameterLeaf, [], {}, x.shape, x.dtype, {
    block: whole ? block : { ...block, host: undefined, elements: x.size },
    offset: 0,
  });
  if (!whole) assign(state, x, "keep");
  return state;
}

/** `value` everywhere. A constant takes no memory. */
export function full(shape: Shape, value: number, dtype: "f32" | "u32" = "f32"): Tensor {
  return fullOf(shape, value, dtype);
}

export const zeros = (shape: Shape, dtype: "f32" | "u32" = "f32"): Tensor => fullOf(shape, 0, dtype);
export const ones = (shape: Shape, dtype: "f32" | "u32" = "f32"): Tensor => fullOf(shape, 1, dtype);

/** start, start + step, … up to but not including end; `arange(n)` counts from 0. f32 unless asked for u32. */
export function arange(start: number, end?: number, step = 1, dtype: "f32" | "u32" = "f32"): Tensor {
  const [from, to] = end === undefined ? [0, start] : [start, end];
  const count = Math.max(0, Math.ceil((to - from) / step));
  if (!Number.isFinite(count)) throw new Error(`arange: from ${from} to ${to} by ${step} never ends`);
  if (dtype === "u32") {
    if (from < 0 || step < 0 || ![from, step].every(Number.isInteger))
      throw new Error(`arange: u32 counts upwards in whole numbers, not from ${from} by ${step}`);
    return iota(count).mul(step).add(from);
  }
  return iota(count).cast("f32").mul(step).add(from);
}

/** The identity matrix, or with two sizes its upper left part. */
export function eye(rows: number, columns: number = rows): Tensor {
  return iota(rows).reshape([rows, 1]).equal(iota(columns));
}
