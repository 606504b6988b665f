// Reductions: many values to one, along some axes. y[c] = fold of x[c, r] over all r.

import { type Axes, axesOf, axisOf, format, type Shape, size, strides } from "../../tensor/shape.ts";
import { Tensor, type Values } from "../../tensor/tensor.ts";
import { fullOf, isFull, valueOf } from "../layout/full.ts";
import { concat } from "../layout/layout.ts";
import { type Callable, callable, type Example, noGrad, type Reduce, type ReduceWasm, type ReduceWgsl } from "../op.ts";
import { sample } from "../sample.ts";

const axesIn = (t: Tensor): number[] => t.attrs.axes as number[];
const without = (shape: Shape, axes: readonly number[]): number[] => shape.filter((_, i) => !axes.includes(i));
const withOnes = (shape: Shape, axes: readonly number[]): number[] => shape.map((d, i) => (axes.includes(i) ? 1 : d));

/** Where the elements lie that the given axes span, in row-major order. */
export function offsets(shape: Shape, axes: readonly number[], steps: readonly number[] = strides(shape)): Int32Array {
  const list = new Int32Array(size(axes.map((axis) => shape[axis])));
  let filled = 1;
  for (const axis of axes) {
    const d = shape[axis];
    // Each offset becomes d of them. From the end, so that none is overwritten before it was read.
    for (let at = filled - 1; at >= 0; at--) for (let i = d - 1; i >= 0; i--) list[at * d + i] = list[at] + i * steps[axis];
    filled *= d;
  }
  return list;
}

/** The plain loops: for each element that stays, a fold over those that go. */
function fold(y: Values, x: Values, t: Tensor, start: number, step: (acc: number, x: number, r: number) => number): void {
  const { shape } = t.inputs[0];
  const gone = axesIn(t);
  const stays = offsets(
    shape,
    shape.map((_, i) => i).filter((i) => !gone.includes(i)),
  );
  const goes = offsets(shape, gone);
  for (let c = 0; c < stays.length; c++) {
    let acc = start;
    for (let r = 0; r < goes.length; r++) acc = step(acc, x[stays[c] + goes[r]], r);
    y[c] = acc;
  }
}

const value: ReduceWgsl["visit"] = (e, t, at) => e.value(t.inputs[0], at);
const values: ReduceWasm["visit"] = (e, t, at) => [e.floats(t.inputs[0], at)];
const [INFINITY, MINUS_INFINITY] = [0x7f800000, 0xff800000]; // as bits
const identity = (acc: string): string => acc;

function reduction(record: Omit<Reduce, "loops" | "domain" | "visitsInput" | "structure">): Reduce {
  return {
    ...record,
    loops: "reduce",
    visitsInput: true,
    structure: (t) => `${axesIn(t)}`,
    domain: (t) => ({ shape: t.inputs[0].shape, axes: axesIn(t) }),
  };
}

const sumOp = reduction({
  name: "sum",
  js: (y, [x], t) => fold(y, x, t, 0, (acc, v) => acc + v),
  wgsl: { type: "f32", identity: "0.0", merge: (a, b) => `${a} + ${b}`, visit: value, result: identity },
  wasm: { identity: [0], merge: ([a], [b]) => [a.add(b)], visit: values },
  grad: (dy, t) => [spread(dy, t)],
});

/** Ties share the gradient equally. */
const sharedGrad = (dy: Tensor, t: Tensor): Tensor[] => {
  const [x] = t.inputs;
  const ties = x.equal(spread(t, t)).stopGradient();
  return [ties.mul(spread(dy.div(ties.sum(axesIn(t))), t))];
};

const maxOp = reduction({
  name: "max",
  js: (y, [x], t) => fold(y, x, t, Number.NEGATIVE_INFINITY, (acc, v) => Math.max(acc, v)),
  wgsl: { type: "f32", identity: "-infinity()", merge: (a, b) => `max(${a}, ${b})`, visit: value, result: identity },
  wasm: { identity: [MINUS_INFINITY], merge: ([a], [b]) => [a.max(b)], visit: values },
  grad: sharedGrad,
});

const minOp = reduction({
  name: "min",
  js: (y, [x], t) => fold(y, x, t, Number.POSITIVE_INFINITY, (acc, v) => Math.min(acc, v)),
  wgsl: { type: "f32", identity: "infinity()", merge: (a, b) => `min(${a}, ${b})`, visit: value, result: identity },
  wasm: { identity: [INFINITY], merge: ([a], [b]) => [a.min(b)], visit: values },
  grad: sharedGrad,
});

/** The first of the largest. The accumulator is the best value so far, and where it was. */
const argMaxOp = reduction({
  name: "argMax",
  js: (y, [x], t) => {
    let best = 0;
    fold(y, x, t, 0, (at, v, r) => {
      if (r > 0 && !(v > best)) return at;
      best = v;
      return r;
    });
  },
  wgsl: {
    type: "Best",
    identity: "Best(-infinity(), 0xffffffffu)",
    merge: (a, b) => `better(${a}, ${b})`,
    visit: (e, t, at) => `Best(${e.value(t.inputs[0], at)}, ${at.coords()[axesIn(t)[0]]})`,
    result: (acc) => `${acc}.index`,
  },
  wasm: {
    identity: [MINUS_INFINITY, 0xffffffff],
    merge: ([a, i], [b, j]) => {
      const later = j.bits().lt(i.bits()).andNot(a.gt(b)); // of equal ones the first
      const isBetter = b.gt(a).or(later);
      return [isBetter.floats(b, a), isBetter.floats(j, i)];
    },
    visit: (e, t, at) => [e.floats(t.inputs[0], at), at.coords()[axesIn(t)[0]].lanes().asFloats()],
  },
  grad: noGrad("argMax", "its result is an index"),
});

/** A reduced value, stretched back over the axes that went. */
const spread = (y: Tensor, t: Tensor): Tensor => y.reshape(withOnes(t.inputs[0].shape, axesIn(t))).broadcastTo(t.inputs[0].shape);

function record(op: Reduce, x: Tensor, axes: Axes | undefined, keepDims: boolean, dtype: "f32" | "u32" = "f32"): Tensor {
  const gone = axesOf(op.name, axes, x.rank);
  if (x.dtype !== "f32") throw new Error(`${op.name}: takes f32, not ${x.dtype}; cast it first`);
  if (op !== sumOp && size(x.shape) === 0) throw new Error(`${op.name}: ${x} has no elements`);
  const shape = without(x.shape, gone);
  const y = gone.length === 0 && op !== argMaxOp ? x : new Tensor(op, [x], { axes: gone }, shape, dtype);
  return keepDims ? y.reshape(withOnes(x.shape, gone)) : y;
}

export type Reduction = Callable<(x: Tensor, axes?: Axes, keepDims?: boolean) => Tensor>;

const examples = (): Example[] => [
  { args: [sample([5, 7])], shape: [] },
  { args: [sample([5, 7]), 0], shape: [7] },
  { args: [sample([5, 7]), -1], shape: [5] },
  { args: [sample([2, 3, 5]), [0, 2]], shape: [3] },
  { args: [sample([2, 3, 5]), 1, true], shape: [2, 1, 5] },
  { args: [sample([3, 65]), 1], shape: [3] },
  { args: [sample([])], shape: [] },
  { args: [sample([5, 7]), 2], error: /axis 2 is out of range for rank 2/ },
];

export const sum: Reduction = callable(
  (x: Tensor, axes?: Axes, keepDims = false): Tensor => {
    const isConstant = isFull(x) || x.size === 0;
    if (!isConstant || x.dtype !== "f32") return record(sumOp, x, axes, keepDims);
    const gone = axesOf("sum", axes, x.rank);
    const count = gone.reduce((n, axis) => n * x.shape[axis], 1);
    return fullOf(keepDims ? withOnes(x.shape, gone) : without(x.shape, gone), x.size === 0 ? 0 : valueOf(x) * count);
  },
  () => [...examples(), { args: [sample([3, 0]), 1], shape: [3] }],
);

export const max: Reduction = callable((x: Tensor, axes?: Axes, keepDims = false): Tensor => record(maxOp, x, axes, keepDims), examples);

export const min: Reduction = callable((x: Tensor, axes?: Axes, keepDims = false): Tensor => record(minOp, x, axes, keepDims), examples);

/** The average: the sum times 1/n. */
export const mean: Reduction = callable((x: Tensor, axes?: Axes, keepDims = false): Tensor => {
  const count = axesOf("mean", axes, x.rank).reduce((n, axis) => n * x.shape[axis], 1);
  if (count === 0) throw new Error(`mean: ${x} has no elements along ${axes === undefined ? "its axes" : format([axes].flat())}`);
  return x.sum(axes, keepDims).mul(1 / count);
}, examples);

/** The product, by multiplying halves: its gradient needs no division, so zeros are no exception. */
export const prod: Reduction = callable((x: Tensor, axes?: Axes, keepDims = false): Tensor => {
  let y = x;
  const gone = axesOf("prod", axes, x.rank);
  for (const axis of gone) {
    if (y.shape[axis] === 0) throw new Error(`prod: ${x} has no elements along axis ${axis}`);
    while (y.shape[axis] > 1) {
      const half = y.shape[axis] >> 1;
      const part = (start: number, end: number) => y.slice(y.shape.map((_, i) => (i === axis ? [start, end] : null)));
      const halves = part(0, half).mul(part(half, 2 * half));
      y = y.shape[axis] % 2 === 0 ? halves : concat([halves, part(2 * half, 2 * half + 1)], axis);
    }
  }
  return keepDims ? y : y.reshape(without(x.shape, gone));
}, examples);

/** Index of the largest along an axis, u32; the first one where several tie. */
export const argMax: Callable<(x: Tensor, axis?: number) => Tensor> = callable(
  (x: Tensor, axis = -1): Tensor => record(argMaxOp, x, axisOf("argMax", axis, x.rank), false, "u32"),
  () => [
    { args: [sample([5, 7])], shape: [5] },
    { args: [sample([5, 7]), 0], shape: [7] },
    { args: [sample([2, 65, 3]), 1], shape: [2, 3] },
    { args: [sample([]), 0], error: /argMax: axis 0/ },
  ],
);
