// The tile kernel (the "micro-kernel" of the literature): one tile of C stays in registers while a panel of A and a
// panel of B stream past. All of the arithmetic of a packed product happens here.
//
//                      b: one row of the panel of B
//                    ┌─────┬─────┐
//                    │  b₀ │  b₁ │                each step along k loads rows + 4 · vectors numbers
//                    └─────┴─────┘                and makes rows · 4 · vectors products of them
//      a: one row ┌─┐┌─────┬─────┐
//      of the     │ ││ sum │ sum │
//      panel of A │ │├─────┼─────┤
//                 │ ││ sum │ sum │
//                 └─┘└─────┴─────┘

import type { FuncRef, Module } from "../devices/wasm/assembler.ts";
import { ints, parameters } from "./pack.wasm.ts";

/** The tile of C that is kept in registers: its rows, and its columns in vectors of four. */
export interface Tile {
  readonly rows: number;
  readonly vectors: number;
}

export const widthOf = (tile: Tile): number => 4 * tile.vectors;

export interface Engine {
  /** Are a product and a sum one instruction? */
  readonly relaxed: boolean;
  /** The major version of V8; undefined in browsers, which are taken to be as good as the newest. */
  readonly major: number | undefined;
  /** Does the engine join pairs of vectors into vectors of 256 bits (V8's --experimental-wasm-revectorize)? */
  readonly turbo: boolean;
}

/**
 * The largest tile whose sums stay in registers. V8 has 15 for vectors. 6 × 8 takes 12 for sums, 2 for b, 1 for a, and so
 * leaves none for a product that is not yet added; and V8 before 13 orders the loads so that it runs out of them.
 */
export function tileFor({ relaxed, major, turbo }: Engine): Tile {
  const isModern = major === undefined || major >= 13;
  if (turbo && isModern) return { rows: relaxed ? 6 : 4, vectors: 4 }; // two vectors to a register
  return { rows: relaxed && isModern ? 6 : 4, vectors: 2 };
}

/**
 * tile(a, b, depth, c, step): C = A · B, or C += A · B, for panels of `depth` rows and one whole tile of C.
 *
 * Each sum is made in the order of k, and C += begins with what C holds, so that a sum in several parts has the same
 * bits as one without a break. C = and C += are two functions: V8 keeps the sums in registers in neither if they are one.
 */
export function tileKernel(module: Module, tile: Tile, accumulates: boolean): FuncRef {
  const rows = Array.from({ length: tile.rows }, (_, i) => i);
  const vectors = Array.from({ length: tile.vectors }, (_, j) => j);
  return module.func(undefined, ints(5), [], (f) => {
    const [a, b, depth, c, step] = parameters(f, 5);
    const rowsOfC = [c];
    for (const i of rows.slice(1)) rowsOfC.push(rowsOfC[i - 1].add(step));

    const sums = rows.map((i) => vectors.map((j) => f.floatsVar(accumulates ? f.load(rowsOfC[i], 16 * j) : 0)));
    const [aVar, bVar, leftVar] = [f.intVar(a), f.intVar(b), f.intVar(depth)];
    // One step in each turn: V8 before 13 hoists all the loads of a longer turn to its top, and spills the sums for them.
    f.loop(() => {
      const [atA, atB] = [f.get(aVar), f.get(bVar)];
      const bs = vectors.map((j) => f.load(atB, 16 * j));
      for (const i of rows) {
        const x = f.loadSplat(atA, 4 * i);
        for (const j of vectors) f.set(sums[i][j], x.madd(bs[j], f.get(sums[i][j])));
      }
      f.set(aVar, atA.add(4 * tile.rows));
      f.set(bVar, atB.add(16 * tile.vectors));
      const left = f.get(leftVar).sub(1);
      f.set(leftVar, left);
      return left;
    });
    for (const i of rows) for (const j of vectors.toReversed()) f.store(rowsOfC[i], f.get(sums[i][j]), 16 * j);
  });
}
