// Windows: the pieces of an axis that lie at equal distances, side by side along a new axis. Overlapping windows are a view, so that
// nothing is copied; windows that follow each other are a reshape. Pooling reduces them.

import { axisOf, strides } from "../../tensor/shape.ts";
import { Tensor } from "../../tensor/tensor.ts";
import { fullOf, isFull, valueOf } from "../layout/full.ts";
import { strided } from "../layout/strided.ts";
import { placeIn } from "../layout/views.ts";
import { type Callable, callable, type Inline } from "../op.ts";
import { sample } from "../sample.ts";

export interface WindowOptions {
  /** From one window to the next. */
  readonly stride?: number;
  /** From one element of a window to the next. */
  readonly dilation?: number;
}

interface Walk {
  readonly axis: number;
  readonly stride: number;
  readonly dilation: number;
}
const walkOf = (t: Tensor): Walk => t.attrs as unknown as Walk; // set by `windows` only

/** y[…, i, u, …] = x[…, i · stride + u · dilation, …] */
const windowsOp: Inline = {
  name: "windows",
  loops: "view",
  structure: (t) => `${walkOf(t).axis},${walkOf(t).stride},${walkOf(t).dilation}`,
  js: (y, [x], t) => {
    const { axis, stride, dilation } = walkOf(t);
    const own = strides(t.inputs[0].shape);
    strided(y, x, t.shape, 0, [...own.slice(0, axis), own[axis] * stride, own[axis] * dilation, ...own.slice(axis + 1)]);
  },
  wgsl: (e, t, at) => {
    const { axis, stride, dilation } = walkOf(t);
    const c = at.coords();
    const inside = `(${c[axis]} * ${stride}u + ${c[axis + 1]} * ${dilation}u)`;
    return e.value(t.inputs[0], e.at(t.inputs[0].shape, [...c.slice(0, axis), inside, ...c.slice(axis + 2)]));
  },
  wasm: (e, t, at) => {
    const { axis, stride, dilation } = walkOf(t);
    const c = at.coords();
    const inside = c[axis].mul(stride).add(c[axis + 1].mul(dilation));
    return e.value(t.inputs[0], e.at(t.inputs[0].shape, [...c.slice(0, axis), inside, ...c.slice(axis + 2)]));
  },
  grad: (dy, t) => {
    const { axis, stride, dilation } = walkOf(t);
    const [x] = t.inputs;
    const column = t.shape.filter((_, i) => i !== axis + 1);
    // dx is the sum over u: element u of every window goes back to where it was taken from.
    const parts = Array.from({ length: t.shape[axis + 1] }, (_, u) => {
      const taken = dy.slice(t.shape.map((_, i) => (i === axis + 1 ? [u, u + 1] : null))).reshape(column);
      const start = x.shape.map((_, i) => (i === axis ? u * dilation : 0));
      const step = x.shape.map((_, i) => (i === axis ? stride : 1));
      return placeIn(taken, x.shape, { start, step });
    });
    return [parts.reduce((sum, part) => sum.add(part))];
  },
};

/** Windows of `size` elements along an axis, which becomes two: which window, and which of its elements. */
export const windows: Callable<(x: Tensor, axis: number, size: number, options?: WindowOptions) => Tensor> = callable(
  (x: Tensor, axis: number, size: number, { stride = 1, dilation = 1 }: WindowOptions = {}): Tensor => {
    const along = axisOf("windows", axis, x.rank);
    for (const [name, n] of Object.entries({ size, stride, dilation }))
      if (!Number.isInteger(n) || n < 1) throw new Error(`windows: ${name} ${n}; it is a whole number from 1`);
    const extent = (size - 1) * dilation + 1;
    if (extent > x.shape[along]) throw new Error(`windows: a window spans ${extent} elements, axis ${along} of ${x} has ${x.shape[along]}`);
    const count = Math.floor((x.shape[along] - extent) / stride) + 1;
    const shape = [...x.shape.slice(0, along), count, size, ...x.shape.slice(along + 1)];
    if (isFull(x)) return fullOf(shape, valueOf(x), x.dtype);
    if (stride === extent && dilation === 1) return x.slice(x.shape.map((_, i) => (i === along ? [0, count * size] : null))).reshape(shape);
    return new Tensor(windowsOp, [x], { axis: along, stride, dilation }, shape, x.dtype);
  },
  () => [
    { args: [sample([7]), 0, 3], shape: [5, 3] },
    { args: [sample([2, 5, 3]), 1, 3, { stride: 2 }], shape: [2, 2, 3, 3] },
    { args: [sample([3, 8]), -1, 3, { stride: 2, dilation: 2 }], shape: [3, 2, 3] },
    { args: [sample([7, 3]), 0, 2, { stride: 3 }], shape: [2, 2, 3] },
    { args: [sample([7, 2]), 0, 3, { stride: 3 }], shape: [2, 3, 2] },
    { args: [sample([65, 5]), 0, 1, { stride: 2 }], shape: [33, 1, 5] },
    { args: [sample([0, 5]), 1, 3], shape: [0, 3, 3] },
    { args: [sample([5, 7]), 0, 3, { dilation: 3 }], error: /windows: a window spans 7 elements, axis 0 of tensor \[5, 7\].* has 5/ },
    { args: [sample([5]), 0, 2, { stride: 0 }], error: /windows: stride 0; it is a whole number from 1/ },
    { args: [sample([5]), 1, 2], error: /windows: axis 1 is out of range/ },
  ],
);
