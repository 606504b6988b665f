// y[i] = fold of x[i, j] over all j. Along a row, four partial results are kept side by side and merged at the end;
// down the columns, each of four neighbours has its own.
//
// What is folded is cut into pieces of a fixed size, whose results are merged in their order: the error of a long sum
// grows with the length of a piece and their number, not with the product. Where there are few results, groups of
// pieces are results of their own first, so that many threads have something to do. Their number depends on the shape
// only: threads change nothing, bit for bit.

import { type Shape, size } from "../../tensor/shape.ts";
import type { Floats, Func, Int, Var } from "../devices/wasm/assembler.ts";
import type { Lane, Place, Writer } from "../devices/wasm/emit.ts";
import { alongRow, type Range } from "../elementwise/rows.wasm.ts";
import type { ReduceWasm } from "../op.ts";

const RUN = 8192; // elements of a row, or
const RUN_DOWN = 256; // rows of a column, that are folded before they are merged
const LINE = 4; // vectors in a line of the cache
const GROUPS = 64; // at most, of the pieces of one result
const FEW = 4096; // results: more are work enough for all threads
const LONG = 32768; // elements from which groups pay

/** How a fold goes through its domain. */
export interface Walk {
  readonly domain: Shape;
  /** Results, and elements that each is made of. */
  readonly n: number;
  readonly r: number;
  /** The innermost loop: along the elements of one result, or across neighbouring results. */
  readonly along: boolean;
  readonly width: number;
  /** Rows that one result is made of, or that lie above each other in its column. */
  readonly rows: number;
  readonly groups: number;
  /** Pieces in a group. */
  readonly per: number;
  /** Sizes and places of the axes before the row, to find a row by what it is of. */
  readonly stays: readonly number[];
  readonly goes: readonly number[];
}

/** `isFlat`: everything that is visited lies in memory as the domain does, so that axes that go together are one. */
export function walkOf(domain: Shape, axes: readonly number[], isFlat: boolean): Walk {
  const varying = domain.map((_, axis) => axis).filter((axis) => domain[axis] !== 1);
  const last = varying.at(-1);
  const along = last === undefined || axes.includes(last);
  const r = size(axes.map((axis) => domain[axis]));
  const n = r === 0 ? size(domain.filter((_, axis) => !axes.includes(axis))) : size(domain) / r;
  const gone = varying.filter((axis) => axes.includes(axis));
  const atEnd = gone.every((axis, i) => axis === varying[varying.length - gone.length + i]);
  const isOne = along && isFlat && atEnd;
  const width = isOne ? r : last === undefined ? 1 : domain[last];
  const before = varying.filter((axis) => axis !== last && !(isOne && axes.includes(axis)));
  const stays = before.filter((axis) => !axes.includes(axis));
  const goes = before.filter((axis) => axes.includes(axis));
  const rows = size(goes.map((axis) => domain[axis]));
  const pieces = along ? rows * Math.ceil(width / RUN) : Math.ceil(rows / RUN_DOWN);
  const isSplit = n < FEW && n * r >= LONG;
  const per = isSplit ? Math.max(1, Math.ceil(pieces / GROUPS)) : Math.max(1, pieces);
  return { domain, n, r, along, width, rows, groups: Math.max(1, Math.ceil(pieces / per)), per, stays, goes };
}

/** What can be done apart: groups of results. */
export const unitsOf = ({ n, along, width, groups }: Walk): number => (along ? n : n / Math.max(1, width)) * groups;

/** Where an accumulator starts, and how two of them merge. */
export type Accumulator = Pick<ReduceWasm, "identity" | "merge">;

/** A result as it is folded: the vectors of its accumulator. */
class Folding {
  readonly #f: Func;
  readonly #fold: Accumulator;
  readonly #vectors: readonly Var<Floats>[];

  constructor(f: Func, fold: Accumulator) {
    this.#f = f;
    this.#fold = fold;
    this.#vectors = this.#start().map((v) => f.floatsVar(v));
  }

  #start(): Floats[] {
    return this.#fold.identity.map((word) => this.#f.asInts(word).asFloats());
  }

  #set(values: readonly Floats[]): void {
    for (const [i, v] of this.#vectors.entries()) this.#f.set(v, values[i]);
  }

  now(): Floats[] {
    return this.#vectors.map((v) => this.#f.get(v));
  }

  reset(): void {
    this.#set(this.#start());
  }

  add(values: readonly Floats[]): void {
    this.#set(this.#fold.merge(this.now(), values));
  }

  /** All four partial results as one, in each place. */
  addAcross(): void {
    const f = this.#f;
    this.add(this.now().map((v) => f.shuffle(v, v, [2, 3, 0, 1])));
    this.add(this.now().map((v) => f.shuffle(v, v, [1, 0, 3, 2])));
  }
}

export interface Visited {
  readonly writer: Writer;
  readonly at: Place;
}

/** What a fold is asked to do: several at once, over one domain. */
export interface Fold {
  readonly folds: readonly ReduceWasm[];
  /** Visits the elements at some places: stores what has to be, and returns for each place what enters each fold. */
  readonly visit: (places: readonly Visited[]) => readonly (readonly (readonly Floats[])[])[];
  readonly writer: () => Writer;
  /** Memory of the thread's own, for a line of the cache; none where rows are too short for what it is good for. */
  readonly spare: Int | undefined;
  /** The address of a result of a fold's vector `part`, of a group, at position `i`. */
  readonly address: (fold: number, part: number, group: Int, i: Int) => Int;
}

/** Is a row so long that it pays to join its vectors? See `apart`. */
export const isLong = ({ along, width }: Walk): boolean => along && width >= 64;

/** Writes the loops for some of the units, and for some of the columns. */
export function foldUnits(f: Func, walk: Walk, { folds, visit, writer, address, spare }: Fold, units: Range, columns: Range): void {
  const { domain, along, width, rows, groups, per } = walk;
  const blocks = along ? Math.max(1, Math.ceil(width / RUN)) : 1;

  const foldings = () => folds.map((fold) => new Folding(f, fold));
  /** Adds what stands in a row to a set of foldings for each of the lanes. */
  const enter = (into: readonly (readonly Folding[])[], row: Int, lanes: readonly Lane[]): void => {
    const places = lanes.map((lane) => {
      const w = writer();
      return { writer: w, at: w.inRow(domain, row, width, lane) };
    });
    const entering = visit(places);
    for (const [which, values] of entering.entries()) for (const [i, folding] of into[which].entries()) folding.add(values[i]);
  };
  const resetAll = (sets: readonly (readonly Folding[])[]): void => {
    for (const folding of sets.flat()) folding.reset();
  };

  f.for(units.from, units.to, 1, (unit) => {
    const result = groups === 1 ? unit : unit.div(groups);
    const group = groups === 1 ? f.asInt(0) : unit.rem(groups);
    const piecesTo = (first: Int, count: number, all: number): Int => (groups === 1 ? f.asInt(all) : first.add(count).min(all));
    if (along) {
      const totals = foldings();
      const runs = [foldings(), foldings()]; // of the first and the second vector of each iteration
      const rest = foldings(); // of a vector that is left
      const ends = foldings(); // of single elements, which all four places hold
      const first = group.mul(per);
      f.for(first, piecesTo(first, per, rows * blocks), 1, (piece) => {
        const row = rowOf(walk, result, blocks === 1 ? piece : piece.div(blocks));
        resetAll([...runs, rest]);
        const from = piece.rem(blocks).mul(RUN);
        const part = blocks === 1 ? { from: 0, to: width } : { from, to: from.add(RUN).min(width) };
        alongRow(f, width, part, (lanes) => enter(lanes.length === 2 ? runs : [lanes[0].wide ? rest : ends], row, lanes));
        for (const run of [...apart(f, runs, spare), rest.map((folding) => folding.now())])
          for (const [i, values] of run.entries()) totals[i].add(values);
      });
      for (const [i, total] of totals.entries()) {
        total.addAcross();
        total.add(ends[i].now());
        for (const [v, part] of stored(total.now(), groups)) f.storeFirst(address(i, part, group, result), v);
      }
      return;
    }
    const first = group.mul(per * RUN_DOWN);
    const beyond = piecesTo(first, per * RUN_DOWN, rows);
    const down = (lanes: readonly Lane[]): void => {
      const totals = lanes.map(foldings);
      const runs = lanes.map(foldings);
      f.for(first, beyond, RUN_DOWN, (top) => {
        resetAll(runs);
        f.for(top, top.add(RUN_DOWN).min(beyond), 1, (row) => enter(runs, rowOf(walk, result, row), lanes));
        for (const [which, run] of runs.entries()) for (const [i, folding] of run.entries()) totals[which][i].add(folding.now());
      });
      for (const i of folds.keys()) {
        const results = totals.map((total) => stored(total[i].now(), groups));
        for (const [p, [, part]] of results[0].entries()) {
          const to = address(i, part, group, result.mul(width)).add(lanes[0].bytes);
          storeAll(
            f,
            to,
            lanes,
            results.map((parts) => parts[p][0]),
          );
        }
      }
    };
    alongRow(f, width, columns, down, LINE); // of a line of the cache all is used while it is near
  });
}

/** Stores vectors that lie side by side, the last one first, as V8 joins them best. */
function storeAll(f: Func, to: Int, lanes: readonly Lane[], values: readonly Floats[]): void {
  for (const [which, { wide, ahead }] of [...lanes.entries()].reverse()) {
    if (wide) f.store(to, values[which], 4 * ahead);
    else f.storeFirst(to, values[which]);
  }
}

/**
 * What two sets of foldings hold, by way of memory if there is some to spare. V8 joins vectors from where two of them are
 * stored side by side, and from there back through all that they are made of; sums that are only added are not joined.
 */
function apart(f: Func, runs: readonly (readonly Folding[])[], spare: Int | undefined): (readonly Floats[])[][] {
  const now = runs.map((run) => run.map((folding) => folding.now()));
  if (!spare) return now;
  const at = f.get(f.intVar(spare)); // here, so that it is here that memory is read
  let vectors = 0;
  const places = now[0].map((acc) => acc.map(() => 32 * vectors++));
  for (const [i, acc] of places.entries())
    for (const [v, place] of acc.entries()) for (const r of [1, 0]) f.store(at, now[r][i][v], place + 16 * r);
  return [0, 1].map((r) => places.map((acc) => acc.map((place) => f.load(at, place + 16 * r))));
}

/** Of a finished result only the last vector is kept; of a group's, all of them. */
const stored = (acc: readonly Floats[], groups: number): (readonly [Floats, number])[] => {
  const parts = acc.map((v, part) => [v, part] as const);
  return groups === 1 ? parts.slice(-1) : parts;
};

/** The row of the domain that is the `down`-th of a result. */
function rowOf({ domain, stays, goes, rows }: Walk, result: Int, down: Int): Int {
  if (stays.length === 0) return down;
  if (goes.length === 0) return result;
  if (stays.every((axis) => axis < goes[0])) return result.mul(rows).add(down);
  if (goes.every((axis) => axis < stays[0])) return down.mul(size(stays.map((axis) => domain[axis]))).add(result);
  // Axes that stay and axes that go take turns: the coordinates of both, and from them the row.
  const coords = new Map<number, Int>();
  for (const [axes, linear] of [[stays, result] as const, [goes, down] as const]) {
    let rest = linear;
    for (const axis of [...axes].reverse()) {
      coords.set(axis, axis === axes[0] ? rest : rest.rem(domain[axis]));
      rest = rest.div(domain[axis]);
    }
  }
  const order = [...stays, ...goes].sort((a, b) => a - b);
  return order
    .map((axis) => [coords.get(axis) as Int, domain[axis]] as const)
    .reduce((row, [c, d], i) => (i === 0 ? c : row.mul(d).add(c)), result);
}

/** Merges the groups of each result, in their order. Results lie side by side, so that four are merged at once. */
export function mergeGroups(
  f: Func,
  { n, groups }: Pick<Walk, "n" | "groups">,
  { folds, address }: Pick<Fold, "address"> & { readonly folds: readonly Accumulator[] },
  to: (fold: number) => Int,
  part: Range,
): void {
  alongRow(f, n, part, (lanes) => {
    const [{ bytes }] = lanes;
    for (const [i, fold] of folds.entries()) {
      const totals = lanes.map(() => new Folding(f, fold));
      f.for(0, groups, 1, (group) => {
        const from = fold.identity.map((_, vector) => address(i, vector, group, f.asInt(0)).add(bytes));
        const values = lanes.map(({ wide, ahead }) => from.map((at) => (wide ? f.load(at, 4 * ahead) : f.loadSplat(at))));
        for (const [which, total] of totals.entries()) total.add(values[which]);
      });
      storeAll(
        f,
        to(i).add(bytes),
        lanes,
        totals.map((total) => total.now()[fold.identity.length - 1]),
      );
    }
  });
}
