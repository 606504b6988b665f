// From a kernel of the plan to WGSL: the family's file, and a patch of declarations that replace some of its own
// (bindings, sizes, loaders, what is stored). Nothing of WebGPU itself is touched here.

import type { Kernel } from "../../../tensor/merge.ts";
import type { Plan } from "../../../tensor/plan.ts";
import elementwise from "../../elementwise/elementwise.wgsl.ts";
import elementwiseLong from "../../elementwise/elementwise-long.wgsl.ts";
import { Writer } from "./emit.ts";
import type { Source } from "./link.ts";
import type { Matrices } from "./matrices.ts";
import { productCode } from "./product.ts";
import { reductionCode } from "./reduction.ts";
import { folded, type KernelCode, Writing } from "./writing.ts";

/** Kernels with workgroup memory are for GPUs; drivers without one are two to four times faster without. */
export type Family = "tiled" | "simple";

/** What the choice of kernels depends on, besides their shapes. */
export interface Target {
  readonly family: Family;
  /** Storage buffers that one kernel may bind. */
  readonly buffers: number;
  /** Into how many parts the inner sum of every product, and every reduction, is cut; undefined: by its shape. */
  readonly parts: number | undefined;
  /** Whether invocations may exchange values within their subgroups. */
  readonly subgroups?: boolean;
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
const elementwiseLongFile: Source = { file: "elementwise/elementwise-long.wgsl", text: elementwiseLong };
/** The dispatches of a kernel: one, or two where sums are cut into parts. */
export function kernelCode(plan: Plan, k: Kernel, target: Target): readonly KernelCode[] {
  switch (k.loops) {
    case "map":
      return [mapCode(new Writing(plan, k), target)];
    case "reduce":
      return reductionCode(() => new Writing(plan, k), target);
    case "product":
      return productCode(() => new Writing(plan, k), target, plan.baked);
    default:
      throw new Error(`unknown loops ${k.loops satisfies never}`);
  }
}

const LONG = 1 << 20; // elements: so many workgroups of 64 take longer to start than to run (by reasoning, not measured on a GPU)

function mapCode(writing: Writing, { family }: Target): KernelCode {
  const { outer } = writing.kernel;
  const n = writing.node(outer[0]).size;
  writing.uniforms.field("n", n);
  const writer = new Writer(writing);
  const stores = writing.stores(writer, outer, (i) => writer.at(writing.node(i).shape, "i"));
  const element = writing.function("element(i: u32)", writer, stores);
  const [file, each] = family === "tiled" && n >= LONG ? [elementwiseLongFile, 256 * 4] : [elementwiseFile, 64];
  return writing.finish(file, [element], folded(n, each));
}
