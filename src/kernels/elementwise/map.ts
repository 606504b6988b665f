// Elementwise ops: y[i] = f(a[i], b[i], ...), with NumPy's broadcasting. One row of table.ts spells f in every
// language; this file turns a row into an op. Broadcasting and its gradient are handled here, once, for all rows.

import { broadcast, broadcastStrides, type Shape, sameShape, size } from "../../tensor/shape.ts";
import { type Attrs, type DType, Tensor, type Values } from "../../tensor/tensor.ts";
import type { Floats, Ints } from "../devices/wasm/assembler.ts";
import { fullOf, isFull, valueOf } from "../layout/full.ts";
import { strided } from "../layout/strided.ts";
import type { Callable, Example, MapOp } from "../op.ts";
import { callable, noGrad } from "../op.ts";
import { sumTo } from "../reduce/sum-to.ts";
import { sample, sampleIndex } from "../sample.ts";

/** A number stands for a tensor of that value, in the dtype of its neighbours. */
export type Operand = Tensor | number;

type Scalar = (...xs: number[]) => number;

/** One formula in each language, over scalars named x, or a and b, or c, a and b; in WASM over four of each, as vectors V. */
interface Scalars<V extends Floats | Ints> {
  readonly js: Scalar;
  readonly wgsl: string;
  readonly wasm: (...xs: V[]) => Floats | Ints;
}

/** One line of the table. */
export interface Row extends Scalars<Floats> {
  /** The formula over u32. Rows without it take f32 only. */
  readonly u32?: Scalars<Ints>;
  /** Gradient for each input, at the shape of y. Inputs that have none are left out. */
  readonly grad?: (dy: Tensor, xs: readonly Tensor[], y: Tensor) => readonly (Tensor | undefined)[];
  /** Where the tests draw x from. */
  readonly domain?: readonly [number, number];
  /** What y is made of, if not of the inputs' dtype: comparisons give 1 or 0 in f32, so that a mask multiplies. */
  readonly gives?: DType;
}

const NAMES = { 1: ["x"], 2: ["a", "b"], 3: ["c", "a", "b"] } as const;
type Arity = keyof typeof NAMES;

const wgslType = (dtype: DType): string => (dtype === "f32" ? "f32" : "u32");

/** The value of `x` at every index of `shape`, and the step from one to the next: no copy where there is nothing to stretch. */
function stretched(x: Values, from: Shape, shape: Shape): [values: Values, step: number] {
  if (sameShape(from, shape)) return [x, 1];
  if (x.length === 1) return [x, 0];
  const values =
    x.constructor === Float64Array ? new Float64Array(size(shape)) : new (x.constructor as Float32ArrayConstructor)(size(shape));
  strided(values, x, shape, 0, broadcastStrides(from, shape));
  return [values, 1];
}

/** Fills y; each input comes with its step, 1 or 0. */
type Loop = (y: Values, ...inputs: (Values | number)[]) => void;

/** y[i] = f(x[i], …), for one, two or three inputs. */
const plainLoop =
  (f: Scalar): Loop =>
  (y, ...inputs) => {
    const [x, xStep, b, bStep, c, cStep] = inputs as [Values, number, Values, number, Values, number]; // as many as f takes
    for (let i = 0; i < y.length; i++) y[i] = f(x[i * xStep], b?.[i * bStep], c?.[i * cStep]);
  };

/**
 * The same loop as a function of f's own. An engine inlines f into a loop that has only ever called f; in a loop that all
 * ops share, each call passes its numbers through memory, which takes several times as long. Where a page forbids
 * functions made from text, the shared loop serves.
 */
function ownLoop(f: Scalar, arity: Arity): Loop {
  const args = NAMES[arity];
  const head = args.map((x) => `${x}, ${x}Step`).join(", ");
  const call = args.map((x) => `${x}[i * ${x}Step]`).join(", ");
  try {
    return new Function("f", `return (y, ${head}) => { for (let i = 0; i < y.length; i++) y[i] = f(${call}); };`)(f);
  } catch {
    return plainLoop(f);
  }
}

const loops = new Map<Scalar, Loop>(); // made when first needed
const rows = new Map<string, Row>();

/** The op of a row. */
export function mapOp(name: string, arity: Arity, row: Row): MapOp {
  rows.set(name, row);
  const scalars = (t: Tensor) => (t.inputs[arity - 1].dtype === "f32" ? row : (row.u32 as Scalars<Ints>)); // checked when recorded
  return {
    name,
    loops: "map",
    js: (y, xs, t) => {
      const { js } = scalars(t);
      const loop = loops.get(js) ?? ownLoop(js, arity);
      loops.set(js, loop);
      loop(y, ...xs.flatMap((x, i) => stretched(x, t.inputs[i].shape, t.shape)));
    },
    wgsl: (t) => {
      const types = t.inputs.map((x) => wgslType(x.dtype));
      const fn = `${name}_${types[arity - 1]}`;
      const args = NAMES[arity].map((arg, i) => `${arg}: ${types[i]}`);
      return { name: fn, code: `fn ${fn}(${args.join(", ")}) -> ${wgslType(t.dtype)} { return ${scalars(t).wgsl}; }` };
    },
    wasm: (t) => scalars(t).wasm as (...xs: readonly (Floats | Ints)[]) => Floats | Ints, // the dtypes were checked, too
    grad: (dy, t) => {
      if (!row.grad) return noGrad(name, "it is constant between jumps")();
      return row.grad(dy, t.inputs, t).map((dx, i) => dx && sumTo(dx, t.inputs[i].shape));
    },
  };
}

/** Records y = op(xs), or folds it where every input is a constant. */
export function recordMap(op: MapOp, operands: readonly Operand[], attrs: Attrs = {}): Tensor {
  const row = rows.get(op.name) as Row;
  const dtype = operands.findLast((x) => x instanceof Tensor)?.dtype ?? "f32";
  const xs = operands.map((x) => (x instanceof Tensor ? x : fullOf([], x, dtype, op.name)));
  const last = xs[xs.length - 1].dtype;
  for (const x of xs) {
    if (x.dtype === "u8") throw new Error(`${op.name}: ${x} is u8, which stores and does not compute; cast it to f32 first`);
    const isMask = xs.length === 3 && x === xs[0];
    if (x.dtype !== last && !isMask) throw new Error(`${op.name}: mixes ${xs.map((t) => t.dtype).join(" and ")}; cast one of them`);
  }
  if (last === "u32" && !row.u32) throw new Error(`${op.name}: takes f32, not u32; cast it first`);
  const shape = broadcast(op.name, ...xs.map((x) => x.shape));
  const dtypeOut = row.gives ?? last;
  // Constants fold: a constant stays one number, whatever its shape.
  if (xs.every(isFull)) {
    const value = (last === "f32" ? row : (row.u32 as Scalars<Ints>)).js(...xs.map(valueOf));
    return fullOf(shape, dtypeOut === "u32" ? value >>> 0 : value, dtypeOut);
  }
  return new Tensor(op, xs, attrs, shape, dtypeOut);
}

export type Unary = Callable<(x: Operand) => Tensor>;
export type Binary = Callable<(a: Operand, b: Operand) => Tensor>;
export type Ternary = Callable<(c: Operand, a: Operand, b: Operand) => Tensor>;

export function unary(name: string, row: Row): Unary {
  const op = mapOp(name, 1, row);
  return callable(
    (x) => recordMap(op, [x]),
    () => unaryExamples(row.domain),
  );
}

/** Odd sizes, a scalar, an empty axis: where loops go wrong. */
export function unaryExamples([lo, hi]: readonly [number, number] = [-3, 3]): Example[] {
  return [[5, 7], [], [65], [0, 3], [1, 5, 1]].map((shape, i) => ({ args: [sample(shape, lo, hi, i)], shape }));
}

export function binary(name: string, row: Row): Binary {
  const op = mapOp(name, 2, row);
  return callable(
    (a, b) => recordMap(op, [a, b]),
    () => [...binaryExamples(name, row.domain), ...(row.u32 ? integerExamples() : [])],
  );
}

const integerExamples = (): Example[] => [
  { args: [sampleIndex([5, 7], 1000), sampleIndex([7], 9, 1).add(1)], shape: [5, 7] },
  { args: [sampleIndex([65], 9), 4], shape: [65] },
];

export function binaryExamples(name: string, [lo, hi]: readonly [number, number] = [-3, 3]): Example[] {
  const pairs: [Shape, Shape, Shape][] = [
    [
      [5, 7],
      [5, 7],
      [5, 7],
    ],
    [[5, 7], [7], [5, 7]],
    [
      [5, 1],
      [1, 7],
      [5, 7],
    ],
    [[], [65], [65]],
    [
      [2, 1, 3],
      [5, 1],
      [2, 5, 3],
    ],
    [[0, 3], [3], [0, 3]],
  ];
  return [
    ...pairs.map(([a, b, shape], i) => ({ args: [sample(a, lo, hi, i), sample(b, lo, hi, i + 100)], shape })),
    { args: [sample([5], lo, hi, 7), 2], shape: [5] },
    { args: [sample([5, 7], lo, hi), sample([5], lo, hi)], error: new RegExp(`${name}: shapes .*5, 7.* and .*5.* do not broadcast`) },
  ];
}
