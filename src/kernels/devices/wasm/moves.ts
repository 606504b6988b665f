// Moving floats in memory, by as many at once as there are.

import type { Floats, Func, Int } from "./assembler.ts";

/** Where some floats lie: at an address, and so many bytes behind it, which costs nothing. */
export interface Place {
  readonly base: Int;
  readonly offset: number;
}
export const placeAt = (base: Int, offset = 0): Place => ({ base, offset });

export const UNROLLED = 16; // vectors: as many as it takes for a loop to cost little beside them

/** As many floats as one instruction moves. */
type Lanes = 4 | 2 | 1;

export function take(f: Func, lanes: Lanes, { base, offset }: Place): Floats {
  if (lanes === 4) return f.load(base, offset);
  return lanes === 2 ? f.loadTwo(base, offset) : f.loadSplat(base, offset);
}

export function put(f: Func, lanes: Lanes, { base, offset }: Place, x: Floats): void {
  if (lanes === 4) f.store(base, x, offset);
  else if (lanes === 2) f.storeTwo(base, x, offset);
  else f.storeFirst(base, x, offset);
}

export const behind = ({ base, offset }: Place, at: Place): Place => ({ base: base.add(at.base), offset: offset + at.offset });

/** Visits so many floats by fours, then two and one that may remain, by where they lie behind the first. */
export function each(f: Func, floats: number, visit: (at: Place, lanes: Lanes) => void): void {
  const vectors = Math.floor(floats / 4);
  const together = vectors <= UNROLLED ? vectors : 8;
  const looped = together === vectors ? 0 : vectors - (vectors % together);
  if (looped > 0) {
    f.for(0, 16 * looped, 16 * together, (at) => {
      for (let n = 0; n < together; n++) visit(placeAt(at, 16 * n), 4);
    });
  }
  const none = f.asInt(0);
  for (let n = looped; n < vectors; n++) visit(placeAt(none, 16 * n), 4);
  if (floats % 4 >= 2) visit(placeAt(none, 16 * vectors), 2);
  if (floats % 2 === 1) visit(placeAt(none, 4 * (floats - 1)), 1);
}

export function copy(f: Func, to: Place, from: Place, floats: number): void {
  each(f, floats, (at, lanes) => put(f, lanes, behind(to, at), take(f, lanes, behind(from, at))));
}

export function fill(f: Func, to: Int, floats: number): void {
  const zero = f.asFloats(0);
  each(f, floats, (at, lanes) => put(f, lanes, behind(placeAt(to), at), zero));
}
