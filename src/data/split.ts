// Which pictures test a model where a data set does not say: a tenth of them, drawn. The last tenth as it stands would be no fair sample,
// because files come in an order: of the Olivetti faces, ten of one person after another, it would be four people and nobody else.

import { permuted } from "../kernels/random/permutation.ts";

const SPLIT = 0x73706c69; // the same split of as many pictures, in every run

/** The numbers 0 to count - 1 in a shuffled order that depends on the count alone; the last tenth of it, rounded down, is for testing. */
export function split(count: number): { train: number[]; test: number[] } {
  const order = Array.from({ length: count }, (_, i) => permuted(i, count, SPLIT, 0));
  const test = order.splice(count - Math.floor(count / 10));
  return { train: order, test };
}
