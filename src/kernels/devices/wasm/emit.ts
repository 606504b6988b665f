// Turning nodes into vectors of four neighbouring elements: what an op's `wasm` record is written against, and the
// writer behind it. Indices stay as simple as they are: a number for all four, a row's place, or four numbers.

import { type Shape, sameShape, size } from "../../../tensor/shape.ts";
import type { DType, Tensor } from "../../../tensor/tensor.ts";
import { Floats, type Func, type Int, type Ints } from "./assembler.ts";

/** Where in a row an iteration of the innermost loop is. */
export interface Lane {
  /** The loop's counter, in bytes of f32. */
  readonly bytes: Int;
  /** Four elements at once, or, at the end of a row, one. */
  readonly wide: boolean;
  /** Elements between the counter and the first of the four: of two vectors in an iteration the second is 4 ahead. */
  readonly ahead: number;
}

/**
 * Whole numbers, one for each of the elements that are computed at once: an index, or the values of a u32 tensor.
 * - `uniform`: the same for all. - `ramp`: an offset plus the place in the row, so that neighbours read neighbours.
 * - `lanes`: any.
 */
export class Whole {
  readonly in: Func;
  readonly uniform: Int | undefined;
  /** The offset of a ramp, and the loop that it runs along. */
  readonly ramp: { readonly offset: Int; readonly lane: Lane } | undefined;
  readonly #lanes: Ints | undefined;

  private constructor(f: Func, parts: { uniform?: Int; ramp?: { offset: Int; lane: Lane }; lanes?: Ints }) {
    this.in = f;
    this.uniform = parts.uniform;
    this.ramp = parts.ramp;
    this.#lanes = parts.lanes;
  }

  static uniform(n: Int): Whole {
    return new Whole(n.in, { uniform: n });
  }

  static lanes(n: Ints): Whole {
    return new Whole(n.in, { lanes: n });
  }

  /** The place in the row, plus an offset. */
  static ramp(offset: Int, lane: Lane): Whole {
    if (lane.wide) return new Whole(offset.in, { ramp: { offset, lane } });
    return Whole.uniform(offset.add(lane.bytes.shr(2))); // one element at once
  }

  /** A text that is equal for equal numbers. */
  get key(): string {
    if (this.uniform) return `u${this.uniform.local}`;
    return this.ramp ? `r${this.ramp.offset.local}+${this.ramp.lane.bytes.local}+${this.ramp.lane.ahead}` : `l${this.#lanes?.local}`;
  }

  /** As four numbers. */
  lanes(): Ints {
    const f = this.in;
    if (this.uniform) return f.splat(this.uniform);
    if (!this.ramp) return this.#lanes as Ints;
    const { offset, lane } = this.ramp;
    const [a, b, c, d] = [0, 1, 2, 3].map((i) => lane.ahead + i); // not in the splat: V8 pairs vectors only of the same number
    return f.splat(offset.add(lane.bytes.shr(2))).add(f.constants(a, b, c, d));
  }

  #with(other: Whole | number, one: (a: Int, b: Int | number) => Int, four: (a: Ints, b: Ints) => Ints): Whole {
    if (typeof other === "number") return this.#with(Whole.uniform(this.in.asInt(other)), one, four);
    if (this.uniform && other.uniform) return Whole.uniform(one(this.uniform, other.uniform));
    return Whole.lanes(four(this.lanes(), other.lanes()));
  }

  add(other: Whole | number): Whole {
    if (other === 0) return this;
    const by = typeof other === "number" ? this.in.asInt(other) : other.uniform;
    if (this.ramp && by) return Whole.ramp(this.ramp.offset.add(by), this.ramp.lane);
    if (this.uniform && typeof other !== "number" && other.ramp) return other.add(this);
    return this.#with(
      other,
      (a, b) => a.add(b),
      (a, b) => a.add(b),
    );
  }

  sub(other: Whole | number): Whole {
    if (other === 0) return this;
    const by = typeof other === "number" ? this.in.asInt(other) : other.uniform;
    if (this.ramp && by) return Whole.ramp(this.ramp.offset.sub(by), this.ramp.lane);
    return this.#with(
      other,
      (a, b) => a.sub(b),
      (a, b) => a.sub(b),
    );
  }

  mul(other: Whole | number): Whole {
    if (other === 1) return this;
    return this.#with(
      other,
      (a, b) => a.mul(b),
      (a, b) => a.mul(b),
    );
  }

  min(other: Whole | number): Whole {
    return this.#with(
      other,
      (a, b) => a.min(b),
      (a, b) => a.min(b),
    );
  }

  /** f of each, one after the other, or of the one that stands for all: for what vectors cannot do. */
  each(f: (a: Int) => Int): Whole {
    if (this.uniform) return Whole.uniform(f(this.uniform));
    let lanes = this.lanes();
    const all = [0, 1, 2, 3].map((i) => f(lanes.lane(i)));
    all.forEach((one, i) => {
      lanes = lanes.withLane(i, one);
    });
    return Whole.lanes(lanes);
  }

  div(n: number): Whole {
    return n === 1 ? this : this.each((a) => a.div(n));
  }

  rem(n: number): Whole {
    return this.each((a) => a.rem(n));
  }

  /** A mask: where this is less than n, in unsigned numbers. */
  lt(n: Whole | number): Ints {
    const other = typeof n === "number" ? Whole.uniform(this.in.asInt(n)) : n;
    if (this.uniform && other.uniform) return this.in.splat(this.in.asInt(0).sub(this.uniform.lt(other.uniform)));
    return this.lanes().lt(other.lanes());
  }

  eq(other: Whole): Ints {
    if (this.uniform && other.uniform) return this.in.splat(this.in.asInt(0).sub(this.uniform.eq(other.uniform)));
    return this.lanes().eq(other.lanes());
  }

  /** f of the four, or of the one that stands for all of them. */
  map(f: (n: Ints) => Ints): Whole {
    return this.uniform ? Whole.uniform(f(this.lanes()).lane(0)) : Whole.lanes(f(this.lanes()));
  }
}

/** Values of a tensor: of f32, or of u32 and u8. */
export type Values = Floats | Whole;

/** A place in a tensor: counted row-major, or one number per axis, whichever is at hand. */
export interface Place {
  readonly shape: Shape;
  linear(): Whole;
  coords(): readonly Whole[];
}

export interface Emit {
  readonly in: Func;
  /** The values of t there. */
  value(t: Tensor, at: Place): Values;
  /** The same where t is known to be f32, or not to be. */
  floats(t: Tensor, at: Place): Floats;
  whole(t: Tensor, at: Place): Whole;
  /** The place in a tensor of this shape with these coordinates, or with this row-major position. */
  at(shape: Shape, where: readonly Whole[] | Whole): Place;
  /** The place that broadcasting reads in a tensor of this shape, for a place of the result. */
  stretched(shape: Shape, at: Place): Place;
  /** A number of the tensor that may differ between runs of one plan. The same function reads the same word. */
  scalar(t: Tensor, read: (now: Tensor) => number, type: "f32"): Floats;
  scalar(t: Tensor, read: (now: Tensor) => number, type: "u32"): Whole;
  /** A number that is known now. */
  number(n: number): Whole;
}

/** What the writer asks about the plan and the memory it is for. */
export interface Surroundings {
  position(t: Tensor): number;
  /** Is the node computed where it is used? Otherwise it is loaded. */
  isComputed(i: number): boolean;
  /** The address of node i's first element. */
  address(f: Func, i: number): Int;
  /** Reads a word that is written before each run: what `read` gives of node i. */
  scalar(f: Func, i: number, read: (now: Tensor) => number, type: "f32" | "u32"): Int;
}

/** Elements before and after a tensor that may be read, though they mean nothing: memory is left free at both ends. */
const MARGIN = 8192;

/** Writes values into a function, four neighbours at a time. */
export class Writer implements Emit {
  readonly in: Func;
  readonly #around: Surroundings;
  readonly #places = new Map<string, Place>();
  readonly #values = new Map<Place, Map<number, Values>>();

  constructor(f: Func, around: Surroundings) {
    this.in = f;
    this.#around = around;
  }

  value(t: Tensor, at: Place): Values {
    const i = this.#around.position(t);
    const here = this.#values.get(at) ?? new Map<number, Values>();
    this.#values.set(at, here);
    const value = here.get(i) ?? this.#write(t, i, at);
    here.set(i, value);
    return value;
  }

  floats(t: Tensor, at: Place): Floats {
    return this.value(t, at) as Floats; // by the dtype, which the ops check
  }

  whole(t: Tensor, at: Place): Whole {
    return this.value(t, at) as Whole;
  }

  #write(t: Tensor, i: number, at: Place): Values {
    const { op } = t;
    if (!this.#around.isComputed(i)) return this.load(i, t.dtype, at.linear());
    switch (op.loops) {
      case "source":
      case "view":
        return op.wasm(this, t, at);
      case "map": {
        const args = t.inputs.map((x) => this.value(x, this.stretched(x.shape, at)));
        const isUniform = args.every((x) => x instanceof Whole && x.uniform);
        const y = op.wasm(t)(...args.map((x) => (x instanceof Whole ? x.lanes() : x)));
        if (y instanceof Floats) return y;
        return isUniform ? Whole.uniform(y.lane(0)) : Whole.lanes(y);
      }
      case "effect":
        return this.value(t.inputs[1], this.stretched(t.inputs[1].shape, at));
      default:
        throw new Error(`${op.name} has no value inside a kernel`);
    }
  }

  /** What lies in memory: together if neighbours are asked for, one for all, or each by itself. */
  load(i: number, dtype: DType, at: Whole): Values {
    const f = this.in;
    const base = this.#around.address(f, i);
    const shift = dtype === "u8" ? 0 : 2;
    if (at.uniform) {
      const address = base.add(at.uniform.shl(shift));
      if (dtype === "f32") return f.loadSplat(address);
      return Whole.uniform(dtype === "u8" ? f.loadByte(address) : f.loadInt(address));
    }
    if (at.ramp) {
      const { offset, lane } = at.ramp;
      const address = base.add(offset.shl(shift)).add(dtype === "u8" ? lane.bytes.shr(2) : lane.bytes);
      if (dtype === "u8") return Whole.lanes(f.loadBytes(address, lane.ahead));
      const words = f.load(address, 4 * lane.ahead);
      return dtype === "f32" ? words : Whole.lanes(words.bits());
    }
    const places = at.lanes();
    let words = f.constants(0, 0, 0, 0);
    for (let lane = 0; lane < 4; lane++) {
      const address = base.add(places.lane(lane).shl(shift));
      words = dtype === "u8" ? words.withLane(lane, f.loadByte(address)) : f.loadLane(words, lane, address);
    }
    return dtype === "f32" ? words.asFloats() : Whole.lanes(words);
  }

  /** Stores values at a place of a row. */
  store(i: number, at: Whole, value: Values): void {
    const f = this.in;
    const words = value instanceof Whole ? value.lanes() : value;
    const base = this.#around.address(f, i);
    if (at.ramp) f.store(base.add(at.ramp.offset.shl(2)).add(at.ramp.lane.bytes), words, 4 * at.ramp.lane.ahead);
    else if (at.uniform) f.storeFirst(base.add(at.uniform.shl(2)), words);
    else throw new Error("wasm: results are stored where they are computed"); // a kernel's own places are nothing else
  }

  /** One object per place, by which values are remembered. */
  at(shape: Shape, where: readonly Whole[] | Whole): Place {
    const key = `${shape}|${where instanceof Whole ? where.key : where.map((c) => c.key)}`;
    const known = this.#places.get(key);
    if (known) return known;
    const place = where instanceof Whole ? this.#fromLinear(shape, where) : this.#fromCoords(shape, where);
    this.#places.set(key, place);
    return place;
  }

  stretched(shape: Shape, at: Place): Place {
    if (sameShape(shape, at.shape)) return at;
    if (size(shape) === size(at.shape)) return this.at(shape, at.linear()); // seen through a reshape
    if (size(shape) === 1) return this.at(shape, this.number(0));
    const own = at.coords().slice(at.shape.length - shape.length);
    return this.at(
      shape,
      own.map((c, axis) => (shape[axis] === 1 ? this.number(0) : c)),
    );
  }

  scalar(t: Tensor, read: (now: Tensor) => number, type: "f32"): Floats;
  scalar(t: Tensor, read: (now: Tensor) => number, type: "u32"): Whole;
  scalar(t: Tensor, read: (now: Tensor) => number, type: "f32" | "u32"): Values {
    const word = this.#around.scalar(this.in, this.#around.position(t), read, type);
    return type === "f32" ? this.in.splat(word).asFloats() : Whole.uniform(word);
  }

  number(n: number): Whole {
    return Whole.uniform(this.in.asInt(n));
  }

  /** A place of a row of a kernel: `row` counts the rows, each `width` long and along the last axis that is not 1. */
  inRow(shape: Shape, row: Int, width: number, lane: Lane): Place {
    const linear = Whole.ramp(row.mul(width), lane);
    const place = this.#fromLinear(shape, linear);
    const last = shape.findLastIndex((d) => d !== 1);
    if (last < 0 || shape[last] !== width) return place; // all axes as one
    const ahead = shape.slice(0, last);
    const coords = () => {
      const zero = this.number(0);
      const before = this.#fromLinear(ahead, Whole.uniform(row)).coords();
      return [...before, Whole.ramp(this.in.asInt(0), lane), ...shape.slice(last + 1).map(() => zero)];
    };
    return { shape, linear: () => linear, coords: memo(coords) };
  }

  #fromLinear(shape: Shape, linear: Whole): Place {
    const coords = () => {
      if (shape.length === 1) return [linear];
      const zero = this.number(0);
      const coords = shape.map(() => zero);
      const varying = shape.map((_, axis) => axis).filter((axis) => shape[axis] !== 1);
      let rest = linear;
      for (const axis of varying.slice(1).reverse()) {
        const d = Math.max(1, shape[axis]); // of an empty tensor nothing is computed, but the code must compile
        coords[axis] = rest.rem(d);
        rest = rest.div(d);
      }
      if (varying.length > 0) coords[varying[0]] = rest;
      return coords;
    };
    return { shape, linear: () => linear, coords: memo(coords) };
  }

  #fromCoords(shape: Shape, coords: readonly Whole[]): Place {
    const linear = () => {
      let sum = this.number(0);
      let step = 1;
      for (let axis = shape.length - 1; axis >= 0; axis--) {
        if (shape[axis] !== 1) sum = coords[axis].mul(step).add(sum);
        step *= shape[axis];
      }
      return sum;
    };
    return { shape, coords: () => coords, linear: memo(linear) };
  }
}

/** Is a row so little longer than what lies in it that reading past both ends, as far as the row goes, does no harm? */
export const isNear = (inside: number, row: number): boolean => row - inside <= MARGIN;

function memo<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
