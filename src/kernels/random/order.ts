// The order of the data: row number = P(seed, epoch, i), with the permutation P of permutation.ts, the same on every device.

import { Tensor } from "../../tensor/tensor.ts";
import { trace } from "../../tensor/trace.ts";
import type { Int } from "../devices/wasm/assembler.ts";
import { fullOf } from "../layout/full.ts";
import { type Callable, callable, type Inline } from "../op.ts";
import { halfBits, permuted } from "./permutation.ts";
import * as vectors from "./threefry.wasm.ts";

const ORDER = 0x6f726465; // sets these words apart from the noise of a training with the same seed

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
