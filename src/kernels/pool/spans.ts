// Where the windows of a pooling lie along the two axes of pictures [n, h, w, c]: what users say of size, stride, padding and
// dilation, checked against the picture.

import type { Tensor } from "../../tensor/tensor.ts";

/** One number for both axes, or one for each. */
export type PerAxis = number | readonly [h: number, w: number];

/**
 * Elements beside the picture that windows may reach: as many on each side, or as said for each. "valid" is none. "same" is what
 * makes ceil(length / stride) windows, half of it on each side; of an odd number more after than before.
 */
export type Border = number | "same" | "valid" | readonly [readonly [top: number, bottom: number], readonly [left: number, right: number]];

export interface PoolOptions {
  readonly size: PerAxis;
  /** From one window to the next; the window's size if left out, so that windows do not overlap. */
  readonly stride?: PerAxis;
  readonly padding?: Border;
  /** From one element of a window to the next. */
  readonly dilation?: PerAxis;
}

/** Windows along one axis: window i has the elements i · stride + u · dilation - before, for u below size. */
export interface Span {
  readonly size: number;
  readonly stride: number;
  readonly dilation: number;
  readonly before: number;
  readonly after: number;
  /** How many windows. */
  readonly count: number;
}

/** The windows along h and along w. `name` is the op's, for messages. */
export function spansOf(name: string, x: Tensor, { size, stride = size, padding = 0, dilation = 1 }: PoolOptions): [h: Span, w: Span] {
  checkPictures(name, x);
  const along = (axis: 0 | 1): Span => {
    const length = x.shape[1 + axis];
    const window = { size: pick(size, axis), stride: pick(stride, axis), dilation: pick(dilation, axis) };
    for (const [what, n] of Object.entries(window))
      if (!Number.isInteger(n) || n < 1) throw new Error(`${name}: ${what} ${n}; it is a whole number from 1`);
    const extent = (window.size - 1) * window.dilation + 1;
    const [before, after] = border(name, padding, axis, length, extent, window.stride);
    const room = before + length + after;
    if (extent > room) {
      throw new Error(
        `${name}: a window spans ${extent} elements, more than ${"hw"[axis]} ${length} with a padding of ${before} and ${after} of ${x}`,
      );
    }
    const count = Math.floor((room - extent) / window.stride) + 1;
    const empty = Array.from({ length: count }, (_, i) => i).find((i) => !touches(i * window.stride - before, window, length));
    if (empty !== undefined) {
      throw new Error(
        `${name}: window ${empty} along ${"hw"[axis]} of ${x} would lie in the padding of ${before} and ${after} only; a smaller padding avoids that`,
      );
    }
    return { ...window, before, after, count };
  };
  return [along(0), along(1)];
}

export function checkPictures(name: string, x: Tensor): void {
  if (x.rank !== 4) throw new Error(`${name}: takes pictures [n, h, w, c], not ${x}`);
  if (x.dtype !== "f32") throw new Error(`${name}: takes f32, not ${x.dtype}; cast it first`);
}

const pick = (n: PerAxis, axis: 0 | 1): number => (typeof n === "number" ? n : n[axis]);

function border(name: string, padding: Border, axis: 0 | 1, length: number, extent: number, stride: number): readonly [number, number] {
  if (padding === "valid") return [0, 0];
  if (padding === "same") {
    const missing = Math.max(0, (Math.ceil(length / stride) - 1) * stride + extent - length);
    return [Math.floor(missing / 2), Math.ceil(missing / 2)];
  }
  const widths = typeof padding === "number" ? ([padding, padding] as const) : padding[axis];
  if (!Array.isArray(widths) || widths.length !== 2 || !widths.every((n) => Number.isInteger(n) && n >= 0)) {
    const given = JSON.stringify(padding);
    throw new Error(`${name}: padding ${given}; it is a whole number from 0, [[top, bottom], [left, right]], "same" or "valid"`);
  }
  return [widths[0], widths[1]];
}

/** Has a window that begins here an element in the picture? */
function touches(start: number, { size, dilation }: Pick<Span, "size" | "dilation">, length: number): boolean {
  const first = Math.max(0, Math.ceil(-start / dilation)); // the first element that is not before the picture
  return first < size && start + first * dilation < length;
}
