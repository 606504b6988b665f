// A plan: which kernels run in which order, and where every stored value lies. Made once per structure of a graph;
// devices prepare it (compile, bind) and replay it.

import { type Fused, fuse } from "./fuse.ts";
import { type Graph, isLeaf } from "./graph.ts";
import type { Fusion } from "./inline.ts";
import { membersOf } from "./merge.ts";
import { Tensor } from "./tensor.ts";

export interface Plan extends Fused {
  readonly graph: Graph;
  /** For each stored node, its slot: a buffer that other values use before and after it. */
  readonly slotOf: readonly (number | undefined)[];
  /** Where each leaf begins in its block, in elements; 0 for all others. */
  readonly offsets: readonly number[];
  /** Elements that each slot must hold. */
  readonly slots: readonly number[];
  /** Whether sizes are written into the kernels of products as constants: right for what is replayed often. */
  readonly baked: boolean;
}

export function plan(graph: Graph, fusion: Fusion, baked: boolean): Plan {
  const fused = fuse(graph, fusion);
  const offsets = graph.nodes.map((t) => (isLeaf(t) ? (t.storage?.offset ?? 0) : 0));
  return { graph: template(graph), ...fused, ...allocate(graph, fused), offsets, baked };
}

/** The graph without anybody's values: a plan that is kept must not keep the tensors it was made for. */
function template(graph: Graph): Graph {
  const nodes: Tensor[] = [];
  graph.nodes.forEach((t, i) => {
    const inputs = graph.inputs[i].map((x) => nodes[x]);
    nodes.push(isLeaf(t) ? new Tensor(LEAF, [], {}, t.shape, t.dtype) : new Tensor(t.op, inputs, t.attrs, t.shape, t.dtype));
  });
  return { ...graph, nodes, blocks: [] };
}

const LEAF: Tensor["op"] = { name: "leaf", loops: "leaf", js: () => {}, grad: () => [] };

/** Register allocation over whole buffers: a value takes a free slot when it is made and gives it back after its last use. */
function allocate(graph: Graph, { kernels, stored, reads }: Fused): Pick<Plan, "slotOf" | "slots"> {
  const lastUse = new Map<number, number>();
  kernels.forEach((k, step) => {
    for (const i of membersOf(k)) for (const { of } of reads[i]) lastUse.set(of, step);
  });
  for (const i of graph.outputs) lastUse.set(i, Number.POSITIVE_INFINITY);
  const ending: number[][] = kernels.map(() => []);
  for (const [i, step] of lastUse) ending[step]?.push(i);
  const slotOf = new Array<number | undefined>(graph.nodes.length).fill(undefined);
  const slots: number[] = [];
  const free = new Set<number>();
  const take = (elements: number): number => {
    const fits = [...free].filter((s) => slots[s] >= elements).sort((a, b) => slots[a] - slots[b]);
    const slot = fits[0] ?? [...free].sort((a, b) => slots[b] - slots[a])[0] ?? slots.push(0) - 1;
    slots[slot] = Math.max(slots[slot], elements);
    free.delete(slot);
    return slot;
  };
  kernels.forEach((k, step) => {
    const made = membersOf(k).filter((i) => stored[i]);
    for (const i of made) slotOf[i] = take(graph.nodes[i].size);
    for (const i of ending[step]) if (slotOf[i] !== undefined) free.add(slotOf[i]);
    for (const i of made) if (!lastUse.has(i)) free.add(slotOf[i] as number);
  });
  return { slotOf, slots };
}
