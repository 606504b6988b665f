// Mixed precision: which values lie in memory as f16, two bytes instead of four, between the kernel that makes them and those
// that read them. Arithmetic stays in f32; only what is stored is rounded, to 11 bits.
//
// What is rounded: large operands-to-be of products, which are the activations and their gradients. What is not: leaves
// (parameters, moments, data), results, sums and what is computed from them alone (losses, statistics, scales), whatever goes
// into a state, and gradients once they are unscaled (loss-scale.ts). Small values cost nothing and stay as they are.

import type { Graph } from "./graph.ts";

/** What scales losses, as positions in the graph; -1 in a program without gradients. */
export interface Scaling {
  readonly scale: number;
  /** One divided by it, by which gradients are unscaled. */
  readonly inverse: number;
  readonly saturated: number;
}

export interface Halving {
  /** For each node, whether it is stored as f16, if it is stored. */
  readonly half: readonly boolean[];
  /** The state that learns when it was too large for that: of gradients on their way, which are scaled. */
  readonly watch: readonly (number | undefined)[];
  /** What may be rounded when a product reads it, although it is stored as f32: nothing that would have to be watched. */
  readonly fits: readonly boolean[];
}

const SMALL = 4096; // elements: memory that takes less time than a launch

export function halving({ nodes, inputs, outputs }: Graph, { scale, inverse, saturated }: Scaling): Halving {
  const exact = new Array<boolean>(nodes.length).fill(false);
  for (const i of outputs) exact[i] = true;
  const isSum = new Array<boolean>(nodes.length).fill(false);
  const isScaled = nodes.map((_, i) => i === scale);
  nodes.forEach((t, i) => {
    const { loops } = t.op;
    if (loops === "effect") for (const x of inputs[i]) exact[x] = true;
    isScaled[i] ||= inputs[i].some((x) => isScaled[x]);
    const isUnscaled = inputs[i].includes(inverse);
    const ofSums = (loops === "map" || loops === "view") && inputs[i].some((x) => isSum[x] && nodes[x].size === t.size);
    isSum[i] = loops === "reduce" || isUnscaled || ofSums;
  });
  const isOperand = new Array<boolean>(nodes.length).fill(false); // of a product, directly or by what is computed from it
  for (let i = nodes.length - 1; i >= 0; i--) {
    if (isOperand[i] || nodes[i].op.loops === "product") for (const x of inputs[i]) isOperand[x] = true;
  }
  const half = nodes.map((t, i) => t.dtype === "f32" && t.size >= SMALL && isOperand[i] && !isSum[i] && !exact[i]);
  const watch = nodes.map((_, i) => (half[i] && isScaled[i] ? saturated : undefined));
  return { half, watch, fits: isScaled.map((scaled) => !scaled) };
}

/** Nothing is stored as f16. */
export const unhalved = ({ nodes }: Graph): Halving => ({
  half: nodes.map(() => false),
  watch: nodes.map(() => undefined),
  fits: nodes.map(() => false),
});
