// The kernels of a product: which file computes its blocks of C, how A and B are read, what is done with the sums; and,
// where C is too small to occupy a GPU and the sums are long, how each sum is cut into parts that are added afterwards.

import { type Shape, size } from "../../../tensor/shape.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import matmul from "../../matmul/matmul.wgsl.ts";
import matmulNarrow from "../../matmul/matmul-narrow.wgsl.ts";
import matmulParts from "../../matmul/matmul-parts.wgsl.ts";
import matmulTiled from "../../matmul/matmul-tiled.wgsl.ts";
import type { Product } from "../../op.ts";
import { Writer } from "./emit.ts";
import type { Target } from "./kernel.ts";
import type { Source } from "./link.ts";
import { folded, type KernelCode, MAX_GROUPS, type Writing } from "./writing.ts";

const matmulFile: Source = { file: "matmul/matmul.wgsl", text: matmul };
const matmulNarrowFile: Source = { file: "matmul/matmul-narrow.wgsl", text: matmulNarrow };
const matmulPartsFile: Source = { file: "matmul/matmul-parts.wgsl", text: matmulParts };
const matmulTiledFile: Source = { file: "matmul/matmul-tiled.wgsl", text: matmulTiled };

/** How C is computed: the file, the constants it is given, and the rows and columns of the block that a workgroup makes. */
interface Blocks {
  readonly file: Source;
  readonly constants: readonly string[];
  /** Invocations of a workgroup. */
  readonly lanes: number;
  readonly high: number;
  readonly wide: number;
}

/** The sizes as the kernel sees them. A C of few rows is computed turned round, as Cᵀ = Bᵀ · Aᵀ, which has few columns. */
interface Layout {
  readonly batch: Shape;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly turned: boolean;
  readonly blocks: Blocks;
  /** The inner sum is cut into so many parts, each of this length but the last one. */
  readonly parts: number;
  readonly length: number;
}

export function productCode(write: () => Writing, target: Target): readonly KernelCode[] {
  const layout = layoutOf(write(), target);
  if (layout.parts === 1) return [sumsCode(write(), layout)];
  const codes = [sumsCode(write(), layout), partsCode(write(), layout)];
  // The partial sums are one buffer more. Whoever binds all there are already, keeps the sums in one piece.
  const fits = codes.every(({ bindings }) => bindings.length <= target.buffers);
  return fits ? codes : [sumsCode(write(), { ...layout, parts: 1, length: layout.k })];
}

function layoutOf(writing: Writing, target: Target): Layout {
  const { cores, rider } = writing.kernel;
  const t = writing.node(cores[0]);
  const op = t.op as Product;
  const { batch, m, n, k } = op.sizes(t);
  const rows = m + (rider ? 1 : 0);
  const turned = target.family === "tiled" && rows <= NARROW && n > NARROW;
  const sizes = turned ? { m: n, n: rows } : { m: rows, n };
  const blocks = blocksOf(sizes, op.wgsl.along(t), target);
  const lanes = blocks.lanes * size(batch) * Math.ceil(sizes.m / blocks.high) * Math.ceil(sizes.n / blocks.wide);
  const wanted = target.parts ?? (target.family === "tiled" ? partsOf(lanes, k) : 1);
  const each = Math.ceil(k / Math.min(wanted, k));
  const length = each > DEPTH ? Math.ceil(each / DEPTH) * DEPTH : each;
  return { batch, ...sizes, k, turned, blocks, parts: Math.ceil(k / length), length };
}

const NARROW = 4; // columns that one invocation holds in registers
const DEPTH = 16; // of the slices that tiles pass through workgroup memory: parts are whole slices

/** By reasoning, from how long a workgroup takes for one slice and how long a second dispatch takes: not yet measured on a GPU. */
const FEW = 64 * 256; // invocations that leave most of a GPU idle
const ENOUGH = 128 * 256;
const LONG = 512; // along k, from which two dispatches are faster than one
const SHORTEST = 128; // of the parts

/** Depends on the shape only, and so does the order in which a sum is added. */
const partsOf = (lanes: number, k: number): number =>
  lanes >= FEW || k < LONG ? 1 : Math.min(Math.ceil(ENOUGH / lanes), Math.floor(k / SHORTEST));

function blocksOf({ m, n }: { m: number; n: number }, along: { a: boolean; b: boolean }, { family }: Target): Blocks {
  if (family === "tiled" && n <= NARROW)
    return { file: matmulNarrowFile, constants: [`const COLUMNS = ${n}u;`], lanes: 64, high: 64, wide: NARROW };
  if (family === "tiled" && m >= 16 && n >= 16) {
    const constants = [`const A_ALONG_P = ${along.a};`, `const B_ALONG_P = ${along.b};`];
    return { file: matmulTiledFile, constants, lanes: 256, high: 64, wide: 64 };
  }
  // 64 invocations, each with 4 rows and 8 columns, in a rectangle that leaves few of them idle.
  const atLeast = (count: number) => 2 ** Math.ceil(Math.log2(Math.max(count, 1)));
  const down = Math.min(atLeast(Math.ceil(m / 4)), 64 / Math.min(atLeast(Math.ceil(n / 8)), 8));
  const across = 64 / down;
  const constants = [`const DOWN = ${down}u;`, `const ACROSS = ${across}u;`];
  return { file: matmulFile, constants, lanes: 64, high: 4 * down, wide: 8 * across };
}

/** The product itself, whose sums are stored; or, in parts, a product with the parts as one more axis of its batch. */
function sumsCode(writing: Writing, layout: Layout): KernelCode {
  const { batch, m, n, k, turned, blocks, parts, length } = layout;
  const { cores, rider } = writing.kernel;
  const t = writing.node(cores[0]);
  const op = t.op as Product;
  const count = parts * size(batch);
  for (const [name, value] of Object.entries({ batch: count, m, n, k: length })) writing.uniforms.field(name, value);

  const loader = (head: string, value: (w: Writer, batch: readonly string[], p: string) => string, first: readonly string[] = []) => {
    const writer = new Writer(writing);
    const [part, ...place] = writer.at([parts, ...batch], "batch").coords();
    const p = parts === 1 ? "p" : writer.name(`${part} * ${writer.dim(length)} + p`);
    if (parts * length > k) writer.lines.push(`if (${p} >= ${writer.dim(k)}) { return 0.0; }`);
    const loaded = value(writer, place, p);
    return writing.function(head, writer, [`return ${loaded};`], first);
  };
  const [row, col] = placeIn(layout);
  const heads = ["loadA(batch: u32, row: u32, p: u32) -> f32", "loadB(batch: u32, p: u32, col: u32) -> f32"];
  const [headA, headB] = turned ? heads.reverse() : heads;
  const ones = rider ? [`if (${isRider(layout)}) { return 1.0; }`] : []; // the rider's row of A
  const loadA = loader(headA, (w, place, p) => op.wgsl.a(w, t, place, row, p), ones);
  const loadB = loader(headB, (w, place, p) => op.wgsl.b(w, t, place, p, col));
  const store = parts === 1 ? storeOf(writing, t, layout) : storePart(writing, count * m * n);
  const [x, y] = folded(Math.ceil(m / blocks.high) * Math.ceil(n / blocks.wide), 1);
  return writing.finish(blocks.file, [...blocks.constants, loadA, loadB, store], [x, y, Math.min(count, MAX_GROUPS)]);
}

const HEAD = "store(batch: u32, row: u32, col: u32, sum: f32)";

function storePart(writing: Writing, elements: number): string {
  writing.bindScratch("parts", elements, true);
  return `fn ${HEAD} {\n  parts[(batch * size.m + row) * size.n + col] = sum;\n}`;
}

/** The second dispatch: parts are added in their order, and stored as the product would have stored its sums. */
function partsCode(writing: Writing, layout: Layout): KernelCode {
  const { batch, m, n, parts } = layout;
  const t = writing.node(writing.kernel.cores[0]);
  const elements = size(batch) * m * n;
  for (const [name, value] of Object.entries({ batch: size(batch), m, n, parts })) writing.uniforms.field(name, value);
  const store = storeOf(writing, t, layout);
  writing.bindScratch("parts", parts * elements, false);
  return writing.finish(matmulPartsFile, [store], folded(elements, 64));
}

/** What the kernel calls the row and the column of C. */
const placeIn = ({ turned }: Layout): readonly [row: string, col: string] => (turned ? ["col", "row"] : ["row", "col"]);

/** Is this the row of C behind its last one, where a column sum rides on the product? */
const isRider = (layout: Layout): string => `${placeIn(layout)[0]} == size.${layout.turned ? "n" : "m"} - 1u`;

/** What is computed from a sum, and where it goes. */
function storeOf(writing: Writing, t: Tensor, layout: Layout): string {
  const { cores, outer, rider } = writing.kernel;
  const [row, col] = placeIn(layout);
  const writer = new Writer(writing, new Map([[cores[0], "sum"]]));
  const { index, inside } = (t.op as Product).wgsl.at(writer, t, writer.at(layout.batch, "batch").coords(), row, col);
  const guard = inside.length > 0 ? [`if (!(${inside.join(" && ")})) { return; }`] : [];
  writer.lines.push(...guard); // what follows is at a place that exists
  const stores = writing.stores(writer, [...cores, ...outer], (i) => writer.stretched(writing.node(i).shape, index));
  const riding: string[] = [];
  if (rider) {
    const side = new Writer(writing, new Map([[rider.core, "sum"]]), "w");
    const results = writing.stores(side, [rider.core, ...rider.outer], (i) => side.at(writing.node(i).shape, col));
    riding.push(`if (${isRider(layout)}) {`, ...[...side.lines, ...results, "return;"].map((l) => `  ${l}`), "}");
  }
  return writing.function(HEAD, writer, stores, riding);
}
