// The geometry of a convolution: which element of the image x meets which element of the kernel w, for which element of the result y.
//
//   x[n, h, l, c] meets w[u, v, c, o] for y[n, i, j, o] where
//   h = i · stride + u · dilation - pad, and l = j · stride + v · dilation - pad
//
// Images are [n, h, w, c], kernels [kh, kw, c, o]. With groups, channels are divided among kernels: c counts within a group.

import { format, type Shape } from "../../tensor/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";

/** A number for the rows and one for the columns. */
export type Pair = readonly [number, number];

export interface Geometry {
  readonly x: Shape;
  readonly w: Shape;
  readonly y: Shape;
  readonly stride: Pair;
  readonly dilation: Pair;
  /** Zeros before the first row and the first column; those after the last follow from the sizes. */
  readonly pad: Pair;
  readonly groups: number;
}

/** That of a member of the family: what its attributes are. */
export const geometryOf = (t: Tensor): Geometry => t.attrs as unknown as Geometry; // set by `form` in conv.ts only

/** As many on each side; as many as keep the size / stride, none; or [[top, bottom], [left, right]]. */
export type Padding = number | "same" | "valid" | readonly [Pair, Pair];

export interface ConvOptions {
  readonly stride?: number | Pair;
  readonly padding?: Padding;
  readonly dilation?: number | Pair;
  /** Parts into which the channels of x and of y are divided; each sees only its own. As many as x has channels is "depthwise". */
  readonly groups?: number;
}

export interface ConvTransposeOptions extends ConvOptions {
  /** Rows and columns added at the bottom and the right, of the several sizes that one convolution maps to the same. */
  readonly outputPadding?: number | Pair;
}

const AXES = ["rows", "columns"] as const;

/** One number for both axes, or one for each; whole, and not below `least`. */
export function pair(caller: string, name: string, value: number | Pair, least: number): Pair {
  const both: Pair = typeof value === "number" ? [value, value] : value;
  if (both.length !== 2 || !both.every((n) => Number.isInteger(n) && n >= least))
    throw new Error(`${caller}: ${name} ${JSON.stringify(value)}; it is a whole number from ${least}, or two of them`);
  return both;
}

/** The pixels that a kernel spans along an axis. */
export const span = (size: number, dilation: number): number => (size - 1) * dilation + 1;

/** Zeros before and after an axis of `size`, for a kernel that spans so many. */
export function paddingOf(caller: string, padding: Padding, axis: 0 | 1, size: number, spanned: number, stride: number): Pair {
  if (padding === "valid") return [0, 0];
  if (padding === "same") {
    const all = Math.max(0, (Math.ceil(size / stride) - 1) * stride + spanned - size);
    return [Math.floor(all / 2), Math.ceil(all / 2)]; // the odd one at the end, as in TensorFlow
  }
  const widths = typeof padding === "number" ? [padding, padding] : padding[axis];
  if (!Array.isArray(widths) || widths.length !== 2 || !widths.every((n) => Number.isInteger(n) && n >= 0))
    throw new Error(
      `${caller}: padding ${JSON.stringify(padding)}; it is "same", "valid", a whole number from 0, or [[top, bottom], [left, right]] of them`,
    );
  return [widths[0], widths[1]];
}

/** The positions of a kernel along one axis. */
export function positions(caller: string, axis: 0 | 1, size: number, [before, after]: Pair, spanned: number, stride: number): number {
  const room = size + before + after - spanned;
  if (room < 0)
    throw new Error(`${caller}: a kernel that spans ${spanned} ${AXES[axis]} does not fit into ${size} with padding ${before} + ${after}`);
  return Math.floor(room / stride) + 1;
}

/** Checks that the two are an image and a kernel of `groups`, and gives the channels that each group takes and makes. */
export function checkOperands(caller: string, x: Shape, w: Shape, groups: number, channelAxis: 2 | 3): void {
  if (x.length !== 4) throw new Error(`${caller}: images are [n, h, w, c], not ${format(x)}`);
  if (w.length !== 4) throw new Error(`${caller}: a weight is [kh, kw, in, out], not ${format(w)}`);
  if (!Number.isInteger(groups) || groups < 1) throw new Error(`${caller}: groups ${groups}; it is a whole number from 1`);
  if (w[0] < 1 || w[1] < 1) throw new Error(`${caller}: the weight ${format(w)} has no rows or no columns`);
  if (w[3] % groups !== 0) throw new Error(`${caller}: ${groups} groups do not divide the ${w[3]} of the weight ${format(w)}`);
  const channels = x[3];
  if (channelAxis === 2) {
    if (channels % groups !== 0) throw new Error(`${caller}: ${groups} groups do not divide ${channels} input channels`);
    const expected = w[2] * groups;
    const parts = groups === 1 ? `${expected}` : `${groups} groups of ${w[2]}`;
    if (channels !== expected) throw new Error(`${caller}: ${channels} input channels, but the weight ${format(w)} expects ${parts}`);
  } else if (channels !== w[3]) {
    throw new Error(
      `${caller}: ${channels} input channels, but the weight ${format(w)} expects ${w[3]}: it is that of the convolution which this transposes, [kh, kw, channels out, channels in]`,
    );
  }
}
