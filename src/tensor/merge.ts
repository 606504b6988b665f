// The one rule of fusion: when two kernels can be one, and what that kernel is.

import type { Product, Reduce } from "../kernels/op.ts";
import { type Graph, isLeaf } from "./graph.ts";
import { keepsOrder, type Read } from "./inline.ts";
import { type Shape, sameShape, size } from "./shape.ts";

/**
 * One dispatch. A map computes its `outer` nodes at every index. A reduction first computes the `inner` ones at every
 * visited element, then folds (`cores`), then the outer ones of the result. A product has a core and its outer nodes.
 */
export interface Kernel {
  loops: "map" | "reduce" | "product";
  inner: number[];
  /** Of a product: one, or two that are added up, A₁ · B₁ + A₂ · B₂ = [A₁ A₂] · [B₁; B₂]. */
  cores: number[];
  outer: number[];
  /** The outer node that is the sum of two cores. */
  total: number | undefined;
  /** Products with the same left operand: A · [B₁ B₂ …]. Each has its own outer nodes, and its own rider. */
  beside: readonly Kernel[];
  /** A column sum that rides on a product, and what is computed from it: the bias gradient beside the weight gradient. */
  rider: { core: number; outer: number[] } | undefined;
}

export const membersOf = (k: Kernel): number[] => [
  ...k.inner,
  ...k.cores,
  ...k.outer,
  ...(k.rider ? [k.rider.core, ...k.rider.outer] : []),
  ...k.beside.flatMap(membersOf),
];

/** The products of a kernel, whose columns stand side by side. */
export const productsOf = (k: Kernel): Kernel[] => [{ ...k, beside: [] }, ...k.beside];

/** The node that is the sum along k: a product's core, or what two of them add up to. */
export const sumOf = (k: Kernel): number => k.total ?? k.cores[0];

export const domainOf = (graph: Graph, core: number): { shape: Shape; axes: readonly number[] } =>
  (graph.nodes[core].op as Reduce).domain(graph.nodes[core]);

/** The one merge: the two kernels as one, if their loops fit and every value passes from one to the other at its own index. */
export function merged(graph: Graph, reads: readonly (readonly Read[])[], a: Kernel, b: Kernel): Kernel | undefined {
  if (a.loops === "product" && b.loops === "product") return addedUp(graph, a, b) ?? sideBySide(graph, reads, a, b);
  if (a.beside.length + b.beside.length > 0) return undefined;
  if (a.rider || b.rider) return withRider(graph, reads, a, b);
  const shapeOf = (k: Kernel): Shape => graph.nodes[k.loops === "map" ? k.outer[0] : k.cores[0]].shape;
  const linksFrom = (from: Kernel, to: Kernel) => {
    const own = new Set(membersOf(from));
    return membersOf(to).flatMap((i) => reads[i].filter((r) => own.has(r.of)).map((r) => ({ ...r, by: i })));
  };
  const links = linksFrom(a, b);
  if (links.some((l) => !l.exact) || linksFrom(b, a).length > 0) return undefined;
  const linked = links.length > 0;
  // Of single numbers the ranks must agree as well: for those of the step, [], all wait, and a bias of one channel, [1], is ready late.
  const fits = (x: Shape, y: Shape) => (linked && size(x) > 1 ? size(x) === size(y) : sameShape(x, y));

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
      if (visits && fits(domain.shape, shapeOf(a))) return { ...b, inner: inIdOrder(a.outer, b.inner) };
      const ofResults = links.every((l) => b.outer.includes(l.by)) && fits(shapeOf(b), shapeOf(a));
      return ofResults ? { ...b, outer: inIdOrder(a.outer, b.outer) } : undefined;
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
  if (product.loops !== "product" || product.rider || product.total !== undefined) return undefined;
  if (sum.loops !== "reduce" || sum.cores.length > 1 || sum.inner.length > 0 || graph.nodes[sum.cores[0]].op.name !== "sum")
    return undefined;
  const core = graph.nodes[product.cores[0]];
  const domain = domainOf(graph, sum.cores[0]);
  const columns = domain.axes.length === domain.shape.length - 1 && !domain.axes.includes(domain.shape.length - 1);
  const right = rootOf(graph, graph.inputs[product.cores[0]][1]);
  const summed = rootOf(graph, graph.inputs[sum.cores[0]][0]);
  const across = core.shape[core.rank - 1] === domain.shape[domain.shape.length - 1]; // a reshaped operand has other columns
  if (!(core.op as Product).plainB(core) || !columns || !across || right !== summed) return undefined;
  if (reading(reads, product, sum) || reading(reads, sum, product)) return undefined;
  return { ...product, rider: { core: sum.cores[0], outer: sum.outer } };
}

/** Does one kernel read what the other makes? */
function reading(reads: readonly (readonly Read[])[], reader: Kernel, maker: Kernel): boolean {
  const made = new Set(membersOf(maker));
  return membersOf(reader).some((i) => reads[i].some((r) => made.has(r.of)));
}

/** dh = dm · Wmᵀ + dl · Wlᵀ: one sum along the k of both. */
function addedUp(graph: Graph, a: Kernel, b: Kernel): Kernel | undefined {
  if (a.outer.length + a.beside.length + b.beside.length > 0 || [a, b].some((k) => k.rider || k.total !== undefined)) return undefined;
  const { nodes, inputs } = graph;
  const [x, y] = [a.cores[0], b.cores[0]];
  const total = b.outer.find((i) => nodes[i].op.name === "add" && inputs[i].includes(x) && inputs[i].includes(y));
  if (total === undefined || !areMatrices(graph, x, y) || !sameShape(nodes[x].shape, nodes[y].shape)) return undefined;
  return { ...b, cores: [x, y], total };
}

/** The two heads: one product with the columns of both. */
function sideBySide(graph: Graph, reads: readonly (readonly Read[])[], a: Kernel, b: Kernel): Kernel | undefined {
  const parts = [...productsOf(a), ...productsOf(b)];
  if (parts.some((k) => k.total !== undefined) || !shareLeft(graph, a, b)) return undefined;
  if (reading(reads, a, b) || reading(reads, b, a)) return undefined;
  return { ...a, beside: [...a.beside, b, ...b.beside].map((k) => ({ ...k, beside: [] })) };
}

/** Do two kernels multiply the same matrix by others? */
export function shareLeft(graph: Graph, a: Kernel, b: Kernel): boolean {
  if (a.loops !== "product" || b.loops !== "product") return false;
  const [x, y] = [a.cores[0], b.cores[0]];
  const [left, other] = [x, y].map((core) => leftOf(graph, core));
  return left === other && areMatrices(graph, x, y);
}

/** The left operand, and which way it is read. */
export function leftOf(graph: Graph, core: number): string {
  const t = graph.nodes[core];
  return `${(t.op as Product).wgsl.along(t).a ? "rows" : "columns"} of ${rootOf(graph, graph.inputs[core][0])}`;
}

/** Are both plain products, without a batch and with as many rows? */
function areMatrices({ nodes }: Graph, x: number, y: number): boolean {
  const [a, b] = [x, y].map((core) => (nodes[core].op as Product).sizes(nodes[core]));
  return nodes[x].op === nodes[y].op && a.batch.length + b.batch.length === 0 && a.m === b.m;
}

/** What an operand is, seen through views that keep the order. */
export const rootOf = (graph: Graph, i: number): number =>
  keepsOrder(graph.nodes[i]) && !isLeaf(graph.nodes[i]) ? rootOf(graph, graph.inputs[i][0]) : i;

const inIdOrder = (a: readonly number[], b: readonly number[]): number[] => [...a, ...b].sort((x, y) => x - y);
