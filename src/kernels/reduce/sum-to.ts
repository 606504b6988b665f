// The gradient of broadcasting: what was stretched is summed.

import { type Shape, sameShape } from "../../tensor/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";

/** Sums x over the axes along which `shape` would be stretched to x's shape. */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const missing = x.rank - shape.length;
  const axes = x.shape.map((_, i) => i).filter((i) => i < missing || (shape[i - missing] === 1 && x.shape[i] !== 1));
  return x.sum(axes).reshape(shape);
}
