// The kernels that are measured: ops of Elbo, alone or as many as fuse, in the shapes that a VAE has and in powers of two.
import { adamUpdate, batchNorm, elementwise, gather, loss, normals, rowwise, wholeSum } from "./passes.mjs";
import { convolution, product, square } from "./products.mjs";

const [Ki, Mi] = [2 ** 10, 2 ** 20];

/** All of them; a device leaves out what is too large for it. @returns {import("./case.mjs").Case[]} */
export const cases = () => [
  ...[64, 128, 256, 512, 1024, 2048, 4096].map(square),
  ...[256, 1024, 4096].flatMap((n) => [product(n, n, n, { flipA: true }), product(n, n, n, { flipB: true })]),
  product(128, 784, 400),
  product(784, 128, 400, { flipA: true }), // the weight gradient of a layer of 784 to 400
  product(128, 400, 20),
  product(4096, 4096, 1),
  ...convolution("4×4, 32 → 64, 14×14, stride 2, batch 64", [64, 14, 14, 32], [4, 4, 32, 64], { stride: 2, padding: 1 }),
  ...convolution("4×4, 1 → 32, 28×28, stride 2, batch 64", [64, 28, 28, 1], [4, 4, 1, 32], { stride: 2, padding: 1 }),
  ...convolution("3×3, 64 → 64, 14×14, batch 64", [64, 14, 14, 64], [3, 3, 64, 64], { padding: 1 }),
  ...convolution("3×3, 64 depthwise, 14×14, batch 64", [64, 14, 14, 64], [3, 3, 1, 64], { padding: 1, groups: 64 }),
  ...[Mi, 16 * Mi, 64 * Mi].flatMap(elementwise),
  ...[Mi, 16 * Mi].map(wholeSum),
  ...[Ki, 16 * Ki].flatMap((rows) => rowwise(rows, Ki)),
  batchNorm([64, 14, 14, 64]),
  batchNorm([256, 28, 28, 64]),
  ...[Mi, 16 * Mi, 64 * Mi].map(adamUpdate),
  loss(128, 784),
  loss(4096, 784),
  loss(65536, 784),
  ...[Mi, 16 * Mi].map(normals),
  ...[128, 4096].map((batch) => gather(60_000, 784, batch)),
];
