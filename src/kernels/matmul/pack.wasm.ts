// Packing: a part of a matrix is copied into panels, in the order in which the tile kernel reads it.
//
//   A part of `count` columns and `depth` rows          panels of `width` columns, one after another; in each, row
//   of B; or, turned round, that many rows of A         by row, the numbers that one step along k needs
//
//        ┌───────┬───────┬───────┬──┐                   ┌───────┐
//        │ 0 1 2 │       │       │  │                   │ 0 1 2 │
//      k │ 3 4 5 │       │       │  │         →         │ 3 4 5 │   0 1 2 3 4 5 6 7 8 …
//        │ 6 7 8 │       │       │  │                   │ 6 7 8 │
//        └───────┴───────┴───────┴──┘                   └───────┘
//
// A panel is read from its first byte to its last, however far apart the rows of the matrix lie: no cache line is
// loaded for a part of it, and few pages are touched. Every number is copied once and then read many times. Transposed
// operands cost nothing more than another copy, so that the tile kernel is the same for all of them.
//
// What hangs over the edge is not set to zero: those columns hold whatever was read there, and nobody stores what
// becomes of them.

import type { Floats, Func, FuncRef, Int, Module, Type } from "../devices/wasm/assembler.ts";

/** Up to three rows of 64 bytes are written after the end of the last panel. */
export const PANEL_SLACK = 256;

/** pack(to, from, step, depth, count): bytes between rows, then the numbers of rows and of columns. */
export type Pack = FuncRef;

/** The columns of a panel, in groups of four, of which the last may be two. */
export const groups = (width: number): { readonly at: number; readonly columns: 4 | 2 }[] =>
  Array.from({ length: Math.ceil(width / 4) }, (_, i) => ({ at: 4 * i, columns: width - 4 * i >= 4 ? 4 : 2 }));

/** The matrix is stored as the panels are: its rows run across them. Up to width - 1 floats after a row are read. */
export function packRows(module: Module, name: string | undefined, width: number): Pack {
  return module.func(name, ints(5), [], (f) => {
    const [to, from, step, depth, count] = parameters(f, 5);
    const toVar = f.intVar(to);
    f.for(0, count, width, (column) => {
      const fromVar = f.intVar(from.add(column.shl(2)));
      f.for(0, depth, 1, () => {
        const [source, target] = [f.get(fromVar), f.get(toVar)];
        for (const { at, columns } of groups(width)) {
          if (columns === 4) f.store(target, f.load(source, 4 * at), 4 * at);
          else f.storeTwo(target, f.loadTwo(source, 4 * at), 4 * at);
        }
        f.set(fromVar, source.add(step));
        f.set(toVar, target.add(4 * width));
      });
    });
  });
}

/** The matrix is stored transposed: its rows run along k. Up to 3 floats after a row are read. */
export function packColumns(module: Module, name: string | undefined, width: number): Pack {
  return module.func(name, ints(5), [], (f) => {
    const [to, from, step, depth, count] = parameters(f, 5);
    f.for(0, count, width, (first) => {
      const panel = to.add(first.mul(depth).shl(2));
      for (const { at, columns } of groups(width)) {
        const rowAt = (i: Int): Int => from.add(i.min(count.sub(1)).mul(step)); // there is no row after the last
        const rows = Array.from({ length: columns }, (_, i) => rowAt(first.add(at + i)));
        const toVar = f.intVar(panel.add(4 * at));
        f.for(0, depth.shl(2), 16, (along) => {
          const target = f.get(toVar);
          storeTurned(
            f,
            rows.map((row) => f.load(row.add(along))),
            width,
            target,
          );
          f.set(toVar, target.add(16 * width));
        });
      }
    });
  });
}

/** Four numbers of each of some columns of a panel, four or two of them: stored across the panel. */
export function storeTurned(f: Func, columns: readonly Floats[], width: number, target: Int, offset = 0): void {
  const at = (i: number): number => offset + 4 * width * i;
  const [a, b, c, d] = columns;
  if (columns.length === 4) {
    for (const [i, row] of transposed(f, [a, b, c, d]).entries()) f.store(target, row, at(i));
    return;
  }
  for (const [i, pairs] of interleaved(f, a, b).entries())
    for (const half of [0, 1] as const) f.storeTwo(target, pairs, at(2 * i + half), half);
}

type Four<T> = readonly [T, T, T, T];
export const four = <T>(make: (i: number) => T): Four<T> => [make(0), make(1), make(2), make(3)];

/** Four rows of four numbers become four columns. */
export function transposed(f: Func, [a, b, c, d]: Four<Floats>): Four<Floats> {
  const [abLow, abHigh] = interleaved(f, a, b);
  const [cdLow, cdHigh] = interleaved(f, c, d);
  return [
    f.shuffle(abLow, cdLow, [0, 1, 4, 5]),
    f.shuffle(abLow, cdLow, [2, 3, 6, 7]),
    f.shuffle(abHigh, cdHigh, [0, 1, 4, 5]),
    f.shuffle(abHigh, cdHigh, [2, 3, 6, 7]),
  ];
}

/** a₀ b₀ a₁ b₁, a₂ b₂ a₃ b₃ */
const interleaved = (f: Func, a: Floats, b: Floats): readonly [Floats, Floats] => [
  f.shuffle(a, b, [0, 4, 1, 5]),
  f.shuffle(a, b, [2, 6, 3, 7]),
];

/** The types of so many parameters, and the parameters. */
export const ints = (count: number): Type[] => new Array(count).fill("i32");
export const parameters = (f: Func, count: number): Int[] => Array.from({ length: count }, (_, i) => f.param(i));
