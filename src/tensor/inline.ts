// Nodes without a kernel: sources, views, and functions of one tensor are evaluated where they are used, unless what
// they read would have changed by then, or their users would bind too many buffers. And what follows: who reads what.

import type { Device } from "../kernels/devices/device.ts";
import { type Graph, isLeaf } from "./graph.ts";
import type { Scaling } from "./half.ts";
import { size } from "./shape.ts";
import type { Tensor } from "./tensor.ts";

/** How a node reads another: `exact` at its own index, or at indices of its own choosing. */
export interface Read {
  readonly of: number;
  readonly exact: boolean;
}

const MAX_DEPTH = 12; // inline nodes upon inline nodes: more is cheaper to store, and code grows with it

/** What a device can fuse: the buffers that a kernel may bind (0: nothing is fused), and whether products read stored operands only. */
export type Fusion = Pick<Device, "buffers" | "storesOperands">;

/** For each node, whether it is evaluated where it is used. */
export function inlineNodes(
  graph: Graph,
  isState: ReadonlyMap<number, readonly number[]>,
  isRoot: readonly boolean[],
  { buffers, storesOperands }: Fusion,
  scaling?: Scaling,
): boolean[] {
  const { nodes, inputs } = graph;
  const users: number[][] = nodes.map(() => []);
  inputs.forEach((list, i) => {
    for (const x of list) users[x].push(i);
  });
  const depth = new Array<number>(nodes.length).fill(0); // of the inline nodes behind each
  const of: Set<number>[] = []; // what an inline map is a function of, through other inline maps
  // Constants times the loss scale are as cheap as constants: gradients begin with them. Its inverse is one of the single numbers that
  // the weight gradients' kernels find beside Adam's.
  const isConstant = nodes.map((t, i) => t.op.name === "full" || i === scaling?.scale);
  const inline = nodes.map((t, i) => {
    depth[i] = 1 + Math.max(0, ...inputs[i].map((x) => depth[x]));
    if (isLeaf(t) || isRoot[i] || buffers === 0 || depth[i] > MAX_DEPTH) {
      depth[i] = 0;
      return false;
    }
    isConstant[i] ||= i !== scaling?.inverse && inputs[i].length > 0 && inputs[i].every((x) => isConstant[x]);
    if (t.op.loops === "source" || t.op.loops === "view" || (t.op.loops === "map" && isConstant[i])) return true;
    if (t.op.loops === "map") of[i] = new Set(inputs[i].flatMap((x) => (of[x] && depth[x] > 0 ? [...of[x]] : [x])));
    // A function of one tensor, read at its own index only, is cheaper to compute again than to store and load. Of random numbers too,
    // if it is computed once.
    const isSource = (x: number) => nodes[x].op.loops === "source";
    const varying = [...(of[i] ?? [])].filter((x) => !isConstant[x]);
    const isOfOne = varying.filter((x) => !isSource(x)).length === 1 && (!varying.some(isSource) || users[i].length === 1);
    const isInline = isOfOne && users[i].every((u) => nodes[u].op.loops === "map" && nodes[u].size === t.size);
    if (!isInline) depth[i] = 0;
    return isInline;
  });
  if (storesOperands) storeOperands(graph, inline);
  forceStale(graph, inline, isState);
  if (buffers > 0) unburden(graph, inline, buffers);
  return inline;
}

/** What products read is stored, seen through views that keep the order. */
function storeOperands({ nodes, inputs }: Graph, inline: boolean[]): void {
  const store = (x: number): void => {
    if (!inline[x]) return;
    if (keepsOrder(nodes[x])) store(inputs[x][0]);
    else inline[x] = false;
  };
  nodes.forEach((t, i) => {
    if (t.op.loops === "product") inputs[i].forEach(store);
  });
}

/** Views that only rename indices: the value at position i is the value at position i. */
export const keepsOrder = (t: Tensor): boolean => t.op.name === "reshape" || t.op.name === "stopGradient";

/** The state that an effect writes, as a node. */
export const stateOf = (graph: Graph, effect: number): number => graph.inputs[effect][0];

/** Where a node's value lies: for an effect, the state that it wrote. */
export const placeOf = (graph: Graph, i: number): number => (graph.nodes[i].op.loops === "effect" ? stateOf(graph, i) : i);

/** The buffer where a node's value lies when another kernel reads it: a block for leaves and effects, else one of its own. */
export const bufferOf = (graph: Graph, i: number): string => {
  const at = placeOf(graph, i);
  return isLeaf(graph.nodes[at]) && graph.blockOf[at] >= 0 ? `block ${graph.blockOf[at]}` : `node ${at}`;
};

/** What node i reads, through inline nodes, and whether at its own index. */
export function readsOf(graph: Graph, inline: readonly boolean[], i: number): Read[] {
  const { nodes, inputs } = graph;
  const { op } = nodes[i];
  const here = op.loops === "reduce" ? size(op.domain(nodes[i]).shape) : nodes[i].size;
  const found = new Map<number, boolean>();
  const visit = (x: number, exact: boolean) => {
    const same = exact && nodes[x].size === here;
    if (!inline[x]) {
      found.set(x, same && (found.get(x) ?? true));
      return;
    }
    const passes = nodes[x].op.loops === "map" || keepsOrder(nodes[x]);
    for (const y of inputs[x]) visit(y, same && passes);
  };
  inputs[i].forEach((x, which) => {
    if (op.loops === "effect" && which === 0) return; // the state is written, not read
    visit(x, op.loops === "map" || op.loops === "effect" || (op.loops === "reduce" && op.visitsInput));
  });
  return [...found].map(([of, exact]) => ({ of, exact }));
}

/** The states that some effect of the graph writes, with the positions of those effects. */
export function overwrittenBy(graph: Graph): Map<number, number[]> {
  const writes = new Map<number, number[]>();
  for (const e of graph.effects) {
    const state = stateOf(graph, e);
    writes.set(state, [...(writes.get(state) ?? []), e]);
  }
  return writes;
}

/**
 * An inline node is evaluated where it is used. If it was recorded before an effect on a state that it reads, and is
 * used after it, it would see the new value; and an effect whose value reads the state at other indices would see both.
 * Such nodes are computed in a place of their own.
 */
function forceStale(graph: Graph, inline: boolean[], writes: ReadonlyMap<number, readonly number[]>): void {
  if (writes.size === 0) return;
  graph.nodes.forEach((t, user) => {
    if (isLeaf(t) || inline[user]) return;
    const visit = (x: number): void => {
      if (!inline[x]) return;
      for (const y of graph.inputs[x]) {
        if (writes.get(placeOf(graph, y))?.some((e) => x < e && e < user)) inline[x] = false;
        else visit(y);
      }
    };
    graph.inputs[user].forEach(visit);
    if (t.op.loops !== "effect") return;
    const [state, value] = graph.inputs[user];
    if (readsOf(graph, inline, user).some((r) => placeOf(graph, r.of) === state && !r.exact)) inline[value] = false;
  });
}

/** A node that reads more buffers through inline nodes than a kernel may bind: those that bring the most are stored before it. */
function unburden(graph: Graph, inline: boolean[], buffers: number): void {
  const boundBy = (i: number) =>
    new Set(
      readsOf(graph, inline, i)
        .filter((r) => graph.nodes[r.of].op.name !== "full")
        .map((r) => bufferOf(graph, r.of)),
    );
  for (let i = graph.nodes.length - 1; i >= 0; i--) {
    if (inline[i] || isLeaf(graph.nodes[i])) continue;
    while (boundBy(i).size >= buffers) {
      const [most] = graph.inputs[i].filter((x) => inline[x]).sort((a, b) => boundBy(b).size - boundBy(a).size);
      inline[most] = false;
    }
  }
}
