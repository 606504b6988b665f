// Threefry-2x32 with 20 rounds, as in threefry.ts: the same bits, for one pair of words or for four pairs at a time.

import type { Floats, Func, Int, Ints } from "../devices/wasm/assembler.ts";
import { logOfNormal, turned } from "../elementwise/math.wasm.ts";

/** What the generator needs of a number, be it one or four. */
interface Word<W> {
  add(x: W | number): W;
  xor(x: W | number): W;
  rotl(by: number): W;
}

const ROTATIONS = [13, 15, 26, 6, 17, 29, 16, 24];

/** Two 32-bit words for the key (k0, k1) and the counter (c0, c1). */
export function threefry<W extends Word<W>>(k0: W, k1: W, c0: W, c1: W): [W, W] {
  const keys = [k0, k1, k0.xor(k1).xor(0x1bd11bda)];
  let a = c0.add(k0);
  let b = c1.add(k1);
  for (let round = 0; round < 20; round++) {
    a = a.add(b);
    b = b.rotl(ROTATIONS[round % 8]).xor(a);
    if (round % 4 === 3) {
      const s = (round + 1) / 4; // the key is added again after every fourth round
      a = a.add(keys[s % 3]);
      b = b.add(keys[(s + 1) % 3].add(s));
    }
  }
  return [a, b];
}

/** The upper 24 bits as a number in [0, 1): every value exact in f32. */
export const unit = (bits: Ints): Floats =>
  bits
    .shr(8)
    .fromSigned()
    .mul(2 ** -24);

/**
 * A standard normal from two words (Box and Muller 1958). The first is moved to (0, 1], where the logarithm is finite. The
 * quarter turn of the angle comes from the upper bits of the second, so that no range needs reducing. Off by 3 ulp at most, of
 * the result or of 1.
 */
export function normal(a: Ints, b: Ints): Floats {
  const radius = logOfNormal(unit(a).add(2 ** -24))
    .mul(-2)
    .sqrt();
  const bits = b.shr(8);
  const quarter = bits.add(0x200000).shr(22); // the nearest of the four
  const r = bits
    .sub(quarter.shl(22))
    .fromSigned()
    .mul((2 * Math.PI) / 2 ** 24);
  return turned(quarter.add(1), r).mul(radius);
}

/** Where i stands in the permutation of 0 … n-1 that belongs to (seed, epoch): order.ts, with the same letters. */
export function permuted(f: Func, i: Int, n: Int, half: Int, seed: Int, epoch: Int): Int {
  const mask = f.asInt(1).shl(half).sub(1);
  const x = f.intVar(i);
  const left = f.intVar(0);
  const right = f.intVar(0);
  f.loop(() => {
    f.set(left, f.get(x).shr(half));
    f.set(right, f.get(x).and(mask));
    f.for(0, 6, 1, (round) => {
      const before = f.get(right);
      const [word] = threefry(seed, epoch, round, before);
      f.set(right, f.get(left).xor(word).and(mask));
      f.set(left, before);
    });
    f.set(x, f.get(left).shl(half).or(f.get(right)));
    return f.get(x).ge(n);
  });
  return f.get(x);
}
