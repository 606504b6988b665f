// Kernels against js where loops go wrong: odd sizes, every flag, every set of axes, tiles that hang over the edge, more
// workgroups than one dimension holds. Values are small integers, so that sums are exact in any order.
import { describe, expect, test } from "vitest";
import { use } from "../src/kernels/devices/device.ts";
import { compile, grad, relu, type Tensor, tensor } from "../src/node.ts";
import { start } from "../src/tensor/read.ts";
import { agree, js, openedAs, whole } from "./setup/exact.ts";

const SIMPLE = ["wasm", "webgpu"] as const; // the kernels without workgroup memory
const TILED = ["wasm", "webgpu, tiled"] as const;
const ALL = ["wasm", "webgpu", "webgpu, tiled"] as const;
const opened = openedAs({
  wasm: { threads: 2 },
  webgpu: { kernels: "simple" },
  "webgpu, tiled": { kernels: "tiled" },
});

const FLIPS = [0, 1, 2, 3].map((f) => ({ flipA: (f & 1) > 0, flipB: (f & 2) > 0 }));
type Flips = (typeof FLIPS)[number];

const product = (m: number, n: number, k: number, { flipA, flipB }: Flips, batch: readonly number[] = [], batchB = batch): Tensor =>
  whole([...batch, ...(flipA ? [k, m] : [m, k])]).matmul(whole([...batchB, ...(flipB ? [n, k] : [k, n])], 1), { flipA, flipB });

describe("matrix products agree with js", () => {
  for (const k of [1, 3, 64, 130]) {
    test.each(SIMPLE)(`odd sizes, every flag, inner size ${k} [%s]`, async (label) => {
      for (const m of [1, 5, 7, 33, 65, 129])
        for (const n of [1, 5, 7, 33, 65, 129])
          for (const flips of FLIPS)
            await agree(opened[label], `${m} × ${k} · ${k} × ${n} ${JSON.stringify(flips)}`, () => [product(m, n, k, flips)]);
    });
  }

  test.each(ALL)("batches, broadcast and over more than one axis [%s]", async (label) => {
    const isTiled = label === "webgpu, tiled"; // slow to compile on a driver without a GPU
    const m = isTiled ? 17 : 5; // what is smaller than a tile takes the simple kernel
    const batches = [
      [[2, 1], [3]],
      [[3]],
      [[2, 3]],
      [
        [1, 3],
        [2, 1],
      ],
      [
        [2, 1, 2],
        [3, 1],
      ],
    ].slice(0, isTiled ? 1 : 5);
    for (const [a, b = a] of batches)
      for (const flips of isTiled ? FLIPS.slice(1, 3) : FLIPS)
        await agree(opened[label], `[${a}] · [${b}] ${JSON.stringify(flips)}`, () => [product(m, m + 1, 4, flips, a, b)]);
  });

  test.each(TILED)("tiles: over the edge, and not, for every flag [%s]", async (label) => {
    const shapes = [
      [33, 65, 130],
      [64, 128, 16],
      [129, 17, 1],
    ];
    for (const [m, n, k] of shapes)
      for (const flips of k === 1 ? FLIPS.slice(1, 3) : FLIPS)
        await agree(opened[label], `${m} × ${k} · ${k} × ${n} ${JSON.stringify(flips)}`, () => [product(m, n, k, flips)]);
  });

  test.each(ALL)("sizes written into the kernels of a compiled step [%s]", async (label) => {
    use(opened[label]);
    const f = compile((a: Tensor, b: Tensor) => a.matmul(b));
    const [a, b] = [whole([33, 65]), whole([65, 17], 1)];
    const [expected] = await Promise.all(start([a.matmul(b)], [], js));
    expect(await f(a, b).data()).toEqual(expected);
    f.dispose();
  });

  test.each(SIMPLE)("no elements, in either operand or within [%s]", async (label) => {
    for (const [m, n, k] of [
      [0, 3, 4],
      [3, 0, 4],
      [3, 4, 0],
      [0, 0, 0],
    ])
      await agree(opened[label], `${m} × ${k} · ${k} × ${n}`, () => [product(m, n, k, FLIPS[0]), product(m, n, k, FLIPS[0], [2])]);
    await agree(opened[label], "an empty batch", () => [product(2, 3, 4, FLIPS[0], [0])]);
  });

  test.each(SIMPLE)("a batch of more matrices than one dimension has workgroups [%s]", async (label) => {
    await agree(opened[label], "70,000 products", () => [product(2, 1, 2, FLIPS[0], [70_000])]);
  });

  test.each(ALL)("bias, activation and gradients in the same kernels [%s]", async (label) => {
    await agree(opened[label], "dense layer", () => {
      const [x, w, b] = [whole([20, 35]), whole([35, 17], 1), whole([17], 2)];
      const y = relu(x.matmul(w).add(b));
      return [y, ...grad(y.mul(whole([20, 17], 3)).sum(), [x, w, b])];
    });
  });
});

const subsets = (rank: number): number[][] =>
  Array.from({ length: 2 ** rank }, (_, bits) => Array.from({ length: rank }, (_, i) => i).filter((i) => (bits >> i) & 1));

describe("reductions agree with js", () => {
  const small = [[5, 7], [2, 3, 5], [3, 1, 4, 2], [1], [2, 1, 3, 1, 2, 2]];
  test.each(SIMPLE)("over every set of axes [%s]", async (label) => {
    for (const shape of small)
      for (const axes of subsets(shape.length))
        await agree(opened[label], `[${shape}] over [${axes}]`, () => [
          whole(shape).sum(axes),
          whole(shape).max(axes),
          whole(shape).min(axes, true),
        ]);
  });

  // Rows of 64 and more, and not too many of them, get a workgroup each.
  test.each(TILED)("over every set of axes, a workgroup for each result [%s]", async (label) => {
    for (const shape of [[3, 65], [130, 2], [2, 67, 3], [300]])
      for (const axes of subsets(shape.length))
        await agree(opened[label], `[${shape}] over [${axes}]`, () => [
          whole(shape).sum(axes),
          whole(shape).max(axes),
          whole(shape).min(axes, true),
        ]);
  });

  test.each(ALL)("argMax gives the first of those that tie [%s]", async (label) => {
    for (const shape of [[5, 7], [3, 130], [2, 300, 2], [1000]])
      for (let axis = 0; axis < shape.length; axis++)
        await agree(opened[label], `[${shape}] along ${axis}`, () => [whole(shape).argMax(axis)]);
    const lowest = [tensor([Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY]), tensor(new Float32Array(300))];
    await agree(opened[label], "all the same", () => lowest.map((x) => x.argMax()));
  });

  test.each(ALL)("folds over one tensor share a kernel [%s]", async (label) => {
    const folds = (x: Tensor) => [x.sum(1), x.max(1), x.square().sum(1), x.argMax(1), x.min(1).add(x.sum(1))];
    await agree(opened[label], "siblings", () => folds(whole([5, 70])));
    use(opened[label]);
    const f = compile((x: Tensor) => folds(x));
    expect(f.explain(whole([5, 70])).kernels.map((k) => k.loops)).toEqual(["reduce"]);
    f.dispose();
  });

  test.each(ALL)("a hundred thousand numbers add up [%s]", async (label) => {
    const xs = Float32Array.from({ length: 100_000 }, (_, i) => Math.sin(i * 1.7) * 10 ** (i % 5));
    const exact = xs.reduce((sum, x) => sum + x, 0);
    const magnitude = xs.reduce((sum, x) => sum + Math.abs(x), 0);
    use(opened[label]);
    expect(Math.abs((await tensor(xs).sum().item()) - exact) / magnitude).toBeLessThan(1e-6);
  });
});

test.each(SIMPLE)("a vector longer than 65,535 workgroups of 64, and its sum [%s]", async (label) => {
  use(opened[label]);
  const n = 5_000_000;
  const x = tensor(Float32Array.from({ length: n }, (_, i) => i % 1000));
  const y = x.mul(2).add(1);
  const [values, sum] = await Promise.all([y.data(), y.mean().data()]);
  expect(
    values.findIndex((v: number, i: number) => v !== 2 * (i % 1000) + 1),
    "the first that is wrong",
  ).toBe(-1);
  // Added in runs. One after the other, numbers of a thousand would be lost on a sum of billions.
  expect(Math.abs(sum[0] / 1000 - 1)).toBeLessThan(1e-4);
});

test.each(SIMPLE)("more results of a reduction than 65,535 workgroups of 64 [%s]", async (label) => {
  use(opened[label]);
  const xs = Float32Array.from({ length: 4_200_000 }, (_, i) => i % 1000);
  const sums = await tensor(xs, [xs.length, 1]).sum(1).data();
  expect(
    xs.findIndex((x, i) => sums[i] !== x),
    "the first that is wrong",
  ).toBe(-1);
});
