// Fusion: which nodes share a kernel. Every map, reduction, product and effect begins as a kernel of its own; one
// function, `merged`, says whether two kernels can be one. What follows from it: elementwise chains, activations in a
// product's epilogue, loss and gradient in one pass, Adam behind the weight gradient, the bias gradient beside it.

import { type Graph, isLeaf } from "./graph.ts";
import { type Halving, halving, type Scaling, unhalved } from "./half.ts";
import { bufferOf, type Fusion, inlineNodes, overwrittenBy, placeOf, type Read, readsOf, stateOf } from "./inline.ts";
import { domainOf, type Kernel, leftOf, membersOf, merged, productsOf, rootOf, shareLeft } from "./merge.ts";
import { size } from "./shape.ts";
import type { Tensor } from "./tensor.ts";

/** A kernel while it may still grow: `after` are those that must run before it. */
interface Growing extends Kernel {
  readonly after: Set<Growing>;
}

export interface Fused extends Pick<Halving, "half" | "watch"> {
  /** In the order in which they run. */
  readonly kernels: readonly Kernel[];
  /** Evaluated where they are used; never stored. */
  readonly inline: readonly boolean[];
  /** Nodes whose values a kernel leaves in memory. Effects store into their state instead. */
  readonly stored: readonly boolean[];
  /** What each node reads, seen through inline nodes. */
  readonly reads: readonly (readonly Read[])[];
  /** Products that take their operands in half precision, wherever they come from. */
  readonly rounds: readonly boolean[];
}

const MAX_MEMBERS = 96; // nodes in one kernel: beyond that its code takes longer to compile than a launch costs

export function fuse(graph: Graph, fusion: Fusion, scaling?: Scaling): Fused {
  const { buffers, storesOperands } = fusion;
  const { nodes } = graph;
  const n = nodes.length;
  const isRoot = new Array<boolean>(n).fill(false);
  for (const i of [...graph.outputs, ...graph.effects]) isRoot[i] = true;

  const isState = overwrittenBy(graph);
  const { half, watch, fits } = scaling ? halving(graph, scaling) : unhalved(graph);
  const inline = inlineNodes(graph, isState, isRoot, fusion, scaling);

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
      for (const { of } of reads[i]) if (!own.has(of) && nodes[of].op.name !== "full") bound.add(placeOfValue(of, home.get(of)));
      const isKept = nodes[i].op.loops === "effect" || isRoot[i] || readers[i].some((r) => !own.has(r));
      if (!isKept) continue;
      bound.add(placeOfValue(i, undefined));
      if (watch[i] !== undefined) bound.add(bufferOf(graph, watch[i]));
    }
    return bound.size;
  };
  /** The buffer that a value lies in: single numbers that one kernel makes share theirs. */
  const placeOfValue = (i: number, maker: Kernel | undefined): string =>
    home.has(i) && nodes[i].op.loops !== "effect" && isSingle(nodes[i])
      ? `${nodes[i].dtype} of ${maker && Math.min(...membersOf(maker))}`
      : bufferOf(graph, i);

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
    const loop = (i: number): string => {
      for (const [at, { loops, cores, outer, rider }] of productsOf(k).entries()) {
        if (outer.includes(i) || (loops === "product" && cores.includes(i))) return `outer ${at}`;
        if (rider && (i === rider.core || rider.outer.includes(i))) return `riding ${at}`;
      }
      return "inner";
    };
    const spoils = (i: number, { of, exact }: Read) =>
      effects.some((e) => stateOf(graph, e) === placeOf(graph, of) && (!exact || loop(i) === "inner" || loop(i) !== loop(e) || i > e));
    return members.some((i) => reads[i].some((r) => !members.includes(r.of) && spoils(i, r)));
  };

  /** Does a map read product a and another one that may stand beside it? Then it is left behind both: in neither is the other's value at hand. */
  const joinsProducts = (a: Growing, map: Growing): boolean => [...map.after].some((k) => k !== a && shareLeft(graph, k, a));

  const merge = (a: Growing, b: Growing): Growing | undefined => {
    const joined = merged(graph, reads, a, b);
    if (!joined) return undefined;
    if (joined.total !== undefined && joined.cores.some((i) => isRoot[i] || readers[i].length > 1)) return undefined; // only their sum is there
    if (storesOperands && joined.beside.length > 0) return undefined; // what stands side by side is no stored operand
    if (!storesOperands && b.loops === "map" && joinsProducts(a, b)) return undefined;
    const members = membersOf(joined);
    if (members.length > MAX_MEMBERS) return undefined;
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
    mergeSiblings(kernels, (k) => siblingKey(graph, reads, k), merge);
    if (!storesOperands) mergeSiblings(kernels, (k) => (k.loops === "product" ? [leftOf(graph, k.cores[0])] : []), merge);
  }

  const order = inOrder(kernels);
  const stored = nodes.map((_, i) => !isLeaf(nodes[i]) && !inline[i] && isStored(home.get(i) as Growing, i));
  // A kernel that has no buffer left for it, or sets back the state that watches, stores as f32.
  const halves = (k: Kernel) =>
    buffersOf(membersOf(k)) <= buffers &&
    !membersOf(k).some((i) => nodes[i].op.loops === "effect" && stateOf(graph, i) === scaling?.saturated);
  const isHalf = nodes.map((_, i) => stored[i] && half[i] && halves(home.get(i) as Growing));
  const rounds = nodes.map(
    (t, i) => scaling !== undefined && t.op.loops === "product" && reads[i].every(({ of }) => isHalf[of] || fits[of]),
  );
  return { kernels: order, inline, stored, reads, half: isHalf, watch, rounds };
}

/** An effect's value is its state's: it is there to read until the next effect. */
function checkLatest(graph: Graph, effect: number, last: number | undefined): void {
  if (last === effect || last === undefined) return;
  throw new Error(`data: ${graph.nodes[effect]} was overwritten by ${graph.nodes[last].attrs.by} before it was read; keep() it in between`);
}

/** One number, which shares a buffer with others of its type that the same kernel makes. */
export const isSingle = (t: Tensor): boolean => t.size === 1 && t.dtype !== "u8";

/** A kernel of one node. */
function alone(t: Tensor, i: number): Kernel {
  const { loops } = t.op;
  const nothing = { inner: [], cores: [], outer: [], total: undefined, beside: [], rider: undefined };
  return loops === "reduce" || loops === "product" ? { ...nothing, loops, cores: [i] } : { ...nothing, loops: "map", outer: [i] };
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
function siblingKey(graph: Graph, reads: Fused["reads"], k: Kernel): string[] {
  const first = graph.nodes[k.loops === "map" ? k.outer[0] : k.cores[0]];
  if (k.loops === "product") return [`columns of ${rootOf(graph, graph.inputs[k.cores[0]][1])}`];
  const domain = k.loops === "map" ? first.shape : domainOf(graph, k.cores[0]).shape;
  const keys = [...new Set(membersOf(k).flatMap((i) => reads[i].map((r) => r.of)))]
    .filter((x) => graph.nodes[x].op.name !== "full" && graph.nodes[x].size > 1)
    .map((x) => `${domain} of ${x}`);
  if (k.loops === "reduce") keys.push(`columns of ${rootOf(graph, graph.inputs[k.cores[0]][0])}`);
  if (size(domain) <= TINY) {
    keys.push(`tiny ${first.shape}`);
    if (k.loops === "reduce") keys.push(`tiny ${domain} over ${domainOf(graph, k.cores[0]).axes}`);
  }
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
