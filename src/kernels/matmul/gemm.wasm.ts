// C = A · B on the processor, after "Anatomy of High-Performance Matrix Multiplication" (Goto and van de Geijn, 2008).
//
// A processor multiplies far more numbers than main memory delivers, so each that is loaded must be used many times while
// it is near. C is cut three times, once for each cache; the innermost piece lies in registers.
//
//            n: blocks of 2048               panels of 8 or 16           one step along k: see tile.wasm.ts
//           ┌─────────┬────┐                    ┌───┬───┬───┐
//   k       │         │    │                    │   │   │   │  packed part of B, 3 MB: third cache;
//   by 384  ├─────────┼────┤                    │   │   │   │  one panel of it, 12 or 24 KB: first cache
//           │         │    │                    └───┴───┴───┘
//           └─────────┴────┘             ┌─────┐┌───┬───┬───┐
//    ┌──┬──┐┌─────────┬────┐             ├─────┤│   │ ▪ │   │  tile of C: registers
//  m │  │  ││         │    │             ├─────┤├───┼───┼───┤
//    │  │  ││         │    │             ├─────┤│   │   │   │
//    └──┴──┘└─────────┴────┘             └─────┘└───┴───┴───┘
//   by 512                         packed part of A, 0.8 MB: second cache
//
// A panel of B stays in the first cache while all the panels of A pass by it; the packed part of A stays in the second
// while all the panels of B do.
//
// The bits of an element of C depend on its row of A, its column of B and k, on nothing else: every sum runs in the
// order of k. So threads may share a product in any way, and each computes what one alone would have.

import type { FuncRef, Int, Module } from "../devices/wasm/assembler.ts";
import { ints, PANEL_SLACK, type Pack, packColumns, packRows, parameters } from "./pack.wasm.ts";
import { rowsKernel } from "./row.wasm.ts";
import { type Tile, tileKernel, widthOf } from "./tile.wasm.ts";

const DEPTH = 384;
const COLUMNS = 2048;
/** Up to here B is not packed: row.wasm.ts. */
const FEW_ROWS = 3;
/** Whole tiles, so that only the last block of rows has a part of one. */
const rowsAtOnce = (tile: Tile): number => 512 - (512 % tile.rows);

/** Scratch memory: one tile of C, the packed part of A, the packed part of B. */
function layout(tile: Tile): { readonly a: number; readonly b: number; readonly end: number } {
  const a = 4 * tile.rows * widthOf(tile);
  const b = a + 4 * DEPTH * rowsAtOnce(tile) + PANEL_SLACK;
  return { a, b, end: b + 4 * DEPTH * COLUMNS + PANEL_SLACK };
}

/** The product for programs that import it, and the parts of it, for products that pack in ways of their own. */
export interface Gemm {
  readonly tile: Tile;
  /** gemm(m, n, k, …), whole: see below. */
  readonly whole: FuncRef;
  /** packA(to, from, step, depth, rows) */
  readonly packA: Pack;
  /** packB(to, from, step, depth, columns); and for B that is stored as [n, k] */
  readonly packB: Pack;
  readonly packFlippedB: Pack;
  /**
   * multiply(rows, columns, depth, a, b, c, step, spare, accumulates): packed parts times each other, tile by tile. Here a step is in bytes.
   * `spare` is room for a tile.
   */
  readonly multiply: FuncRef;
  /** What each caller must have for itself: about 4 MB. It begins with a spare tile; … */
  readonly scratchBytes: number;
  /** … there, in bytes, is room for parts of A and B, of so many floats. */
  readonly a: { readonly at: number; readonly floats: number };
  readonly b: { readonly at: number; readonly floats: number };
  /** The most of k that is packed at once. */
  readonly depth: number;
}

const PARAMETERS = { gemm: 13, packA: 5, packB: 5, packFlippedB: 5, multiply: 9 };

/** The functions of `gemm`, in a module that has them from elsewhere. */
export function importGemm(module: Module, tile: Tile): Gemm {
  const imported = (name: keyof typeof PARAMETERS): FuncRef => module.import(name, ints(PARAMETERS[name]));
  const space = layout(tile);
  return {
    tile,
    whole: imported("gemm"),
    packA: imported("packA"),
    packB: imported("packB"),
    packFlippedB: imported("packFlippedB"),
    multiply: imported("multiply"),
    scratchBytes: space.end,
    a: { at: space.a, floats: DEPTH * rowsAtOnce(tile) },
    b: { at: space.b, floats: DEPTH * COLUMNS },
    depth: DEPTH,
  };
}

export const scratchBytes = (tile: Tile): number => layout(tile).end;

/**
 * gemm(m, n, k, a, aStep, flipA, b, bStep, flipB, c, cStep, scratch, accumulates): C = A · B, or C += A · B.
 *
 * Addresses are in bytes; a step is the distance of rows in floats, in the matrix as it is stored: A as [m, k], or
 * [k, m] if flipA; B as [k, n], or [n, k] if flipB. k is at least 1. Up to 64 bytes after the end of a stored matrix
 * are read, and do not matter; nothing is written but C, and scratch.
 */
export function gemm(module: Module, tile: Tile): void {
  const packA = { plain: packColumns(module, "packA", tile.rows), flipped: packRows(module, undefined, tile.rows) };
  const packB = { plain: packRows(module, "packB", widthOf(tile)), flipped: packColumns(module, "packFlippedB", widthOf(tile)) };
  const copy = copyKernel(module);
  const multiply = blockKernel(module, tile, copy);
  const rows = rowsKernel(module, copy);
  const space = layout(tile);
  module.func("gemm", ints(PARAMETERS.gemm), [], (f) => {
    const [m, n, k, a, aFloats, flipA, b, bFloats, flipB, c, cFloats, scratch, accumulates] = parameters(f, PARAMETERS.gemm);
    const [aStep, bStep, cStep] = [aFloats.shl(2), bFloats.shl(2), cFloats.shl(2)];
    const [packedA, packedB] = [scratch.add(space.a), scratch.add(space.b)];

    f.if(m.le(FEW_ROWS), () => {
      f.call(rows, m, n, k, a, aStep, flipA, b, bStep, flipB, c, cStep, scratch, accumulates);
      f.return();
    });

    // As few parts as there must be, of equal depth: 400 is 200 + 200, not 384 + 16. By four, for transposing.
    const parts = k.add(DEPTH - 1).div(DEPTH);
    const deep = k.add(parts).sub(1).div(parts).add(3).and(-4);

    f.pieces(n, COLUMNS, (column, width) => {
      f.pieces(k, deep, (p, depth) => {
        f.if(
          flipB,
          () => f.call(packB.flipped, packedB, element(b, bStep, column, p), bStep, depth, width),
          () => f.call(packB.plain, packedB, element(b, bStep, p, column), bStep, depth, width),
        );
        f.pieces(m, rowsAtOnce(tile), (row, height) => {
          f.if(
            flipA,
            () => f.call(packA.flipped, packedA, element(a, aStep, p, row), aStep, depth, height),
            () => f.call(packA.plain, packedA, element(a, aStep, row, p), aStep, depth, height),
          );
          f.call(multiply, height, width, depth, packedA, packedB, element(c, cStep, row, column), cStep, scratch, p.or(accumulates));
        });
      });
    });
  });
}

const element = (matrix: Int, step: Int, row: Int, column: Int): Int => matrix.add(row.mul(step)).add(column.shl(2));

/** `multiply` of Gemm. */
function blockKernel(module: Module, tile: Tile, copy: FuncRef): FuncRef {
  const [set, add] = [tileKernel(module, tile, false), tileKernel(module, tile, true)];
  const width = widthOf(tile);
  return module.func("multiply", ints(PARAMETERS.multiply), [], (f) => {
    const [rows, columns, depth, a, b, c, step, spare, accumulates] = parameters(f, PARAMETERS.multiply);
    const tileOf = (panelA: Int, panelB: Int, at: Int, step: Int | number): void =>
      f.if(
        accumulates,
        () => f.call(add, panelA, panelB, depth, at, step),
        () => f.call(set, panelA, panelB, depth, at, step),
      );
    f.pieces(columns, width, (column, wide) => {
      const panelB = b.add(column.mul(depth).shl(2));
      f.pieces(rows, tile.rows, (row, high) => {
        const panelA = a.add(row.mul(depth).shl(2));
        const at = element(c, step, row, column);
        f.if(
          wide.eq(width).and(high.eq(tile.rows)),
          () => tileOf(panelA, panelB, at, step),
          () => {
            // A tile that hangs over the edge is made beside C, by the same kernel.
            f.if(accumulates, () => f.call(copy, spare, 4 * width, at, step, high, wide));
            tileOf(panelA, panelB, spare, 4 * width);
            f.call(copy, at, step, spare, 4 * width, high, wide);
          },
        );
      });
    });
  });
}

/** copy(to, toStep, from, fromStep, rows, columns) */
function copyKernel(module: Module): FuncRef {
  return module.func(undefined, ints(6), [], (f) => {
    const [to, toStep, from, fromStep, rows, columns] = parameters(f, 6);
    f.for(0, rows, 1, (row) => {
      const [source, target] = [from.add(row.mul(fromStep)), to.add(row.mul(toStep))];
      f.for(0, columns.shl(2), 4, (at) => f.storeInt(target.add(at), f.loadInt(source.add(at))));
    });
  });
}
