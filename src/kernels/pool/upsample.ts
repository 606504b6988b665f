// Larger pictures [n, h, w, c]: each element repeated, or straight lines drawn between them.

import type { Tensor } from "../../tensor/tensor.ts";
import { iota } from "../layout/iota.ts";
import { concat } from "../layout/layout.ts";
import { type Callable, callable, type Example } from "../op.ts";
import { sample } from "../sample.ts";
import { checkPictures, type PerAxis } from "./spans.ts";
import { windows } from "./windows.ts";

type Upsample = Callable<(x: Tensor, scale: PerAxis) => Tensor>;

/** Each element becomes a block of scale × scale equal ones. */
export const upsampleNearest: Upsample = callable((x: Tensor, scale: PerAxis): Tensor => {
  const [sh, sw] = scales("upsampleNearest", x, scale);
  const [n, h, w, c] = x.shape;
  return x
    .reshape([n, h, 1, w, 1, c])
    .broadcastTo([n, h, sh, w, sw, c])
    .reshape([n, h * sh, w * sw, c]);
}, examples("upsampleNearest"));

/**
 * Lines between the centres of the elements; beyond the outermost centres the edge goes on. As in PyTorch with
 * align_corners=False, and ONNX's Resize with half_pixel.
 */
export const upsampleBilinear: Upsample = callable((x: Tensor, scale: PerAxis): Tensor => {
  const [sh, sw] = scales("upsampleBilinear", x, scale);
  return linearAlong(linearAlong(x, 1, sh), 2, sw);
}, examples("upsampleBilinear"));

/**
 * y[i · s + r] lies t = (r + ½) / s - ½ of an element after x[i], and so between x[i] and one of its neighbours:
 * y[i · s + r] = Σu max(0, 1 - |t - (u - 1)|) · x[i + u - 1], for u = 0, 1, 2: windows of three, weighted.
 */
function linearAlong(x: Tensor, axis: 1 | 2, s: number): Tensor {
  const shape = x.shape.map((n, i) => (i === axis ? n * s : n));
  if (s === 1 || x.size === 0) return x.reshape(shape);
  const d = x.shape[axis];
  const part = (start: number, end: number) => x.slice(x.shape.map((_, i) => (i === axis ? [start, end] : null)));
  const extended = concat([part(0, 1), x, part(d - 1, d)], axis);
  const rest = x.shape.slice(axis + 1);
  const near = windows(extended, axis, 3).reshape([...x.shape.slice(0, axis + 1), 1, 3, ...rest]);
  const [r, u] = [iota(s).reshape([s, 1]), iota(3)].map((count) => count.broadcastTo([s, 3]).cast("f32"));
  const distance = r.add(0.5).div(s).add(0.5).sub(u).abs(); // |t - (u - 1)|
  const weight = distance
    .neg()
    .add(1)
    .relu()
    .reshape([s, 3, ...rest.map(() => 1)]);
  return near
    .mul(weight)
    .sum(axis + 2)
    .reshape(shape);
}

function scales(name: string, x: Tensor, scale: PerAxis): readonly [number, number] {
  checkPictures(name, x);
  const [sh, sw] = typeof scale === "number" ? [scale, scale] : scale;
  for (const s of [sh, sw]) if (!Number.isInteger(s) || s < 1) throw new Error(`${name}: scale ${s}; it is a whole number from 1`);
  return [sh, sw];
}

function examples(name: string): () => Example[] {
  return () => [
    { args: [sample([1, 3, 4, 2]), 2], shape: [1, 6, 8, 2] },
    { args: [sample([2, 5, 7, 3]), [3, 1]], shape: [2, 15, 7, 3] },
    { args: [sample([1, 2, 3, 1]), [1, 5]], shape: [1, 2, 15, 1] },
    { args: [sample([1, 1, 1, 5]), 4], shape: [1, 4, 4, 5] },
    { args: [sample([1, 1, 65, 1]), 2], shape: [1, 2, 130, 1] },
    { args: [sample([0, 5, 7, 1]), 2], shape: [0, 10, 14, 1] },
    { args: [sample([5, 7]), 2], error: new RegExp(`${name}: takes pictures \\[n, h, w, c\\], not tensor \\[5, 7\\]`) },
    { args: [sample([1, 5, 7, 1]), 1.5], error: new RegExp(`${name}: scale 1.5; it is a whole number from 1`) },
    { args: [sample([1, 5, 7, 1]), [2, 0]], error: new RegExp(`${name}: scale 0`) },
  ];
}
