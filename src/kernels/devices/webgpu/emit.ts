// Turning nodes into WGSL expressions: what an op's `wgsl` record is written against.

import type { Shape } from "../../../tensor/shape.ts";
import type { Tensor } from "../../../tensor/tensor.ts";

/** A place in a tensor, as expressions of type u32: counted row-major, or one number per axis, whichever is at hand. */
export interface Index {
  linear(): string;
  coords(): readonly string[];
}

export interface Emit {
  /** The value of t there. */
  value(t: Tensor, at: Index): string;
  /** The place in a tensor of this shape with these coordinates, or with this row-major position. */
  at(shape: Shape, where: readonly string[] | string): Index;
  /** The place that broadcasting reads in a tensor of this shape, for a place of the result. */
  stretched(shape: Shape, at: Index): Index;
  /** A number of the tensor that may differ between runs of one plan; it travels in the uniform block. */
  scalar(t: Tensor, read: (now: Tensor) => number, type?: "f32" | "u32"): string;
  /** A size: a field of the uniform block, or a constant where sizes are baked in. */
  dim(n: number): string;
  /** Gives an expression a name, so that it is computed once. */
  name(expression: string): string;
}
