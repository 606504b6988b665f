// The order of the data: a permutation that is computed, not stored. Row number = P(seed, epoch, i), with P a Feistel
// network over the bits of i ("How to Construct Pseudorandom Permutations", Luby and Rackoff 1988) whose rounds are
// Threefry; values that fall outside are encrypted again until they fall inside. Integers only: the same on every device.

import { Tensor } from "../../tensor/tensor.ts";
import { trace } from "../../tensor/trace.ts";
import type { Int } from "../devices/wasm/assembler.ts";
import { fullOf } from "../layout/full.ts";
import { type Callable, callable, type Inline } from "../op.ts";
import { threefry } from "./threefry.ts";
import * as vectors from "./threefry.wasm.ts";

const ROUNDS = 6;
const ORDER = 0x6f726465; // sets these words apart from the noise of a training with the same seed

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

const orderOp: Inline = {
  name: "batchOrder",
  loops: "source",
  js: (y, [clock], t) => {
    const perEpoch = Math.floor((t.attrs.rows as number) / t.size);
    const epoch = Math.floor(clock[0] / perEpoch);
    for (let i = 0; i < y.length; i++) {
      y[i] = permuted((clock[0] % perEpoch) * t.size + i, t.attrs.rows as number, t.attrs.seed as number, epoch);
    }
  },
  wgsl: (e, t, at) => {
    const rows = e.scalar(t, (now) => now.attrs.rows as number, "u32");
    const seed = e.scalar(t, (now) => now.attrs.seed as number, "u32");
    const half = e.scalar(t, (now) => halfBits(now.attrs.rows as number), "u32");
    const perEpoch = e.scalar(t, (now) => Math.floor((now.attrs.rows as number) / now.size), "u32");
    const clock = e.name(e.value(t.inputs[0], e.at([], "0u")));
    const i = `(${clock} % ${perEpoch}) * ${e.dim(t.size)} + ${at.linear()}`;
    return `permuted(${i}, ${rows}, ${half}, ${seed}, ${clock} / ${perEpoch})`;
  },
  wasm: (e, t, at) => {
    const scalar = (read: (now: Tensor) => number) => e.scalar(t, read, "u32").uniform as Int; // a scalar is one number for all
    const rows = scalar((now) => now.attrs.rows as number);
    const seed = scalar((now) => now.attrs.seed as number);
    const half = scalar((now) => halfBits(now.attrs.rows as number));
    const perEpoch = scalar((now) => Math.floor((now.attrs.rows as number) / now.size));
    const clock = e.whole(t.inputs[0], e.at([], e.number(0))).uniform as Int;
    const first = clock.rem(perEpoch).mul(t.size);
    return at.linear().each((i) => vectors.permuted(e.in, i.add(first), rows, half, seed, clock.div(perEpoch)));
  },
  grad: () => [undefined],
};

/**
 * Rows of the next batch, u32 [batch]: an endless stream in which every epoch is another permutation of all rows, less
 * the remainder that does not fill a batch. The compiled program's clock says which batch it is.
 */
export const batchOrder: Callable<(rows: number, batch: number, options?: { seed?: number }) => Tensor> = callable(
  (rows: number, batch: number, { seed }: { seed?: number } = {}): Tensor => {
    if (!(batch >= 1 && batch <= rows)) throw new Error(`batchOrder: a batch of ${batch} from ${rows} rows`);
    const { clock, seed: own } = trace();
    return new Tensor(orderOp, [clock?.() ?? fullOf([], 0, "u32")], { rows, seed: ((seed ?? own) ^ ORDER) >>> 0 }, [batch], "u32");
  },
  () => [
    { args: [100, 65, { seed: 1 }], shape: [65] },
    { args: [7, 7, { seed: 2 }], shape: [7] },
    { args: [1, 1], shape: [1] },
    { args: [5, 6], error: /batchOrder: a batch of 6 from 5 rows/ },
  ],
);
