// Random tensors: each element is a function of (seed, stream, clock, index), so nothing is stored, any device makes
// the same bits, and a resumed run sees the same noise. The stream is the ordinal of the draw in its trace; the clock
// counts replays of a compiled program, or eager draws.

import type { Shape } from "../../tensor/shape.ts";
import { Tensor } from "../../tensor/tensor.ts";
import { trace } from "../../tensor/trace.ts";
import type { Ints } from "../devices/wasm/assembler.ts";
import { type Values, Whole } from "../devices/wasm/emit.ts";
import { fullOf } from "../layout/full.ts";
import { type Callable, callable, type Inline } from "../op.ts";
import { normal, threefry, unit } from "./threefry.ts";
import * as vectors from "./threefry.wasm.ts";

type Words = [a: number, b: number];
const seedOf = (t: Tensor): number => t.attrs.seed as number;
const streamOf = (t: Tensor): number => t.attrs.stream as number;

/** A random source: `of` turns the two words of each index into its value. */
function source(
  name: string,
  of: (...words: Words) => number,
  wgsl: (words: string) => string,
  wasm: (a: Ints, b: Ints) => Values,
): Inline {
  return {
    name,
    loops: "source",
    js: (y, [clock], t) => {
      for (let i = 0; i < y.length; i++) y[i] = of(...threefry(seedOf(t), streamOf(t), clock[0], i));
    },
    wgsl: (e, t, at) => {
      const key = `vec2u(${e.scalar(t, seedOf, "u32")}, ${e.scalar(t, streamOf, "u32")})`;
      const clock = e.value(t.inputs[0], e.at([], "0u"));
      return wgsl(e.name(`threefry(${key}, vec2u(${clock}, ${at.linear()}))`));
    },
    wasm: (e, t, at) => {
      const [seed, stream] = [e.scalar(t, seedOf, "u32"), e.scalar(t, streamOf, "u32")];
      const clock = e.whole(t.inputs[0], e.at([], e.number(0)));
      return wasm(...vectors.threefry(seed.lanes(), stream.lanes(), clock.lanes(), at.linear().lanes()));
    },
    grad: () => [undefined],
  };
}

const bitsOp = source(
  "randomBits",
  (a) => a,
  (words) => `${words}.x`,
  (a) => Whole.lanes(a),
);
const uniformOp = source("randomUniform", unit, (words) => `unit(${words}.x)`, vectors.unit);
const normalOp = source("randomNormal", normal, (words) => `normal(${words})`, vectors.normal);

export interface Draw {
  /**
   * Default: the seed of the compiled program, or the one set by `seed()` for eager draws. The ordinal of the draw counts as
   * well: two draws with one seed differ, and `seed()` begins the count anew.
   */
  readonly seed?: number;
}

function draw(op: Inline, shape: Shape, { seed }: Draw, dtype: "f32" | "u32"): Tensor {
  const { clock, seed: own } = trace();
  const stream = trace().draws++;
  // Eager draws count on the host: every draw is a stream of its own, at clock 0.
  return new Tensor(op, [clock?.() ?? fullOf([], 0, "u32")], { seed: (seed ?? own) >>> 0, stream }, shape, dtype);
}

type Random = Callable<(shape: Shape, options?: Draw) => Tensor>;
const examples = () => [
  { args: [[5, 7], { seed: 3 }], shape: [5, 7] },
  { args: [[65], { seed: 4 }], shape: [65] },
  { args: [[], { seed: 5 }], shape: [] },
  { args: [[0, 3], { seed: 5 }], shape: [0, 3] },
];

/** Uniform 32-bit words, bit-identical on every device. */
export const randomBits: Random = callable((shape: Shape, options: Draw = {}) => draw(bitsOp, shape, options, "u32"), examples);

/** Uniform in [0, 1), from 24 random bits. */
export const randomUniform: Random = callable((shape: Shape, options: Draw = {}) => draw(uniformOp, shape, options, "f32"), examples);

/** Normal with mean 0 and variance 1. */
export const randomNormal: Random = callable((shape: Shape, options: Draw = {}) => draw(normalOp, shape, options, "f32"), examples);
