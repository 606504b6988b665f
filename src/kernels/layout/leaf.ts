// Leaves: values that lie in memory (data, parameters, the inputs of a compiled program) and are read from it.

import type { Leaf } from "../op.ts";

const inMemory = (name: string): Leaf => ({
  name,
  loops: "leaf",
  js: () => {
    throw new Error(`${name}: a leaf is read, not computed`);
  },
  grad: () => [],
});

export const leaf: Leaf = inMemory("tensor");
export const parameterLeaf: Leaf = inMemory("parameter");
/** Stands for an argument while a function is traced; each replay binds it to the argument's memory. */
export const inputLeaf: Leaf = inMemory("input");
/** A value that a compiled program returned. */
export const outputLeaf: Leaf = inMemory("output");
