// Shapes: sizes, strides, broadcasting and axes. Numbers only; no tensor is made here.

export type Shape = readonly number[];

/** Elements in a tensor of this shape: 1 for a scalar `[]`, 0 if any axis is empty. */
export const size = (shape: Shape): number => shape.reduce((n, d) => n * d, 1);

/** Row-major strides: how far apart neighbours along each axis lie. */
export function strides(shape: Shape): number[] {
  const s = new Array<number>(shape.length);
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    s[axis] = step;
    step *= shape[axis];
  }
  return s;
}

export const sameShape = (a: Shape, b: Shape): boolean => a.length === b.length && a.every((d, i) => d === b[i]);

/** `[8, 5]`, as error messages print it. */
export const format = (shape: Shape): string => `[${shape.join(", ")}]`;

/** NumPy's broadcasting: axes are aligned at the right, and an axis of one stretches. */
export function broadcast(name: string, ...shapes: Shape[]): number[] {
  const rank = Math.max(0, ...shapes.map((s) => s.length));
  const out = new Array<number>(rank).fill(1);
  for (const shape of shapes) {
    shape.forEach((d, i) => {
      const axis = rank - shape.length + i;
      if (out[axis] === 1) out[axis] = d;
      else if (d !== 1 && d !== out[axis]) throw new Error(`${name}: shapes ${shapes.map(format).join(" and ")} do not broadcast`);
    });
  }
  return out;
}

/** Strides with which a tensor of `from` is read at the coordinates of `to`: zero along every stretched axis. */
export function broadcastStrides(from: Shape, to: Shape): number[] {
  const own = strides(from);
  const missing = to.length - from.length;
  return to.map((_, axis) => (axis < missing || from[axis - missing] === 1 ? 0 : own[axis - missing]));
}

/** An axis counted from the front; -1 is the last. */
export function axisOf(name: string, axis: number, rank: number): number {
  const positive = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || positive < 0 || positive >= rank)
    throw new Error(`${name}: axis ${axis} is out of range for rank ${rank}`);
  return positive;
}

export type Axes = number | readonly number[];

/** Axes from the front, ascending and distinct; all of them if none are named. */
export function axesOf(name: string, axes: Axes | undefined, rank: number): number[] {
  if (axes === undefined) return Array.from({ length: rank }, (_, i) => i);
  const list = (typeof axes === "number" ? [axes] : axes).map((a) => axisOf(name, a, rank)).sort((a, b) => a - b);
  if (new Set(list).size < list.length) throw new Error(`${name}: axes ${format(list)} name one axis twice`);
  return list;
}

export const MAX_RANK = 6; // scalars to six axes: enough for batches of groups of images

export function checkShape(name: string, shape: Shape): void {
  if (shape.length > MAX_RANK) throw new Error(`${name}: rank ${shape.length} of ${format(shape)} is over ${MAX_RANK}`);
  for (const d of shape) {
    if (!Number.isSafeInteger(d) || d < 0) throw new Error(`${name}: ${format(shape)} is no shape; sizes are whole numbers from 0`);
  }
  if (!Number.isSafeInteger(size(shape))) throw new Error(`${name}: ${format(shape)} has more elements than a number can count`);
}
