// How the kernel of a product reads its operands: element by element, whatever computes them; or, where an operand lies in memory as
// it is and its kernel moves pieces of 4 × 4, four neighbours at once.

import { keepsOrder } from "../../../tensor/inline.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import type { Product } from "../../op.ts";
import { type Index, Writer } from "./emit.ts";
import { type Layout, placeIn, riderIn } from "./product.ts";
import type { Writing } from "./writing.ts";

/** What reads one operand at a place: `wgsl.a` or `wgsl.b` of the op. */
type Read = (writer: Writer, batch: readonly string[], p: string) => string;

/** The functions loadA and loadB, or loadA4 and loadB4. */
export function loaders(writing: Writing, layout: Layout): string[] {
  const { cores, rider } = writing.kernel;
  const t = writing.node(cores[0]);
  const { wgsl } = t.op as Product;
  const [row, col] = placeIn(layout);
  const a: Read = (writer, batch, p) => wgsl.a(writer, t, batch, row, p);
  const b: Read = (writer, batch, p) => wgsl.b(writer, t, batch, p, col);
  const vectors = vectorOperands(writing, t, layout); // before anything is written: an operand's buffer is bound as vectors, or not
  const ones = (value: string) => (rider ? [`if (${riderIn(layout)}) { return ${value}; }`] : []); // the rider's row of A
  const [left, right] = layout.turned ? ["B", "A"] : ["A", "B"]; // how the kernel calls them
  return [
    vectors.a ? vectorLoader(writing, layout, left, a, ones("vec4f(1.0)")) : elementLoader(writing, layout, left, a, ones("1.0")),
    vectors.b ? vectorLoader(writing, layout, right, b) : elementLoader(writing, layout, right, b),
  ];
}

const PLACES = { A: "batch: u32, row: u32, p: u32", B: "batch: u32, p: u32, col: u32" };
const OUTSIDE = { A: "row >= size.m || p >= size.k", B: "p >= size.k || col >= size.n" };

function elementLoader(writing: Writing, layout: Layout, name: string, read: Read, first: readonly string[] = []): string {
  return loader(writing, layout, new Writer(writing), `load${name}(${PLACES[name as "A" | "B"]}) -> f32`, read, first);
}

/** Vectors lie inside of a matrix or outside, never across its edge. */
function vectorLoader(writing: Writing, layout: Layout, name: string, read: Read, first: readonly string[] = []): string {
  const side = name as "A" | "B";
  const guard = `if (EDGES && (${OUTSIDE[side]})) { return vec4f(); }`;
  return loader(writing, layout, new VectorWriter(writing), `load${name}4(${PLACES[side]}) -> vec4f`, read, [guard, ...first]);
}

/** In parts, the part is the first coordinate of the kernel's batch, and p counts from its beginning. */
function loader(writing: Writing, { parts, batch, length, k }: Layout, writer: Writer, head: string, read: Read, first: readonly string[]) {
  const [part, ...place] = writer.at([parts, ...batch], "batch").coords();
  const p = parts === 1 ? "p" : writer.name(`${part} * ${writer.dim(length)} + p`);
  if (parts * length > k) writer.lines.push(`if (${p} >= ${writer.dim(k)}) { return ${writer.zero}; }`);
  const value = read(writer, place, p);
  return writing.function(head, writer, [`return ${value};`], first);
}

/** Writes what loads four neighbours of a stored operand. */
class VectorWriter extends Writer {
  override readonly zero: string = "vec4f()";
  readonly #writing: Writing;

  constructor(writing: Writing) {
    super(writing);
    this.#writing = writing;
  }

  override value(t: Tensor, at: Index): string {
    return this.name(this.#writing.loadVector(storedUnder(this.#writing, t) as number, at.linear())); // asked for stored operands only
  }
}

/** Which operands can be read as vectors. Their buffers are bound as such. */
function vectorOperands(writing: Writing, t: Tensor, { blocks, parts, length }: Layout): { a: boolean; b: boolean } {
  const { wgsl } = t.op as Product;
  const [runs, along] = [wgsl.runs(t), wgsl.along(t)];
  const can = (operand: "a" | "b"): boolean => {
    const stored = storedUnder(writing, t.inputs[operand === "a" ? 0 : 1]);
    const whole = runs[operand] % 4 === 0 && (!along[operand] || parts === 1 || length % 4 === 0);
    return blocks.tile !== undefined && stored !== undefined && whole && writing.bindVectors(stored);
  };
  return { a: can("a"), b: can("b") };
}

/** The stored node whose elements these are, in the same order; undefined if they are computed. */
function storedUnder(writing: Writing, t: Tensor): number | undefined {
  const i = writing.position(t);
  if (!writing.isComputed(i)) return i;
  return keepsOrder(t) ? storedUnder(writing, t.inputs[0]) : undefined;
}
