// The list of ops. Whatever stands here is exported by name; becomes a method if its first argument is a tensor; and
// has its shape, its gradient and its agreement between devices tested.

export { conv1d, conv2d, convTranspose1d, convTranspose2d } from "./conv/conv2d.ts";
export { cast } from "./elementwise/cast.ts";
export * from "./elementwise/composed.ts";
export * from "./elementwise/table.ts";
export { oneHot, scatterAdd, take } from "./gather/take.ts";
export { broadcastTo, concat, flip, pad, permute, reshape, slice, split, stack, stopGradient, transpose } from "./layout/layout.ts";
export { matmul } from "./matmul/matmul.ts";
export { batchNorm, groupNorm, layerNorm } from "./norm/normalize.ts";
export { avgPool2d, maxPool2d } from "./pool/pool.ts";
export { pixelShuffle, pixelUnshuffle } from "./pool/shuffle.ts";
export { upsampleBilinear, upsampleNearest } from "./pool/upsample.ts";
export { windows } from "./pool/windows.ts";
export { dropout } from "./random/dropout.ts";
export { batchOrder } from "./random/order.ts";
export { randomBits, randomNormal, randomUniform } from "./random/random.ts";
export { argMax, max, mean, min, prod, sum } from "./reduce/reduce.ts";
