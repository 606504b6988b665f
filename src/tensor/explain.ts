// What a plan does, one line per kernel: the ops in it, its shape, where results go, bytes moved and operations done.
// The benchmark divides by the same numbers.

import type { Prepared } from "../kernels/devices/device.ts";
import type { Product, Reduce } from "../kernels/op.ts";
import { stateOf } from "./inline.ts";
import { type Kernel, membersOf } from "./merge.ts";
import { bytesOf, type Plan } from "./plan.ts";
import { format, size } from "./shape.ts";
import type { Tensor } from "./tensor.ts";

export interface KernelFacts {
  readonly loops: Kernel["loops"];
  readonly ops: readonly string[];
  /** Of the loop: the result's, or for a reduction everything it visits. */
  readonly shape: readonly number[];
  readonly slots: readonly number[];
  /** How often the device starts it in one run: twice where it cuts the sums into parts. */
  readonly dispatches: number;
  /** Each tensor read or written counted once; partial sums between two dispatches are not. */
  readonly bytes: number;
  readonly flops: number;
}

export interface Explained {
  readonly kernels: readonly KernelFacts[];
  readonly dispatches: number;
  readonly bytes: number;
  readonly flops: number;
  toString(): string;
}

export function explain(plan: Plan, { dispatches }: Pick<Prepared, "dispatches">): Explained {
  const kernels = plan.kernels.map((k, i) => facts(plan, k, dispatches[i]));
  const sum = (of: "dispatches" | "bytes" | "flops") => kernels.reduce((n, k) => n + k[of], 0);
  return { kernels, dispatches: sum("dispatches"), bytes: sum("bytes"), flops: sum("flops"), toString: () => table(kernels) };
}

function facts(plan: Plan, k: Kernel, dispatches: number): KernelFacts {
  const { graph, reads, stored, slotOf } = plan;
  const { nodes } = graph;
  const members = membersOf(k);
  const own = new Set(members);
  const read = new Set(members.flatMap((i) => reads[i].map((r) => r.of)).filter((i) => !own.has(i) && nodes[i].op.name !== "full"));
  const written = members.filter((i) => stored[i] || nodes[i].op.loops === "effect");
  const first = nodes[k.cores[0] ?? k.outer[0]];
  const shape = k.loops === "reduce" ? (first.op as Reduce).domain(first).shape : first.shape;
  return {
    loops: k.loops,
    ops: members.map((i) => (nodes[i].op.loops === "effect" ? `${nodes[i].attrs.by} → tensor ${stateOf(graph, i)}` : nodes[i].op.name)),
    shape,
    dispatches,
    slots: members.flatMap((i) => slotOf[i] ?? []),
    bytes: [...read, ...written].reduce((n, i) => n + bytesOf(plan, i), 0),
    flops: members.reduce((n, i) => n + operations(nodes[i]), 0),
  };
}

/** By the op's own definition: 2·m·n·k for a product, none for an effect, which stores what was computed, one per element for everything else. */
function operations(t: Tensor): number {
  if (t.op.loops === "effect") return 0;
  if (t.op.loops === "reduce") return size(t.op.domain(t).shape);
  if (t.op.loops !== "product") return t.size;
  const { batch, m, n, k } = (t.op as Product).sizes(t);
  return 2 * size(batch) * m * n * k;
}

function table(kernels: readonly KernelFacts[]): string {
  return kernels
    .map((k, i) => {
      const places = k.slots.length ? `slots ${k.slots.join(" ")}` : "";
      const times = k.dispatches === 1 ? "  " : `×${k.dispatches}`;
      return `${String(i + 1).padStart(3)} ${times} ${k.loops.padEnd(7)} ${format(k.shape).padEnd(16)} ${amount(k.bytes, "B").padStart(8)} ${amount(k.flops, "flop").padStart(10)}  ${squeeze(k.ops)} ${places}`;
    })
    .join("\n");
}

const amount = (n: number, unit: string): string => {
  const step = Math.min(3, Math.max(0, Math.floor(Math.log10(Math.max(n, 1)) / 3)));
  return `${(n / 1000 ** step).toPrecision(3)} ${["", "k", "M", "G"][step]}${unit}`;
};

/** Repeated names counted: `mul ×3`. */
function squeeze(names: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].map(([name, n]) => (n > 1 ? `${name} ×${n}` : name)).join(" ");
}
