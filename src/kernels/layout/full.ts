// Constants: one number, whatever the shape. It is never stored: kernels read it from their uniform block.

import type { Shape } from "../../tensor/shape.ts";
import { type DType, Tensor } from "../../tensor/tensor.ts";
import type { Inline } from "../op.ts";

export const full: Inline = {
  name: "full",
  loops: "source",
  js: (y, _, t) => void y.fill(valueOf(t)),
  wgsl: (e, t) => e.scalar(t, valueOf),
  wasm: (e, t) => (t.dtype === "f32" ? e.scalar(t, valueOf, "f32") : e.scalar(t, valueOf, "u32")),
  grad: () => [],
};

/** A constant. `name` is the op in whose name a value that does not fit the dtype is refused. */
export function fullOf(shape: Shape, value: number, dtype: DType = "f32", name = "full"): Tensor {
  if (dtype !== "f32" && value >>> 0 !== value) throw new Error(`${name}: ${value} is no ${dtype}; cast the tensor to f32 first`);
  return new Tensor(full, [], { value }, shape, dtype);
}

export const isFull = (t: Tensor): boolean => t.op === full && !t.storage;
export const valueOf = (t: Tensor): number => t.attrs.value as number;
