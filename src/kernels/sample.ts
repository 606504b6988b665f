// Values for the examples of ops: uniform in [lo, hi), a function of the seed.

import { type Shape, size } from "../tensor/shape.ts";
import { hostBlock, Tensor } from "../tensor/tensor.ts";
import { leaf } from "./layout/leaf.ts";
import { threefry, unit } from "./random/threefry.ts";

export function sample(shape: Shape, lo = -3, hi = 3, seed = 0): Tensor {
  const values = Float32Array.from({ length: size(shape) }, (_, i) => lo + (hi - lo) * unit(threefry(seed, 0, 0, i)[0]));
  return new Tensor(leaf, [], {}, shape, "f32", { block: hostBlock(values, "f32"), offset: 0 });
}

/** Indices in [0, n). */
export function sampleIndex(shape: Shape, n: number, seed = 0): Tensor {
  const values = Uint32Array.from({ length: size(shape) }, (_, i) => threefry(seed, 1, 0, i)[0] % n);
  return new Tensor(leaf, [], {}, shape, "u32", { block: hostBlock(values, "u32"), offset: 0 });
}
