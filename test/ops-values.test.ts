// Values that were worked out by hand, looked up, or computed here by another way: the `js` loops are the
// specification of the other devices, and this is what they are held against themselves.
import { expect } from "vitest";
import {
  arange,
  concat,
  eye,
  full,
  grad,
  logSoftmax,
  matmul,
  maximum,
  minimum,
  ones,
  parameter,
  stack,
  type Tensor,
  tensor,
  where,
  zeros,
} from "../src/index.ts";
import { sample, sampleIndex } from "../src/kernels/sample.ts";
import { onEachDevice, onEachFamily } from "./setup/each-device.ts";

const values = async (t: Tensor): Promise<number[]> => [...(await t.data())];

/** Within `relative` of each expected number, or within `absolute`. */
async function expectValues(t: Tensor, expected: readonly number[], relative = 0, absolute = 0): Promise<void> {
  const got = await values(t);
  const close = (x: number, e: number) => x === e || Math.abs(x - e) <= absolute + relative * Math.abs(e);
  if (got.length !== expected.length || !got.every((x, i) => close(x, expected[i]))) expect(got).toEqual(expected);
}

const slope = (f: (x: Tensor) => Tensor, at: readonly number[]): Promise<number[]> => {
  const x = tensor([...at]);
  return values(grad(f(x).sum(), [x])[0]);
};

// Functions. `[f, [x, y], …]`; one unit in the last place of f32 is 1.2e-7.

const known: Readonly<Record<string, readonly (readonly [x: number, y: number])[]>> = {
  exp: [
    [0, 1],
    [1, Math.E],
    [-87, 1.6458114310822737e-38],
    [88, 1.6516362549940018e38],
    [-200, 0],
    [Number.NEGATIVE_INFINITY, 0],
  ],
  log: [
    [1, 0],
    [1.0001220703125, 1.2206286282867573e-4],
    [0.99993896484375, -6.103701897097958e-5],
    [Math.fround(2e-38), Math.log(Math.fround(2e-38))],
    [0, Number.NEGATIVE_INFINITY],
    [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
  ],
  log1p: [
    [0, 0],
    [1e-8, 9.99999995e-9],
    [-0.5, -Math.LN2],
    [1, Math.LN2],
    [1e30, 69.07755278982137],
  ],
  expm1: [
    [0, 0],
    [1e-8, 1.000000005e-8],
    [-0.25, -0.22119921692859512],
    [0.75, 1.1170000166126748],
    [-50, -1],
  ],
  sqrt: [
    [0, 0],
    [2, Math.SQRT2],
    [1e30, 1e15],
  ],
  rsqrt: [
    [4, 0.5],
    [2, Math.SQRT1_2],
  ],
  tanh: [
    [0, 0],
    [1e-8, 1e-8],
    [0.5, 0.46211715726000974],
    [-1, -0.7615941559557649],
    [9, 0.9999999695400409],
    [100, 1],
    [-1e30, -1],
  ],
  erf: [
    [0, 0],
    [1e-6, 1.1283791670951815e-6],
    [0.5, 0.5204998778130465],
    [-1, -0.8427007929497149],
    [2, 0.9953222650189527],
    [3, 0.9999779095030014],
    [10, 1],
  ],
  sigmoid: [
    [0, 0.5],
    [-20, 2.0611536181902037e-9],
    [-80, 1.8048513878454153e-35],
    [3, 0.9525741268224334],
    [1000, 1],
  ],
  softplus: [
    [0, Math.LN2],
    [-40, 4.248354255291589e-18],
    [-1, 0.31326168751822286],
    [3, 3.048587351573742],
    [1000, 1000],
  ],
  sin: [
    [0, 0],
    [1, 0.8414709848078965],
    [-2, -0.9092974268256817],
    [3.1415927410125732, -8.742278012618954e-8],
    [100, -0.5063656411097588],
    [10000, -0.3056143888882522],
  ],
  cos: [
    [0, 1],
    [1, 0.5403023058681398],
    [-2, -0.4161468365471424],
    [1.5707963705062866, -4.371139000186241e-8],
    [1000, 0.5623790762907029],
  ],
  gelu: [
    [0, 0],
    [1, 0.8413447460685429],
    [-1, -0.15865525393145707],
    [3e38, 3e38],
    [-10, 0],
  ],
  silu: [
    [1, 0.7310585786300049],
    [-100, 0],
  ],
  elu: [
    [2, 2],
    [0, 0],
    [-1, -0.6321205588285577],
    [-1000, -1],
  ],
  leakyRelu: [
    [2, 2],
    [-2, -0.02],
  ],
  reciprocal: [
    [4, 0.25],
    [-3, -1 / 3],
  ],
  sign: [
    [2.5, 1],
    [0, 0],
    [-0.1, -1],
  ],
  floor: [
    [2.5, 2],
    [-0.5, -1],
    [-3, -3],
  ],
  square: [[-3, 9]],
  abs: [[-3, 3]],
  neg: [[-3, 3]],
  relu: [
    [-3, 0],
    [2, 2],
  ],
};

/** WGSL lets exp(x) be off by 3 + 2|x| units in the last place: 1e-5 at 88. */
const relative: Readonly<Record<string, number>> = { exp: 2e-5, sigmoid: 2e-5 };
/** sin and cos are right to 2⁻²⁴ or so of a quarter turn, erf of 1; all others down to where numbers are subnormal. */
const absolute: Readonly<Record<string, number>> = { sin: 3e-7, cos: 3e-7, erf: 2e-7, gelu: 2e-7 };

for (const [name, pairs] of Object.entries(known)) {
  onEachDevice(`${name} has the values in the tables`, async () => {
    const x = tensor(pairs.map(([x]) => x));
    const f = x[name as "exp"].bind(x);
    const expected = pairs.map(([, y]) => Math.fround(y));
    await expectValues(f(), expected, relative[name] ?? 2e-6, absolute[name] ?? 2e-38);
  });
}

onEachDevice("sigmoid(-90) is the subnormal number or zero, and not NaN", async () => {
  const [y] = await values(tensor([-90]).sigmoid());
  expect(y === 0 || Math.abs(y - 8.194e-40) < 1e-42).toBe(true);
});

onEachDevice("exp overflows to infinity, and isFinite sees that", async () => {
  const x = tensor([1000, 1]).exp();
  await expectValues(x.isFinite(), [0, 1]);
});

onEachDevice("isFinite is a test of the bits", async () => {
  const x = tensor([1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -3e38]);
  await expectValues(x.isFinite(), [1, 0, 0, 0, 1, 1]);
});

onEachDevice("pow knows signs, zero and fractions", async () => {
  const y = tensor([-2, -2, 0, 2, 2, 0, -1]).pow(tensor([3, 2, 0, -1, 0.5, 3, 5]));
  await expectValues(y, [-8, 4, 1, 0.5, Math.SQRT2, 0, -1], 2e-6);
});

onEachDevice("mod has the sign of the divisor", async () => {
  await expectValues(tensor([-1, 5.5, 7, -7]).mod(tensor([3, 2, -4, -4])), [2, 1.5, -1, -3]);
});

onEachDevice("arithmetic broadcasts from the right", async () => {
  const column = tensor([[10], [20]]);
  const row = tensor([1, 2, 3]);
  await expectValues(column.add(row), [11, 12, 13, 21, 22, 23]);
  await expectValues(column.sub(row), [9, 8, 7, 19, 18, 17]);
  await expectValues(row.mul(column), [10, 20, 30, 20, 40, 60]);
  await expectValues(column.div(tensor([1, 2, 4])), [10, 5, 2.5, 20, 10, 5]);
  await expectValues(row.sub(1), [0, 1, 2]);
});

onEachDevice("comparisons give 1 and 0", async () => {
  const [a, b] = [tensor([1, 2, 3]), tensor([2, 2, 2])];
  await expectValues(a.less(b), [1, 0, 0]);
  await expectValues(a.lessEqual(b), [1, 1, 0]);
  await expectValues(a.equal(b), [0, 1, 0]);
  await expectValues(a.notEqual(b), [1, 0, 1]);
  await expectValues(a.greaterEqual(b), [0, 1, 1]);
  await expectValues(a.greater(b), [0, 0, 1]);
  await expectValues(where(a.less(b), a, 9), [1, 9, 9]);
});

onEachDevice("u32 wraps, on the device as in folded constants", async () => {
  const x = tensor(Uint32Array.of(0, 4294967295, 65536));
  await expectValues(x.add(1), [1, 0, 65537]);
  await expectValues(x.sub(1), [4294967295, 4294967294, 65535]);
  await expectValues(x.mul(65537), [0, 4294901759, 65536]);
  await expectValues(x.div(10), [0, 429496729, 6553]);
  await expectValues(x.mod(10), [0, 5, 6]);
  await expectValues(full([1], 3, "u32").sub(5), [4294967294]);
  await expectValues(full([1], 3, "u32").sub(5).cast("f32"), [4294967296]);
});

onEachDevice("a number that a u32 tensor cannot hold is refused", () => {
  const x = tensor(Uint32Array.of(1));
  expect(() => x.mul(0.5)).toThrow("mul: 0.5 is no u32");
  expect(() => x.add(-1)).toThrow("add: -1 is no u32");
  expect(() => full([2], 1.5, "u32")).toThrow("full: 1.5 is no u32");
  expect(() => tensor([1, 300], [2], "u8")).toThrow("tensor: 300 at 1 is no u8");
  expect(() => tensor([1.5], [1], "u32")).toThrow("tensor: 1.5 at 0 is no u32");
  expect(() => x.sqrt()).toThrow("sqrt: takes f32, not u32; cast it first");
  expect(() => x.add(tensor([1]))).toThrow("add: mixes u32 and f32; cast one of them");
  expect(() => tensor(Uint8Array.of(1)).add(1)).toThrow(/add: .* is u8, which stores and does not compute/);
});

onEachDevice("cast cuts fractions and clamps to what fits", async () => {
  await expectValues(tensor([-1.5, 0.9, 1.9, 300, 4e9]).cast("u32"), [0, 0, 1, 300, 4e9]);
  await expectValues(tensor(Uint8Array.of(0, 7, 255)).cast("f32"), [0, 7, 255]);
  await expectValues(tensor(Uint8Array.of(0, 7, 255)).cast("u32"), [0, 7, 255]);
  await expectValues(tensor(Uint32Array.of(16777217)).cast("f32"), [16777216]);
});

// Derivatives where finite differences cannot look.

onEachDevice("derivatives at kinks are what the documentation says", async () => {
  expect(await slope((x) => x.relu(), [0, -0, 1])).toEqual([0, 0, 1]);
  expect(await slope((x) => x.abs(), [0])).toEqual([0]);
  expect(await slope((x) => x.elu(), [0])).toEqual([1]);
  expect(await slope((x) => x.leakyRelu(0.25), [0, 1])).toEqual([0.25, 1]);
  expect(await slope((x) => x.sign().add(x.floor()), [0.5])).toEqual([0]);
  expect(await slope((x) => x.pow(3), [0, -2])).toEqual([0, 12]);
});

onEachFamily("ties share the gradient equally", async () => {
  expect(await slope((x) => x.max(), [3, 1, 3, 3])).toEqual([1 / 3, 0, 1 / 3, 1 / 3].map(Math.fround));
  expect(await slope((x) => x.min(), [2, 5, 2])).toEqual([0.5, 0, 0.5]);
  const [a, b] = [tensor([1, 2, 3]), tensor([2, 2, 2])];
  const [da, db] = grad(maximum(a, b).sum(), [a, b]);
  await expectValues(da, [0, 0.5, 1]);
  await expectValues(db, [1, 0.5, 0]);
  const [ea, eb] = grad(minimum(a, b).sum(), [a, b]);
  await expectValues(ea, [1, 0.5, 0]);
  await expectValues(eb, [0, 0.5, 1]);
});

onEachDevice("the gradient of a product passes through zeros", async () => {
  expect(await slope((x) => x.prod(), [2, 0, 5])).toEqual([0, 10, 0]);
  expect(await slope((x) => x.prod(), [2, 0, 0, 5])).toEqual([0, 0, 0, 0]);
});

onEachDevice("the gradient of a quotient does not overflow before the quotient does", async () => {
  const [a, b] = [tensor([1e20]), tensor([1e25])];
  await expectValues(grad(a.div(b).sum(), [b])[0], [-1e-30], 1e-6);
});

// Reductions.

onEachFamily("reductions over any axes", async () => {
  const x = tensor([
    [1, 5, 3],
    [4, 2, 6],
  ]);
  await expectValues(x.sum(), [21]);
  await expectValues(x.sum(0), [5, 7, 9]);
  await expectValues(x.sum(-1), [9, 12]);
  await expectValues(x.mean(1), [3, 4], 1e-7);
  await expectValues(x.max(0), [4, 5, 6]);
  await expectValues(x.min([0, 1]), [1]);
  await expectValues(x.prod(0), [4, 10, 18]);
  expect(x.sum(1, true).shape).toEqual([2, 1]);
  expect((await x.argMax().data()) instanceof Uint32Array).toBe(true);
  await expectValues(x.argMax(), [1, 2]);
  await expectValues(x.argMax(0), [1, 0, 1]);
  await expectValues(tensor([-3, -2, -7]).max(), [-2]);
  await expectValues(tensor([3, 2, 7]).min(), [2]);
});

onEachFamily("argMax gives the first of those that tie", async () => {
  await expectValues(
    tensor([
      [1, 3, 3, 2],
      [0, 0, 0, 0],
      [-1, -2, -1, -3],
    ]).argMax(),
    [1, 0, 0],
  );
});

onEachFamily("a long sum is as good as its terms", async () => {
  const n = 100_003;
  const x = Float32Array.from({ length: n }, (_, i) => Math.sin(i) + 1);
  const exact = x.reduce((a, b) => a + b, 0);
  const [sum] = await values(tensor(x).sum());
  expect(Math.abs(sum - exact) / exact).toBeLessThan(1e-4); // added one by one in f32: n · 2⁻²⁴ is 6e-3, its square root 2e-5
  await expectValues(ones([n]).add(tensor(x).mul(0)).sum(), [n]);
  const [largest] = await values(tensor(x).max());
  expect(largest).toBe(x.reduce((a, b) => Math.max(a, b)));
});

onEachFamily("empty tensors are summed to zero, and have no mean", async () => {
  await expectValues(
    zeros([0, 3])
      .add(tensor([1, 2, 3]))
      .sum(0),
    [0, 0, 0],
  );
  expect(() => zeros([0, 3]).mean(0)).toThrow(/mean: .* has no elements along \[0\]/);
  expect(() => tensor([]).max()).toThrow(/max: .* has no elements/);
  expect(() => tensor(Uint32Array.of(1)).sum()).toThrow(/sum: takes f32/);
  expect(() => ones([2], "u32").sum()).toThrow(/sum: takes f32/);
});

// Softmax.

onEachFamily("softmax sums to 1, and does not feel a shift", async () => {
  await expectValues(tensor([0, Math.LN2]).softmax(), [1 / 3, 2 / 3], 1e-6);
  const x = sample([5, 7]);
  await expectValues(x.softmax().sum(-1), [1, 1, 1, 1, 1], 1e-6);
  await expectValues(x.add(1000).softmax(), await values(x.softmax()), 2e-4); // 1000 + x has 2⁻¹⁴ left for x
  await expectValues(logSoftmax(tensor([0, 1000])), [-1000, 0]);
  await expectValues(tensor([1000, 1000]).logSumExp(), [1000 + Math.LN2], 1e-7);
  await expectValues(tensor([-1000, -1001]).logSumExp(), [-999.6867383124818], 1e-7);
});

// Products: all flags, sizes on both sides of the tiles, against three loops.

const sizes = [
  [1, 1, 1],
  [5, 7, 3],
  [17, 33, 19],
  [64, 16, 64],
  [65, 66, 67],
  [3, 300, 130],
] as const;

for (const [m, k, n] of sizes) {
  for (const flipA of [false, true]) {
    for (const flipB of [false, true]) {
      onEachFamily(`matmul of ${m}×${k} and ${k}×${n}${flipA ? ", left flipped" : ""}${flipB ? ", right flipped" : ""}`, async () => {
        const a = sample(flipA ? [k, m] : [m, k], -1, 1, 1);
        const b = sample(flipB ? [n, k] : [k, n], -1, 1, 2);
        const [x, y] = [await a.data(), await b.data()];
        const got = await matmul(a, b, { flipA, flipB }).data();
        for (let i = 0; i < m; i++) {
          for (let j = 0; j < n; j++) {
            let sum = 0;
            let size = 0;
            for (let p = 0; p < k; p++) {
              const term = x[flipA ? p * m + i : i * k + p] * y[flipB ? j * k + p : p * n + j];
              sum += term;
              size += Math.abs(term);
            }
            const error = Math.abs(got[i * n + j] - sum);
            if (!(error <= k * 2 ** -24 * size)) expect.fail(`[${i}, ${j}]: ${got[i * n + j]}, expected ${sum}`);
          }
        }
      });
    }
  }
}

onEachFamily("a batch of products is the products of its matrices", async () => {
  const [a, b] = [sample([2, 1, 5, 4]), sample([3, 4, 2], -3, 3, 1)];
  const all = matmul(a, b);
  expect(all.shape).toEqual([2, 3, 5, 2]);
  for (let i = 0; i < 2; i++) {
    for (let j = 0; j < 3; j++) {
      const one = matmul(a.slice([[i, i + 1]]).reshape([5, 4]), b.slice([[j, j + 1]]).reshape([4, 2]));
      const part = all
        .slice([
          [i, i + 1],
          [j, j + 1],
        ])
        .reshape([5, 2]);
      await expectValues(part, await values(one), 1e-6, 1e-6);
    }
  }
});

onEachDevice("the identity leaves a matrix as it is", async () => {
  const x = sample([5, 7]);
  await expectValues(eye(5).matmul(x), await values(x));
  await expectValues(eye(2, 3), [1, 0, 0, 0, 1, 0]);
});

// Layout, against index arithmetic.

onEachDevice("permute moves axes", async () => {
  const shape = [2, 3, 4];
  const x = arange(24).reshape(shape);
  for (const axes of [
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
    [1, 2, 0],
    [2, 0, 1],
    [2, 1, 0],
  ]) {
    const y = x.permute(axes);
    const expected: number[] = [];
    const steps = [12, 4, 1];
    for (let i = 0; i < y.shape[0]; i++)
      for (let j = 0; j < y.shape[1]; j++)
        for (let k = 0; k < y.shape[2]; k++) expected.push(i * steps[axes[0]] + j * steps[axes[1]] + k * steps[axes[2]]);
    await expectValues(y, expected);
  }
  await expectValues(
    tensor([
      [1, 2, 3],
      [4, 5, 6],
    ]).transpose(),
    [1, 4, 2, 5, 3, 6],
  );
});

onEachDevice("slices count as Python's do", async () => {
  const x = arange(7);
  await expectValues(x.slice([[2, 5]]), [2, 3, 4]);
  await expectValues(x.slice([[-3]]), [4, 5, 6]);
  await expectValues(x.slice([[undefined, -5]]), [0, 1]);
  await expectValues(x.slice([[1, 7, 3]]), [1, 4]);
  await expectValues(x.slice([[undefined, undefined, -2]]), [6, 4, 2, 0]);
  await expectValues(x.slice([[5, 0, -2]]), [5, 3, 1]);
  await expectValues(x.slice([[-2, undefined, -3]]), [5, 2]);
  await expectValues(x.slice([[100]]), []);
  await expectValues(x.slice([[-100, 100]]), [0, 1, 2, 3, 4, 5, 6]);
  const grid = arange(12).reshape([3, 4]);
  await expectValues(grid.slice([null, [1, 3]]), [1, 2, 5, 6, 9, 10]);
  await expectValues(
    grid.slice([
      [undefined, undefined, 2],
      [undefined, undefined, -1],
    ]),
    [3, 2, 1, 0, 11, 10, 9, 8],
  );
});

onEachDevice("pad, concat, stack, split, flip and broadcastTo", async () => {
  const x = tensor([
    [1, 2],
    [3, 4],
  ]);
  await expectValues(
    x.pad([
      [0, 1],
      [1, 0],
    ]),
    [0, 1, 2, 0, 3, 4, 0, 0, 0],
  );
  await expectValues(tensor([1, 2]).pad([[1, 1]], 1e10), [1e10, 1, 2, 1e10]);
  await expectValues(
    tensor([1])
      .pad([[1, 0]], Number.NEGATIVE_INFINITY)
      .max(),
    [1],
  );
  await expectValues(tensor(Uint32Array.of(5)).pad([[0, 1]], 7), [5, 7]);
  await expectValues(concat([x, tensor([[5, 6]])]), [1, 2, 3, 4, 5, 6]);
  await expectValues(concat([x, tensor([[5], [6]])], 1), [1, 2, 5, 3, 4, 6]);
  await expectValues(stack([tensor([1, 2]), tensor([3, 4])], 1), [1, 3, 2, 4]);
  const [left, right] = arange(6).reshape([2, 3]).split([1, 2], 1);
  await expectValues(left, [0, 3]);
  await expectValues(right, [1, 2, 4, 5]);
  await expectValues(x.flip(), [4, 3, 2, 1]);
  await expectValues(x.flip(1), [2, 1, 4, 3]);
  await expectValues(tensor([[1], [2]]).broadcastTo([2, 2, 2]), [1, 1, 2, 2, 1, 1, 2, 2]);
});

onEachDevice("views of bytes are bytes", async () => {
  const x = tensor(Uint8Array.of(1, 2, 3, 4, 5, 6), [3, 2]);
  const y = x.take(tensor(Uint32Array.of(2, 0))).transpose();
  expect(y.dtype).toBe("u8");
  await expectValues(y, [5, 1, 6, 2]);
  await expectValues(x.slice([[1, 2]]), [3, 4]);
  await expectValues(x.flip(0).cast("f32").mul(0.5), [2.5, 3, 1.5, 2, 0.5, 1]);
});

onEachDevice("take gathers rows, and its gradient adds them up", async () => {
  const x = tensor([
    [1, 2],
    [3, 4],
    [5, 6],
  ]);
  const index = tensor(Uint32Array.of(2, 0, 2));
  await expectValues(x.take(index), [5, 6, 1, 2, 5, 6]);
  await expectValues(x.take(tensor(Uint32Array.of(1, 1)), 1), [2, 2, 4, 4, 6, 6]);
  const dy = tensor([
    [1, 2],
    [10, 20],
    [100, 200],
  ]);
  await expectValues(grad(x.take(index).mul(dy).sum(), [x])[0], [10, 20, 0, 0, 101, 202]);
  await expectValues(dy.scatterAdd(index, 4), [10, 20, 0, 0, 101, 202, 0, 0]);
});

onEachDevice("an index out of range that is known at the call is refused there", () => {
  expect(() => tensor([1, 2, 3]).take(tensor(Uint32Array.of(3)))).toThrow("take: index 3 is out of range for 3 rows");
});

onEachDevice("oneHot marks each index", async () => {
  await expectValues(sampleIndex([], 1).oneHot(3), [1, 0, 0]);
  await expectValues(tensor(Uint32Array.of(2, 0)).oneHot(3), [0, 0, 1, 1, 0, 0]);
});

// Creation.

onEachDevice("tensors are made from numbers, nested arrays, typed arrays and counts", async () => {
  expect(tensor(5).shape).toEqual([]);
  expect(tensor([[], []]).shape).toEqual([2, 0]);
  expect(
    await tensor([
      [1, 2],
      [3, 4],
    ]).array(),
  ).toEqual([
    [1, 2],
    [3, 4],
  ]);
  expect(await tensor(7).array()).toBe(7);
  expect(await tensor(Float64Array.of(1, 2), [2, 1]).array()).toEqual([[1], [2]]);
  await expectValues(arange(4), [0, 1, 2, 3]);
  await expectValues(arange(1, 2, 0.25), [1, 1.25, 1.5, 1.75]);
  await expectValues(arange(5, 0, -2), [5, 3, 1]);
  await expectValues(arange(2, 10, 3, "u32"), [2, 5, 8]);
  expect(arange(3, 3).shape).toEqual([0]);
  await expectValues(full([2, 2], 1.5), [1.5, 1.5, 1.5, 1.5]);
  await expectValues(ones([2], "u32"), [1, 1]);
  const data = Float32Array.of(1, 2);
  const x = tensor(data);
  data[0] = 9;
  await expectValues(x, [1, 2]); // a copy
  expect(() => tensor([[1, 2], [3]])).toThrow(/tensor: the nested arrays are uneven/);
  expect(() => tensor([1, [2]])).toThrow(/tensor: the nested arrays are uneven/);
  expect(() => tensor([1, 2, 3], [2, 2])).toThrow("tensor: 3 values do not fill [2, 2]");
  expect(() => tensor([1], [-1])).toThrow(/is no shape/);
  expect(() => zeros([1, 1, 1, 1, 1, 1, 1])).toThrow(/rank 7/);
  expect(() => arange(0, 1, 0)).toThrow("arange: from 0 to 1 by 0 never ends");
});

onEachDevice("an op reads its inputs where they lie, six axes deep", async () => {
  const shape = [2, 1, 3, 1, 2, 2];
  const x = arange(24).reshape(shape);
  using w = parameter(arange(24).reshape(shape));
  await expectValues(
    x.permute([5, 4, 3, 2, 1, 0]).sum([0, 2]).reshape([-1]),
    await values(w.permute([5, 4, 3, 2, 1, 0]).sum([0, 2]).reshape([-1])),
  );
  // elements 0 2 12 14, 1 3 13 15, 4 6 16 18, …
  await expectValues(x.sum([0, 4]), [28, 32, 44, 48, 60, 64]);
});
