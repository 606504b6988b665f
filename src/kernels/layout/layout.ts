// What users call to rearrange values: reshape, permute, slice, pad, concat and their kin, all made of the few
// views in views.ts.

import { type Axes, axesOf, axisOf, format, type Shape } from "../../tensor/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { type Callable, callable } from "../op.ts";
import { sample, sampleIndex } from "../sample.ts";
import { fullOf } from "./full.ts";
import { lastTwoSwapped, permuteTo, placeIn, reshapeTo, resolveShape, sliceOf, stopped, stretchTo } from "./views.ts";

/** The same values, row-major, in another shape; one size may be -1. */
export const reshape: Callable<(x: Tensor, shape: Shape) => Tensor> = callable(
  (x: Tensor, shape: Shape): Tensor => reshapeTo(x, resolveShape(x, shape)),
  () => [
    { args: [sample([5, 7]), [7, 5]], shape: [7, 5] },
    { args: [sample([2, 3, 5]), [-1, 5]], shape: [6, 5] },
    { args: [sample([1]), []], shape: [] },
    { args: [sample([0, 3]), [3, 0]], shape: [3, 0] },
    { args: [sample([5, 7]), [6, 6]], error: /reshape: tensor \[5, 7\].*35 elements, \[6, 6\] does not/ },
    { args: [sample([5, 7]), [-1, -1]], error: /reshape: .*\[-1, -1\] does not/ },
  ],
);

/** Axis i of the result is axis axes[i] of x. */
export const permute: Callable<(x: Tensor, axes: readonly number[]) => Tensor> = callable(
  (x: Tensor, axes: readonly number[]): Tensor => {
    const from = axes.map((a) => axisOf("permute", a, x.rank));
    if (from.length !== x.rank || new Set(from).size !== x.rank)
      throw new Error(`permute: ${format(axes)} does not name each axis of ${x} once`);
    return permuteTo(x, from);
  },
  () => [
    { args: [sample([2, 3, 5]), [2, 0, 1]], shape: [5, 2, 3] },
    { args: [sample([5, 7]), [-1, 0]], shape: [7, 5] },
    { args: [sample([2, 1, 3, 2]), [3, 1, 2, 0]], shape: [2, 1, 3, 2] },
    { args: [sample([5, 7]), [0, 0]], error: /permute: \[0, 0\] does not name each axis/ },
  ],
);

/** The last two axes swapped. */
export const transpose: Callable<(x: Tensor) => Tensor> = callable(
  (x: Tensor): Tensor => permuteTo(x, lastTwoSwapped("transpose", x.rank)),
  () => [
    { args: [sample([5, 7])], shape: [7, 5] },
    { args: [sample([2, 3, 5])], shape: [2, 5, 3] },
    { args: [sample([5])], error: /transpose: needs two axes/ },
  ],
);

/** x stretched along axes of size one, and along new ones at the front. */
export const broadcastTo: Callable<(x: Tensor, shape: Shape) => Tensor> = callable(stretchTo, () => [
  { args: [sample([7]), [5, 7]], shape: [5, 7] },
  { args: [sample([5, 1]), [2, 5, 3]], shape: [2, 5, 3] },
  { args: [sample([]), [0, 2]], shape: [0, 2] },
  { args: [sample([5]), [5, 7]], error: /broadcast/ },
]);

/** `[start, end, step]` along one axis, as in Python: negative counts from the end, end is not included, null or [] is all. */
export type Range = readonly [start?: number | undefined, end?: number | undefined, step?: number] | null;

/** Part of x: one range per axis; axes not mentioned stay whole. */
export const slice: Callable<(x: Tensor, ranges: readonly Range[]) => Tensor> = callable(
  (x: Tensor, ranges: readonly Range[]): Tensor => {
    if (ranges.length > x.rank) throw new Error(`slice: ${ranges.length} ranges for ${x}`);
    const walks = x.shape.map((d, axis) => {
      const [from, to, step = 1] = ranges[axis] ?? [];
      if (!Number.isInteger(step) || step === 0) throw new Error(`slice: step ${step} along axis ${axis}; it is a whole number, not 0`);
      for (const i of [from ?? 0, to ?? 0])
        if (!Number.isInteger(i)) throw new Error(`slice: ${i} along axis ${axis}; starts and ends are whole numbers`);
      const within = (i: number, low: number, high: number) => Math.min(Math.max(i < 0 ? i + d : i, low), high);
      const start = step > 0 ? within(from ?? 0, 0, d) : within(from ?? d - 1, -1, d - 1);
      const end = step > 0 ? within(to ?? d, 0, d) : to === undefined ? -1 : within(to, -1, d - 1);
      return { start, step, count: Math.max(0, Math.ceil((end - start) / step)) };
    });
    if (walks.every((w, axis) => w.step === 1 && w.count === x.shape[axis])) return x;
    const [start, step, shape] = [walks.map((w) => w.start), walks.map((w) => w.step), walks.map((w) => w.count)];
    return sliceOf(x, shape, { start, step });
  },
  () => [
    { args: [sample([5, 7]), [[1, 4]]], shape: [3, 7] },
    { args: [sample([5, 7]), [null, [-3]]], shape: [5, 3] },
    { args: [sample([7]), [[1, 7, 3]]], shape: [2] },
    { args: [sample([7]), [[5, 0, -2]]], shape: [3] },
    { args: [sample([5, 7]), [[2, 2]]], shape: [0, 7] },
    { args: [sample([5]), [[0, 5, 0]]], error: /slice: step 0 along axis 0/ },
    { args: [sample([5]), [[0.5]]], error: /slice: 0.5 along axis 0/ },
    { args: [sample([5]), [null, [1]]], error: /slice: 2 ranges for tensor \[5\]/ },
  ],
);

/** x in reverse order along some axes, or all. */
export const flip: Callable<(x: Tensor, axes?: Axes) => Tensor> = callable(
  (x: Tensor, axes?: Axes): Tensor => {
    const reversed = axesOf("flip", axes, x.rank);
    return slice(
      x,
      x.shape.map((_, axis) => (reversed.includes(axis) ? [undefined, undefined, -1] : null)),
    );
  },
  () => [
    { args: [sample([5, 7]), 0], shape: [5, 7] },
    { args: [sample([2, 3, 5])], shape: [2, 3, 5] },
    { args: [sample([5]), 1], error: /flip: axis 1/ },
  ],
);

/** x with `[before, after]` more elements along each axis, of the given value. */
export const pad: Callable<(x: Tensor, widths: readonly (readonly [number, number])[], value?: number) => Tensor> = callable(
  (x: Tensor, widths: readonly (readonly [number, number])[], value = 0): Tensor => {
    if (widths.length !== x.rank) throw new Error(`pad: ${widths.length} pairs of widths for ${x}`);
    for (const width of widths.flat())
      if (!Number.isInteger(width) || width < 0) throw new Error(`pad: width ${width}; widths are whole, from 0`);
    const shape = x.shape.map((d, axis) => widths[axis][0] + d + widths[axis][1]);
    const walk = { start: widths.map(([before]) => before), step: widths.map(() => 1) };
    const placed = placeIn(x, shape, walk);
    return value === 0 ? placed : placeIn(fullOf(x.shape, 1), shape, walk).where(placed, value);
  },
  () => [
    {
      args: [
        sample([2, 3]),
        [
          [1, 0],
          [2, 1],
        ],
      ],
      shape: [3, 6],
    },
    { args: [sample([5]), [[1, 1]], 7.5], shape: [7] },
    {
      args: [
        sample([2, 0]),
        [
          [0, 1],
          [1, 1],
        ],
        7.5,
      ],
      shape: [3, 2],
    },
    { args: [sample([5]), [[-1, 0]]], error: /pad: width -1/ },
  ],
);

/** Tensors one after the other along an axis. */
export const concat: Callable<(xs: readonly Tensor[], axis?: number) => Tensor> = callable(
  (xs: readonly Tensor[], axis = 0): Tensor => {
    if (xs.length === 0) throw new Error("concat: nothing to join");
    const along = axisOf("concat", axis, xs[0].rank);
    const others = (x: Tensor) => format(x.shape.map((d, i) => (i === along ? -1 : d)));
    for (const x of xs) {
      if (others(x) !== others(xs[0])) throw new Error(`concat: ${x} does not continue ${xs[0]} along axis ${along}`);
      if (x.dtype === "u8") throw new Error(`concat: ${x} is u8; cast it first`);
      if (x.dtype !== xs[0].dtype) throw new Error(`concat: mixes ${xs[0].dtype} and ${x.dtype}; cast one of them`);
    }
    const total = xs.reduce((sum, x) => sum + x.shape[along], 0);
    const shape = xs[0].shape.map((d, i) => (i === along ? total : d));
    let start = 0;
    // Each part stands alone in a row of zeros, and the rows are added: one fused kernel, and its gradient is a slice.
    const rows = xs.map((x) => {
      const row = placeIn(x, shape, { start: shape.map((_, i) => (i === along ? start : 0)), step: shape.map(() => 1) });
      start += x.shape[along];
      return row;
    });
    return rows.reduce((sum, row) => sum.add(row));
  },
  () => [
    { args: [[sample([2, 3]), sample([5, 3], -3, 3, 1)]], shape: [7, 3] },
    { args: [[sample([2, 3]), sample([2, 1], -3, 3, 1), sample([2, 0])], -1], shape: [2, 4] },
    { args: [[sampleIndex([3], 9), sampleIndex([2], 9)]], shape: [5] },
    { args: [[sample([2, 3]), sample([2, 4])]], error: /concat: .* does not continue/ },
    { args: [[sample([3]), sampleIndex([3], 9)]], error: /concat: mixes f32 and u32/ },
    { args: [[]], error: /concat: nothing to join/ },
  ],
);

/** Tensors of one shape along a new axis. */
export const stack: Callable<(xs: readonly Tensor[], axis?: number) => Tensor> = callable(
  (xs: readonly Tensor[], axis = 0): Tensor => {
    if (xs.length === 0) throw new Error("stack: nothing to join");
    const at = axisOf("stack", axis, xs[0].rank + 1);
    return concat(
      xs.map((x) => reshape(x, [...x.shape.slice(0, at), 1, ...x.shape.slice(at)])),
      at,
    );
  },
  () => [
    { args: [[sample([5, 7]), sample([5, 7], -3, 3, 1)]], shape: [2, 5, 7] },
    { args: [[sample([5]), sample([5], -3, 3, 1)], -1], shape: [5, 2] },
  ],
);

/** x cut along an axis: into equal parts, or into parts of the given sizes. */
export const split: Callable<(x: Tensor, parts: number | readonly number[], axis?: number) => Tensor[]> = callable(
  (x: Tensor, parts: number | readonly number[], axis = 0): Tensor[] => {
    const along = axisOf("split", axis, x.rank);
    const sizes = typeof parts === "number" ? new Array<number>(Math.max(0, Math.trunc(parts))).fill(x.shape[along] / parts) : parts;
    if (!sizes.every((n) => Number.isInteger(n) && n >= 0) || sizes.reduce((a, b) => a + b, 0) !== x.shape[along]) {
      throw new Error(
        `split: axis ${along} of ${x} does not divide into ${typeof parts === "number" ? `${parts} equal parts` : format(parts)}`,
      );
    }
    let start = 0;
    return sizes.map((n) => {
      const range: Range = [start, (start += n)];
      return slice(
        x,
        x.shape.map((_, i) => (i === along ? range : null)),
      );
    });
  },
  () => [
    {
      args: [sample([6, 5]), 2],
      shape: [
        [3, 5],
        [3, 5],
      ],
    },
    {
      args: [sample([5, 7]), [1, 2, 4], 1],
      shape: [
        [5, 1],
        [5, 2],
        [5, 4],
      ],
    },
    { args: [sample([5, 7]), 2], error: /split: axis 0 .* 2 equal parts/ },
    { args: [sample([5, 7]), -1], error: /split: axis 0 .* -1 equal parts/ },
    { args: [sample([5, 7]), [-1, 6]], error: /split: axis 0 .* \[-1, 6\]/ },
  ],
);

/** x, through which no gradient flows: a constant to everything that differentiates. */
export const stopGradient: Callable<(x: Tensor) => Tensor> = callable(stopped, () => [{ args: [sample([5, 7])], shape: [5, 7] }]);
