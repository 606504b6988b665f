// The WASM column of the elementwise table and of the random numbers, against the js column in float64: each row by itself,
// with and without the instruction that multiplies and adds. Errors are counted in ulp, the distance from a number to the
// next float.
import { setFlagsFromString } from "node:v8";
import { describe, expect, test } from "vitest";
import { tensor, where } from "../src/index.ts";
import { type Floats, type Func, type Ints, Module } from "../src/kernels/devices/wasm/assembler.ts";
import { features } from "../src/kernels/devices/wasm/features.ts";
import type { Callable, MapOp } from "../src/kernels/op.ts";
import * as list from "../src/kernels/ops.ts";
import { halfBits, permuted } from "../src/kernels/random/permutation.ts";
import { normal, threefry, unit } from "../src/kernels/random/threefry.ts";
import * as vectors from "../src/kernels/random/threefry.wasm.ts";
import type { Tensor, Values } from "../src/tensor/tensor.ts";

if (!features().relaxed) setFlagsFromString("--experimental-wasm-relaxed-simd"); // Node 20 has it, but only on demand
const variants = features().relaxed ? [false, true] : [false];

const PAGE = 65536;
const TABLE = 64; // where the constants lie; the data lie behind them
const DATA = 4096;

/** A module of one function, compiled over a memory of its own. */
function compiled(
  relaxed: boolean,
  pages: number,
  write: (m: Module) => void,
): { memory: ArrayBuffer; run: (...args: number[]) => number } {
  const constants: number[] = [];
  const constantAt = (word: number): number => {
    if (!constants.includes(word)) constants.push(word);
    return TABLE + 4 * constants.indexOf(word);
  };
  const module = new Module({ initial: pages, maximum: pages, shared: false }, { relaxed, constantAt });
  write(module);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.bytes()), { env: { memory } });
  new Uint32Array(memory.buffer, TABLE).set(constants);
  return { memory: memory.buffer, run: exports["run"] as (...args: number[]) => number };
}

/** y[i] = f(x[i], …), two vectors in each iteration; y as the floats that its words are. */
function mapped(relaxed: boolean, xs: readonly Values[], f: (f: Func, xs: readonly Floats[]) => Floats | Ints): Float32Array {
  const bytes = 32 * Math.ceil(xs[0].length / 8);
  const at = (k: number): number => DATA + k * bytes;
  const { memory, run } = compiled(relaxed, Math.ceil(at(xs.length + 1) / PAGE), (module) =>
    module.func("run", [], [], (func) =>
      func.for(0, bytes, 32, (i) => {
        for (const ahead of [0, 16]) {
          const inputs = xs.map((_, k) => func.load(i, at(k) + ahead));
          func.store(i, f(func, inputs), at(xs.length) + ahead);
        }
      }),
    ),
  );
  for (const [k, x] of xs.entries()) new Uint8Array(memory).set(new Uint8Array(x.buffer, x.byteOffset, x.byteLength), at(k));
  run();
  return new Float32Array(memory, at(xs.length), xs[0].length);
}

// Arguments.

const floats = (n: number, of: (i: number) => number) => Float32Array.from({ length: n }, (_, i) => of(i));
const wholes = (n: number, of: (i: number) => number) => Uint32Array.from({ length: n }, (_, i) => of(i));
const even = (lo: number, hi: number, n = 20000) => floats(n, (i) => lo + ((hi - lo) * i) / (n - 1));
const random = (n: number, which: number) => wholes(n, (i) => threefry(which, 0, 0, i)[0]);
const joined = (...parts: readonly Float32Array[]) => Float32Array.from(parts.flatMap((part) => [...part]));

const { POSITIVE_INFINITY: inf, NaN: nan } = Number;
const [TINY, NORMAL, MAX] = [2 ** -149, 2 ** -126, (2 - 2 ** -23) * 2 ** 127];
const magnitudes = [
  0,
  TINY,
  NORMAL - TINY,
  NORMAL,
  1e-30,
  0.5,
  1 - 2 ** -24,
  1,
  1 + 2 ** -23,
  2,
  2.5,
  3,
  88,
  100,
  2 ** 24,
  2 ** 31,
  2 ** 32,
  MAX,
  inf,
];
const edges = [88.72283172607422, 88.72283935546875, -87.3365478515625, -103.97207641601562, -103.97208404541016]; // of exp
const special = Float32Array.from([...magnitudes, ...magnitudes.map((x) => -x), ...edges, nan]);
/** Any bits are a float: every magnitude, infinities and NaN. */
const anything = (which: number) => new Float32Array(random(50000, which).buffer);
const everywhere = joined(special, anything(1), even(-110, 90), even(-20, 20), even(-1, 1), even(0.5, 2));

type Arguments = readonly Values[];
const n = special.length;
/** Each special number with each, and any with any. */
const pairs: Arguments = [
  joined(
    floats(n * n, (i) => special[i % n]),
    anything(1),
    even(-20, 20),
  ),
  joined(
    floats(n * n, (i) => special[Math.floor(i / n)]),
    anything(2),
    even(7, -9),
  ),
];
/** The same of whole numbers, of which small ones are as many as large ones. */
const counts = [0, 1, 2, 3, 255, 65536, 2 ** 24 + 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1];
const wholePairs: Arguments = [0, 1].map((k) =>
  wholes(50000, (i) => (i < 100 ? counts[Math.floor(i / 10 ** k) % 10] : threefry(k, 0, 0, i)[0] >>> (threefry(k, 1, 0, i)[0] % 32))),
);
const conditions = (x: Values) => floats(x.length, (i) => [0, 1, -0, nan, -2, TINY][i % 6]);

// The bounds.

interface Case {
  readonly f: (...xs: Tensor[]) => Tensor;
  readonly xs: Arguments;
  /** In ulp; of the exact result, or of `scale` if that is larger. */
  readonly bound: number;
  readonly scale?: number;
}

const ROUNDED = 0.5 + 1e-6; // as near as a float can be, less what float64 rounds itself
const one = (f: Case["f"], bound: number, x: Float32Array = everywhere, scale = 0): Case => ({ f, xs: [x], bound, scale });
const two = (f: Case["f"], bound: number, xs: Arguments = pairs): Case => ({ f, xs, bound });

const angles = joined(
  even(-10, 10),
  even(-0.01, 0.01),
  special.map((x) => (Math.abs(x) > 1e4 ? nan : x)),
);
const comparisons = ["equal", "notEqual", "less", "lessEqual", "greater", "greaterEqual"] as const;
const exactOnFloats = ["maximum", "minimum", ...comparisons] as const;
const exactOnWholes = ["add", "sub", "mul", "div", "mod", ...exactOnFloats] as const;

const cases: Readonly<Record<string, Case>> = {
  ...Object.fromEntries(exactOnFloats.map((name) => [`${name} f32`, two((a, b) => a[name](b), 0)])),
  ...Object.fromEntries(exactOnWholes.map((name) => [`${name} u32`, two((a, b) => a[name](b), 0, wholePairs)])),
  "add f32": two((a, b) => a.add(b), ROUNDED),
  "sub f32": two((a, b) => a.sub(b), ROUNDED),
  "mul f32": two((a, b) => a.mul(b), ROUNDED),
  "div f32": two((a, b) => a.div(b), ROUNDED),
  "where f32": two((c, a, b) => where(c, a, b), 0, [conditions(pairs[0]), ...pairs]),
  "pow f32": two((a, b) => a.pow(b), 9.5, [
    joined(pairs[0] as Float32Array, even(0.5, 1.5)),
    joined(pairs[1] as Float32Array, even(100, -140)),
  ]),
  "pow f32, moderate": two((a, b) => a.pow(b), 1.3, [even(0.01, 100), floats(20000, (i) => 5 * Math.sin(i))]),
  "neg f32": one((x) => x.neg(), 0),
  "abs f32": one((x) => x.abs(), 0),
  "sign f32": one((x) => x.sign(), 0),
  "floor f32": one((x) => x.floor(), 0),
  "relu f32": one((x) => x.relu(), 0),
  "isFinite f32": one((x) => x.isFinite(), 0),
  "square f32": one((x) => x.square(), ROUNDED),
  "reciprocal f32": one((x) => x.reciprocal(), ROUNDED),
  "sqrt f32": one((x) => x.sqrt(), ROUNDED),
  "rsqrt f32": one((x) => x.rsqrt(), 1.5),
  "exp f32": one((x) => x.exp(), 1),
  "expm1 f32": one((x) => x.expm1(), 1.5),
  "log f32": one((x) => x.log(), 0.9),
  "log1p f32": one((x) => x.log1p(), 1.5),
  "tanh f32": one((x) => x.tanh(), 2.6),
  "sigmoid f32": one((x) => x.sigmoid(), 2.4),
  "softplus f32": one((x) => x.softplus(), 2.1),
  "erf f32": one((x) => x.erf(), 1.4),
  "sin f32": one((x) => x.sin(), 1.6, angles),
  "sin f32, to 10⁴": one((x) => x.sin(), 0.8, even(-1e4, 1e4), 1),
  "cos f32": one((x) => x.cos(), 1.6, angles),
  "cos f32, to 10⁴": one((x) => x.cos(), 0.8, even(-1e4, 1e4), 1),
  "castU32 f32": one((x) => x.cast("u32"), 0),
  "castF32 u32": { f: (x) => x.cast("f32"), xs: [wholePairs[0]], bound: ROUNDED },
  "castF32 u8": { f: (x) => x.cast("f32"), xs: [wholes(256, (i) => i)], bound: 0 }, // as the words that bytes are loaded to
  "where u32": two((c, a, b) => where(c, a, b), 0, [conditions(wholePairs[0]), ...wholePairs]),
};

/** Distance between a number and the next of f32. */
const ulp = (x: number): number => 2 ** (Math.max(Math.floor(Math.log2(Math.min(Math.abs(x), MAX) || NORMAL)), -126) - 23);

/** What does not fit counts as the first power of 2 that does not. */
const limited = (x: number): number => Math.max(-(2 ** 128), Math.min(x, 2 ** 128));

function distance(got: number, exact: number, scale: number): number {
  if (Number.isNaN(got) || Number.isNaN(exact)) return Number.isNaN(got) === Number.isNaN(exact) ? 0 : inf;
  return Math.abs(limited(got) - limited(exact)) / ulp(Math.max(Math.abs(exact), scale));
}

interface Results {
  readonly got: Values;
  readonly exact: Values;
}

function results(relaxed: boolean, f: Case["f"], xs: Arguments): Results {
  const t = f(...xs.map((x) => tensor(x)));
  const op = t.op as MapOp;
  const isFloat = xs.map((x) => x instanceof Float32Array);
  const y = mapped(relaxed, xs, (_, inputs) => op.wasm(t)(...inputs.map((x, k) => (isFloat[k] ? x : x.bits()))));
  const got = t.dtype === "f32" ? y : new Uint32Array(y.buffer, y.byteOffset, y.length);
  const exact = t.dtype === "f32" ? new Float64Array(y.length) : new Uint32Array(y.length);
  op.js(exact, xs, t);
  return { got, exact };
}

for (const relaxed of variants) {
  describe(relaxed ? "with madd" : "without madd", () => {
    for (const [name, { f, xs, bound, scale = 0 }] of Object.entries(cases)) {
      test(`${name}: at most ${+bound.toFixed(3)} ulp from exact [wasm]`, () => {
        const { got, exact } = results(relaxed, f, xs);
        let [worst, at] = [0, 0];
        got.forEach((y, i) => {
          const error = distance(y, exact[i], scale);
          if (!(error <= worst)) [worst, at] = [error, i];
        });
        expect(worst, `of ${xs.map((x) => x[at]).join(", ")}: ${got[at]}, exactly ${exact[at]}`).toBeLessThanOrEqual(bound);
      });
    }

    test("mod f32: in [0, b), and within an ulp of a or b from exact, where b counts as 0 [wasm]", () => {
      const xs = [
        joined(
          even(-1000, 1000),
          floats(2000, (i) => i - 1000),
        ),
        joined(
          floats(20000, (i) => 9 * Math.sin(i + 1)),
          floats(2000, (i) => (i % 40) - 20 || 1),
        ),
      ];
      const { got, exact } = results(relaxed, (a, b) => a.mod(b), xs);
      got.forEach((r, i) => {
        const [a, b] = [xs[0][i], xs[1][i]];
        const off = Math.abs(r - exact[i]);
        expect(r === 0 || (Math.sign(r) === Math.sign(b) && Math.abs(r) < Math.abs(b)), `${a} mod ${b}: ${r}`).toBe(true);
        expect(Math.min(off, Math.abs(b) - off), `${a} mod ${b}: ${r}, exactly ${exact[i]}`).toBeLessThanOrEqual(
          ulp(Math.max(Math.abs(a), Math.abs(b))),
        );
      });
      const extraordinary = results(relaxed, (a, b) => a.mod(b), [Float32Array.of(nan, 1, inf, 1, 0), Float32Array.of(1, nan, 1, 0, 5)]);
      expect([...extraordinary.got]).toEqual([nan, nan, nan, nan, 0]);
    });

    test("normals are within 3 ulp of exact, or of 1 where they are smaller [wasm]", () => {
      const [a, b] = [random(1e5, 5), random(1e5, 6)];
      const got = mapped(relaxed, [a, b], (_, [x, y]) => vectors.normal(x.bits(), y.bits()));
      const errors = Array.from(got, (y, i) => distance(y, normal(a[i], b[i]), 1));
      expect(errors.reduce((worst, error) => Math.max(worst, error))).toBeLessThanOrEqual(3);
    });
  });
}

test("every row is measured, over each dtype that it takes [wasm]", () => {
  const seen = new Set<string>();
  const visit = (t: Tensor): void => {
    if (t.op.loops === "map") seen.add(`${t.op.name} ${t.inputs.at(-1)?.dtype}`);
    t.inputs.forEach(visit);
  };
  for (const op of Object.values(list) as unknown as Callable<(...args: unknown[]) => Tensor | Tensor[]>[]) {
    for (const example of op.examples()) if ("shape" in example) [op(...example.args)].flat().forEach(visit);
  }
  expect([...seen].filter((name) => !(name in cases) && name !== "mod f32")).toEqual([]);
});

const DRAWS = 1e5;

test("random bits and uniforms are identical to js, bit for bit [wasm]", () => {
  const counter = wholes(DRAWS, (i) => i * 40503);
  for (const [k0, k1, c0] of [
    [0, 0, 0],
    [1, 2, 3],
    [0xdeadbeef, 0xffffffff, 0x80000000],
  ]) {
    const draw = (of: (a: Ints, b: Ints) => Floats | Ints) =>
      mapped(false, [counter], (f, [c1]) => of(...vectors.threefry(f.asInts(k0), f.asInts(k1), f.asInts(c0), c1.bits())));
    const exact = Array.from(counter, (c1) => threefry(k0, k1, c0, c1));
    const bits = (y: Float32Array) => new Uint32Array(y.buffer, y.byteOffset, y.length);
    const [first, second, uniform] = [bits(draw((a) => a)), bits(draw((_, b) => b)), draw(vectors.unit)];
    const differs = exact.findIndex(([a, b], i) => first[i] !== a || second[i] !== b || uniform[i] !== unit(a));
    expect(differs, "the first draw that differs").toBe(-1);
  }
});

test("the order of the data is that of js, a permutation of any number of rows [wasm]", () => {
  const { run } = compiled(false, 1, (module) =>
    module.func("run", ["i32", "i32", "i32", "i32", "i32"], ["i32"], (f) =>
      f.return(vectors.permuted(f, f.param(0), f.param(1), f.param(2), f.param(3), f.param(4))),
    ),
  );
  for (const rows of [1, 2, 3, 7, 100, 60000]) {
    for (const [seed, epoch] of [
      [0, 0],
      [0xdeadbeef, 5],
    ]) {
      const order = wholes(rows, (i) => run(i, rows, halfBits(rows), seed, epoch));
      expect(order, `${rows} rows`).toEqual(wholes(rows, (i) => permuted(i, rows, seed, epoch)));
      expect(new Set(order).size, `distinct among ${rows}`).toBe(rows);
    }
  }
});
