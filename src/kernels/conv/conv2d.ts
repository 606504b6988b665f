// What users call: convolutions of images and of sequences, and their transposes.

import { format, type Shape } from "../../tensor/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { type Callable, callable } from "../op.ts";
import { sample } from "../sample.ts";
import { form } from "./conv.ts";
import {
  type ConvOptions,
  type ConvTransposeOptions,
  checkOperands,
  type Geometry,
  type Pair,
  paddingOf,
  pair,
  positions,
  span,
} from "./geometry.ts";

function checkFloats(caller: string, ...tensors: readonly Tensor[]): void {
  for (const x of tensors) if (x.dtype !== "f32") throw new Error(`${caller}: takes f32, not ${x}, which is ${x.dtype}; cast it first`);
}

/** Is every patch one pixel, the same for x and y? Then the convolution is a plain matrix product. */
const isPointwise = ({ w, stride, pad, groups, x, y }: Geometry): boolean =>
  groups === 1 && w[0] * w[1] === 1 && stride.every((s) => s === 1) && pad.every((p) => p === 0) && x[1] === y[1] && x[2] === y[2];

/**
 * Slides a kernel over images: y[n, i, j, o] = Σ x[n, i · stride + u · dilation - pad, …, c] · w[u, v, c, o].
 * x is [n, h, w, in], the weight [kh, kw, in / groups, out]; the result [n, h', w', out] with h' = ⌊(h + padding - span) / stride⌋ + 1.
 */
export const conv2d: Callable<(x: Tensor, w: Tensor, options?: ConvOptions) => Tensor> = callable(
  (x: Tensor, w: Tensor, options: ConvOptions = {}): Tensor => {
    checkFloats("conv2d", x, w);
    return convolved("conv2d", x, w, options);
  },
  () => [
    { args: [sample([2, 5, 7, 3]), sample([3, 3, 3, 2], -1, 1, 1)], shape: [2, 3, 5, 2] },
    { args: [sample([1, 5, 4, 1]), sample([2, 2, 1, 2], -1, 1, 1), { stride: 2, padding: 1 }], shape: [1, 3, 3, 2] },
    { args: [sample([2, 7, 5, 2]), sample([4, 4, 2, 3], -1, 1, 1), { stride: 2, padding: 1 }], shape: [2, 3, 2, 3] },
    { args: [sample([2, 6, 7, 1]), sample([3, 2, 1, 5], -1, 1, 1), { stride: [2, 3], padding: "same" }], shape: [2, 3, 3, 5] },
    {
      args: [
        sample([1, 4, 3, 2]),
        sample([2, 3, 2, 2], -1, 1, 1),
        {
          padding: [
            [2, 0],
            [1, 2],
          ],
        },
      ],
      shape: [1, 5, 4, 2],
    },
    { args: [sample([1, 7, 6, 1]), sample([3, 2, 1, 2], -1, 1, 1), { dilation: [2, 3], stride: [1, 2], padding: 1 }], shape: [1, 5, 3, 2] },
    { args: [sample([1, 7, 5, 2]), sample([2, 2, 2, 1], -1, 1, 1), { dilation: 2, stride: 2, padding: 2 }], shape: [1, 5, 4, 1] },
    { args: [sample([2, 4, 3, 4]), sample([2, 2, 2, 6], -1, 1, 1), { groups: 2 }], shape: [2, 3, 2, 6] },
    { args: [sample([1, 4, 3, 3]), sample([3, 2, 1, 3], -1, 1, 1), { groups: 3, padding: 1, stride: 2 }], shape: [1, 2, 2, 3] },
    { args: [sample([2, 5, 3, 4]), sample([1, 1, 4, 5], -1, 1, 1)], shape: [2, 5, 3, 5] },
    { args: [sample([0, 5, 7, 3]), sample([3, 3, 3, 2])], shape: [0, 3, 5, 2] },
    { args: [sample([2, 5, 7, 0]), sample([3, 3, 0, 2])], shape: [2, 3, 5, 2] },
    { args: [sample([2, 5, 7, 3]), sample([3, 3, 1, 16])], error: /conv2d: 3 input channels, but the weight \[3, 3, 1, 16\] expects 1/ },
    {
      args: [sample([2, 2, 7, 3]), sample([5, 5, 3, 2])],
      error: /conv2d: a kernel that spans 5 rows does not fit into 2 with padding 0 \+ 0/,
    },
    { args: [sample([2, 5, 5, 3]), sample([2, 2, 1, 3]), { groups: 2 }], error: /conv2d: 2 groups do not divide the 3 of the weight/ },
    { args: [sample([2, 5, 5, 3]), sample([2, 2, 1, 4]), { groups: 2 }], error: /conv2d: 2 groups do not divide 3 input channels/ },
    { args: [sample([2, 5, 5, 3]), sample([2, 2, 3, 4]), { stride: 0 }], error: /conv2d: stride 0; it is a whole number from 1/ },
    { args: [sample([2, 5, 5, 3]), sample([2, 2, 3, 4]), { padding: -1 }], error: /conv2d: padding -1; it is "same", "valid"/ },
    { args: [sample([5, 5, 3]), sample([2, 2, 3, 4])], error: /conv2d: images are \[n, h, w, c\], not \[5, 5, 3\]/ },
  ],
);

function convolved(caller: string, x: Tensor, w: Tensor, { padding = 0, groups = 1, ...rest }: ConvOptions): Tensor {
  const stride = pair(caller, "stride", rest.stride ?? 1, 1);
  const dilation = pair(caller, "dilation", rest.dilation ?? 1, 1);
  checkOperands(caller, x.shape, w.shape, groups, 2);
  const sides = ([0, 1] as const).map((axis) => {
    const [size, spanned] = [x.shape[1 + axis], span(w.shape[axis], dilation[axis])];
    const widths = paddingOf(caller, padding, axis, size, spanned, stride[axis]);
    return { pad: widths[0], count: positions(caller, axis, size, widths, spanned, stride[axis]) };
  });
  const pad: Pair = [sides[0].pad, sides[1].pad];
  const y: Shape = [x.shape[0], sides[0].count, sides[1].count, w.shape[3]];
  const g: Geometry = { x: x.shape, w: w.shape, y, stride, dilation, pad, groups };
  if (isPointwise(g)) return x.matmul(w.reshape([w.shape[2], w.shape[3]]));
  return form("y", { x, w }, g);
}

/**
 * The convolution turned round, which makes images larger: each element of x spreads over a patch of the result, by the weight.
 * It is the input gradient of `conv2d` with the same options, and takes the same weight: [kh, kw, out / groups, in], where in are
 * the channels of x and out those of the result, as in Keras. The result has (h - 1) · stride + span - padding + outputPadding rows.
 */
export const convTranspose2d: Callable<(x: Tensor, w: Tensor, options?: ConvTransposeOptions) => Tensor> = callable(
  (x: Tensor, w: Tensor, options: ConvTransposeOptions = {}): Tensor => {
    checkFloats("convTranspose2d", x, w);
    return transposed("convTranspose2d", x, w, options);
  },
  () => [
    { args: [sample([2, 3, 5, 2]), sample([3, 3, 3, 2], -1, 1, 1)], shape: [2, 5, 7, 3] },
    { args: [sample([1, 2, 3, 2]), sample([4, 4, 1, 2], -1, 1, 1), { stride: 2, padding: 1 }], shape: [1, 4, 6, 1] },
    { args: [sample([2, 2, 3, 5]), sample([3, 2, 2, 5], -1, 1, 1), { stride: [2, 3], padding: "same" }], shape: [2, 4, 9, 2] },
    { args: [sample([1, 3, 2, 2]), sample([3, 3, 2, 2], -1, 1, 1), { stride: 2, padding: 1, outputPadding: [1, 0] }], shape: [1, 6, 3, 2] },
    {
      args: [
        sample([1, 3, 2, 1]),
        sample([3, 4, 2, 1], -1, 1, 1),
        {
          stride: 3,
          padding: [
            [0, 1],
            [2, 0],
          ],
        },
      ],
      shape: [1, 8, 5, 2],
    },
    { args: [sample([1, 3, 2, 2]), sample([2, 2, 1, 2], -1, 1, 1), { dilation: 2, stride: 2 }], shape: [1, 7, 5, 1] },
    { args: [sample([1, 2, 2, 1]), sample([2, 1, 2, 1], -1, 1, 1), { stride: [3, 2] }], shape: [1, 5, 3, 2] },
    { args: [sample([1, 3, 2, 4]), sample([2, 3, 3, 4], -1, 1, 1), { groups: 2, stride: 2, padding: 1 }], shape: [1, 4, 3, 6] },
    { args: [sample([2, 3, 5, 4]), sample([1, 1, 2, 4], -1, 1, 1)], shape: [2, 3, 5, 2] },
    { args: [sample([0, 3, 5, 2]), sample([3, 3, 3, 2])], shape: [0, 5, 7, 3] },
    {
      args: [sample([2, 3, 5, 3]), sample([3, 3, 3, 2])],
      error: /convTranspose2d: 3 input channels, but the weight \[3, 3, 3, 2\] expects 2/,
    },
    {
      args: [sample([2, 3, 5, 2]), sample([3, 3, 3, 2]), { padding: 4 }],
      error: /convTranspose2d: padding 4 \+ 4 leaves none of the 5 rows/,
    },
    {
      args: [sample([2, 3, 5, 2]), sample([3, 3, 3, 2]), { outputPadding: 1 }],
      error: /convTranspose2d: outputPadding 1,1; it is below the stride/,
    },
  ],
);

function transposed(
  caller: string,
  y: Tensor,
  w: Tensor,
  { padding = 0, groups = 1, outputPadding = 0, ...rest }: ConvTransposeOptions,
): Tensor {
  const stride = pair(caller, "stride", rest.stride ?? 1, 1);
  const dilation = pair(caller, "dilation", rest.dilation ?? 1, 1);
  const more = pair(caller, "outputPadding", outputPadding, 0);
  checkOperands(caller, y.shape, w.shape, groups, 3);
  if (more.some((n, axis) => n > 0 && n >= Math.max(stride[axis], dilation[axis])))
    throw new Error(`${caller}: outputPadding ${more}; it is below the stride ${stride}, or it would add nothing but zeros`);
  const sides = ([0, 1] as const).map((axis) => {
    const [size, spanned] = [y.shape[1 + axis], span(w.shape[axis], dilation[axis])];
    const full = size === 0 ? 0 : (size - 1) * stride[axis] + spanned + more[axis];
    // "same" is the padding of the convolution from the larger size, which is the stride times the smaller.
    const large = padding === "same" ? size * stride[axis] : full;
    const [before, after] = paddingOf(caller, padding, axis, large, spanned, stride[axis]);
    if (padding === "same") return { pad: before, count: large };
    if (full > 0 && full <= before + after)
      throw new Error(`${caller}: padding ${before} + ${after} leaves none of the ${full} ${axis === 0 ? "rows" : "columns"}`);
    return { pad: before, count: Math.max(0, full - before - after) };
  });
  const pad: Pair = [sides[0].pad, sides[1].pad];
  const x: Shape = [y.shape[0], sides[0].count, sides[1].count, w.shape[2] * groups];
  const g: Geometry = { x, w: w.shape, y: y.shape, stride, dilation, pad, groups };
  if (isPointwise(g)) return y.matmul(w.reshape([w.shape[2], w.shape[3]]), { flipB: true });
  return form("x", { y, w }, g);
}

export interface Conv1dOptions extends Omit<ConvOptions, "stride" | "padding" | "dilation"> {
  readonly stride?: number;
  readonly padding?: number | "same" | "valid" | Pair;
  readonly dilation?: number;
}

export interface ConvTranspose1dOptions extends Conv1dOptions {
  readonly outputPadding?: number;
}

/** A sequence is an image of one row. */
function inOneRow(caller: string, x: Tensor, w: Tensor, { stride = 1, padding = 0, dilation = 1, groups = 1 }: Conv1dOptions) {
  checkFloats(caller, x, w);
  if (x.rank !== 3) throw new Error(`${caller}: sequences are [n, length, c], not ${format(x.shape)}`);
  if (w.rank !== 3) throw new Error(`${caller}: a weight is [k, in, out], not ${format(w.shape)}`);
  const widths: ConvOptions["padding"] = typeof padding === "object" || typeof padding === "number" ? [[0, 0], both(padding)] : padding;
  return {
    image: x.reshape([x.shape[0], 1, x.shape[1], x.shape[2]]),
    kernel: w.reshape([1, ...w.shape]),
    options: { stride: [1, stride], padding: widths, dilation: [1, dilation], groups } as const,
  };
}

const both = (padding: number | Pair): Pair => (typeof padding === "number" ? [padding, padding] : padding);
const withoutRow = (y: Tensor): Tensor => y.reshape([y.shape[0], y.shape[2], y.shape[3]]);

/** The convolution of sequences: x is [n, length, in], the weight [k, in / groups, out], padding one number, two, "same" or "valid". */
export const conv1d: Callable<(x: Tensor, w: Tensor, options?: Conv1dOptions) => Tensor> = callable(
  (x: Tensor, w: Tensor, options: Conv1dOptions = {}): Tensor => {
    const row = inOneRow("conv1d", x, w, options);
    return withoutRow(convolved("conv1d", row.image, row.kernel, row.options));
  },
  () => [
    { args: [sample([2, 7, 3]), sample([3, 3, 2], -1, 1, 1)], shape: [2, 5, 2] },
    { args: [sample([1, 8, 2]), sample([4, 2, 3], -1, 1, 1), { stride: 2, padding: [2, 1] }], shape: [1, 4, 3] },
    { args: [sample([2, 6, 1]), sample([3, 1, 2], -1, 1, 1), { dilation: 2, padding: "same" }], shape: [2, 6, 2] },
    { args: [sample([2, 7]), sample([3, 3, 2])], error: /conv1d: sequences are \[n, length, c\], not \[2, 7\]/ },
    { args: [sample([2, 7, 2]), sample([3, 3, 2])], error: /conv1d: 2 input channels, but the weight \[1, 3, 3, 2\] expects 3/ },
  ],
);

/** The transposed convolution of sequences: x is [n, length, in], the weight [k, out / groups, in]. */
export const convTranspose1d: Callable<(x: Tensor, w: Tensor, options?: ConvTranspose1dOptions) => Tensor> = callable(
  (x: Tensor, w: Tensor, options: ConvTranspose1dOptions = {}): Tensor => {
    const row = inOneRow("convTranspose1d", x, w, options);
    return withoutRow(
      transposed("convTranspose1d", row.image, row.kernel, { ...row.options, outputPadding: [0, options.outputPadding ?? 0] }),
    );
  },
  () => [
    { args: [sample([2, 5, 2]), sample([3, 3, 2], -1, 1, 1)], shape: [2, 7, 3] },
    { args: [sample([1, 4, 3]), sample([4, 2, 3], -1, 1, 1), { stride: 2, padding: 1 }], shape: [1, 8, 2] },
    { args: [sample([1, 4, 3]), sample([3, 2, 3], -1, 1, 1), { stride: 2, padding: 1, outputPadding: 1 }], shape: [1, 8, 2] },
    { args: [sample([1, 4, 2]), sample([4, 2, 3])], error: /convTranspose1d: 2 input channels/ },
  ],
);
