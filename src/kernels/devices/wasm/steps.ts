// From a kernel of the plan to WebAssembly: its loops, what stands in them, and how threads share them. A kernel becomes
// one step or a few; what a step reads and writes tells which steps need no barrier between them.

import { isLeaf } from "../../../tensor/graph.ts";
import { keepsOrder, placeOf } from "../../../tensor/inline.ts";
import { type Kernel, membersOf, sumOf } from "../../../tensor/merge.ts";
import type { Plan } from "../../../tensor/plan.ts";
import { type Shape, size } from "../../../tensor/shape.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import { alongRow, type Range } from "../../elementwise/rows.wasm.ts";
import type { Gemm } from "../../matmul/gemm.wasm.ts";
import type { Reduce } from "../../op.ts";
import { type Fold, foldUnits, isLong, mergeGroups, unitsOf, walkOf } from "../../reduce/fold.wasm.ts";
import type { Func, Int } from "./assembler.ts";
import { type Place, type Surroundings, Writer } from "./emit.ts";
import { productSteps } from "./products.ts";

/** Something that all threads do a share of. */
export interface Step {
  readonly label: string;
  /** Multiplications and additions in products. */
  readonly flops: number;
  /** Names of the memory it reads and writes. */
  readonly reads: ReadonlySet<string>;
  readonly writes: ReadonlySet<string>;
  /** So little work that one thread does it: less than it takes to share it. */
  readonly isSmall: boolean;
  /** How it is shared, if by rows: how many there are and how many go together; and of memory of which a thread touches its own rows only, how long a row is. */
  readonly rows?: Rows | undefined;
  /** Writes the share of a thread. */
  readonly write: (f: Func, thread: Int, threads: Int) => void;
}

export interface Rows {
  readonly total: number;
  readonly grain: number;
  readonly widths: ReadonlyMap<string, number>;
}

/** Memory that is addressed through the program's table: a leaf, a slot, or a place of the program's own. */
export interface Table {
  /** The address of a piece of memory, by name. */
  address(f: Func, name: string): Int;
  /** A word that is written before each run: what `read` gives of node i. */
  scalar(f: Func, i: number, read: (now: Tensor) => number, type: "f32" | "u32"): Int;
  /** How many threads there may be. */
  readonly threads: number;
  /** Memory that holds something from one step to another: its name. */
  temporary(elements: number): string;
}

// A few microseconds of work:
export const SMALL = 8192; // elements times ops, or so
export const SMALL_PRODUCT: number = 1 << 17; // multiplications
export const SMALL_OPERAND: number = 1 << 14; // elements that are packed
const MOST_IN_A_ROW = 2 ** 28; // loops count bytes in signed numbers
const LINE = 64; // bytes in a line of the cache, which threads had better not share
const GRAIN = 1024; // elements: what a thread takes at least

export function stepsOf(plan: Plan, k: Kernel, table: Table, gemm: Gemm, positions: ReadonlyMap<Tensor, number>): Step[] {
  const steps = new KernelSteps(plan, k, table, gemm, positions);
  switch (k.loops) {
    case "map":
      return [steps.map(k.outer)];
    case "reduce":
      return [...steps.fold(k.inner, k.cores), ...(k.outer.length > 0 ? [steps.map(k.outer)] : [])];
    case "product":
      return [
        ...productSteps(steps, k),
        ...(k.rider ? [...steps.fold([], [k.rider.core]), ...(k.rider.outer.length > 0 ? [steps.map(k.rider.outer)] : [])] : []),
      ];
    default:
      throw new Error(`unknown loops ${k.loops satisfies never}`);
  }
}

/** The steps of one kernel. */
export class KernelSteps {
  readonly plan: Plan;
  readonly table: Table;
  readonly gemm: Gemm;
  readonly #positions: ReadonlyMap<Tensor, number>;
  /** Results of the kernel's fold or product that no slot holds: where they are kept on the way to its other members. */
  readonly #kept = new Map<number, string>();
  readonly label: string;

  constructor(plan: Plan, k: Kernel, table: Table, gemm: Gemm, positions: ReadonlyMap<Tensor, number>) {
    this.plan = plan;
    this.table = table;
    this.gemm = gemm;
    this.#positions = positions;
    const nameOf = (t: Tensor) => (t.op.loops === "effect" ? `${t.attrs.by}` : t.op.name);
    this.label = [...new Set(membersOf(k).map((i) => nameOf(plan.graph.nodes[i])))].join(" ");
    const sums = k.loops === "product" ? [sumOf(k)] : k.cores;
    for (const core of [...sums, ...(k.rider ? [k.rider.core] : [])]) {
      if (!plan.stored[core]) this.#kept.set(core, this.#host(core, k) ?? table.temporary(plan.graph.nodes[core].size));
    }
  }

  /** A product may leave its sums where one of its results will be stored, element by element. */
  #host(core: number, k: Kernel): string | undefined {
    if (k.loops !== "product" || core !== sumOf(k)) return undefined;
    const { nodes } = this.plan.graph;
    const i = k.outer.find((o) => this.plan.stored[o] && nodes[o].dtype === "f32" && nodes[o].size === nodes[core].size);
    return i === undefined ? undefined : this.name(i);
  }

  node(i: number): Tensor {
    return this.plan.graph.nodes[i];
  }

  /** The name of the memory in which node i's value lies. */
  name(i: number): string {
    const at = placeOf(this.plan.graph, i);
    if (isLeaf(this.node(at))) return `leaf ${at}`;
    return this.#kept.get(at) ?? slotName(this.plan, at);
  }

  /** The nodes whose memory the operands of a product are: seen through views that keep the order. */
  operands(core: number): number[] {
    const { graph, inline } = this.plan;
    const stored = (i: number): number => (inline[i] ? stored(graph.inputs[i][0]) : i);
    return graph.inputs[core].map(stored);
  }

  /** The name of node i for what is claimed: leaves that lie in one block are one. */
  region(i: number): string {
    const at = placeOf(this.plan.graph, i);
    const { blockOf } = this.plan.graph;
    return isLeaf(this.node(at)) && blockOf[at] >= 0 ? `block ${blockOf[at]}` : this.name(i).replace(WITHIN, "");
  }

  #around(computed: ReadonlySet<number>): Surroundings {
    return {
      position: (t) => this.#positions.get(t) as number,
      isComputed: (i) => computed.has(i) || this.plan.inline[i],
      address: (f, i) => this.table.address(f, this.name(i)),
      scalar: (f, i, read, type) => this.table.scalar(f, i, read, type),
    };
  }

  claims(members: readonly number[]): Pick<Step, "reads" | "writes"> {
    const own = new Set(members);
    const reads = members.flatMap((i) => this.plan.reads[i].map((r) => r.of)).filter((i) => !own.has(i) && this.node(i).op.name !== "full");
    return {
      reads: new Set(reads.map((i) => this.region(i))),
      writes: new Set(members.filter((i) => this.isKept(i)).map((i) => this.region(i))),
    };
  }

  /** Memory that members touch at the place of each result only, in rows of `width`. */
  widths(members: readonly number[], width: number): Map<string, number> {
    const own = new Set(members);
    const widths = new Map<string, number>();
    const shared = new Set<string>();
    for (const i of members) {
      if (this.isKept(i)) widths.set(this.region(i), width);
      for (const { of, exact } of this.plan.reads[i]) {
        if (own.has(of)) continue;
        if (exact) widths.set(this.region(of), width);
        else shared.add(this.region(of));
      }
    }
    for (const name of shared) widths.delete(name);
    return widths;
  }

  isKept(i: number): boolean {
    return this.plan.stored[i] || this.#kept.has(i) || this.node(i).op.loops === "effect";
  }

  /**
   * Stores those of the members that must outlive the loop. All values come first: a state is read before it is written.
   * Of two vectors the second is stored first: V8 then joins the stores into one. (Else it stores the first by itself as
   * well, for it must be there if the second is beyond the end of memory.)
   */
  #stores(members: readonly number[], writers: readonly { writer: Writer; at: Place }[]): void {
    const kept = members.filter((i) => this.isKept(i));
    const values = kept.map((i) => writers.map(({ writer, at }) => writer.value(this.node(i), writer.stretched(this.node(i).shape, at))));
    for (const [which, i] of kept.entries())
      for (const [w, { writer, at }] of [...writers.entries()].reverse())
        writer.store(i, writer.stretched(this.node(i).shape, at).linear(), values[which][w]);
  }

  /** The loops of members over some rows and columns of their domain. */
  mapLoops(f: Func, members: readonly number[], domain: Shape, width: number, rows: Range, columns: Range): void {
    const around = this.#around(new Set(members));
    f.for(rows.from, rows.to, 1, (row) => {
      alongRow(f, width, columns, (lanes) => {
        const writers = lanes.map((lane) => {
          const writer = new Writer(f, around);
          return { writer, at: writer.inRow(domain, row, width, lane) };
        });
        this.#stores(members, writers);
      });
    });
  }

  map(members: readonly number[]): Step {
    const domain = this.node(members[0]).shape;
    const n = size(domain);
    const isFlat = this.isFlat(members, n);
    const last = domain.findLast((d) => d !== 1) ?? 1;
    const width = isFlat ? n : last;
    const rows = width === 0 ? 0 : n / width;
    const byRows = rows >= 16 || rows * 8 > width;
    const grain = byRows ? Math.max(1, Math.ceil(GRAIN / width)) : GRAIN;
    return {
      label: this.label,
      flops: 0,
      ...this.claims(members),
      isSmall: n * members.length < SMALL,
      rows: byRows ? { total: rows, grain, widths: this.widths(members, width) } : undefined,
      write: (f, thread, threads) => {
        if (n === 0) return;
        const all = (to: number): Range => ({ from: 0, to });
        const [some, part] = byRows ? [share(thread, threads, rows, grain), all(width)] : [all(rows), share(thread, threads, width, grain)];
        this.mapLoops(f, members, domain, width, some, part);
      },
    };
  }

  /** Does everything that the members read lie as the domain does, or is one number? Then all axes are one. */
  isFlat(members: readonly number[], n: number): boolean {
    if (n > MOST_IN_A_ROW) return false;
    const { inline, graph } = this.plan;
    const own = new Set(members);
    const visit = (i: number): boolean =>
      graph.inputs[i].every((x) => {
        const t = this.node(x);
        if (t.size === 1) return true;
        if (t.size !== n) return false;
        if (!(inline[x] || own.has(x))) return true;
        const passes = t.op.loops === "map" || t.op.loops === "source" || t.op.loops === "effect" || keepsOrder(t);
        return passes && visit(x);
      });
    return members.every((i) => {
      const { op } = this.node(i);
      const isOrdered = op.loops !== "view" || keepsOrder(this.node(i));
      return isOrdered && visit(i);
    });
  }

  /** Reductions over one domain, and what is computed at each element that they visit. */
  fold(inner: readonly number[], cores: readonly number[]): Step[] {
    const ops = cores.map((core) => this.node(core).op as Reduce);
    const { shape, axes } = ops[0].domain(this.node(cores[0]));
    const total = size(shape);
    const isFlat = ops.every((op) => op.visitsInput && op.wasm.identity.length === 1) && this.isFlat([...inner, ...cores], total);
    const walk = walkOf(shape, axes, isFlat);
    const folds = ops.map((op) => op.wasm);
    const { n, groups } = walk;
    const vectors = folds.map((fold) => fold.identity.length);
    const partial = groups > 1 ? folds.map((_, i) => this.table.temporary(groups * vectors[i] * n)) : [];
    const spareBytes = LINE * Math.ceil((32 * vectors.reduce((sum, v) => sum + v, 0)) / LINE);
    const spare = isLong(walk) ? this.table.temporary((this.table.threads * spareBytes) / 4) : undefined;
    const home = cores.map((core) => this.name(core));
    const addressIn =
      (f: Func): Fold["address"] =>
      (i, part, group, at) =>
        groups === 1
          ? this.table.address(f, home[i]).add(at.shl(2))
          : this.table.address(f, partial[i]).add(group.mul(vectors[i]).add(part).mul(n).add(at).shl(2));
    const around = this.#around(new Set(inner));
    const claims = this.claims([...inner, ...cores]);
    const written = [...inner.filter((i) => this.isKept(i)).map((i) => this.region(i)), ...(groups > 1 ? partial : home)];
    const units = unitsOf(walk);
    const byUnits = walk.along || groups > 1 || units >= 8;
    const visiting: Step = {
      label: this.label,
      flops: 0,
      reads: claims.reads,
      writes: new Set([...written, ...(spare ? [spare] : [])]),
      isSmall: total * (inner.length + cores.length) < SMALL,
      write: (f, thread, threads) => {
        const unitWork = Math.max(1, total / Math.max(1, units));
        const [some, columns]: [Range, Range] = byUnits
          ? [share(thread, threads, units, Math.max(1, Math.ceil(GRAIN / unitWork))), { from: 0, to: walk.width }]
          : [{ from: 0, to: units }, share(thread, threads, walk.width, 16)];
        foldUnits(
          f,
          walk,
          {
            folds,
            address: addressIn(f),
            writer: () => new Writer(f, around),
            visit: (places) => {
              this.#stores(inner, places);
              return places.map(({ writer, at }) => cores.map((core, i) => ops[i].wasm.visit(writer, this.node(core), at)));
            },
            spare: spare === undefined ? undefined : this.table.address(f, spare).add(thread.mul(spareBytes)),
          },
          some,
          columns,
        );
      },
    };
    if (groups === 1) return [visiting];
    const merging: Step = {
      label: this.label,
      flops: 0,
      reads: new Set(partial),
      writes: new Set(home.map((name, i) => (this.#kept.has(cores[i]) ? name : this.region(cores[i])))),
      isSmall: n * groups < SMALL,
      write: (f, thread, threads) =>
        mergeGroups(f, walk, { folds, address: addressIn(f) }, (i) => this.table.address(f, home[i]), share(thread, threads, n, 64)),
    };
    return [visiting, merging];
  }
}

const WITHIN = / from \d+$/; // single numbers share a slot

/** The name of a stored node's place in its slot. */
export const slotName = ({ slotOf, offsets }: Plan, i: number): string =>
  `slot ${slotOf[i]}${offsets[i] === 0 ? "" : ` from ${offsets[i]}`}`;

/** A thread's part of `total`, in whole grains. */
export function share(thread: Int, threads: Int, total: number, grain: number): { from: Int; to: Int; multiple: number } {
  const grains = Math.ceil(total / grain);
  const each = threads
    .add(grains - 1)
    .div(threads)
    .mul(grain);
  const from = thread.mul(each).min(total);
  return { from, to: from.add(each).min(total), multiple: commonDivisor(total, grain) };
}

const commonDivisor = (a: number, b: number): number => (b === 0 ? a : commonDivisor(b, a % b));
