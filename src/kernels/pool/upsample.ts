// Larger pictures [n, h, w, c]: each element repeated, or straight lines drawn between them.

import { tensor } from "../../tensor/create.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { concat } from "../layout/layout.ts";
import { type Callable, callable, type Example } from "../op.ts";
import { sample } from "../sample.ts";
import { checkPictures, type PerAxis } from "./spans.ts";

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
 * y[i · s + r] = max(-t, 0) · x[i - 1] + (1 - |t|) · x[i] + max(t, 0) · x[i + 1].
 * Three shifted copies, each times its weight for every r: one kernel, and the gradient is sums and slices.
 */
function linearAlong(x: Tensor, axis: 1 | 2, s: number): Tensor {
  if (s === 1) return x;
  const d = x.shape[axis];
  const part = (t: Tensor, start: number, end: number) => t.slice(t.shape.map((_, i) => (i === axis ? [start, end] : null)));
  const extended = concat([part(x, 0, 1), x, part(x, Math.max(0, d - 1), d)], axis);
  const split = [...x.shape.slice(0, axis + 1), 1, ...x.shape.slice(axis + 1)];
  const positions = Array.from({ length: s }, (_, r) => (r + 0.5) / s - 0.5);
  const weights = [(t: number) => Math.max(-t, 0), (t: number) => 1 - Math.abs(t), (t: number) => Math.max(t, 0)];
  const [before, here, after] = weights.map((weight, u) => {
    const own = tensor(positions.map(weight), [s, ...split.slice(axis + 2).map(() => 1)]);
    return part(extended, u, u + d)
      .reshape(split)
      .mul(own);
  });
  return before
    .add(here)
    .add(after)
    .reshape(x.shape.map((n, i) => (i === axis ? n * s : n)));
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
