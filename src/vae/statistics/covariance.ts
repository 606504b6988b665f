// The covariance of rows, C = XᵀX / (count - 1) with X centred, as a multiplication: what an iteration for its eigenvectors asks of it. The
// products over all rows are the engine's, a block of rows at a time, in f32; what is added up over blocks is float64 on the host.

import { tensor } from "../../index.ts";
import type { Rows } from "./rows.ts";

/** Multiplication of vectors [width, columns] by C / unit², from the right or the left: C is symmetric. */
export type Times = (q: Float64Array, width: number) => Promise<Float64Array>;

const FEW_COLUMNS = 1024; // up to here C is formed, once: 8 MB, and the iterations need the rows no more

/** Multiplication by the covariance of the rows divided by `unit`; their means must be given. */
export async function covariance(x: Rows, mean: Float64Array, unit: number): Promise<Times> {
  return x.columns <= FEW_COLUMNS ? await formed(x, mean, unit) : streamed(x, mean, unit);
}

/** C as a matrix: for few columns. */
async function formed(x: Rows, mean: Float64Array, unit: number): Promise<Times> {
  const { columns } = x;
  const c = new Float64Array(columns * columns);
  for (const { rows, count } of blocks(x, mean, unit)) {
    const own = tensor(rows, [count, columns]);
    const part = await own.matmul(own, { flipA: true }).data();
    for (let i = 0; i < c.length; i++) c[i] += part[i] / (x.count - 1);
  }
  return async (q, width) => {
    const result = new Float64Array(width * columns);
    for (let i = 0; i < width; i++) {
      const to = result.subarray(i * columns, (i + 1) * columns);
      for (let p = 0; p < columns; p++) {
        const factor = q[i * columns + p];
        for (let j = 0, at = p * columns; j < columns; j++) to[j] += factor * c[at++];
      }
    }
    return result;
  };
}

/** C as Xᵀ(X q), which never forms it: for many columns. The rows go to the device once in each iteration. */
function streamed(x: Rows, mean: Float64Array, unit: number): Times {
  const { columns } = x;
  return async (q, width) => {
    const result = new Float64Array(width * columns);
    const vectors = tensor(Float32Array.from(q), [width, columns]);
    for (const { rows, count } of blocks(x, mean, unit)) {
      const own = tensor(rows, [count, columns]);
      const part = await vectors.matmul(own, { flipB: true }).matmul(own).data();
      for (let i = 0; i < result.length; i++) result[i] += part[i] / (x.count - 1);
    }
    return result;
  };
}

const BLOCK = 2 ** 22; // values: 16 MB, so that any number of rows takes the same memory of the device

interface Block {
  /** [count, columns], of which the first is the row `start` of all. */
  readonly rows: Float32Array;
  readonly start: number;
  readonly count: number;
}

/** The rows, centred and divided by `unit` in float64, then rounded: what they have in common would take digits from f32. */
export function* blocks({ values, count: all, columns }: Rows, mean: Float64Array, unit: number): Generator<Block> {
  const most = Math.max(1, Math.floor(BLOCK / columns));
  for (let start = 0; start < all; start += most) {
    const count = Math.min(most, all - start);
    const rows = new Float32Array(count * columns);
    for (let i = 0, at = 0, from = start * columns; i < count; i++) {
      for (let j = 0; j < columns; j++) rows[at++] = (values[from++] - mean[j]) / unit;
    }
    yield { rows, start, count };
  }
}
