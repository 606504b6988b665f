// A sample of each family of kernels, small enough to compute in no time: what one device makes of it can be held against
// what another makes.

import { start } from "../../../tensor/read.ts";
import { type Shape, size } from "../../../tensor/shape.ts";
import { hostBlock, Tensor, type Values } from "../../../tensor/tensor.ts";
import { type Trace, within } from "../../../tensor/trace.ts";
import { cast } from "../../elementwise/cast.ts";
import * as table from "../../elementwise/table.ts";
import { take } from "../../gather/take.ts";
import { leaf, parameterLeaf } from "../../layout/leaf.ts";
import { matmul } from "../../matmul/matmul.ts";
import { randomBits, randomNormal } from "../../random/random.ts";
import { argMax, max, sum } from "../../reduce/reduce.ts";
import { assign } from "../../state/assign.ts";
import type { Device } from "../device.ts";

export interface Outcome {
  /** What was computed. */
  readonly name: string;
  readonly values: Values;
  /** By how much it may differ from the specification: of 1, and of the value. */
  readonly tolerance: number;
}

type Sample = readonly [name: string, t: Tensor, tolerance?: number];
const SHAPE: Shape = [9, 40]; // whole pairs of vectors, so that there are no loops for the rest, whose code takes time
const ODD: Shape = [5, 79]; // 9 · 8 + 4 + 3: pairs, one vector, single elements

/** All samples, computed on a device in one program. */
export async function outcomes(device: Device): Promise<Outcome[]> {
  const trace: Trace = { effects: [], draws: 0, clock: undefined, seed: 1 }; // the draws of the program around are not counted on
  const samples = within(trace, () => [...elementwise(), ...products(), ...reductions(), ...indexed(), ...adam()]);
  const values = start(
    samples.map(([, t]) => t),
    trace.effects,
    device,
  );
  return Promise.all(samples.map(async ([name, , tolerance = 1e-5], i) => ({ name, values: await values[i], tolerance })));
}

/** Every row of the table, in a kernel or two: numbers between 0.3 and 0.9 are in the domain of each. */
function elementwise(): Sample[] {
  const [a, b] = [sample(SHAPE, 0.3, 0.9, 1), sample(SHAPE, 0.3, 0.9, 2)];
  const inputs = { 1: [a], 2: [a, b], 3: [table.less(a, b), a, b] };
  return Object.entries(table).map(([name, f]) => {
    const record = f as (...xs: readonly Tensor[]) => Tensor;
    return [name, record(...inputs[f.length as 1 | 2 | 3])];
  });
}

/** Tiles that are whole and tiles that hang over the edge, for all flags; sums in two parts; and so few rows that nothing is packed. */
function products(): Sample[] {
  const product = (name: string, m: number, k: number, n: number, flipA = false, flipB = false): Sample => {
    const a = sample(flipA ? [k, m] : [m, k], -1, 1, 3);
    const b = sample(flipB ? [n, k] : [k, n], -1, 1, 4);
    return [`the product ${name}`, matmul(a, b, { flipA, flipB }), 1e-6 * k];
  };
  return [
    product("A · B", 19, 13, 37),
    product("Aᵀ · B", 19, 13, 37, true),
    product("A · Bᵀ", 19, 13, 37, false, true),
    product("Aᵀ · Bᵀ", 19, 13, 37, true, true),
    product("with a long sum", 7, 397, 21),
    product("of two rows", 2, 13, 37),
    product("of two rows and Bᵀ", 2, 13, 37, false, true),
  ];
}

function reductions(): Sample[] {
  const x = sample(ODD, -2, 2, 5);
  const y = table.exp(x);
  return [
    ["sums of rows", sum(y, 1)],
    ["sums of columns", sum(y, 0)],
    ["the largest of rows", max(x, 1)],
    ["where the largest of columns is", argMax(x, 0)],
  ];
}

/** What is computed from indices: random numbers, and values that lie elsewhere. */
function indexed(): Sample[] {
  return [
    ["random bits", randomBits(SHAPE), 0],
    ["normal random numbers", randomNormal(SHAPE)],
    ["take", take(sample(SHAPE, -2, 2, 6), cast(sample([17], 0, SHAPE[0], 7), "u32"))],
  ];
}

/** m ← 0.9 m + 0.1 g, v ← 0.999 v + 0.001 g², w ← w - 0.001 m / (√v + ε), in place. */
function adam(): Sample[] {
  const g = sample(SHAPE, -1, 1, 8);
  const [m, v, w] = [state(-1, 1, 9), state(0, 1, 10), state(-1, 1, 11)];
  const mean = table.add(table.mul(m, 0.9), table.mul(g, 0.1));
  const variance = table.add(table.mul(v, 0.999), table.mul(table.square(g), 0.001));
  const step = table.div(table.mul(mean, 0.001), table.add(table.sqrt(variance), 1e-8));
  return [
    ["the mean of Adam", assign(m, mean)],
    ["the variance of Adam", assign(v, variance)],
    ["the step of Adam", assign(w, table.sub(w, step))],
  ];
}

function state(lo: number, hi: number, seed: number): Tensor {
  return new Tensor(parameterLeaf, [], {}, SHAPE, "f32", { block: hostBlock(numbers(size(SHAPE), lo, hi, seed), "f32", true), offset: 0 });
}

const sample = (shape: Shape, lo: number, hi: number, seed: number): Tensor =>
  new Tensor(leaf, [], {}, shape, "f32", { block: hostBlock(numbers(size(shape), lo, hi, seed), "f32"), offset: 0 });

/** Multiples of the golden ratio, less their whole part: spread evenly, and quicker to make than random numbers. */
function numbers(n: number, lo: number, hi: number, seed: number): Float32Array {
  const values = new Float32Array(n);
  for (let i = 0; i < n; i++) {
    const x = (1000 * seed + i) * 0.618034;
    values[i] = lo + (hi - lo) * (x - Math.floor(x));
  }
  return values;
}
