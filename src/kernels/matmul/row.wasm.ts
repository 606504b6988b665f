// Rows of C = A · B, one by one and without packing: for products of so few rows that packing B would cost more than the
// arithmetic. B is read once for each row, where it lies.
//
// Each sum runs in the order of k and begins with 0, as in the tile kernel, so both give the same bits: which of them
// computes an element is of no consequence, and threads with different numbers of rows agree.

import type { FuncRef, Int, Module } from "../devices/wasm/assembler.ts";
import { four, ints, parameters, transposed } from "./pack.wasm.ts";

/** rows(m, n, k, a, aStep, flipA, b, bStep, flipB, c, cStep, spare, accumulates): as `gemm`, with steps in bytes. */
export function rowsKernel(module: Module, copy: FuncRef): FuncRef {
  const row = { plain: plain(module), flipped: flipped(module, copy) };
  return module.func(undefined, ints(13), [], (f) => {
    const [m, n, k, a, aStep, flipA, b, bStep, flipB, c, cStep, spare, accumulates] = parameters(f, 13);
    const stride = flipA.choose(aStep, 4); // from one number of a row of A to the next
    const nextRow = flipA.choose(4, aStep);
    f.for(0, m, 1, (i) => {
      const args = [n, k, a.add(i.mul(nextRow)), stride, b, bStep, c.add(i.mul(cStep)), spare, accumulates] as const;
      f.if(
        flipB,
        () => f.call(row.flipped, ...args),
        () => f.call(row.plain, ...args),
      );
    });
  });
}

// row(n, k, a, stride, b, bStep, c, spare, accumulates)

/** c[j] += a[p] · B[p, j], for whole rows of B, four of them at a time so that c is read and written less often. */
function plain(module: Module): FuncRef {
  return module.func(undefined, ints(9), [], (f) => {
    const [n, k, a, stride, b, bStep, c, _, accumulates] = parameters(f, 9);
    const [end, whole] = [n.shl(2), n.shl(2).and(-16)];
    const add = (count: number) => (p: Int) => {
      const several = Array.from({ length: count }, (_, i) => p.add(i));
      const xs = several.map((p) => f.loadSplat(a.add(p.mul(stride))));
      const rows = several.map((p) => b.add(p.mul(bStep)));
      f.for(0, whole, 16, (j) => {
        let sum = f.load(c.add(j));
        for (const [i, x] of xs.entries()) sum = x.madd(f.load(rows[i].add(j)), sum);
        f.store(c.add(j), sum);
      });
      f.for(whole, end, 4, (j) => {
        let sum = f.loadSplat(c.add(j));
        for (const [i, x] of xs.entries()) sum = x.madd(f.loadSplat(rows[i].add(j)), sum);
        f.storeFirst(c.add(j), sum);
      });
    };
    f.if(accumulates.eq(0), () => f.for(0, end, 4, (j) => f.storeInt(c.add(j), f.asInt(0))));
    f.for(0, k.and(-4), 4, add(4));
    f.for(k.and(-4), k, 1, add(1));
  });
}

/** Sums in flight, in vectors. Each waits for its own last product, so there must be several. */
const GROUPS = 4;

/** c[j] = Σp a[p] · B[j, p]: four by four numbers of B are transposed in registers, and then are as above. */
function flipped(module: Module, copy: FuncRef): FuncRef {
  return module.func(undefined, ints(9), [], (f) => {
    const [n, k, a, stride, b, bStep, c, spare, accumulates] = parameters(f, 9);
    const groups = Array.from({ length: GROUPS }, (_, g) => g);
    f.for(0, n, 4 * GROUPS, (first) => {
      const rowOfB = (j: Int): Int => b.add(j.min(n.sub(1)).mul(bStep)); // there is no row after the last
      const rows = groups.map((g) => four((i) => rowOfB(first.add(4 * g + i))));
      const [at, count] = [c.add(first.shl(2)), n.sub(first).min(4 * GROUPS)];
      f.if(accumulates, () => f.call(copy, spare, 0, at, 0, 1, count));
      // A variable, so that what it points to is read here and not before the call. It is read even if it is not wanted.
      const spareNow = f.get(f.intVar(spare));
      const isNew = f.splat(accumulates.eq(0)).ne(0);
      const sums = groups.map((g) =>
        f.floatsVar(
          f
            .load(spareNow, 16 * g)
            .bits()
            .andNot(isNew)
            .asFloats(),
        ),
      );
      const add = (count: number) => (p: Int) => {
        const xs = Array.from({ length: count }, (_, i) => f.loadSplat(a.add(p.add(i).mul(stride))));
        for (const g of groups) {
          const numbers = four((i) => f.load(rows[g][i].add(p.shl(2))));
          const columns = transposed(f, numbers);
          for (const [i, x] of xs.entries()) f.set(sums[g], x.madd(columns[i], f.get(sums[g])));
        }
      };
      f.for(0, k.and(-4), 4, add(4));
      f.for(k.and(-4), k, 1, add(1));
      for (const g of groups) f.store(spare, f.get(sums[g]), 16 * g);
      f.call(copy, at, 0, spare, 0, 1, count);
    });
  });
}
