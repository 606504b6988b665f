// Rows by index, and the gradient of that: rows added up by index. The gradient visits every index for every row
// instead of adding atomically, so that the order of the sum, and with it the result, is the same every time.

import { axisOf, format, type Shape, sameShape, size } from "../../tensor/shape.ts";
import { Tensor } from "../../tensor/tensor.ts";
import { fullOf } from "../layout/full.ts";
import { iota } from "../layout/iota.ts";
import { type Callable, callable, type Inline, type Reduce } from "../op.ts";
import { sample, sampleIndex } from "../sample.ts";

const axisIn = (t: Tensor): number => t.attrs.axis as number;

/** How an array looks from one of its axes: what lies before it, the axis, what lies after. */
const around = (shape: Shape, axis: number): [before: number, along: number, after: number] => [
  size(shape.slice(0, axis)),
  shape[axis],
  size(shape.slice(axis + 1)),
];

const inRange = (name: string, i: number, n: number): number => {
  if (i < n) return i;
  throw new Error(`${name}: index ${i} is out of range for ${n} rows`);
};

/** Indices that are at hand are checked at once, the others when they are used. */
function checkIndices(name: string, index: Tensor, n: number): void {
  if (index.dtype !== "u32") throw new Error(`${name}: indices are u32, not ${index.dtype}; cast them`);
  const { block, offset = 0 } = index.storage ?? {};
  for (const i of block?.host?.subarray(offset, offset + index.size) ?? []) inRange(name, i, n);
}

/** y[a, i, b] = x[a, index[i], b] */
const takeOp: Inline = {
  name: "take",
  loops: "view",
  structure: (t) => `${axisIn(t)}`,
  js: (y, [x, index], t) => {
    const [before, n, after] = around(t.inputs[0].shape, axisIn(t));
    let out = 0;
    for (let a = 0; a < before; a++)
      for (let i = 0; i < index.length; i++) {
        const from = (a * n + inRange("take", index[i], n)) * after;
        for (let b = 0; b < after; b++) y[out++] = x[from + b];
      }
  },
  wgsl: (e, t, at) => {
    const [x, index] = t.inputs;
    const axis = axisIn(t);
    const c = at.coords();
    const row = e.value(index, e.at(index.shape, c.slice(axis, axis + index.rank)));
    const inside = e.name(`min(${row}, ${e.dim(x.shape[axis])} - 1u)`);
    return e.value(x, e.at(x.shape, [...c.slice(0, axis), inside, ...c.slice(axis + index.rank)]));
  },
  wasm: (e, t, at) => {
    const [x, index] = t.inputs;
    const axis = axisIn(t);
    const c = at.coords();
    const row = e.whole(index, e.at(index.shape, c.slice(axis, axis + index.rank))).min(x.shape[axis] - 1);
    return e.value(x, e.at(x.shape, [...c.slice(0, axis), row, ...c.slice(axis + index.rank)]));
  },
  grad: (dy, t) => [scatterAdd(dy, t.inputs[1], t.inputs[0].shape[axisIn(t)], axisIn(t)), undefined],
};

/** y[a, r, b] = Σi [index[i] = r] · x[a, i, b] */
const scatterAddOp: Reduce = {
  name: "scatterAdd",
  loops: "reduce",
  visitsInput: false,
  structure: (t) => `${axisIn(t)}`,
  domain: (t) => ({ shape: [t.inputs[1].size, ...t.shape], axes: [0] }),
  js: (y, [x, index], t) => {
    const [before, n, after] = around(t.shape, axisIn(t));
    const sums = new Float64Array(y.length);
    let from = 0;
    for (let a = 0; a < before; a++)
      for (let i = 0; i < index.length; i++) {
        const row = (a * n + inRange("scatterAdd", index[i], n)) * after;
        for (let b = 0; b < after; b++) sums[row + b] += x[from++];
      }
    y.set(sums);
  },
  wgsl: {
    type: "f32",
    identity: "0.0",
    merge: (a, b) => `${a} + ${b}`,
    visit: (e, t, at) => {
      const [x, index] = t.inputs;
      const axis = axisIn(t);
      const [i, ...c] = at.coords();
      const where = e.at(index.shape, i);
      const value = e.value(x, e.at(x.shape, [...c.slice(0, axis), ...where.coords(), ...c.slice(axis + 1)]));
      return `select(0.0, ${value}, ${e.value(index, where)} == ${c[axis]})`;
    },
    result: (acc) => acc,
  },
  wasm: {
    identity: [0],
    merge: ([a], [b]) => [a.add(b)],
    visit: (e, t, at) => {
      const [x, index] = t.inputs;
      const axis = axisIn(t);
      const [i, ...c] = at.coords();
      const where = e.at(index.shape, i);
      const value = e.floats(x, e.at(x.shape, [...c.slice(0, axis), ...where.coords(), ...c.slice(axis + 1)]));
      return [value.where(e.whole(index, where).eq(c[axis]))];
    },
  },
  grad: (dy, t) => [take(dy, t.inputs[1], axisIn(t)), undefined],
};

/** Rows of x along an axis, in the order of the indices (u32): the shape of `index` stands in the place of the axis. */
export const take: Callable<(x: Tensor, index: Tensor, axis?: number) => Tensor> = callable(
  (x: Tensor, index: Tensor, axis = 0): Tensor => {
    const along = axisOf("take", axis, x.rank);
    checkIndices("take", index, x.shape[along]);
    if (x.shape[along] === 0 && index.size > 0) throw new Error(`take: ${x} has no rows along axis ${along}`);
    return new Tensor(
      takeOp,
      [x, index],
      { axis: along },
      [...x.shape.slice(0, along), ...index.shape, ...x.shape.slice(along + 1)],
      x.dtype,
    );
  },
  () => [
    { args: [sample([5, 7]), sampleIndex([3], 5)], shape: [3, 7] },
    { args: [sample([5, 7]), sampleIndex([2, 3], 7), 1], shape: [5, 2, 3] },
    { args: [sample([5]), sampleIndex([], 5)], shape: [] },
    { args: [sample([2, 5, 3]), sampleIndex([65], 5), 1], shape: [2, 65, 3] },
    { args: [sample([5, 7]), sampleIndex([0], 5)], shape: [0, 7] },
    { args: [sample([5, 7]), sample([3])], error: /take: indices are u32, not f32/ },
    { args: [sample([1, 7]), sampleIndex([9], 5)], error: /take: index \d is out of range for 1 rows/ },
  ],
);

/** The gradient of take: rows of x added to the rows of an array of `rows` zeros that the indices name. */
export const scatterAdd: Callable<(x: Tensor, index: Tensor, rows: number, axis?: number) => Tensor> = callable(
  (x: Tensor, index: Tensor, rows: number, axis = 0): Tensor => {
    const along = axisOf("scatterAdd", axis, x.rank - index.rank + 1); // the result's axis, in whose place the indices stand
    if (x.dtype !== "f32") throw new Error(`scatterAdd: takes f32, not ${x.dtype}; cast it first`);
    checkIndices("scatterAdd", index, rows);
    const [before, replaced, after] = [
      x.shape.slice(0, along),
      x.shape.slice(along, along + index.rank),
      x.shape.slice(along + index.rank),
    ];
    if (!sameShape(replaced, index.shape))
      throw new Error(`scatterAdd: ${x} does not have the indices' shape ${format(index.shape)} at axis ${along}`);
    const shape = [...before, rows, ...after];
    return x.size === 0 ? fullOf(shape, 0) : new Tensor(scatterAddOp, [x, index], { axis: along }, shape, "f32");
  },
  () => [
    { args: [sample([3, 7]), sampleIndex([3], 5), 5], shape: [5, 7] },
    { args: [sample([65]), sampleIndex([65], 7), 7], shape: [7] },
    { args: [sample([5, 2, 3]), sampleIndex([2, 3], 4), 4, 1], shape: [5, 4] },
    { args: [sample([5, 3]), sampleIndex([3], 4), 4, -1], shape: [5, 4] },
    { args: [sample([7]), sampleIndex([], 4), 4], shape: [4, 7] },
    { args: [sample([0, 7]), sampleIndex([0], 4), 4], shape: [4, 7] },
    { args: [sample([4, 7]), sampleIndex([3], 5), 5], error: /scatterAdd: .* does not have the indices' shape/ },
    { args: [sample([9]), sampleIndex([9], 5), 1], error: /scatterAdd: index \d is out of range for 1 rows/ },
  ],
);

/** 1 at each index and 0 elsewhere, along a new last axis of `depth`. */
export const oneHot: Callable<(index: Tensor, depth: number) => Tensor> = callable(
  (index: Tensor, depth: number): Tensor => {
    if (index.dtype !== "u32") throw new Error(`oneHot: indices are u32, not ${index.dtype}; cast them`);
    if (!Number.isInteger(depth) || depth < 1) throw new Error(`oneHot: depth ${depth}; it is a whole number from 1`);
    return index.reshape([...index.shape, 1]).equal(iota(depth));
  },
  () => [
    { args: [sampleIndex([5], 7), 7], shape: [5, 7] },
    { args: [sampleIndex([2, 3], 5), 5], shape: [2, 3, 5] },
    { args: [sampleIndex([5], 7), 0], error: /oneHot: depth 0/ },
  ],
);
