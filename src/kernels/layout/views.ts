// Views: the same values under another index. On a device that fuses, a view costs nothing but arithmetic on the
// index, in the kernel that reads it. Coordinates are written c₀, c₁, … of the result.

import { broadcast, broadcastStrides, format, type Shape, sameShape, size, strides } from "../../tensor/shape.ts";
import { Tensor } from "../../tensor/tensor.ts";
import type { Ints } from "../devices/wasm/assembler.ts";
import { isNear, Whole } from "../devices/wasm/emit.ts";
import type { Inline } from "../op.ts";
import { sumTo } from "../reduce/sum-to.ts";
import { fullOf, isFull, valueOf } from "./full.ts";
import { strided } from "./strided.ts";

/** Records a view; a constant stays a constant. */
function view(op: Inline, x: Tensor, shape: Shape, attrs: Record<string, unknown> = {}): Tensor {
  return isFull(x) ? fullOf(shape, valueOf(x), x.dtype) : new Tensor(op, [x], attrs, shape, x.dtype);
}

/** y[i] = x[i], counted row-major in both shapes. */
export const reshapeOp: Inline = {
  name: "reshape",
  loops: "view",
  js: (y, [x]) => y.set(x),
  wgsl: (e, t, at) => e.value(t.inputs[0], e.at(t.inputs[0].shape, at.linear())),
  wasm: (e, t, at) => e.value(t.inputs[0], e.at(t.inputs[0].shape, at.linear())),
  grad: (dy, t) => [dy.reshape(t.inputs[0].shape)],
};

export const reshapeTo = (x: Tensor, shape: Shape): Tensor => (sameShape(x.shape, shape) ? x : view(reshapeOp, x, shape));

/** y[…, cᵢ, …] = x[…] with cᵢ at axis axes[i] of x. */
const permuteOp: Inline = {
  name: "permute",
  loops: "view",
  structure: (t) => `${t.attrs.axes}`,
  js: (y, [x], t) => {
    const steps = strides(t.inputs[0].shape);
    strided(
      y,
      x,
      t.shape,
      0,
      (t.attrs.axes as number[]).map((axis) => steps[axis]),
    );
  },
  wgsl: (e, t, at) => {
    const c = at.coords();
    const source: string[] = [];
    (t.attrs.axes as number[]).forEach((axis, i) => {
      source[axis] = c[i];
    });
    return e.value(t.inputs[0], e.at(t.inputs[0].shape, source));
  },
  wasm: (e, t, at) => {
    const c = at.coords();
    const axes = t.attrs.axes as number[];
    const source = axes.map((_, axis) => c[axes.indexOf(axis)]);
    return e.value(t.inputs[0], e.at(t.inputs[0].shape, source));
  },
  grad: (dy, t) => {
    const axes = t.attrs.axes as number[];
    return [dy.permute(axes.map((_, axis) => axes.indexOf(axis)))];
  },
};

export function permuteTo(x: Tensor, axes: readonly number[]): Tensor {
  if (axes.every((axis, i) => axis === i)) return x;
  const shape = axes.map((axis) => x.shape[axis]);
  return view(permuteOp, x, shape, { axes });
}

/** y[…, c] = x[c], with 0 in the place of every stretched axis. */
const broadcastOp: Inline = {
  name: "broadcastTo",
  loops: "view",
  js: (y, [x], t) => strided(y, x, t.shape, 0, broadcastStrides(t.inputs[0].shape, t.shape)),
  wgsl: (e, t, at) => e.value(t.inputs[0], e.stretched(t.inputs[0].shape, at)),
  wasm: (e, t, at) => e.value(t.inputs[0], e.stretched(t.inputs[0].shape, at)),
  grad: (dy, t) => [sumTo(dy, t.inputs[0].shape)],
};

export function stretchTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  if (!sameShape(broadcast("broadcastTo", x.shape, shape), shape))
    throw new Error(`broadcastTo: ${x} does not stretch to ${format(shape)}`);
  return view(broadcastOp, x, shape);
}

/** How a slice walks each axis of x: the result's c stands for start + c · step. */
export interface Walk {
  readonly start: readonly number[];
  readonly step: readonly number[];
}
const walkOf = (t: Tensor): Walk => t.attrs as unknown as Walk; // set by the two functions below only

const starts: ((now: Tensor) => number)[] = [];
/** Reads where a walk starts along an axis: for each axis one function, so that kernels read one word for it. */
const startOf = (axis: number): ((now: Tensor) => number) => (starts[axis] ??= (now) => walkOf(now).start[axis]);

/** y[c] = x[start + c · step] */
const sliceOp: Inline = {
  name: "slice",
  loops: "view",
  structure: (t) => `${walkOf(t).step}`,
  js: (y, [x], t) => {
    const { start, step } = walkOf(t);
    const own = strides(t.inputs[0].shape);
    const offset = start.reduce((sum, s, axis) => sum + s * own[axis], 0);
    strided(
      y,
      x,
      t.shape,
      offset,
      step.map((s, axis) => s * own[axis]),
    );
  },
  wgsl: (e, t, at) => {
    const { step } = walkOf(t);
    const source = at.coords().map((c, axis) => {
      const start = e.scalar(t, (now) => walkOf(now).start[axis], "u32");
      const steps = Math.abs(step[axis]) === 1 ? c : `${c} * ${Math.abs(step[axis])}u`;
      return step[axis] > 0 ? `(${start} + ${steps})` : `(${start} - ${steps})`;
    });
    return e.value(t.inputs[0], e.at(t.inputs[0].shape, source));
  },
  wasm: (e, t, at) => {
    const { step } = walkOf(t);
    const source = at.coords().map((c, axis) => {
      const start = e.scalar(t, startOf(axis), "u32");
      const steps = c.mul(Math.abs(step[axis]));
      return step[axis] > 0 ? start.add(steps) : start.sub(steps);
    });
    return e.value(t.inputs[0], e.at(t.inputs[0].shape, source));
  },
  grad: (dy, t) => [placeIn(dy, t.inputs[0].shape, walkOf(t))],
};

export const sliceOf = (x: Tensor, shape: Shape, { start, step }: Walk): Tensor => view(sliceOp, x, shape, { start, step });

/** The slice turned round: y[start + c · step] = x[c], and 0 elsewhere. Padding is this with steps of one. */
const placeOp: Inline = {
  name: "place",
  loops: "view",
  structure: (t) => `${walkOf(t).step}`,
  js: (y, [x], t) => {
    const { start, step } = walkOf(t);
    const own = strides(t.shape);
    const from = t.inputs[0].shape;
    y.fill(0);
    let next = 0;
    const walk = (axis: number, at: number): void => {
      if (axis === from.length) y[at] = x[next++];
      else for (let c = 0; c < from[axis]; c++) walk(axis + 1, at + (start[axis] + c * step[axis]) * own[axis]);
    };
    walk(0, 0);
  },
  wgsl: (e, t, at) => {
    const { step } = walkOf(t);
    const [x] = t.inputs;
    const inside: string[] = [];
    const source = at.coords().map((c, axis) => {
      const start = e.scalar(t, (now) => walkOf(now).start[axis], "u32");
      // Unsigned: an index before the start wraps round to a very large distance, so one comparison serves both ends.
      const distance = e.name(step[axis] > 0 ? `${c} - ${start}` : `${start} - ${c}`);
      const stride = Math.abs(step[axis]);
      if (stride === 1) {
        inside.push(`${distance} < ${e.dim(x.shape[axis])}`);
        return distance;
      }
      inside.push(`${distance} % ${stride}u == 0u`, `${distance} / ${stride}u < ${e.dim(x.shape[axis])}`);
      return `(${distance} / ${stride}u)`;
    });
    if (!inside.length) return e.value(x, at);
    const zero = x.dtype === "f32" ? "0.0" : "0u";
    return `select(${zero}, ${e.value(x, e.at(x.shape, source))}, ${inside.join(" && ")})`;
  },
  wasm: (e, t, at) => {
    const { step } = walkOf(t);
    const [x] = t.inputs;
    const inside: Ints[] = [];
    const source = at.coords().map((c, axis) => {
      const d = x.shape[axis];
      const from = e.scalar(t, startOf(axis), "u32");
      const distance = step[axis] > 0 ? c.sub(from) : from.sub(c);
      const stride = Math.abs(step[axis]);
      inside.push(distance.lt(d * stride));
      if (stride > 1) inside.push(distance.rem(stride).eq(e.number(0)));
      // A row that is read whole, past its ends too, is read fastest; what is far away is read in its stead at the end.
      if (stride === 1 && distance.ramp && isNear(d, t.shape[axis])) return distance;
      return distance.div(stride).min(d - 1);
    });
    if (!inside.length) return e.value(x, at);
    const mask = inside.reduce((all, one) => all.and(one));
    const value = e.value(x, e.at(x.shape, source));
    return value instanceof Whole ? value.map((n) => n.and(mask)) : value.where(mask);
  },
  grad: (dy, t) => [sliceOf(dy, t.inputs[0].shape, walkOf(t))],
};

export const placeIn = (x: Tensor, shape: Shape, { start, step }: Walk): Tensor =>
  x.size === 0 ? fullOf(shape, 0, x.dtype) : new Tensor(placeOp, [x], { start, step }, shape, x.dtype);

/** x itself, through which no gradient flows. */
const stopOp: Inline = {
  name: "stopGradient",
  loops: "view",
  js: (y, [x]) => y.set(x),
  wgsl: (e, t, at) => e.value(t.inputs[0], at),
  wasm: (e, t, at) => e.value(t.inputs[0], at),
  grad: () => [undefined],
};

export const stopped = (x: Tensor): Tensor => view(stopOp, x, x.shape);

/** A shape in which one size may be -1: what remains. */
export function resolveShape(x: Tensor, shape: Shape): number[] {
  const rest = shape.indexOf(-1);
  const known = size(shape.filter((_, i) => i !== rest));
  const resolved = shape.map((d, i) => (i === rest ? x.size / (known || 1) : d));
  if (size(resolved) !== x.size || !resolved.every((d) => Number.isInteger(d) && d >= 0)) {
    throw new Error(`reshape: ${x} has ${x.size} elements, ${format(shape)} does not`);
  }
  return resolved;
}

export const lastTwoSwapped = (name: string, rank: number): number[] => {
  if (rank < 2) throw new Error(`${name}: needs two axes, not rank ${rank}`);
  const axes = Array.from({ length: rank }, (_, i) => i);
  [axes[rank - 2], axes[rank - 1]] = [axes[rank - 1], axes[rank - 2]];
  return axes;
};
