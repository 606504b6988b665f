// What an op is: one record with its shape rule, its gradient, and its implementations side by side. The function
// that users call records a Tensor; everything else (methods, plans, kernels, tests) is derived from the record.

import type { Shape } from "../tensor/shape.ts";
import type { Attrs, DType, Tensor, Values } from "../tensor/tensor.ts";
import type { Geometry } from "./conv/geometry.ts";
import type { Floats, Ints } from "./devices/wasm/assembler.ts";
import type * as wasm from "./devices/wasm/emit.ts";
import type { Emit, Index } from "./devices/webgpu/emit.ts";

/**
 * How an op loops, which is all that fusion needs to know.
 * - `leaf`: the value lies in memory. `source`: a function of the index alone. `view`: another index into its input.
 *   None of the three has a kernel: they are evaluated where they are used.
 * - `map`: one value per index. `reduce`: many to one, along some axes. `product`: sums of products of two operands.
 * - `effect`: a map that is stored into a state.
 */
export type Loops = "leaf" | "source" | "view" | "map" | "reduce" | "product" | "effect";

interface Common {
  readonly name: string;
  /** dL/dx for each input, given dy = dL/dy; undefined where an input has no gradient. Made of ordinary tensors. */
  readonly grad: (dy: Tensor, t: Tensor) => readonly (Tensor | undefined)[];
  /** The specification: plain loops that fill y from the inputs' values. `t` has shapes and attributes. */
  readonly js: (y: Values, xs: readonly Values[], t: Tensor) => void;
  /** Attributes that shape the program: two tensors that differ in them need two plans. Scalars and offsets do not belong here. */
  readonly structure?: (t: Tensor) => string;
}

export interface Leaf extends Common {
  readonly loops: "leaf";
}

/** A value that is computed from the index at which it is asked for. */
export interface Inline extends Common {
  readonly loops: "source" | "view";
  readonly wgsl: (e: Emit, t: Tensor, at: Index) => string;
  readonly wasm: (e: wasm.Emit, t: Tensor, at: wasm.Place) => wasm.Values;
}

export interface MapOp extends Common {
  readonly loops: "map";
  /** A WGSL function of the inputs; its name tells which variant (by dtype) it is. */
  readonly wgsl: (t: Tensor) => { readonly name: string; readonly code: string };
  /** The same function of four values at a time: f32 comes as Floats, u32 and u8 as Ints. */
  readonly wasm: (t: Tensor) => (...xs: readonly (Floats | Ints)[]) => Floats | Ints;
}

export interface Reduce extends Common {
  readonly loops: "reduce";
  /** Everything that is visited: the axes that stay and the axes that go. */
  readonly domain: (t: Tensor) => { readonly shape: Shape; readonly axes: readonly number[] };
  /** Does it visit the elements of its first input, each once? Then whatever computes that input may run inside the loop. */
  readonly visitsInput: boolean;
  readonly wgsl: ReduceWgsl;
  readonly wasm: ReduceWasm;
}

/** An accumulator: its type, where it starts, how two merge, how a visited element enters, and what it ends as. */
export interface ReduceWgsl {
  readonly type: "f32" | "u32" | "Best";
  readonly identity: string;
  readonly merge: (a: string, b: string) => string;
  readonly visit: (e: Emit, t: Tensor, at: Index) => string;
  readonly result: (acc: string) => string;
}

/** The same over vectors. An accumulator is one vector, or several (argMax: the largest, and where it was); the last is the result. */
export interface ReduceWasm {
  /** The bits that each vector starts with. */
  readonly identity: readonly number[];
  readonly merge: (a: readonly Floats[], b: readonly Floats[]) => readonly Floats[];
  readonly visit: (e: wasm.Emit, t: Tensor, at: wasm.Place) => readonly Floats[];
}

export interface Product extends Common {
  readonly loops: "product";
  /** y[b, m, n] = Σk A[b, m, k] · B[b, k, n]: the sizes, and how the two operands are read. */
  readonly sizes: (t: Tensor) => { readonly batch: Shape; readonly m: number; readonly n: number; readonly k: number };
  readonly wgsl: {
    readonly a: (e: Emit, t: Tensor, batch: readonly string[], m: string, k: string) => string;
    readonly b: (e: Emit, t: Tensor, batch: readonly string[], k: string, n: string) => string;
    /** Where C[b, m, n] is in the result, and what must hold for it to be there. */
    readonly at: (
      e: Emit,
      t: Tensor,
      batch: readonly string[],
      m: string,
      n: string,
    ) => { readonly index: Index; readonly inside: readonly string[] };
    /** Do neighbours in memory lie along k, in each operand? */
    readonly along: (t: Tensor) => { readonly a: boolean; readonly b: boolean };
    /** How many of those neighbours lie side by side. A is read from the first input and B from the second, one place for each of theirs. */
    readonly runs: (t: Tensor) => { readonly a: number; readonly b: number };
  };
  readonly wasm: (t: Tensor) => Matrices | Patches;
  /** Is B the second input as it lies, a row for each step along k? Then a sum of its columns may be made beside the product. */
  readonly plainB: (t: Tensor) => boolean;
}

/** How the operands lie in memory, row-major: transposed or not, and the steps along the axes of the batch from one matrix to the next. */
export interface Matrices {
  readonly kind: "matrices";
  readonly flipA: boolean;
  readonly flipB: boolean;
  readonly steps: readonly (readonly number[])[];
}

/** A member of the convolution family, which multiplies patches of images. */
export interface Patches {
  readonly kind: "patches";
  readonly role: "x" | "w" | "y";
  readonly geometry: Geometry;
}

export interface Effect extends Common {
  readonly loops: "effect";
}

export type Op = Leaf | Inline | MapOp | Reduce | Product | Effect;

/** A call that the tests make: arguments with the shapes they must give, or the error they must raise. */
export type Example =
  | { readonly args: readonly unknown[]; readonly shape: Shape | readonly Shape[] }
  | { readonly args: readonly unknown[]; readonly error: RegExp };

/** A function of the op list: what users call, with the examples that check it. */
export type Callable<F> = F & { readonly examples: () => readonly Example[] };

export const callable = <F extends (...args: never[]) => unknown>(f: F, examples: () => readonly Example[]): Callable<F> =>
  Object.assign(f, { examples });

/** A gradient rule that refuses: for ops whose derivative is zero almost everywhere, or that is no function. */
export const noGrad = (name: string, why: string): (() => never) => {
  return () => {
    throw new Error(`grad: ${name} has no gradient (${why}); wrap it in stopGradient if that is meant`);
  };
};

export type { Attrs, DType };
