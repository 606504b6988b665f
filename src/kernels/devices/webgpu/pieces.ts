// The products of one kernel: which columns of C, and which part of the inner sum, each of them makes.
//
//     two heads: C = A · [B₁ B₂]        their gradients added up: C = A₁ · B₁ + A₂ · B₂ = [A₁ A₂] · [B₁; B₂]

import { productsOf } from "../../../tensor/merge.ts";
import type { Product } from "../../op.ts";
import type { Writing } from "./writing.ts";

/** A column of C, and a place in the inner sum. */
export interface Place<T> {
  readonly col: T;
  readonly p: T;
}

export interface Piece {
  /** Which of the kernel's products (`productsOf`) it belongs to. */
  readonly product: number;
  readonly core: number;
  readonly start: Place<number>;
  readonly end: Place<number>;
}

/** In the order of their columns, or of the inner sum. */
export function piecesOf(writing: Writing): Piece[] {
  const pieces: Piece[] = [];
  productsOf(writing.kernel).forEach(({ cores }, product) => {
    let start = { col: pieces.at(-1)?.end.col ?? 0, p: 0 };
    for (const core of cores) {
      const t = writing.node(core);
      const { n, k } = (t.op as Product).sizes(t);
      const end = { col: start.col + n, p: start.p + k };
      pieces.push({ product, core, start, end });
      start = { ...start, p: end.p };
    }
  });
  return pieces;
}

/** Lines that do for a place what its piece asks for: in `lines`, the place is counted from where the piece starts. They return. */
export function byPiece(
  writing: Writing,
  pieces: readonly Piece[],
  { col, p }: Place<string>,
  lines: (piece: Piece, at: Place<string>) => readonly string[],
): string[] {
  return pieces.toReversed().flatMap((piece) => {
    const { start } = piece;
    if (start.col + start.p === 0) return lines(piece, { col, p }); // the first stands last, for whatever is left
    const [place, from] = start.col > 0 ? [col, writing.uniforms.dim(start.col)] : [p, writing.uniforms.dim(start.p)];
    const own = lines(piece, start.col > 0 ? { col: "own", p } : { col, p: "own" });
    return [`if (${place} >= ${from}) {`, ...[`let own = ${place} - ${from};`, ...own].map((l) => `  ${l}`), "}"];
  });
}

/** Does a column sum ride on one of the products, as a row of C behind its last one? */
export const hasRider = (writing: Writing): boolean => productsOf(writing.kernel).some(({ rider }) => rider);
