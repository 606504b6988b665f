// A plan: which kernels run in which order, and where every stored value lies. Made once per structure of a graph;
// devices prepare it (compile, bind) and replay it.

import { type Fused, fuse, isSingle } from "./fuse.ts";
import { type Graph, isLeaf } from "./graph.ts";
import type { Scaling } from "./half.ts";
import type { Fusion } from "./inline.ts";
import { membersOf } from "./merge.ts";
import { Tensor } from "./tensor.ts";

export interface Plan extends Fused {
  readonly graph: Graph;
  /** For each stored node, its slot: a buffer that other values use before and after it. */
  readonly slotOf: readonly (number | undefined)[];
  /** Where each leaf begins in its block, and each stored node in its slot, in elements. */
  readonly offsets: readonly number[];
  /** Words of four bytes that each slot must hold. */
  readonly slots: readonly number[];
  /** Whether sizes are written into the kernels of products as constants: right for what is replayed often. */
  readonly baked: boolean;
}

export function plan(graph: Graph, fusion: Fusion, baked: boolean, scaling?: Scaling): Plan {
  const fused = fuse(graph, fusion, scaling);
  const { slotOf, offsetOf, slots } = allocate(graph, fused);
  const offsets = graph.nodes.map((t, i) => (isLeaf(t) ? (t.storage?.offset ?? 0) : offsetOf[i]));
  return { graph: template(graph), ...fused, slotOf, slots, offsets, baked };
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

/**
 * Register allocation over whole buffers: a value takes a free slot when it is made and gives it back after its last use. Single numbers
 * that one kernel makes share a slot (`isSingle` in fuse.ts), so that whoever reads them binds one buffer.
 */
function allocate(graph: Graph, { kernels, stored, reads, half }: Fused) {
  const lastUse = new Map<number, number>();
  kernels.forEach((k, step) => {
    for (const i of membersOf(k)) for (const { of } of reads[i]) lastUse.set(of, step);
  });
  for (const i of graph.outputs) lastUse.set(i, Number.POSITIVE_INFINITY);
  const ending: number[][] = kernels.map(() => []);
  for (const [i, step] of lastUse) ending[step]?.push(i);
  const slotOf = new Array<number | undefined>(graph.nodes.length).fill(undefined);
  const slots: number[] = [];
  const offsetOf = new Array<number>(graph.nodes.length).fill(0);
  const free = new Set<number>();
  const users = new Map<number, number>(); // of a slot: the values in it that are still to be read
  const take = (words: number): number => {
    const fits = [...free].filter((s) => slots[s] >= words).sort((a, b) => slots[a] - slots[b]);
    const slot = fits[0] ?? [...free].sort((a, b) => slots[b] - slots[a])[0] ?? slots.push(0) - 1;
    slots[slot] = Math.max(slots[slot], words);
    free.delete(slot);
    return slot;
  };
  const leave = (i: number): void => {
    const slot = slotOf[i];
    if (slot === undefined) return;
    users.set(slot, (users.get(slot) as number) - 1);
    if (users.get(slot) === 0) free.add(slot);
  };
  kernels.forEach((k, step) => {
    const made = membersOf(k).filter((i) => stored[i]);
    const shared = new Map<string, number[]>();
    for (const i of made) {
      const place = isSingle(graph.nodes[i]) ? graph.nodes[i].dtype : `node ${i}`;
      shared.set(place, [...(shared.get(place) ?? []), i]);
    }
    for (const list of shared.values()) {
      const slot = take(list.reduce((n, i) => n + Math.ceil(graph.nodes[i].size / (half[i] ? 2 : 1)), 0));
      users.set(slot, list.length);
      list.forEach((i, at) => {
        slotOf[i] = slot;
        offsetOf[i] = at;
      });
    }
    for (const i of ending[step]) leave(i);
    for (const i of made) if (!lastUse.has(i)) leave(i);
  });
  return { slotOf, offsetOf, slots };
}

/** Bytes of a stored value or a leaf. */
export const bytesOf = ({ graph: { nodes }, half }: Pick<Plan, "graph" | "half">, i: number): number => {
  const { size, dtype } = nodes[i];
  if (half[i]) return 2 * size;
  return dtype === "u8" ? size : 4 * size;
};
