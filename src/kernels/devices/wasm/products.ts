// Products as steps. Threads share the result, and each goes on with what is computed from the part that it made. Those of patches of
// images are in convolutions.ts.

import { type Kernel, sumOf } from "../../../tensor/merge.ts";
import { type Shape, size } from "../../../tensor/shape.ts";
import type { Range } from "../../elementwise/rows.wasm.ts";
import { widthOf } from "../../matmul/tile.wasm.ts";
import type { Matrices, Product } from "../../op.ts";
import type { Func, Int } from "./assembler.ts";
import { convolved, weightGradient } from "./convolutions.ts";
import { type KernelSteps, SMALL_OPERAND, SMALL_PRODUCT, type Step, share } from "./steps.ts";

export function productSteps(s: KernelSteps, k: Kernel): Step[] {
  const [core] = k.cores;
  const outer = k.outer.filter((i) => i !== k.total); // the sum of two products is there when both are
  const t = s.node(core);
  const how = (t.op as Product).wasm(t);
  if (how.kind === "matrices") return [multiplied(s, k.cores, sumOf(k), outer)];
  return how.role === "w" ? weightGradient(s, core, outer, how) : convolved(s, core, outer, how);
}

/** A product, or two that are added up, and what is computed from the sums: each thread goes on with the part that it made. */
function multiplied(s: KernelSteps, cores: readonly number[], sum: number, outer: readonly number[]): Step {
  const t = s.node(sum);
  const factors = cores.map((core) => factorsOf(s, core));
  const [{ batch, m, n }] = factors;
  const k = factors.reduce((all, factor) => all + factor.k, 0);
  const matrices = size(batch);
  const { reads, writes } = s.claims([...cores, sum, ...outer]);
  // Divided where it is longest: along the columns each thread packs its own part of B, along the rows of A. Where B is
  // small, rows: the next step may go on with them.
  const byRows = m > n || (m >= 64 && n * k <= SMALL_OPERAND);
  const along = matrices > 1 ? "batch" : byRows ? "rows" : "columns";
  const widths = s.widths([...cores, sum, ...outer], n);
  const regions = factors.flatMap(({ inputs }) => inputs.map((i) => s.region(i)));
  for (const region of regions) widths.delete(region);
  for (const { inputs, flipA, k: width } of factors) {
    const left = s.region(inputs[0]);
    if (!flipA && regions.filter((region) => region === left).length === 1) widths.set(left, width);
  }
  return {
    label: `${m} x ${k} x ${n}, ${s.label}`,
    flops: 2 * matrices * m * n * k,
    reads,
    writes: new Set([...writes, s.region(sum)]),
    isSmall: matrices * m * n * k < SMALL_PRODUCT,
    rows: along === "rows" ? { total: m, grain: s.gemm.tile.rows, widths } : undefined,
    write: (f, thread, threads) => {
      if (matrices * m * n === 0) return;
      const pc = s.table.address(f, s.name(sum));
      const scratch = s.table.address(f, "scratch").add(thread.mul(s.gemm.scratchBytes));
      const all = (to: number): Range => ({ from: 0, to });
      const some = along === "batch" ? share(thread, threads, matrices, 1) : all(matrices);
      const rows = along === "rows" ? share(thread, threads, m, s.gemm.tile.rows) : all(m);
      const columns = along === "columns" ? share(thread, threads, n, widthOf(s.gemm.tile)) : all(n);
      const [r0, r1, c0, c1] = [rows.from, rows.to, columns.from, columns.to].map((x) => f.asInt(x));
      f.for(some.from, some.to, 1, (at) => {
        factors.forEach(({ k, inputs, flipA, flipB, steps }, which) => {
          const [pa, pb] = inputs.map((i) => s.table.address(f, s.name(i)));
          const [aStep, bStep] = [flipA ? m : k, flipB ? k : n];
          const [offA, offB] = steps.map((list) => offset(f, at, batch, list));
          f.call(
            s.gemm.whole,
            r1.sub(r0),
            c1.sub(c0),
            k,
            pa.add(offA.add(flipA ? r0 : r0.mul(aStep)).shl(2)),
            aStep,
            flipA ? 1 : 0,
            pb.add(offB.add(flipB ? c0.mul(bStep) : c0).shl(2)),
            bStep,
            flipB ? 1 : 0,
            pc.add(at.mul(m).add(r0).mul(n).add(c0).shl(2)),
            n,
            scratch,
            which, // the second is added to the first
          );
        });
        const first = at.mul(m);
        if (outer.length > 0) s.mapLoops(f, outer, t.shape, n, { from: first.add(r0), to: first.add(r1) }, columns);
      });
    },
  };
}

/** What a product multiplies, and how it lies. */
function factorsOf(s: KernelSteps, core: number): Omit<Matrices, "kind"> & ReturnType<Product["sizes"]> & { readonly inputs: number[] } {
  const t = s.node(core);
  const { sizes, wasm } = t.op as Product;
  return { ...(wasm(t) as Matrices), ...sizes(t), inputs: s.operands(core) };
}

/** Where a matrix of the batch begins, counted in elements. */
function offset(f: Func, at: Int, batch: Shape, steps: readonly number[]): Int {
  let rest = at;
  let sum = f.asInt(0);
  for (let axis = batch.length - 1; axis >= 0; axis--) {
    if (batch[axis] === 1) continue;
    sum = sum.add(rest.rem(batch[axis]).mul(steps[axis]));
    rest = rest.div(batch[axis]);
  }
  return sum;
}
