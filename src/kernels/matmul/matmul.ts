// Matrix products: y[b, i, j] = Σp A[b, i, p] · B[b, p, j]. A transposed operand is a flag, never a copy, and the
// gradients are products of the same family.

import { broadcast, broadcastStrides, format, type Shape, size } from "../../tensor/shape.ts";
import { Tensor } from "../../tensor/tensor.ts";
import type { Emit } from "../devices/webgpu/emit.ts";
import { fullOf } from "../layout/full.ts";
import { type Callable, callable, type Product } from "../op.ts";
import { offsets } from "../reduce/reduce.ts";
import { sumTo } from "../reduce/sum-to.ts";
import { sample } from "../sample.ts";

export interface Flips {
  /** Read the left operand transposed: it is stored as [..., k, m]. */
  readonly flipA?: boolean;
  /** Read the right operand transposed: it is stored as [..., n, k]. */
  readonly flipB?: boolean;
}

const flips = (t: Tensor): Flips => t.attrs as Flips;
const flipped = (shape: Shape, flip = false): number[] =>
  flip ? [...shape.slice(0, -2), shape[shape.length - 1], shape[shape.length - 2]] : [...shape];

export const matmulOp: Product = {
  name: "matmul",
  loops: "product",
  structure: (t) => `${flips(t).flipA}${flips(t).flipB}`,
  sizes: (t) => {
    const a = flipped(t.inputs[0].shape, flips(t).flipA);
    return { batch: t.shape.slice(0, -2), m: t.shape[t.rank - 2], n: t.shape[t.rank - 1], k: a[a.length - 1] };
  },
  js: (y, [a, b], t) => {
    const { batch, m, n, k } = matmulOp.sizes(t);
    const [aShape, bShape] = t.inputs.map((x) => x.shape);
    const { flipA, flipB } = flips(t);
    const [aRow, aCol] = flipA ? [1, m] : [k, 1];
    const [bRow, bCol] = flipB ? [1, k] : [n, 1];
    const aAt = starts(batch, aShape);
    const bAt = starts(batch, bShape);
    let out = 0;
    for (let p = 0; p < aAt.length; p++) {
      for (let i = 0; i < m; i++) {
        for (let j = 0; j < n; j++) {
          let sum = 0;
          for (let q = 0, x = aAt[p] + i * aRow, w = bAt[p] + j * bCol; q < k; q++, x += aCol, w += bRow) sum += a[x] * b[w];
          y[out++] = sum;
        }
      }
    }
  },
  wgsl: {
    a: (e, t, batch, m, k) => operand(e, t.inputs[0], batch, flips(t).flipA ? [k, m] : [m, k]),
    b: (e, t, batch, k, n) => operand(e, t.inputs[1], batch, flips(t).flipB ? [n, k] : [k, n]),
    at: (e, t, batch, m, n) => ({ index: e.at(t.shape, [...batch, m, n]), inside: [] }),
    along: (t) => ({ a: !flips(t).flipA, b: !!flips(t).flipB }),
    runs: (t) => ({ a: t.inputs[0].shape[t.inputs[0].rank - 1], b: t.inputs[1].shape[t.inputs[1].rank - 1] }),
  },
  plainB: (t) => t.rank === 2 && !flips(t).flipB,
  wasm: (t) => {
    const { flipA = false, flipB = false } = flips(t);
    return { kind: "matrices", flipA, flipB, steps: t.inputs.map((x) => batchSteps(matmulOp.sizes(t).batch, x.shape)) };
  },
  grad: (dy, t) => {
    const [a, b] = t.inputs;
    const { flipA = false, flipB = false } = flips(t);
    // With C = A·B: dA = dC·Bᵀ and dB = Aᵀ·dC. A flipped operand's gradient is the same product, turned round.
    const da = flipA ? matmul(b, dy, { flipA: flipB, flipB: true }) : matmul(dy, b, { flipB: !flipB });
    const db = flipB ? matmul(dy, a, { flipA: true, flipB: flipA }) : matmul(a, dy, { flipA: !flipA });
    return [sumTo(da, a.shape), sumTo(db, b.shape)];
  },
};

/** From one matrix of the batch to the next along each of its axes, in an operand that may be stretched over it. */
const batchSteps = (batch: Shape, operand: Shape): number[] =>
  broadcastStrides(operand.slice(0, -2), batch).map((step) => step * size(operand.slice(-2)));

/** Where each matrix of the batch begins. */
const starts = (batch: Shape, operand: Shape): Int32Array => offsets(batch, [...batch.keys()], batchSteps(batch, operand));

/** Reads a matrix of the batch at (row, col) as it is stored. */
const operand = (e: Emit, x: Tensor, batch: readonly string[], [row, col]: readonly string[]): string => {
  const own = batch.slice(batch.length - (x.rank - 2)).map((c, i) => (x.shape[i] === 1 ? "0u" : c));
  return e.value(x, e.at(x.shape, [...own, row, col]));
};

/**
 * The matrix product over the last two axes; leading axes are a batch and broadcast. A vector on the left is a row,
 * on the right a column. A plain matrix on the right meets all rows of the left at once.
 */
export const matmul: Callable<(a: Tensor, b: Tensor, flags?: Flips) => Tensor> = callable(
  (a: Tensor, b: Tensor, { flipA = false, flipB = false }: Flips = {}): Tensor => {
    for (const x of [a, b]) {
      if (x.dtype !== "f32") throw new Error(`matmul: takes f32, not ${x}, which is ${x.dtype}; cast it first`);
      if (x.rank === 0) throw new Error("matmul: a scalar is no matrix; use mul");
    }
    if (a.rank === 1)
      return matmul(a.reshape([1, a.size]), b, { flipB }).reshape(
        b.rank === 1 ? [] : [...b.shape.slice(0, -2), flipped(b.shape, flipB).at(-1) as number],
      );
    if (b.rank === 1) return matmul(a, b.reshape([b.size, 1]), { flipA }).reshape(flipped(a.shape, flipA).slice(0, -1));
    const left = flipped(a.shape, flipA);
    const right = flipped(b.shape, flipB);
    const [m, k] = left.slice(-2);
    const [inner, n] = right.slice(-2);
    if (k !== inner) throw new Error(`matmul: inner sizes differ, ${format(left)} · ${format(right)}`);
    if (b.rank === 2 && a.rank > 2 && !flipA) {
      const rows = left.slice(0, -1);
      return matmul(a.reshape([size(rows), k]), b, { flipB }).reshape([...rows, n]);
    }
    const batch = broadcast("matmul", left.slice(0, -2), right.slice(0, -2));
    if (k === 0) return fullOf([...batch, m, n], 0);
    return new Tensor(matmulOp, [a, b], { flipA, flipB }, [...batch, m, n], "f32");
  },
  () => [
    { args: [sample([5, 7]), sample([7, 3], -3, 3, 1)], shape: [5, 3] },
    { args: [sample([7, 5]), sample([7, 3], -3, 3, 1), { flipA: true }], shape: [5, 3] },
    { args: [sample([5, 7]), sample([3, 7], -3, 3, 1), { flipB: true }], shape: [5, 3] },
    { args: [sample([7, 5]), sample([3, 7], -3, 3, 1), { flipA: true, flipB: true }], shape: [5, 3] },
    { args: [sample([2, 5, 7]), sample([7, 3], -3, 3, 1)], shape: [2, 5, 3] },
    { args: [sample([2, 1, 5, 4]), sample([3, 4, 2], -3, 3, 1)], shape: [2, 3, 5, 2] },
    { args: [sample([65, 1]), sample([1, 33], -3, 3, 1)], shape: [65, 33] },
    { args: [sample([7]), sample([7, 3], -3, 3, 1)], shape: [3] },
    { args: [sample([5, 7]), sample([7], -3, 3, 1)], shape: [5] },
    { args: [sample([5, 0]), sample([0, 3])], shape: [5, 3] },
    { args: [sample([2, 5, 0]), sample([0, 3])], shape: [2, 5, 3] },
    { args: [sample([5]), sample([5])], shape: [] },
    { args: [sample([8, 5]), sample([6, 7])], error: /matmul: inner sizes differ, \[8, 5\] · \[6, 7\]/ },
  ],
);
