// The list of ops. Whatever stands here is exported by name; becomes a method if its first argument is a tensor; and
// has its shape, its gradient and its agreement between devices tested.

export { cast } from "./elementwise/cast.ts";
export * from "./elementwise/composed.ts";
export * from "./elementwise/table.ts";
export { oneHot, scatterAdd, take } from "./gather/take.ts";
export { broadcastTo, concat, flip, pad, permute, reshape, slice, split, stack, stopGradient, transpose } from "./layout/layout.ts";
export { matmul } from "./matmul/matmul.ts";
export { batchOrder } from "./random/order.ts";
export { randomBits, randomNormal, randomUniform } from "./random/random.ts";
export { argMax, max, mean, min, prod, sum } from "./reduce/reduce.ts";
