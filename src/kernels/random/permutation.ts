// A permutation that is computed, not stored: a Feistel network over the bits of i ("How to Construct Pseudorandom Permutations",
// Luby and Rackoff 1988) whose rounds are Threefry; values that fall outside are encrypted again until they fall inside. Integers only.

import { threefry } from "./threefry.ts";

const ROUNDS = 6;

/** Half the bits that count to n, rounded up. */
export const halfBits = (n: number): number => Math.max(1, Math.ceil(Math.ceil(Math.log2(Math.max(n, 2))) / 2));

/** Where i stands in the permutation of 0 … n-1 that belongs to (seed, epoch). */
export function permuted(i: number, n: number, seed: number, epoch: number): number {
  const half = halfBits(n);
  const mask = 2 ** half - 1;
  let x = i;
  do {
    let left = x >>> half;
    let right = x & mask;
    for (let round = 0; round < ROUNDS; round++) {
      const mixed = (left ^ threefry(seed, epoch, round, right)[0]) & mask;
      left = right;
      right = mixed;
    }
    x = ((left << half) | right) >>> 0;
  } while (x >= n); // a permutation of the larger range leads back inside, in about two tries
  return x;
}
