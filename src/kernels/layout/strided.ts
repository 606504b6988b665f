// Copies through strides: y[i, j, …] = x[offset + i·s₀ + j·s₁ + …]. The plain loop behind every view on `js`.

import type { Shape } from "../../tensor/shape.ts";
import type { Values } from "../../tensor/tensor.ts";

export function strided(y: Values, x: Values, shape: Shape, offset: number, steps: readonly number[]): void {
  const last = shape.length - 1;
  let out = 0;
  const walk = (axis: number, at: number): void => {
    if (axis > last) {
      y[out++] = x[at];
    } else if (axis === last) {
      for (let i = 0; i < shape[axis]; i++) y[out++] = x[at + i * steps[axis]];
    } else {
      for (let i = 0; i < shape[axis]; i++) walk(axis + 1, at + i * steps[axis]);
    }
  };
  walk(0, offset);
}
