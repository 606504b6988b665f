// How far two samples are from having come from one distribution: the maximum mean discrepancy ("A Kernel Two-Sample Test", Gretton et
// al. 2012). 0 on average if they have; its size means something only beside another one with the same kernel.

import { type Tensor, tensor } from "../../../index.ts";
import { checked, moments, type Rows } from "../../statistics/rows.ts";

export interface Mmd {
  /** The unbiased estimate of MMD², which may come out below 0. */
  readonly squared: number;
  /** Of `squared`: rows are only some of all that there could be. It is too small where MMD² is about 0. */
  readonly standardError: number;
}

/** Widths of the kernel's parts, in units of the distance that is given. */
const SCALES = [0.25, 0.5, 1, 2, 4];

/**
 * MMD² of as many rows of x as of y, with k(a, b) = the mean over s = ¼, ½, 1, 2, 4 of exp(-|a - b|² / (2 s² · width²)), so that no single width has to
 * be right. With h(i, j) = k(x_i, x_j) + k(y_i, y_j) - k(x_i, y_j) - k(x_j, y_i) it is the average of h over all i ≠ j, and its standard error
 * 2/√n times the deviation of the averages over j.
 */
export async function mmd(x: Rows, y: Rows, width: number): Promise<Mmd> {
  checked("mmd", x);
  checked("mmd", y);
  const { count, columns } = x;
  if (columns !== y.columns) throw new Error(`mmd: rows of ${columns} columns, and of ${y.columns}`);
  if (count !== y.count || count < 2) throw new Error(`mmd: ${count} rows and ${y.count}; it takes as many of both, two or more`);
  if (!(width > 0 && Number.isFinite(width))) throw new Error(`mmd: width ${width} is not a number above 0`);

  const middle = moments(y).mean; // distances stay, but squares are small about it, so that little cancels in f32
  const [p, q] = [x, y].map((rows) => moved(rows, middle));
  const sums = new Float64Array(count); // of h(i, j) over j ≠ i
  for (const [a, b, sign] of [
    [p, p, 1],
    [q, q, 1],
    [p, q, -1],
    [q, p, -1],
  ] as const) {
    let i = 0;
    for (const { values, rows } of distances(a, b)) {
      const part = await kernelOf(values, width).sum(1).data();
      for (let row = 0; row < rows; row++, i++) {
        const own = squaredDistance(a, b, i);
        sums[i] += sign * (part[row] - SCALES.reduce((sum, s) => sum + Math.exp(-own / (2 * (s * width) ** 2)), 0) / SCALES.length);
      }
    }
  }
  const each = sums.map((sum) => sum / (count - 1));
  const squared = each.reduce((sum, v) => sum + v, 0) / count;
  const variance = each.reduce((sum, v) => sum + (v - squared) ** 2, 0) / (count - 1);
  return { squared, standardError: 2 * Math.sqrt(variance / count) };
}

const FEW = 500; // rows: 124,750 pairs say what is in the middle

/** The median distance between two of the rows, of the first 500 at most: a width at which a kernel sees what there is to see. */
export async function medianDistance(x: Rows): Promise<number> {
  checked("medianDistance", x);
  const count = Math.min(x.count, FEW);
  if (count < 2) throw new Error("medianDistance: one row has no distance from others");
  const some = { ...x, count, values: x.values.subarray(0, count * x.columns) };
  const few = moved(some, moments(some).mean);
  const all: number[] = [];
  let i = 0;
  for (const { values, rows } of distances(few, few)) {
    const squares = await values.data();
    for (let row = 0; row < rows; row++, i++) for (let j = 0; j < i; j++) all.push(squares[row * count + j]);
  }
  all.sort((a, b) => a - b);
  return Math.sqrt(all[Math.floor(all.length / 2)]);
}

const kernelOf = (squares: Tensor, width: number): Tensor =>
  SCALES.map((s) => squares.mul(-0.5 / (s * width) ** 2).exp())
    .reduce((sum, t) => sum.add(t))
    .mul(1 / SCALES.length);

const CHUNK = 256; // rows

/** The rows with another origin, in f32. */
function moved({ values, count, columns }: Rows, origin: Float64Array): Rows {
  const result = new Float32Array(values.length);
  for (let i = 0, at = 0; i < count; i++) for (let j = 0; j < columns; j++, at++) result[at] = values[at] - origin[j];
  return { values: result, count, columns };
}

/** |a_i - b_j|² = |a_i|² + |b_j|² - 2 a_i · b_j, of some rows of a at a time and all rows of b. */
function* distances(a: Rows, b: Rows): Generator<{ readonly values: Tensor; readonly rows: number }, void> {
  const { columns } = a;
  const others = tensor(b.values, [b.count, columns]);
  const lengths = others.square().sum(1).reshape([1, b.count]);
  for (let start = 0; start < a.count; start += CHUNK) {
    const rows = Math.min(CHUNK, a.count - start);
    const some = tensor(a.values.subarray(start * columns, (start + rows) * columns), [rows, columns]);
    const squares = some
      .square()
      .sum(1, true)
      .add(lengths)
      .sub(some.matmul(others, { flipB: true }).mul(2));
    yield { values: squares.maximum(0), rows }; // rounding may leave less than 0
  }
}

function squaredDistance(a: Rows, b: Rows, i: number): number {
  let sum = 0;
  for (let j = i * a.columns; j < (i + 1) * a.columns; j++) sum += (a.values[j] - b.values[j]) ** 2;
  return sum;
}
