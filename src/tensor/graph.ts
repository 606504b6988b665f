// The part of the graph that a program computes: everything reachable from what was asked for, in the order of
// creation, with a key under which a plan for the same structure can be found again.

import type { Block, Tensor } from "./tensor.ts";

export interface Graph {
  /** In id order, which is topological: a node's inputs stand before it. A tensor with storage is a leaf. */
  readonly nodes: readonly Tensor[];
  /** Positions of each node's inputs; none for a leaf. */
  readonly inputs: readonly (readonly number[])[];
  /** Positions of what was asked for, and of the effects. */
  readonly outputs: readonly number[];
  readonly effects: readonly number[];
  /** The blocks that the leaves lie in, and the number of each leaf's block (-1 for the others). */
  readonly blocks: readonly Block[];
  readonly blockOf: readonly number[];
  /** Equal for graphs that one plan serves: ops, shapes, wiring; not the values of scalars and offsets. */
  readonly key: string;
}

export const isLeaf = (t: Tensor): boolean => t.op.loops === "leaf" || t.storage !== undefined;

export function graph(outputs: readonly Tensor[], effects: readonly Tensor[]): Graph {
  const found = new Set<Tensor>();
  const stack = [...outputs, ...effects];
  for (let t = stack.pop(); t; t = stack.pop()) {
    if (found.has(t)) continue;
    found.add(t);
    if (!isLeaf(t)) stack.push(...t.inputs);
  }
  const nodes = [...found].sort((a, b) => a.id - b.id);
  const position = new Map(nodes.map((t, i) => [t, i]));
  const at = (t: Tensor) => position.get(t) as number;

  const blocks: Block[] = [];
  const blockOf = nodes.map((t) => {
    const block = isLeaf(t) ? t.storage?.block : undefined;
    if (!block) return -1; // an input of a compiled program has none until it is bound
    const known = blocks.indexOf(block);
    return known >= 0 ? known : blocks.push(block) - 1;
  });
  const inputs = nodes.map((t) => (isLeaf(t) ? [] : t.inputs.map(at)));
  const key = nodes.map((t, i) => {
    const leaf = isLeaf(t) ? `@${blockOf[i]}+${t.storage?.offset}/${t.storage?.block.elements}` : (t.op.structure?.(t) ?? "");
    return `${t.op.name} ${leaf} ${t.dtype}[${t.shape}]${inputs[i]}`;
  });
  const ends = { outputs: outputs.map(at), effects: effects.map(at) };
  return { nodes, inputs, ...ends, blocks, blockOf, key: `${key.join(";")}>${ends.outputs}!${ends.effects}` };
}
