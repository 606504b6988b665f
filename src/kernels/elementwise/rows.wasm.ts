// y[i] = f(a[i], …), four elements at a time: the loops of every kernel that visits elements in their order. A tensor
// is walked row by row; a row is its last axis, or all of it where every operand lies as the result does.
//
// At most three loops make a row: two vectors in each iteration (which V8 can pair into one of 256 bits, and which
// hides what an instruction takes), one vector for what remains, and single elements at the end.

import type { Func, Int } from "../devices/wasm/assembler.ts";
import type { Lane } from "../devices/wasm/emit.ts";

/** From one index to another, which is not included. Numbers are known when the code is written. */
export interface Range {
  readonly from: Int | number;
  readonly to: Int | number;
  /** What both ends are multiples of, where that is known though they are not. */
  readonly multiple?: number;
}

/** The last of the whole steps of `step` (a power of 2) in a range. */
function lastWhole(f: Func, { from, to }: Range, step: number): Int | number {
  if (typeof from === "number" && typeof to === "number") return from + Math.floor((to - from) / step) * step;
  const start = f.asInt(from);
  return start.add(f.asInt(to).sub(start).and(-step));
}

const isEmpty = ({ from, to }: Range): boolean => from === to || (typeof from === "number" && typeof to === "number" && from >= to);
const bytes = (i: Int | number): Int | number => (typeof i === "number" ? 4 * i : i.shl(2));

/**
 * Writes the loops over a part of a row that is `width` long; `body` writes one iteration, given the lanes that it is for:
 * `vectors` of them at most.
 */
export function alongRow(f: Func, width: number, part: Range, body: (lanes: readonly Lane[]) => void, vectors = 2): void {
  const loop = (range: Range, elements: number, places: readonly number[], wide: boolean): void => {
    if (isEmpty(range)) return;
    f.for(bytes(range.from), bytes(range.to), 4 * elements, (at) => body(places.map((n) => ({ bytes: at, wide, ahead: n }))));
  };
  const { multiple = 1 } = part;
  const whole = (step: number): Int | number => {
    if (multiple % step === 0) return part.to;
    return width < step ? part.from : lastWhole(f, part, step);
  };
  const [several, fours] = [whole(4 * vectors), whole(4)];
  const ahead = Array.from({ length: vectors }, (_, i) => 4 * i);
  loop({ from: part.from, to: several }, 4 * vectors, ahead, true);
  loop({ from: several, to: fours }, 4, [0], true);
  loop({ from: fours, to: part.to }, 1, [0], false);
}
