// Constants: one number, whatever the shape. It is never stored: kernels read it from their uniform block.

import type { Shape } from "../../tensor/shape.ts";
import { type DType, Tensor } from "../../tensor/tensor.ts";
import type { Inline } from "../op.ts";

export const full: Inline = {
  name: "full",
  loops: "source",
  js: (y, _, t) => void y.fill(valueOf(t)),
  wgsl: (e, t) => e.scalar(t, valueOf),
  grad: () => [],
};

export const fullOf = (shape: Shape, value: number, dtype: DType = "f32"): Tensor => new Tensor(full, [], { value }, shape, dtype);
export const isFull = (t: Tensor): boolean => t.op === full && !t.storage;
export const valueOf = (t: Tensor): number => t.attrs.value as number;
