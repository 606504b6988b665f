// The kernels of a product: which file computes its blocks of C, how A and B are read, what is done with the sums; and,
// where C is too small to occupy a GPU and the sums are long, how each sum is cut into parts that are added afterwards.

import { type Kernel, productsOf, sumOf } from "../../../tensor/merge.ts";
import { type Shape, size } from "../../../tensor/shape.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import matmul from "../../matmul/matmul.wgsl.ts";
import matmulMatrix from "../../matmul/matmul-matrix.wgsl.ts";
import matmulNarrow from "../../matmul/matmul-narrow.wgsl.ts";
import matmulParts from "../../matmul/matmul-parts.wgsl.ts";
import matmulTiled from "../../matmul/matmul-tiled.wgsl.ts";
import type { Product } from "../../op.ts";
import { Writer } from "./emit.ts";
import type { Target } from "./kernel.ts";
import type { Source } from "./link.ts";
import { inMatrices } from "./matrices.ts";
import { loaders } from "./operands.ts";
import { byPiece, hasRider, type Piece, piecesOf } from "./pieces.ts";
import { bandFor, lanesFor, partsFor, productKey, type Sizes, SLICE, tileFor, tileNamed } from "./tiles.ts";
import { folded, type KernelCode, MAX_GROUPS, type Writing } from "./writing.ts";

const matmulFile: Source = { file: "matmul/matmul.wgsl", text: matmul };
const matmulMatrixFile: Source = { file: "matmul/matmul-matrix.wgsl", text: matmulMatrix };
const matmulNarrowFile: Source = { file: "matmul/matmul-narrow.wgsl", text: matmulNarrow };
const matmulPartsFile: Source = { file: "matmul/matmul-parts.wgsl", text: matmulParts };
const matmulTiledFile: Source = { file: "matmul/matmul-tiled.wgsl", text: matmulTiled };

/** How C is computed: the file, the constants it is given, and the rows and columns of the block that a workgroup makes. */
interface Blocks {
  readonly file: Source;
  readonly constants: readonly string[];
  readonly high: number;
  readonly wide: number;
  /** Are operands loaded four neighbours at a time, where they lie in memory? */
  readonly inFours: boolean;
  /** The tile, if it is one of the table, and the product's name among those that were tuned. */
  readonly tile: { readonly name: string; readonly product: string; readonly sizes: Sizes } | undefined;
}

/** The sizes as the kernel sees them. A C of few rows is computed turned round, as Cᵀ = Bᵀ · Aᵀ, which has few columns. */
export interface Layout {
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

/** With `baked`, sizes may be written into the code. */
export function productCode(write: () => Writing, target: Target, baked: boolean): readonly KernelCode[] {
  const layout = layoutOf(write(), target, baked);
  if (layout.parts === 1) return [sumsCode(write(), layout)];
  const codes = [sumsCode(write(), layout), partsCode(write(), layout)];
  // The partial sums are one buffer more. Whoever binds all there are already, keeps the sums in one piece.
  const fits = codes.every(({ bindings }) => bindings.length <= target.buffers);
  return fits ? codes : [sumsCode(write(), layoutOf(write(), { ...target, parts: 1 }, baked))];
}

/** The tile of a product, and its name among those that were tuned; undefined if it has none. */
export const tileOf = (writing: Writing, target: Target): Blocks["tile"] => layoutOf(writing, target, true).blocks.tile;

function layoutOf(writing: Writing, target: Target, baked: boolean): Layout {
  const pieces = piecesOf(writing);
  const t = writing.node(pieces[0].core);
  const op = t.op as Product;
  const { batch, m } = op.sizes(t);
  const { col: n, p: k } = (pieces.at(-1) as Piece).end;
  const rows = m + (hasRider(writing) ? 1 : 0);
  const turned = target.family === "tiled" && rows <= NARROW && n > NARROW;
  const sizes = { batch: size(batch), k, ...(turned ? { m: n, n: rows } : { m: rows, n }) };
  const wanted = target.parts ?? (target.family === "tiled" ? partsFor(lanesOf(sizes), k) : 1);
  const each = Math.ceil(k / Math.min(wanted, k));
  const length = each > SLICE ? Math.ceil(each / SLICE) * SLICE : each;
  const parts = Math.ceil(k / length);
  const layout = { batch, m: sizes.m, n: sizes.n, k, turned, parts, length };
  if (target.family === "simple") return { ...layout, blocks: inRegisters(sizes) };
  if (sizes.n <= NARROW) return { ...layout, blocks: inRows(sizes) };
  const inHalves = writing.roundsOperands;
  const byMatrices = inHalves ? byTensorCores(t, { ...sizes, parts }, length, target, baked) : undefined;
  return { ...layout, blocks: byMatrices ?? inTiles(t, { ...sizes, parts }, length, target, baked, inHalves) };
}

const NARROW = 4; // columns that one invocation holds in registers
const LANES = 64; // of a workgroup without tiles

/** The invocations that the product in one piece occupies, on a GPU. */
const lanesOf = (sizes: Omit<Sizes, "parts">): number =>
  sizes.n <= NARROW ? LANES * sizes.batch * Math.ceil(sizes.m / LANES) : lanesFor(sizes);

/** Operands in half precision lie in workgroup memory as such, too. */
const HALVES = ["alias Slice = vec4h;", "fn sliced(four: vec4f) -> Slice { return narrow4(four); }"];

const declared = (constants: Readonly<Record<string, number | boolean>>): string[] =>
  Object.entries(constants).map(([name, value]) => `const ${name} = ${value}${typeof value === "number" ? "u" : ""};`);

function inTiles(t: Tensor, sizes: Sizes, length: number, target: Target, baked: boolean, inHalves: boolean): Blocks {
  const along = (t.op as Product).wgsl.along(t);
  const product = productKey(t.op.name, along, sizes);
  const name = target.tile ?? target.tiles?.get(product) ?? tileFor(sizes);
  const tile = tileNamed(name);
  const { height, width, depth, rows, columns } = tile;
  const hangs = sizes.m % height > 0 || sizes.n % width > 0 || length % depth > 0;
  const constants = {
    ...{ ROWS: rows, COLUMNS: columns, DOWN: height / rows, ACROSS: width / columns, DEPTH: depth, BAND: bandFor(tile, sizes) },
    ...{ EDGES: hangs || !baked, A_ALONG_P: along.a, B_ALONG_P: along.b },
  };
  return {
    ...{ file: matmulTiledFile, constants: [...declared(constants), ...(inHalves ? HALVES : [])] },
    ...{ high: height, wide: width, inFours: true, tile: { name, product, sizes } },
  };
}

/** By subgroup matrices, unless a tile was asked for; undefined where the adapter has none, or none that fit. */
function byTensorCores(t: Tensor, sizes: Sizes, length: number, target: Target, baked: boolean): Blocks | undefined {
  const { matrices, memory = 0 } = target;
  const along = (t.op as Product).wgsl.along(t);
  const found = matrices && !target.tile ? inMatrices(sizes, length, matrices, memory, along) : undefined;
  if (!found) return undefined;
  const constants = { ...found.constants, EDGES: found.hangs || !baked, A_ALONG_P: along.a, B_ALONG_P: along.b };
  const { height: high, width: wide } = found;
  return { file: matmulMatrixFile, constants: declared(constants), high, wide, inFours: true, tile: undefined };
}

/** A row for each invocation. */
const inRows = ({ n }: { n: number }): Blocks => ({
  ...{ file: matmulNarrowFile, constants: [`const COLUMNS = ${n}u;`], high: LANES, wide: NARROW },
  ...{ inFours: false, tile: undefined },
});

/** 64 invocations, each with 4 rows and 8 columns, in a rectangle that leaves few of them idle. */
function inRegisters({ m, n }: { m: number; n: number }): Blocks {
  const atLeast = (count: number) => 2 ** Math.ceil(Math.log2(Math.max(count, 1)));
  const down = Math.min(atLeast(Math.ceil(m / 4)), LANES / Math.min(atLeast(Math.ceil(n / 8)), 8));
  const across = LANES / down;
  const constants = [`const DOWN = ${down}u;`, `const ACROSS = ${across}u;`];
  return { file: matmulFile, constants, high: 4 * down, wide: 8 * across, inFours: false, tile: undefined };
}

/** The product itself, whose sums are stored; or, in parts, a product with the parts as one more axis of its batch. */
function sumsCode(writing: Writing, layout: Layout): KernelCode {
  const { batch, m, n, blocks, parts, length } = layout;
  const count = parts * size(batch);
  for (const [name, value] of Object.entries({ batch: count, m, n, k: length })) writing.uniforms.field(name, value);
  const loading = loaders(writing, layout);
  const store = parts === 1 ? storeOf(writing, layout) : storePart(writing, count * m * n);
  const [x, y] = folded(Math.ceil(m / blocks.high) * Math.ceil(n / blocks.wide), 1);
  return writing.finish(blocks.file, [...blocks.constants, ...loading, store], [x, y, Math.min(count, MAX_GROUPS)]);
}

const HEAD = "store(batch: u32, row: u32, col: u32, sum: f32)";

function storePart(writing: Writing, elements: number): string {
  writing.bindScratch("parts", elements, true);
  return `fn ${HEAD} {\n  parts[(batch * size.m + row) * size.n + col] = sum;\n}`;
}

/** The second dispatch: parts are added in their order, and stored as the product would have stored its sums. */
function partsCode(writing: Writing, layout: Layout): KernelCode {
  const { batch, m, n, parts } = layout;
  const elements = size(batch) * m * n;
  for (const [name, value] of Object.entries({ batch: size(batch), m, n, parts })) writing.uniforms.field(name, value);
  const store = storeOf(writing, layout);
  writing.bindScratch("parts", parts * elements, false);
  return writing.finish(matmulPartsFile, [store], folded(elements, 64));
}

/** What the kernel calls the row and the column of C. */
export const placeIn = ({ turned }: Layout): readonly [row: string, col: string] => (turned ? ["col", "row"] : ["row", "col"]);

/** Is this the row of C behind its last one, where a column sum rides on the product? */
export const riderIn = (layout: Layout): string => `${placeIn(layout)[0]} == size.${layout.turned ? "n" : "m"} - 1u`;

/** What is computed from a sum, and where it goes: in each product of the kernel by itself. */
function storeOf(writing: Writing, layout: Layout): string {
  const [row, col] = placeIn(layout);
  const starts = piecesOf(writing).filter(({ start }) => start.p === 0);
  const lines = byPiece(writing, starts, { col, p: "0u" }, ({ product, core }, at) => {
    const k = productsOf(writing.kernel)[product];
    const t = writing.node(core);
    const writer = new Writer(writing, new Map([[sumOf(k), "sum"]]));
    const { index, inside } = (t.op as Product).wgsl.at(writer, t, writer.at(layout.batch, "batch").coords(), row, at.col);
    if (inside.length > 0) writer.lines.push(`if (!(${inside.join(" && ")})) { return; }`); // what follows is at a place that exists
    const made = k.total === undefined ? [...k.cores, ...k.outer] : k.outer;
    const stores = writing.stores(writer, made, (i) => writer.stretched(writing.node(i).shape, index));
    return [...(hasRider(writing) ? ridingIn(writing, layout, k.rider, at.col) : []), ...writer.lines, ...stores, "return;"];
  });
  return [`fn ${HEAD} {`, ...lines.map((l) => `  ${l}`), "}"].join("\n");
}

/** The row behind the last one holds what rides on this product, if anything does. */
function ridingIn(writing: Writing, layout: Layout, rider: Kernel["rider"], col: string): string[] {
  const side = new Writer(writing, new Map(rider ? [[rider.core, "sum"]] : []), "w");
  const results = rider ? writing.stores(side, [rider.core, ...rider.outer], (i) => side.at(writing.node(i).shape, col)) : [];
  return [`if (${riderIn(layout)}) {`, ...[...side.lines, ...results, "return;"].map((l) => `  ${l}`), "}"];
}
