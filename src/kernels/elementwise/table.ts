// The elementwise primitives: one row each, with the formula in every language and the gradient. All other
// elementwise functions are composed of these (composed.ts) and fused. WGSL functions that are not built in
// (log_, tanh_, …) stand in math.wgsl: the built-in ones are too inaccurate, or NaN for large arguments, on some drivers.
// WebAssembly has none built in but the square root; the others stand in math.wasm.ts.

import type { Tensor } from "../../tensor/tensor.ts";
import type { Floats, Int, Ints } from "../devices/wasm/assembler.ts";
import { callable } from "../op.ts";
import { sample } from "../sample.ts";
import { erf as erfOf } from "./erf.ts";
import { type Binary, binary, mapOp, recordMap, type Ternary, type Unary, unary } from "./map.ts";
import * as math from "./math.wasm.ts";
import { pow as powOf } from "./pow.wasm.ts";

/** No instruction divides four whole numbers, so each is divided by itself. 0 where b is 0, at which it would be an error. */
const oneByOne =
  (divide: (a: Int, b: Int) => Int) =>
  (a: Ints, b: Ints): Ints => {
    const divisor = b.max(1);
    let y = a;
    for (let i = 0; i < 4; i++) y = y.withLane(i, divide(a.lane(i), divisor.lane(i)));
    return y.and(b.ne(0));
  };

// Arithmetic. On u32 it wraps, as it does on every device.

export const add: Binary = binary("add", {
  js: (a, b) => a + b,
  wgsl: "a + b",
  wasm: (a, b) => a.add(b),
  u32: { js: (a, b) => a + b, wgsl: "a + b", wasm: (a, b) => a.add(b) },
  grad: (dy) => [dy, dy],
});

export const sub: Binary = binary("sub", {
  js: (a, b) => a - b,
  wgsl: "a - b",
  wasm: (a, b) => a.sub(b),
  u32: { js: (a, b) => a - b, wgsl: "a - b", wasm: (a, b) => a.sub(b) },
  grad: (dy) => [dy, dy.neg()],
});

export const mul: Binary = binary("mul", {
  js: (a, b) => a * b,
  wgsl: "a * b",
  wasm: (a, b) => a.mul(b),
  u32: { js: (a, b) => Math.imul(a, b), wgsl: "a * b", wasm: (a, b) => a.mul(b) },
  grad: (dy, [a, b]) => [dy.mul(b), dy.mul(a)],
});

export const div: Binary = binary("div", {
  js: (a, b) => a / b,
  wgsl: "a / b",
  wasm: (a, b) => a.div(b),
  u32: { js: (a, b) => Math.floor(a / b), wgsl: "a / b", wasm: oneByOne((a, b) => a.div(b)) },
  grad: (dy, [, b], y) => [dy.div(b), dy.mul(y).div(b).neg()], // not a / b²: b² overflows long before b
  domain: [0.5, 3],
});

/** The remainder of a division, with the sign of the divisor (NumPy's mod). */
export const mod: Binary = binary("mod", {
  js: (a, b) => a - Math.floor(a / b) * b,
  wgsl: "mod_(a, b)",
  wasm: math.mod,
  u32: { js: (a, b) => a % b, wgsl: "a % b", wasm: oneByOne((a, b) => a.rem(b)) },
  grad: (dy, [a, b]) => [dy, dy.mul(a.div(b).floor()).neg()],
  domain: [0.6, 3],
});

/** a to the power b; a may be negative where b is whole. */
export const pow: Binary = binary("pow", {
  js: (a, b) => a ** b,
  wgsl: "pow_(a, b)",
  wasm: powOf,
  // d(a^b)/db = a^b · ln a, taken as 0 where a = 0
  grad: (dy, [a, b], y) => [dy.mul(b.mul(pow(a, b.sub(1)))), dy.mul(y).mul(where(a.greater(0), where(a.greater(0), a, 1).log(), 0))],
  domain: [0.3, 3],
});

/** The larger; ties share the gradient equally. */
export const maximum: Binary = binary("maximum", {
  js: (a, b) => Math.max(a, b),
  wgsl: "max(a, b)",
  wasm: (a, b) => a.max(b),
  u32: { js: (a, b) => Math.max(a, b), wgsl: "max(a, b)", wasm: (a, b) => a.max(b) },
  grad: (dy, [a, b]) => [dy.mul(share(a, b)), dy.mul(share(b, a))],
});

/** The smaller; ties share the gradient equally. */
export const minimum: Binary = binary("minimum", {
  js: (a, b) => Math.min(a, b),
  wgsl: "min(a, b)",
  wasm: (a, b) => a.min(b),
  u32: { js: (a, b) => Math.min(a, b), wgsl: "min(a, b)", wasm: (a, b) => a.min(b) },
  grad: (dy, [a, b]) => [dy.mul(share(b, a)), dy.mul(share(a, b))],
});

/** 1 where a > b, ½ where they tie, else 0: constant between jumps. */
const share = (a: Tensor, b: Tensor): Tensor => a.greater(b).add(a.greaterEqual(b)).mul(0.5).stopGradient();

// Comparisons: 1 or 0 in f32, so that a mask multiplies.

type Compare = "eq" | "ne" | "lt" | "le" | "gt" | "ge";
const comparison = (name: string, js: (a: number, b: number) => boolean, sign: string, wasm: Compare): Binary => {
  const row = { js: (a: number, b: number) => (js(a, b) ? 1 : 0), wgsl: `select(0.0, 1.0, a ${sign} b)` };
  return binary(name, {
    ...row,
    wasm: (a, b) => a[wasm](b).floats(1, 0),
    u32: { ...row, wasm: (a, b) => a[wasm](b).floats(1, 0) },
    gives: "f32",
  });
};

export const equal: Binary = comparison("equal", (a, b) => a === b, "==", "eq");
export const notEqual: Binary = comparison("notEqual", (a, b) => a !== b, "!=", "ne");
export const less: Binary = comparison("less", (a, b) => a < b, "<", "lt");
export const lessEqual: Binary = comparison("lessEqual", (a, b) => a <= b, "<=", "le");
export const greater: Binary = comparison("greater", (a, b) => a > b, ">", "gt");
export const greaterEqual: Binary = comparison("greaterEqual", (a, b) => a >= b, ">=", "ge");

const whereOp = mapOp("where", 3, {
  js: (c, a, b) => (c !== 0 ? a : b),
  wgsl: "select(b, a, c != 0)",
  wasm: (c: Floats | Ints, a, b) => c.isSet().floats(a, b), // of either dtype, whatever a and b are
  u32: { js: (c, a, b) => (c !== 0 ? a : b), wgsl: "select(b, a, c != 0)", wasm: (c: Floats | Ints, a, b) => c.isSet().choose(a, b) },
  grad: (dy, [c]) => [undefined, where(c, dy, 0), where(c, 0, dy)],
});

/** a where the condition is not zero, else b. */
export const where: Ternary = callable(
  (c, a, b) => recordMap(whereOp, [c, a, b]),
  () => [
    { args: [sample([5, 7]).greater(0), sample([5, 7], -3, 3, 1), sample([7], -3, 3, 2)], shape: [5, 7] },
    { args: [sample([5, 1]).less(1), sample([1, 7], -3, 3, 1), 0], shape: [5, 7] },
    { args: [sample([]).less(1), 1.5, sample([65])], shape: [65] },
  ],
);

// One argument.

export const neg: Unary = unary("neg", { js: (x) => -x, wgsl: "-x", wasm: (x) => x.neg(), grad: (dy) => [dy.neg()] });

export const abs: Unary = unary("abs", {
  js: (x) => Math.abs(x),
  wgsl: "abs(x)",
  wasm: (x) => x.abs(),
  grad: (dy, [x]) => [dy.mul(x.sign())],
});

const HUGE = 2 ** 100;
export const sign: Unary = unary("sign", {
  js: (x) => Math.sign(x),
  wgsl: "sign(x)",
  wasm: (x) => x.mul(HUGE).mul(HUGE).lesser(1).greater(-1), // so every number but 0 is beyond 1, and NaN stays
  grad: () => [undefined],
});

export const floor: Unary = unary("floor", { js: (x) => Math.floor(x), wgsl: "floor(x)", wasm: (x) => x.floor(), grad: () => [undefined] });

export const square: Unary = unary("square", {
  js: (x) => x * x,
  wgsl: "x * x",
  wasm: (x) => x.mul(x),
  grad: (dy, [x]) => [dy.mul(x).mul(2)],
});

export const reciprocal: Unary = unary("reciprocal", {
  js: (x) => 1 / x,
  wgsl: "1.0 / x",
  wasm: (x) => x.in.asFloats(1).div(x),
  grad: (dy, _, y) => [dy.mul(y.square()).neg()],
  domain: [0.3, 3],
});

export const sqrt: Unary = unary("sqrt", {
  js: (x) => Math.sqrt(x),
  wgsl: "sqrt(x)",
  wasm: (x) => x.sqrt(),
  grad: (dy, _, y) => [dy.mul(0.5).div(y)],
  domain: [0.1, 3],
});

export const rsqrt: Unary = unary("rsqrt", {
  js: (x) => 1 / Math.sqrt(x),
  wgsl: "inverseSqrt(x)",
  wasm: (x) => x.in.asFloats(1).div(x.sqrt()),
  grad: (dy, [x], y) => [dy.mul(-0.5).mul(y).div(x)],
  domain: [0.1, 3],
});

export const exp: Unary = unary("exp", { js: (x) => Math.exp(x), wgsl: "exp(x)", wasm: math.exp, grad: (dy, _, y) => [dy.mul(y)] });

/** exp(x) - 1, right for small x too. */
export const expm1: Unary = unary("expm1", {
  js: (x) => Math.expm1(x),
  wgsl: "expm1_(x)",
  wasm: math.expm1,
  grad: (dy, _, y) => [dy.mul(y.add(1))],
});

export const log: Unary = unary("log", {
  js: (x) => Math.log(x),
  wgsl: "log_(x)",
  wasm: math.log,
  grad: (dy, [x]) => [dy.div(x)],
  domain: [0.1, 3],
});

/** log(1 + x), right for small x too. */
export const log1p: Unary = unary("log1p", {
  js: (x) => Math.log1p(x),
  wgsl: "log1p_(x)",
  wasm: math.log1p,
  grad: (dy, [x]) => [dy.div(x.add(1))],
  domain: [-0.9, 3],
});

export const sin: Unary = unary("sin", { js: (x) => Math.sin(x), wgsl: "sin_(x)", wasm: math.sin, grad: (dy, [x]) => [dy.mul(x.cos())] });

export const cos: Unary = unary("cos", {
  js: (x) => Math.cos(x),
  wgsl: "cos_(x)",
  wasm: math.cos,
  grad: (dy, [x]) => [dy.mul(x.sin()).neg()],
});

export const tanh: Unary = unary("tanh", {
  js: (x) => Math.tanh(x),
  wgsl: "tanh_(x)",
  wasm: math.tanh,
  grad: (dy, _, y) => [dy.mul(y.square().neg().add(1))],
});

/** The error function, 2/√π · ∫₀ˣ exp(-t²) dt. */
export const erf: Unary = unary("erf", {
  js: (x) => erfOf(x),
  wgsl: "erf_(x)",
  wasm: math.erf,
  grad: (dy, [x]) => [dy.mul(x.square().neg().exp()).mul(2 / Math.sqrt(Math.PI))],
});

/** 1 / (1 + exp(-x)). The exponent is never positive, so that nothing overflows. */
export const sigmoid: Unary = unary("sigmoid", {
  js: (x) => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x))),
  wgsl: "select(exp(-abs(x)), 1.0, x >= 0.0) / (1.0 + exp(-abs(x)))",
  wasm: (x) => x.ge(0).floats(1, math.expOfNegative(x.abs().neg())).div(math.expOfNegative(x.abs().neg()).add(1)),
  grad: (dy, _, y) => [dy.mul(y.mul(y.neg().add(1)))],
});

/** log(1 + exp(x)). The exponent is never positive; log1p, not log(1 + …), so that it is right at -40 too. */
export const softplus: Unary = unary("softplus", {
  js: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  wgsl: "max(x, 0.0) + log1p_(exp(-abs(x)))",
  wasm: (x) => x.greater(0).add(math.log1pOfUnit(math.expOfNegative(x.abs().neg()))),
  grad: (dy, [x]) => [dy.mul(x.sigmoid())],
});

/** max(x, 0). The derivative at 0 is 0, as in PyTorch; it is read off y, so that x need not be kept. */
export const relu: Unary = unary("relu", {
  js: (x) => Math.max(x, 0),
  wgsl: "max(x, 0.0)",
  wasm: (x) => x.greater(0), // one instruction, where max takes several; NaN stays
  grad: (dy, _, y) => [where(y.greater(0), dy, 0)],
});

/** 1 where x is neither infinite nor NaN. A test of the bits: WGSL may assume that NaN does not exist. */
export const isFinite: Unary = unary("isFinite", {
  js: (x) => (Number.isFinite(x) ? 1 : 0),
  wgsl: "select(0.0, 1.0, (bitcast<u32>(x) & 0x7f800000u) != 0x7f800000u)",
  wasm: (x) => x.abs().lt(Number.POSITIVE_INFINITY).floats(1, 0),
});
