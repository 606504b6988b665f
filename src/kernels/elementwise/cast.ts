// Between dtypes.

import { type DType, Tensor } from "../../tensor/tensor.ts";
import { fullOf, isFull, valueOf } from "../layout/full.ts";
import { type Callable, callable } from "../op.ts";
import { sample, sampleIndex } from "../sample.ts";
import { mapOp } from "./map.ts";

const toF32 = mapOp("castF32", 1, {
  js: (x) => x,
  wgsl: "x",
  wasm: (x) => x,
  u32: { js: (x) => x, wgsl: "f32(x)", wasm: (x) => x.fromUnsigned() },
  gives: "f32",
});

/** Fractions are cut off; what does not fit is moved to the nearest value that does. NaN becomes 0. */
const clampToU32 = (x: number): number => (x > 0 ? Math.min(Math.trunc(x), 0xffffffff) : 0);
const toU32 = mapOp("castU32", 1, {
  js: clampToU32,
  wgsl: "u32(clamp(x, 0.0, 4294967040.0))",
  wasm: (x) => x.toUnsigned(),
  u32: { js: (x) => x, wgsl: "x", wasm: (x) => x },
  gives: "u32",
});

/** The same values in another dtype: f32, or u32 (cut and clamped). u8 is for storage; nothing is cast to it. */
export const cast: Callable<(x: Tensor, dtype: "f32" | "u32") => Tensor> = callable(
  (x: Tensor, dtype: "f32" | "u32"): Tensor => {
    if (x.dtype === dtype) return x;
    if ((dtype as DType) !== "f32" && dtype !== "u32") throw new Error(`cast: to ${dtype}; a tensor is cast to f32 or u32`);
    if (isFull(x)) return fullOf(x.shape, dtype === "u32" ? clampToU32(valueOf(x)) : valueOf(x), dtype);
    return new Tensor(dtype === "f32" ? toF32 : toU32, [x], {}, x.shape, dtype);
  },
  () => [
    { args: [sampleIndex([5, 7], 1000), "f32"], shape: [5, 7] },
    { args: [sample([65], -5, 300), "u32"], shape: [65] },
    { args: [sample([5]), "f64"], error: /cast: to f64/ },
  ],
);
