// From a kernel of the plan to WGSL: the family's file, and a patch of declarations that replace some of its own
// (bindings, sizes, loaders, what is stored). Nothing of WebGPU itself is touched here.

import type { Kernel } from "../../../tensor/merge.ts";
import type { Plan } from "../../../tensor/plan.ts";
import { type Shape, size } from "../../../tensor/shape.ts";
import elementwise from "../../elementwise/elementwise.wgsl.ts";
import type { Reduce } from "../../op.ts";
import reduce from "../../reduce/reduce.wgsl.ts";
import reduceWorkgroup from "../../reduce/reduce-workgroup.wgsl.ts";
import { type Index, Writer } from "./emit.ts";
import type { Source } from "./link.ts";
import type { Matrices } from "./matrices.ts";
import { productCode } from "./product.ts";
import { folded, type KernelCode, Writing } from "./writing.ts";

/** Kernels with workgroup memory are for GPUs; drivers without one are two to four times faster without. */
export type Family = "tiled" | "simple";

/** What the choice of kernels depends on, besides their shapes. */
export interface Target {
  readonly family: Family;
  /** Storage buffers that one kernel may bind. */
  readonly buffers: number;
  /** Into how many parts the inner sum of every product is cut; undefined: by its shape. */
  readonly parts: number | undefined;
  /** The name of the tile of every product that has one; undefined: by its shape. */
  readonly tile?: string | undefined;
  /** Tiles of products that were found faster than the table's: names, by productKey (tiles.ts). */
  readonly tiles?: ReadonlyMap<string, string>;
  /** Tensor cores, for products of mixed precision. */
  readonly matrices?: Matrices | undefined;
  /** Bytes of workgroup memory. */
  readonly memory?: number;
}

const elementwiseFile: Source = { file: "elementwise/elementwise.wgsl", text: elementwise };
const reduceFile: Source = { file: "reduce/reduce.wgsl", text: reduce };
const reduceWorkgroupFile: Source = { file: "reduce/reduce-workgroup.wgsl", text: reduceWorkgroup };

/** The dispatches of a kernel: one, or two for a product whose inner sum is cut into parts. */
export function kernelCode(plan: Plan, k: Kernel, target: Target): readonly KernelCode[] {
  switch (k.loops) {
    case "map":
      return [mapCode(new Writing(plan, k))];
    case "reduce":
      return [reduceCode(new Writing(plan, k), target.family)];
    case "product":
      return productCode(() => new Writing(plan, k), target, plan.baked);
    default:
      throw new Error(`unknown loops ${k.loops satisfies never}`);
  }
}

function mapCode(writing: Writing): KernelCode {
  const { outer } = writing.kernel;
  const n = writing.node(outer[0]).size;
  writing.uniforms.field("n", n);
  const writer = new Writer(writing);
  const stores = writing.stores(writer, outer, (i) => writer.at(writing.node(i).shape, "i"));
  return writing.finish(elementwiseFile, [writing.function("element(i: u32)", writer, stores)], folded(n, 64));
}

function reduceCode(writing: Writing, family: Family): KernelCode {
  const { cores, inner, outer } = writing.kernel;
  const folds = cores.map((core, which) => ({ core, t: writing.node(core), op: writing.node(core).op as Reduce, field: `a${which}` }));
  const { shape, axes } = folds[0].op.domain(folds[0].t);
  const n = folds[0].t.size;
  const r = size(axes.map((axis) => shape[axis]));
  writing.uniforms.field("n", n);
  writing.uniforms.field("r", r);

  const visit = new Writer(writing);
  const here = visited(visit, shape, axes);
  const stores = writing.stores(visit, inner, (i) => visit.stretched(writing.node(i).shape, here));
  const entering = folds.map(({ t, op }) => op.wgsl.visit(visit, t, here));

  const given = new Map(folds.map(({ core, op, field }) => [core, op.wgsl.result(`acc.${field}`)]));
  const finish = new Writer(writing, given);
  const results = writing.stores(finish, [...cores, ...outer], (i) => finish.at(writing.node(i).shape, "i"));
  const functions = [
    `struct Acc { ${folds.map(({ op, field }) => `${field}: ${op.wgsl.type}`).join(", ")} }`,
    `fn identity() -> Acc { return Acc(${folds.map(({ op }) => op.wgsl.identity).join(", ")}); }`,
    `fn merge(a: Acc, b: Acc) -> Acc { return Acc(${folds.map(({ op, field }) => op.wgsl.merge(`a.${field}`, `b.${field}`)).join(", ")}); }`,
    writing.function("visit(i: u32, j: u32) -> Acc", visit, [...stores, `return Acc(${entering.join(", ")});`]),
    writing.function("finish(i: u32, acc: Acc)", finish, results),
  ];
  // A workgroup per result pays where rows are long and too few to give every invocation one of its own.
  if (family === "simple" || r < 64 || n > 65536) return writing.finish(reduceFile, functions, folded(n, 64));
  return writing.finish(reduceWorkgroupFile, functions, folded(n, 1));
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
