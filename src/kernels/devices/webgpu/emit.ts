// Turning nodes into WGSL expressions: what an op's `wgsl` record is written against, and the writer behind it.

import { type Shape, sameShape, size } from "../../../tensor/shape.ts";
import type { Tensor } from "../../../tensor/tensor.ts";

/** A place in a tensor, as expressions of type u32: counted row-major, or one number per axis, whichever is at hand. */
export interface Index {
  readonly shape: Shape;
  linear(): string;
  coords(): readonly string[];
}

export interface Emit {
  /** The value of t there. */
  value(t: Tensor, at: Index): string;
  /** The place in a tensor of this shape with these coordinates, or with this row-major position. */
  at(shape: Shape, where: readonly string[] | string): Index;
  /** The place that broadcasting reads in a tensor of this shape, for a place of the result. */
  stretched(shape: Shape, at: Index): Index;
  /** A number of the tensor that may differ between runs of one plan; it travels in the uniform block. */
  scalar(t: Tensor, read: (now: Tensor) => number, type?: "f32" | "u32"): string;
  /** A size: a field of the uniform block, or a constant where sizes are baked in. */
  dim(n: number): string;
  /** Gives an expression a name, so that it is computed once. */
  name(expression: string): string;
  /** What stands where there is no value: 0, or four of them where values are read four at a time. */
  readonly zero: string;
}

/** The uniform block: a field for each size and each scalar, in the order of first use. */
export class Uniforms {
  readonly fields: {
    readonly name: string;
    readonly type: "f32" | "u32";
    readonly value: number | ((nodes: readonly Tensor[]) => number);
  }[] = [];
  readonly #sizes = new Map<number, string>();
  readonly #baked: boolean;

  constructor(baked: boolean) {
    this.#baked = baked;
  }

  /** A field that the kernel's file names itself. */
  field(name: string, value: number): void {
    this.fields.push({ name, type: "u32", value });
  }

  dim(n: number): string {
    if (this.#baked || n <= 1) return `${n}u`;
    const known = this.#sizes.get(n);
    if (known) return known;
    const name = `d${this.fields.length}`;
    this.field(name, n);
    this.#sizes.set(n, `size.${name}`);
    return `size.${name}`;
  }

  scalar(value: (nodes: readonly Tensor[]) => number, type: "f32" | "u32"): string {
    const name = `s${this.fields.length}`;
    this.fields.push({ name, type, value });
    return `size.${name}`;
  }

  struct(): string {
    return `struct Size { ${this.fields.map((f) => `${f.name}: ${f.type}`).join(", ")} }`;
  }
}

/** What the writer asks about the kernel that it writes. */
export interface Surroundings {
  readonly uniforms: Uniforms;
  position(t: Tensor): number;
  /** Is the node computed in this kernel, or where it is used? Otherwise it is loaded. */
  isComputed(i: number): boolean;
  /** The expression that loads a stored node or a leaf at a row-major place. */
  load(i: number, linear: string): string;
  /** Notes a function that the kernel needs. */
  declare(code: string): void;
}

/** Writes the body of one WGSL function. Equal expressions get one name. */
export class Writer implements Emit {
  readonly lines: string[] = [];
  readonly zero: string = "0.0";
  readonly #around: Surroundings;
  readonly #names = new Map<string, string>();
  readonly #places = new Map<string, Index>();
  readonly #values = new Map<Index, Map<number, string>>();
  /** Values that are there already: the results of the kernel's fold or product. */
  readonly #given: ReadonlyMap<number, string>;
  readonly #prefix: string;

  constructor(around: Surroundings, given: ReadonlyMap<number, string> = new Map(), prefix = "v") {
    this.#around = around;
    this.#given = given;
    this.#prefix = prefix;
  }

  value(t: Tensor, at: Index): string {
    const i = this.#around.position(t);
    const known = this.#given.get(i) ?? this.#values.get(at)?.get(i);
    if (known) return known;
    const value = this.#write(t, i, at);
    const here = this.#values.get(at) ?? new Map<number, string>();
    this.#values.set(at, here.set(i, value));
    return value;
  }

  #write(t: Tensor, i: number, at: Index): string {
    const { op } = t;
    if (!this.#around.isComputed(i)) return this.name(this.#around.load(i, at.linear()));
    switch (op.loops) {
      case "source":
      case "view":
        return op.wgsl(this, t, at);
      case "map": {
        const { name, code } = op.wgsl(t);
        this.#around.declare(code);
        const args = t.inputs.map((x) => this.value(x, this.stretched(x.shape, at)));
        return this.name(`${name}(${args.join(", ")})`);
      }
      case "effect":
        return this.value(t.inputs[1], this.stretched(t.inputs[1].shape, at));
      default:
        throw new Error(`${op.name} has no value inside a kernel`);
    }
  }

  name(expression: string): string {
    if (/^[\w.]+$/.test(expression)) return expression;
    const known = this.#names.get(expression);
    if (known) return known;
    const name = `${this.#prefix}${this.#names.size}`;
    this.#names.set(expression, name);
    this.lines.push(`let ${name} = ${expression};`);
    return name;
  }

  /** One object per place, by which values are remembered. */
  at(shape: Shape, where: readonly string[] | string): Index {
    const key = `${shape}|${where}`;
    const known = this.#places.get(key);
    if (known) return known;
    const place = typeof where === "string" ? this.#fromLinear(shape, where) : this.#fromCoords(shape, where);
    this.#places.set(key, place);
    return place;
  }

  stretched(shape: Shape, at: Index): Index {
    if (sameShape(shape, at.shape)) return at;
    if (size(shape) === size(at.shape)) return this.at(shape, at.linear()); // seen through a reshape
    if (size(shape) === 1) return this.at(shape, "0u");
    const own = at.coords().slice(at.shape.length - shape.length);
    return this.at(
      shape,
      own.map((c, axis) => (shape[axis] === 1 ? "0u" : c)),
    );
  }

  scalar(t: Tensor, read: (now: Tensor) => number, type: "f32" | "u32" = t.dtype === "f32" ? "f32" : "u32"): string {
    const i = this.#around.position(t);
    return this.#around.uniforms.scalar((nodes) => read(nodes[i]), type);
  }

  dim(n: number): string {
    return this.#around.uniforms.dim(n);
  }

  #fromLinear(shape: Shape, linear: string): Index {
    return {
      shape,
      linear: () => linear,
      coords: () => {
        if (shape.length === 1) return [linear];
        const coords = new Array<string>(shape.length).fill("0u");
        const varying = shape.map((_, axis) => axis).filter((axis) => shape[axis] !== 1);
        let rest = linear;
        for (const axis of varying.slice(1).reverse()) {
          const d = this.dim(Math.max(1, shape[axis])); // of an empty tensor nothing is computed, but the code must compile
          coords[axis] = this.name(`${rest} % ${d}`);
          rest = this.name(`${rest} / ${d}`);
        }
        if (varying.length > 0) coords[varying[0]] = rest;
        return coords;
      },
    };
  }

  #fromCoords(shape: Shape, coords: readonly string[]): Index {
    return {
      shape,
      coords: () => coords,
      linear: () => {
        let linear = "";
        shape.forEach((d, axis) => {
          if (d === 1) return;
          linear = linear ? this.name(`${linear} * ${this.dim(d)} + ${coords[axis]}`) : coords[axis];
        });
        return linear || "0u";
      },
    };
  }
}
