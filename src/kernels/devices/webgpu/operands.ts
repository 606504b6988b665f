// How the kernel of a product reads its operands: element by element, whatever computes them; or, where an operand lies in memory as
// it is and its kernel moves pieces of 4 × 4, four neighbours at once.

import { keepsOrder } from "../../../tensor/inline.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import type { Product } from "../../op.ts";
import { type Index, Writer } from "./emit.ts";
import { byPiece, hasRider, type Piece, type Place, piecesOf } from "./pieces.ts";
import { type Layout, placeIn, riderIn } from "./product.ts";
import type { Writing } from "./writing.ts";

/** One side of the product: its pieces, and what reads one of them at a place, `wgsl.a` or `wgsl.b` of its op. */
interface Side {
  readonly pieces: readonly Piece[];
  readonly read: (writer: Writer, t: Tensor, batch: readonly string[], at: Place<string>) => string;
}

/** The functions loadA and loadB, or loadA4 and loadB4. */
export function loaders(writing: Writing, layout: Layout): string[] {
  const [row] = placeIn(layout);
  const pieces = piecesOf(writing);
  const a: Side = {
    pieces: pieces.filter(({ product }) => product === 0), // the others have the same
    read: (writer, t, batch, { p }) => (t.op as Product).wgsl.a(writer, t, batch, row, p),
  };
  const b: Side = { pieces, read: (writer, t, batch, { p, col }) => (t.op as Product).wgsl.b(writer, t, batch, p, col) };
  const vectors = vectorOperands(writing, { a: a.pieces, b: b.pieces }, layout); // before anything is written: an operand's buffer is bound as vectors, or not
  const ones = (value: string) => (hasRider(writing) ? [`if (${riderIn(layout)}) { return ${value}; }`] : []); // the rider's row of A
  const [left, right] = layout.turned ? ["B", "A"] : ["A", "B"]; // how the kernel calls them
  return [
    vectors.a ? vectorLoader(writing, layout, left, a, ones("vec4f(1.0)")) : elementLoader(writing, layout, left, a, ones("1.0")),
    vectors.b ? vectorLoader(writing, layout, right, b) : elementLoader(writing, layout, right, b),
  ];
}

const PLACES = { A: "batch: u32, row: u32, p: u32", B: "batch: u32, p: u32, col: u32" };
const OUTSIDE = { A: "row >= size.m || p >= size.k", B: "p >= size.k || col >= size.n" };

function elementLoader(writing: Writing, layout: Layout, name: string, side: Side, first: readonly string[] = []): string {
  return loader(
    writing,
    layout,
    (prefix) => new Writer(writing, new Map(), prefix),
    `load${name}(${PLACES[name as "A" | "B"]}) -> f32`,
    side,
    first,
  );
}

/** Vectors lie inside of a matrix or outside, never across its edge. */
function vectorLoader(writing: Writing, layout: Layout, name: string, side: Side, first: readonly string[] = []): string {
  const guard = `if (EDGES && (${OUTSIDE[name as "A" | "B"]})) { return vec4f(); }`;
  const head = `load${name}4(${PLACES[name as "A" | "B"]}) -> vec4f`;
  return loader(writing, layout, (prefix) => new VectorWriter(writing, prefix), head, side, [guard, ...first]);
}

/** In parts, the part is the first coordinate of the kernel's batch, and p counts from its beginning. */
function loader(
  writing: Writing,
  layout: Layout,
  write: (prefix: string) => Writer,
  head: string,
  { pieces, read }: Side,
  first: readonly string[],
): string {
  const { parts, batch, length, k } = layout;
  const writer = write("v");
  const [part, ...place] = writer.at([parts, ...batch], "batch").coords();
  const p = parts === 1 ? "p" : writer.name(`${part} * ${writer.dim(length)} + p`);
  if (parts * length > k) writer.lines.push(`if (${p} >= ${writer.dim(k)}) { return ${writer.zero}; }`);
  const loads = byPiece(writing, pieces, { col: placeIn(layout)[1], p }, ({ core }, at) => {
    const own = write("w");
    const value = read(own, writing.node(core), place, at);
    return [...own.lines, `return ${value};`];
  });
  return writing.function(head, writer, loads, first);
}

/** Writes what loads four neighbours of a stored operand. */
class VectorWriter extends Writer {
  override readonly zero: string = "vec4f()";
  readonly #writing: Writing;

  constructor(writing: Writing, prefix: string) {
    super(writing, new Map(), prefix);
    this.#writing = writing;
  }

  override value(t: Tensor, at: Index): string {
    return this.name(this.#writing.loadVector(storedUnder(this.#writing, t) as number, at.linear())); // asked for stored operands only
  }
}

/** Which operands can be read as vectors. Their buffers are bound as such. */
function vectorOperands(writing: Writing, pieces: Record<"a" | "b", readonly Piece[]>, layout: Layout): { a: boolean; b: boolean } {
  const { blocks, parts, length } = layout;
  const alongOf = (operand: "a" | "b", { core }: Piece) => (writing.node(core).op as Product).wgsl.along(writing.node(core))[operand];
  const can = (operand: "a" | "b"): boolean => {
    const along = alongOf(operand, pieces[operand][0]); // so the kernel sees all of them
    const stored = pieces[operand].map((piece) => {
      const t = writing.node(piece.core);
      const isSame = alongOf(operand, piece) === along && (piece.start.col + piece.start.p) % 4 === 0;
      const whole = (t.op as Product).wgsl.runs(t)[operand] % 4 === 0 && (!along || parts === 1 || length % 4 === 0);
      return isSame && whole ? storedUnder(writing, t.inputs[operand === "a" ? 0 : 1]) : undefined;
    });
    return blocks.inFours && !stored.includes(undefined) && stored.every((i) => writing.bindVectors(i as number));
  };
  return { a: can("a"), b: can("b") };
}

/** The stored node whose elements these are, in the same order; undefined if they are computed. */
function storedUnder(writing: Writing, t: Tensor): number | undefined {
  const i = writing.position(t);
  if (!writing.isComputed(i)) return i;
  return keepsOrder(t) ? storedUnder(writing, t.inputs[0]) : undefined;
}
