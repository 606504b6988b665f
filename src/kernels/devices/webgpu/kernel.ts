// From a kernel of the plan to WGSL: the family's file, and a patch of declarations that replace some of its own
// (bindings, sizes, loaders, what is stored). Nothing of WebGPU itself is touched here.

import { isLeaf } from "../../../tensor/graph.ts";
import { stateOf } from "../../../tensor/inline.ts";
import { type Kernel, membersOf } from "../../../tensor/merge.ts";
import type { Plan } from "../../../tensor/plan.ts";
import { type Shape, size } from "../../../tensor/shape.ts";
import type { DType, Tensor } from "../../../tensor/tensor.ts";
import elementwise from "../../elementwise/elementwise.wgsl.ts";
import math from "../../elementwise/math.wgsl.ts";
import matmul from "../../matmul/matmul.wgsl.ts";
import matmulTiled from "../../matmul/matmul-tiled.wgsl.ts";
import type { Product, Reduce } from "../../op.ts";
import threefry from "../../random/threefry.wgsl.ts";
import reduce from "../../reduce/reduce.wgsl.ts";
import reduceWorkgroup from "../../reduce/reduce-workgroup.wgsl.ts";
import { type Index, type Surroundings, Uniforms, Writer } from "./emit.ts";
import { type Linked, link, type Source } from "./link.ts";

/** Kernels with workgroup memory are for GPUs; drivers without one are two to four times faster without. */
export type Family = "tiled" | "simple";

export interface KernelCode {
  readonly linked: Linked;
  /** Storage buffers in binding order; the uniform block follows them. */
  readonly bindings: readonly Binding[];
  readonly uniforms: Uniforms;
  readonly groups: readonly [number, number, number];
  readonly label: string;
}

/** A buffer: the block of a leaf, or the slot of a stored node. */
export interface Binding {
  /** A node that lies in it. */
  readonly node: number;
  readonly writes: boolean;
}

const library: readonly Source[] = [
  { file: "random/threefry.wgsl", text: threefry },
  { file: "elementwise/math.wgsl", text: math },
];
const elementwiseFile: Source = { file: "elementwise/elementwise.wgsl", text: elementwise };
const reduceFile: Source = { file: "reduce/reduce.wgsl", text: reduce };
const reduceWorkgroupFile: Source = { file: "reduce/reduce-workgroup.wgsl", text: reduceWorkgroup };
const matmulFile: Source = { file: "matmul/matmul.wgsl", text: matmul };
const matmulTiledFile: Source = { file: "matmul/matmul-tiled.wgsl", text: matmulTiled };

const scalarType = (dtype: DType): string => (dtype === "f32" ? "f32" : "u32");

export function kernelCode(plan: Plan, k: Kernel, family: Family): KernelCode {
  const writing = new Writing(plan, k);
  switch (k.loops) {
    case "map":
      return writing.map();
    case "reduce":
      return writing.reduce(family);
    case "product":
      return writing.product(family);
    default:
      throw new Error(`unknown loops ${k.loops satisfies never}`);
  }
}

/** The patch for one kernel, as it grows. */
class Writing implements Surroundings {
  readonly uniforms: Uniforms;
  readonly #plan: Plan;
  readonly #kernel: Kernel;
  readonly #own: Set<number>;
  readonly #positions: Map<Tensor, number>;
  readonly #functions = new Set<string>();
  readonly #bindings = new Map<string, { name: string; node: number; writes: boolean; type: string }>();

  constructor(plan: Plan, k: Kernel) {
    this.#plan = plan;
    this.#kernel = k;
    this.#own = new Set(membersOf(k));
    this.#positions = new Map(plan.graph.nodes.map((t, i) => [t, i]));
    this.uniforms = new Uniforms(plan.baked && k.loops === "product");
  }

  position(t: Tensor): number {
    return this.#positions.get(t) as number;
  }

  isComputed(i: number): boolean {
    return this.#plan.inline[i] || this.#own.has(i);
  }

  declare(code: string): void {
    this.#functions.add(code);
  }

  /** The node whose memory holds i's value: for an effect, its state. */
  #home(i: number): number {
    return this.#node(i).op.loops === "effect" ? stateOf(this.#plan.graph, i) : i;
  }

  #node(i: number): Tensor {
    return this.#plan.graph.nodes[i];
  }

  #binding(i: number, writes: boolean): string {
    const at = this.#home(i);
    const { blockOf } = this.#plan.graph;
    const key = isLeaf(this.#node(at)) && blockOf[at] >= 0 ? `block ${blockOf[at]}` : `node ${at}`;
    const known = this.#bindings.get(key);
    if (known) {
      known.writes ||= writes;
      return known.name;
    }
    const name = `b${this.#bindings.size}`;
    this.#bindings.set(key, { name, node: at, writes, type: scalarType(this.#node(at).dtype) });
    return name;
  }

  /** Where node i begins in its buffer: a moment lies behind its parameter. */
  #offset(i: number, linear: string): string {
    const offset = this.#plan.offsets[this.#home(i)];
    return offset === 0 ? linear : `${offset}u + ${linear}`;
  }

  load(i: number, linear: string): string {
    const buffer = this.#binding(i, false);
    const at = this.#home(i);
    const isBytes = isLeaf(this.#node(at)) && this.#node(at).dtype === "u8";
    if (!isBytes) return `${buffer}[${this.#offset(i, linear)}]`;
    return `extractBits(${buffer}[(${this.#offset(i, linear)}) / 4u], 8u * ((${this.#offset(i, linear)}) % 4u), 8u)`;
  }

  /** Lines that store the values of those members that must outlive the kernel. Values first: a state is read before it is written. */
  #stores(writer: Writer, members: readonly number[], at: (i: number) => Index): string[] {
    const kept = members.filter((i) => this.#plan.stored[i] || this.#node(i).op.loops === "effect");
    const values = kept.map((i) => writer.value(this.#node(i), at(i)));
    return kept.map((i, which) => `${this.#binding(i, true)}[${this.#offset(i, at(i).linear())}] = ${values[which]};`);
  }

  /** A function of what the writer wrote, between lines of ours. The last ones may have made it write: they are composed first. */
  #function(head: string, writer: Writer, last: readonly string[], first: readonly string[] = []): string {
    return [`fn ${head} {`, ...[...first, ...writer.lines, ...last].map((l) => `  ${l}`), "}"].join("\n");
  }

  #finish(file: Source, functions: readonly string[], groups: readonly [number, number, number]): KernelCode {
    const buffers = [...this.#bindings.values()];
    const declared = buffers.map(
      (b, i) => `@group(0) @binding(${i}) var<storage, ${b.writes ? "read_write" : "read"}> ${b.name}: array<${b.type}>;`,
    );
    const size = `@group(0) @binding(${buffers.length}) var<uniform> size: Size;`;
    const patch = [this.uniforms.struct(), ...declared, size, ...this.#functions, ...functions].join("\n");
    const label = membersOf(this.#kernel)
      .map((i) => this.#node(i).op.name)
      .join(" ");
    const linked = link(...library, file, { file: `fused kernel (${label})`, text: patch });
    return { linked, bindings: buffers, uniforms: this.uniforms, groups, label };
  }

  map(): KernelCode {
    const { outer } = this.#kernel;
    const n = this.#node(outer[0]).size;
    this.uniforms.field("n", n);
    const writer = new Writer(this);
    const stores = this.#stores(writer, outer, (i) => writer.at(this.#node(i).shape, "i"));
    return this.#finish(elementwiseFile, [this.#function("element(i: u32)", writer, stores)], folded(n, 64));
  }

  reduce(family: Family): KernelCode {
    const { cores, inner, outer } = this.#kernel;
    const folds = cores.map((core, which) => ({ core, t: this.#node(core), op: this.#node(core).op as Reduce, field: `a${which}` }));
    const { shape, axes } = folds[0].op.domain(folds[0].t);
    const n = folds[0].t.size;
    const r = size(axes.map((axis) => shape[axis]));
    this.uniforms.field("n", n);
    this.uniforms.field("r", r);

    const visit = new Writer(this);
    const here = visited(visit, shape, axes);
    const stores = this.#stores(visit, inner, (i) => visit.stretched(this.#node(i).shape, here));
    const entering = folds.map(({ t, op }) => op.wgsl.visit(visit, t, here));

    const given = new Map(folds.map(({ core, op, field }) => [core, op.wgsl.result(`acc.${field}`)]));
    const finish = new Writer(this, given);
    const results = this.#stores(finish, [...cores, ...outer], (i) => finish.at(this.#node(i).shape, "i"));
    const functions = [
      `struct Acc { ${folds.map(({ op, field }) => `${field}: ${op.wgsl.type}`).join(", ")} }`,
      `fn identity() -> Acc { return Acc(${folds.map(({ op }) => op.wgsl.identity).join(", ")}); }`,
      `fn merge(a: Acc, b: Acc) -> Acc { return Acc(${folds.map(({ op, field }) => op.wgsl.merge(`a.${field}`, `b.${field}`)).join(", ")}); }`,
      this.#function("visit(i: u32, j: u32) -> Acc", visit, [...stores, `return Acc(${entering.join(", ")});`]),
      this.#function("finish(i: u32, acc: Acc)", finish, results),
    ];
    // A workgroup per result pays where rows are long and too few to give every invocation one of its own.
    if (family === "simple" || r < 64 || n > 65536) return this.#finish(reduceFile, functions, folded(n, 64));
    return this.#finish(reduceWorkgroupFile, functions, folded(n, 1));
  }

  product(family: Family): KernelCode {
    const { cores, outer, rider } = this.#kernel;
    const [core] = cores;
    const t = this.#node(core);
    const op = t.op as Product;
    const { batch, m, n, k } = op.sizes(t);
    const rows = m + (rider ? 1 : 0);
    const b = size(batch);
    for (const [name, value] of Object.entries({ batch: b, m: rows, n, k })) this.uniforms.field(name, value);

    const loader = (head: string, write: (w: Writer, batch: readonly string[]) => string, first: readonly string[] = []): string => {
      const writer = new Writer(this);
      const place = writer.at(batch, "batch").coords();
      const value = write(writer, place);
      return this.#function(head, writer, [`return ${value};`], first);
    };
    const loadA = loader(
      "loadA(batch: u32, row: u32, p: u32) -> f32",
      (w, place) => op.wgsl.a(w, t, place, "row", "p"),
      rider ? ["if (row == size.m - 1u) { return 1.0; }"] : [],
    );
    const loadB = loader("loadB(batch: u32, p: u32, col: u32) -> f32", (w, place) => op.wgsl.b(w, t, place, "p", "col"));

    const writer = new Writer(this, new Map([[core, "sum"]]));
    const { index, inside } = op.wgsl.at(writer, t, writer.at(batch, "batch").coords(), "row", "col");
    const guard = inside.length > 0 ? [`if (!(${inside.join(" && ")})) { return; }`] : [];
    writer.lines.push(...guard); // what follows is at a place that exists
    const stores = this.#stores(writer, [core, ...outer], (i) => writer.stretched(this.#node(i).shape, index));
    const riding: string[] = [];
    if (rider) {
      const side = new Writer(this, new Map([[rider.core, "sum"]]), "w");
      const results = this.#stores(side, [rider.core, ...rider.outer], (i) => side.at(this.#node(i).shape, "col"));
      riding.push("if (row == size.m - 1u) {", ...[...side.lines, ...results, "return;"].map((l) => `  ${l}`), "}");
    }
    const store = this.#function("store(batch: u32, row: u32, col: u32, sum: f32)", writer, stores, riding);
    const tiled = family === "tiled" && rows >= 16 && n >= 16;
    const high = tiled ? 64 : 32; // rows of the block of C that a workgroup makes
    const wide = 64;
    const { a: aAlong, b: bAlong } = op.wgsl.along(t);
    const along = [`const A_ALONG_P = ${aAlong};`, `const B_ALONG_P = ${bAlong};`];
    const groups = [Math.ceil(n / wide), Math.ceil(rows / high), Math.min(b, MAX_GROUPS)] as const;
    return this.#finish(tiled ? matmulTiledFile : matmulFile, [...(tiled ? along : []), loadA, loadB, store], groups);
  }
}

const MAX_GROUPS = 65535; // per dimension of a dispatch

/** Workgroups of `per` elements for n of them, in two dimensions where one is too few. */
function folded(n: number, per: number): [number, number, number] {
  const groups = Math.ceil(n / per);
  const y = Math.ceil(groups / MAX_GROUPS);
  return [Math.ceil(groups / Math.max(y, 1)), y, 1];
}

/** The place of the j-th visited element of result i. */
function visited(writer: Writer, shape: Shape, axes: readonly number[]): Index {
  const stays = shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
  const last = axes.every((axis, which) => axis === shape.length - axes.length + which);
  if (stays.length === 0) return writer.at(shape, "j");
  if (last) {
    const linear = writer.name(`i * size.r + j`);
    return writer.at(shape, linear);
  }
  const coords: string[] = [];
  const place = (axesOf: readonly number[], linear: string) => {
    const sizes = axesOf.map((axis) => shape[axis]);
    writer
      .at(sizes, linear)
      .coords()
      .forEach((c, which) => {
        coords[axesOf[which]] = c;
      });
  };
  place(stays, "i");
  place(axes, "j");
  return writer.at(shape, coords);
}
