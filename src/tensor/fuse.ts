// Fusion: which nodes share a kernel. Every map, reduction, product and effect begins as a kernel of its own; one
// function, `merged`, says whether two kernels can be one. What follows from it: elementwise chains, activations in a
// product's epilogue, loss and gradient in one pass, Adam behind the weight gradient, the bias gradient beside it.

import type { Reduce } from "../kernels/op.ts";
import { type Graph, isLeaf } from "./graph.ts";
import { type Shape, sameShape, size } from "./shape.ts";
import type { Tensor } from "./tensor.ts";

/**
 * One dispatch. A map computes its `outer` nodes at every index. A reduction first computes the `inner` ones at every
 * visited element, then folds (`cores`), then the outer ones of the result. A product has one core and its outer nodes.
 */
export interface Kernel {
  loops: "map" | "reduce" | "product";
  inner: number[];
  cores: number[];
  outer: number[];
  /** A column sum that rides on a product, and what is computed from it: the bias gradient beside the weight gradient. */
  rider: { core: number; outer: number[] } | undefined;
}

/** How a node reads another: `exact` at its own index, or at indices of its own choosing. */
interface Read {
  readonly of: number;
  readonly exact: boolean;
}

/** A kernel while it may still grow: `after` are those that must run before it. */
interface Growing extends Kernel {
  readonly after: Set<Growing>;
}

export interface Fused {
  /** In the order in which they run. */
  readonly kernels: readonly Kernel[];
  /** Evaluated where they are used; never stored. */
  readonly inline: readonly boolean[];
  /** Nodes whose values a kernel leaves in memory. Effects store into their state instead. */
  readonly stored: readonly boolean[];
  /** What each node reads, seen through inline nodes. */
  readonly reads: readonly (readonly Read[])[];
}

export const membersOf = (k: Kernel): number[] => [
  ...k.inner,
  ...k.cores,
  ...k.outer,
  ...(k.rider ? [k.rider.core, ...k.rider.outer] : []),
];

/** The state that an effect writes, as a node. */
export const stateOf = (graph: Graph, effect: number): number => graph.inputs[effect][0];

/** Where a node's value lies: for an effect, the state that it wrote. */
const placeOf = (graph: Graph, i: number): number => (graph.nodes[i].op.loops === "effect" ? stateOf(graph, i) : i);

/** The buffer where a node's value lies when another kernel reads it: a block for leaves and effects, else one of its own. */
const bufferOf = (graph: Graph, i: number): string => {
  const at = placeOf(graph, i);
  return isLeaf(graph.nodes[at]) && graph.blockOf[at] >= 0 ? `block ${graph.blockOf[at]}` : `node ${at}`;
};

/** Views that only rename indices: the value at position i is the value at position i. */
const keepsOrder = (t: Tensor): boolean => t.op.name === "reshape" || t.op.name === "stopGradient";

/** `buffers` is the number of storage buffers that a kernel may bind; 0 means that nothing is fused. */
export function fuse(graph: Graph, buffers: number): Fused {
  const { nodes, inputs } = graph;
  const n = nodes.length;
  const isRoot = new Array<boolean>(n).fill(false);
  for (const i of [...graph.outputs, ...graph.effects]) isRoot[i] = true;

  const users: number[][] = nodes.map(() => []);
  inputs.forEach((list, i) => {
    for (const x of list) users[x].push(i);
  });
  const isState = overwrittenBy(graph);
  const inline = nodes.map((t, i) => {
    if (isLeaf(t) || isRoot[i] || buffers === 0) return false;
    if (t.op.loops === "source" || t.op.loops === "view") return true;
    // A function of one tensor, read at its own index only, is cheaper to compute again than to store and load.
    const varying = new Set(inputs[i].filter((x) => nodes[x].op.name !== "full"));
    return t.op.loops === "map" && varying.size === 1 && users[i].every((u) => nodes[u].op.loops === "map" && nodes[u].size === t.size);
  });
  forceStale(graph, inline, isState);
  if (buffers > 0) unburden(graph, inline, buffers);

  const reads = nodes.map((_, i) => (inline[i] || isLeaf(nodes[i]) ? [] : readsOf(graph, inline, i)));
  const readers: number[][] = nodes.map(() => []); // the same, backwards
  reads.forEach((list, i) => {
    for (const { of } of list) readers[of].push(i);
  });

  const home = new Map<number, Growing>();
  const kernels = new Set<Growing>();
  const isStored = (k: Kernel, i: number) => nodes[i].op.loops !== "effect" && (isRoot[i] || readers[i].some((r) => !inside(k, r)));
  const inside = (k: Kernel, i: number) => home.get(i) === k;

  const buffersOf = (members: readonly number[]): number => {
    const own = new Set(members);
    const bound = new Set<string>();
    for (const i of members) {
      for (const { of } of reads[i]) if (!own.has(of) && nodes[of].op.name !== "full") bound.add(bufferOf(graph, of));
      if (nodes[i].op.loops === "effect") bound.add(bufferOf(graph, i));
      else if (isRoot[i] || readers[i].some((r) => !own.has(r))) bound.add(`node ${i}`);
    }
    return bound.size;
  };

  /** Is there a way from `from` back to `to` that leaves the two? Then they cannot be one. */
  const reaches = (from: Growing, to: Growing): boolean => {
    const seen = new Set<Growing>();
    const stack = [...from.after].filter((k) => k !== to);
    for (let k = stack.pop(); k; k = stack.pop()) {
      if (k === to) return true;
      if (seen.has(k)) continue;
      seen.add(k);
      stack.push(...k.after);
    }
    return false;
  };

  /**
   * Does the kernel read a state that it also writes, other than each element just before it is written? Not at other
   * indices, not in an inner loop, not from the row that rides on a product, which is another invocation's, and not
   * after the effect: then it has to wait for the effect's kernel.
   */
  const tramples = (k: Kernel, members: readonly number[]): boolean => {
    const effects = members.filter((i) => nodes[i].op.loops === "effect");
    if (effects.length === 0) return false;
    const loop = (i: number): "outer" | "riding" | "inner" => {
      if (k.outer.includes(i) || (k.loops === "product" && k.cores.includes(i))) return "outer";
      return k.rider && (i === k.rider.core || k.rider.outer.includes(i)) ? "riding" : "inner";
    };
    const spoils = (i: number, { of, exact }: Read) =>
      effects.some((e) => stateOf(graph, e) === placeOf(graph, of) && (!exact || loop(i) === "inner" || loop(i) !== loop(e) || i > e));
    return members.some((i) => reads[i].some((r) => !members.includes(r.of) && spoils(i, r)));
  };

  const merge = (a: Growing, b: Growing): Growing | undefined => {
    const joined = merged(graph, reads, a, b);
    if (!joined) return undefined;
    const members = membersOf(joined);
    if (reaches(b, a) || reaches(a, b) || buffersOf(members) > buffers || tramples(joined, members)) return undefined;
    const one: Growing = { ...joined, after: new Set([...a.after, ...b.after]) };
    one.after.delete(a);
    one.after.delete(b);
    kernels.delete(a);
    kernels.delete(b);
    for (const k of kernels) {
      if (k.after.delete(a)) k.after.add(one);
      if (k.after.delete(b)) k.after.add(one);
    }
    for (const i of members) home.set(i, one);
    kernels.add(one);
    return one;
  };

  // Effects are ordered by the states they write: after everybody who saw the old value, before everybody who sees the new one.
  const lastWriter = new Map<number, number>();
  const lookers = new Map<number, number[]>();
  for (let i = 0; i < n; i++) {
    if (isLeaf(nodes[i]) || inline[i]) continue;
    const after = new Set<Growing>();
    const follow = (j: number | undefined) => {
      const k = j === undefined ? undefined : home.get(j);
      if (k) after.add(k);
    };
    for (const { of } of reads[i]) {
      follow(of);
      const state = placeOf(graph, of);
      if (!isState.has(state)) continue;
      if (state !== of) checkLatest(graph, of, lastWriter.get(state));
      follow(lastWriter.get(state));
      lookers.set(state, [...(lookers.get(state) ?? []), i]);
    }
    const isEffect = nodes[i].op.loops === "effect";
    if (isEffect) {
      const state = stateOf(graph, i);
      follow(lastWriter.get(state));
      for (const j of lookers.get(state) ?? []) if (j !== i) follow(j);
      lastWriter.set(state, i);
      lookers.delete(state);
    }
    let kernel: Growing = { ...alone(nodes[i], i), after };
    kernels.add(kernel);
    home.set(i, kernel);
    if (buffers === 0) continue;
    const producers = new Set(reads[i].filter((r) => r.exact && home.has(r.of)).map((r) => home.get(r.of) as Growing));
    for (const producer of [...producers].reverse())
      if (kernels.has(producer) && producer !== kernel) kernel = merge(producer, kernel) ?? kernel;
  }
  for (const i of graph.outputs) if (nodes[i].op.loops === "effect") checkLatest(graph, i, lastWriter.get(stateOf(graph, i)));
  if (buffers > 0) {
    mergeAlong(kernels, merge);
    mergeSiblings(kernels, (k) => siblingKey(graph, k), merge);
  }

  const order = inOrder(kernels);
  const stored = nodes.map((_, i) => !isLeaf(nodes[i]) && !inline[i] && isStored(home.get(i) as Growing, i));
  return { kernels: order, inline, stored, reads };
}

/** An effect's value is its state's: it is there to read until the next effect. */
function checkLatest(graph: Graph, effect: number, last: number | undefined): void {
  if (last === effect || last === undefined) return;
  throw new Error(`data: ${graph.nodes[effect]} was overwritten by ${graph.nodes[last].attrs.by} before it was read; keep() it in between`);
}

/** A kernel of one node. */
function alone(t: Tensor, i: number): Kernel {
  const { loops } = t.op;
  if (loops === "reduce" || loops === "product") return { loops, inner: [], cores: [i], outer: [], rider: undefined };
  return { loops: "map", inner: [], cores: [], outer: [i], rider: undefined };
}

const domainOf = (graph: Graph, core: number): { shape: Shape; axes: readonly number[] } =>
  (graph.nodes[core].op as Reduce).domain(graph.nodes[core]);

/** The one merge: the two kernels as one, if their loops fit and every value passes from one to the other at its own index. */
function merged(graph: Graph, reads: readonly (readonly Read[])[], a: Kernel, b: Kernel): Kernel | undefined {
  if (a.rider || b.rider) return withRider(graph, reads, a, b);
  const shapeOf = (k: Kernel): Shape => graph.nodes[k.loops === "map" ? k.outer[0] : k.cores[0]].shape;
  const linksFrom = (from: Kernel, to: Kernel) => {
    const own = new Set(membersOf(from));
    return membersOf(to).flatMap((i) => reads[i].filter((r) => own.has(r.of)).map((r) => ({ ...r, by: i })));
  };
  const links = linksFrom(a, b);
  if (links.some((l) => !l.exact) || linksFrom(b, a).length > 0) return undefined;
  const linked = links.length > 0;
  const fits = (x: Shape, y: Shape) => (linked ? size(x) === size(y) : sameShape(x, y));

  if (b.loops === "map") {
    if (a.loops === "reduce") {
      const results = new Set([...a.cores, ...a.outer]);
      const ofInner = links.every((l) => !results.has(l.of)) && fits(domainOf(graph, a.cores[0]).shape, shapeOf(b));
      if (ofInner) return { ...a, inner: [...a.inner, ...b.outer] };
      if (links.some((l) => !results.has(l.of))) return undefined;
    }
    return fits(shapeOf(a), shapeOf(b)) ? { ...a, outer: inIdOrder(a.outer, b.outer) } : undefined;
  }
  if (b.loops === "reduce") {
    const domain = domainOf(graph, b.cores[0]);
    if (a.loops === "map") {
      const visits = links.every((l) => b.inner.includes(l.by) || (b.cores.includes(l.by) && (graph.nodes[l.by].op as Reduce).visitsInput));
      return visits && fits(domain.shape, shapeOf(a)) ? { ...b, inner: inIdOrder(a.outer, b.inner) } : undefined;
    }
    if (a.loops === "reduce") {
      if (links.some((l) => !b.outer.includes(l.by) || a.inner.includes(l.of))) return undefined;
      const other = domainOf(graph, a.cores[0]);
      const same = sameShape(domain.shape, other.shape) && `${domain.axes}` === `${other.axes}`;
      return same
        ? { ...a, inner: inIdOrder(a.inner, b.inner), cores: [...a.cores, ...b.cores], outer: inIdOrder(a.outer, b.outer) }
        : undefined;
    }
  }
  return withRider(graph, reads, a, b);
}

/** db[j] = Σ dy[p, j] beside dW = xᵀ · dy: as if x had one more column, of ones. */
function withRider(graph: Graph, reads: readonly (readonly Read[])[], a: Kernel, b: Kernel): Kernel | undefined {
  const [product, sum] = a.loops === "product" ? [a, b] : [b, a];
  if (product.loops !== "product" || product.rider) return undefined;
  if (sum.loops !== "reduce" || sum.cores.length > 1 || sum.inner.length > 0 || graph.nodes[sum.cores[0]].op.name !== "sum")
    return undefined;
  const core = graph.nodes[product.cores[0]];
  const domain = domainOf(graph, sum.cores[0]);
  const columns = domain.axes.length === domain.shape.length - 1 && !domain.axes.includes(domain.shape.length - 1);
  const right = rootOf(graph, graph.inputs[product.cores[0]][1]);
  const summed = rootOf(graph, graph.inputs[sum.cores[0]][0]);
  const across = core.shape[core.rank - 1] === domain.shape[domain.shape.length - 1]; // a reshaped operand has other columns
  if (core.op.name !== "matmul" || core.rank !== 2 || core.attrs.flipB || !columns || !across || right !== summed) return undefined;
  const [ofProduct, ofSum] = [new Set(membersOf(product)), new Set(membersOf(sum))];
  const reading = (members: Set<number>, others: Set<number>) => [...members].some((i) => reads[i].some((r) => others.has(r.of)));
  if (reading(ofProduct, ofSum) || reading(ofSum, ofProduct)) return undefined;
  return { ...product, rider: { core: sum.cores[0], outer: sum.outer } };
}

/** What an operand is, seen through views that keep the order. */
const rootOf = (graph: Graph, i: number): number =>
  keepsOrder(graph.nodes[i]) && !isLeaf(graph.nodes[i]) ? rootOf(graph, graph.inputs[i][0]) : i;

const inIdOrder = (a: readonly number[], b: readonly number[]): number[] => [...a, ...b].sort((x, y) => x - y);

/** What node i reads, through inline nodes, and whether at its own index. */
function readsOf(graph: Graph, inline: readonly boolean[], i: number): Read[] {
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
function overwrittenBy(graph: Graph): Map<number, number[]> {
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

/**
 * Kernels that feed each other, tried again as wholes: while a chain grew node by node, values on their way to the next
 * node took buffers that the finished chain does not need.
 */
function mergeAlong(kernels: Set<Growing>, merge: (a: Growing, b: Growing) => Growing | undefined): void {
  for (const last of inOrder(kernels)) {
    let kernel = last;
    for (const before of [...last.after]) if (kernels.has(before) && kernels.has(kernel)) kernel = merge(before, kernel) ?? kernel;
  }
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

/** Kernels that do not feed each other, but loop alike: worth one launch if they share what they read, or are tiny. */
function mergeSiblings(
  kernels: Set<Growing>,
  keys: (k: Kernel) => readonly string[],
  merge: (a: Growing, b: Growing) => Growing | undefined,
): void {
  const groups = new Map<string, Growing[]>();
  for (const k of kernels) for (const key of keys(k)) groups.set(key, [...(groups.get(key) ?? []), k]);
  const became = new Map<Growing, Growing>();
  const now = (k: Growing): Growing => (became.has(k) ? now(became.get(k) as Growing) : k);
  for (const group of groups.values()) {
    for (let i = 1; i < group.length; i++) {
      for (let j = 0; j < i; j++) {
        const [a, b] = [now(group[j]), now(group[i])];
        if (a === b) continue;
        const one = merge(a, b) ?? merge(b, a);
        if (one) {
          became.set(a, one);
          became.set(b, one);
        }
      }
    }
  }
}

const TINY = 4096; // elements: less work than a launch

/** Names under which a kernel looks for siblings: loops of the same domain that read the same tensor, or tiny ones. */
function siblingKey(graph: Graph, k: Kernel): string[] {
  const first = graph.nodes[k.loops === "map" ? k.outer[0] : k.cores[0]];
  if (k.loops === "product") return [`columns of ${rootOf(graph, graph.inputs[k.cores[0]][1])}`];
  const domain = k.loops === "map" ? first.shape : domainOf(graph, k.cores[0]).shape;
  const keys = [...new Set(membersOf(k).flatMap((i) => graph.inputs[i]))]
    .filter((x) => graph.nodes[x].op.name !== "full" && graph.nodes[x].size > 1)
    .map((x) => `${domain} of ${x}`);
  if (k.loops === "reduce") keys.push(`columns of ${rootOf(graph, graph.inputs[k.cores[0]][0])}`);
  if (size(domain) <= TINY) keys.push(k.loops === "map" ? `tiny ${domain}` : `tiny ${domain} over ${domainOf(graph, k.cores[0]).axes}`);
  return keys;
}

/** Topological, and otherwise in the order of the last member: what can wait, waits. */
function inOrder(kernels: ReadonlySet<Growing>): Growing[] {
  const last = new Map([...kernels].map((k) => [k, Math.max(...membersOf(k))]));
  const sorted = [...kernels].sort((a, b) => (last.get(a) as number) - (last.get(b) as number));
  const done = new Set<Growing>();
  const order: Growing[] = [];
  const run = (k: Growing): void => {
    if (done.has(k)) return;
    done.add(k);
    for (const before of [...k.after].sort((a, b) => (last.get(a) as number) - (last.get(b) as number))) run(before);
    order.push(k);
  };
  for (const k of sorted) run(k);
  return order;
}
