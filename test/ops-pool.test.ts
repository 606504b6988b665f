// Pooling, upsampling and pixel shuffle, held against loops that are written from their definitions, and against PyTorch.
import { expect, test } from "vitest";
import { compile, full, grad, type Tensor, tensor } from "../src/index.ts";
import type { PoolOptions } from "../src/kernels/pool/spans.ts";
import { sample } from "../src/kernels/sample.ts";
import { open } from "../src/node.ts";
import { onEachDevice, onEachFamily } from "./setup/each-device.ts";
import { expectPyTorch, fixture } from "./setup/pytorch-layers.ts";

const values = async (t: Tensor): Promise<number[]> => [...(await t.data())];

/** The pictures that f makes: f(n, i, j, c) for every place of the shape. */
function pictures([n, h, w, c]: readonly number[], f: (n: number, i: number, j: number, c: number) => number): number[] {
  const made: number[] = [];
  for (let a = 0; a < n; a++) for (let i = 0; i < h; i++) for (let j = 0; j < w; j++) for (let k = 0; k < c; k++) made.push(f(a, i, j, k));
  return made;
}

/** x[n, i, j, c] for numbers; undefined outside of the picture. */
function reader(data: readonly number[], [, h, w, c]: readonly number[]) {
  return (n: number, i: number, j: number, k: number): number | undefined =>
    i < 0 || i >= h || j < 0 || j >= w ? undefined : data[((n * h + i) * w + j) * c + k];
}

interface Case {
  readonly shape: readonly number[];
  readonly options: PoolOptions;
  /** The same, written out. */
  readonly size: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly dilation: readonly [number, number];
  /** Above and to the left. */
  readonly before: readonly [number, number];
  readonly gives: readonly [number, number];
}

const cases: Case[] = [
  { shape: [2, 6, 4, 3], options: { size: 2 }, size: [2, 2], stride: [2, 2], dilation: [1, 1], before: [0, 0], gives: [3, 2] },
  { shape: [1, 5, 7, 5], options: { size: 2 }, size: [2, 2], stride: [2, 2], dilation: [1, 1], before: [0, 0], gives: [2, 3] },
  { shape: [1, 1, 1, 1], options: { size: 1 }, size: [1, 1], stride: [1, 1], dilation: [1, 1], before: [0, 0], gives: [1, 1] },
  {
    ...{ shape: [2, 7, 65, 1], options: { size: 3, stride: [2, 4], padding: 1 } },
    ...{ size: [3, 3], stride: [2, 4], dilation: [1, 1], before: [1, 1], gives: [4, 17] },
  },
  {
    ...{ shape: [1, 6, 5, 7], options: { size: 3, stride: 2, padding: "same" } },
    ...{ size: [3, 3], stride: [2, 2], dilation: [1, 1], before: [0, 1], gives: [3, 3] },
  },
  {
    ...{ shape: [1, 7, 5, 2], options: { size: [4, 2], stride: 1, padding: [[2, 1] as const, [0, 1] as const] } },
    ...{ size: [4, 2], stride: [1, 1], dilation: [1, 1], before: [2, 0], gives: [7, 5] },
  },
  {
    ...{ shape: [1, 65, 7, 1], options: { size: [2, 3], stride: [7, 1], dilation: [5, 2], padding: "valid" } },
    ...{ size: [2, 3], stride: [7, 1], dilation: [5, 2], before: [0, 0], gives: [9, 3] },
  },
];

for (const { shape, options, size, stride, dilation, before, gives } of cases) {
  onEachFamily(`pooling [${shape}] by ${JSON.stringify(options)} is what its definition gives`, async () => {
    const x = sample(shape);
    const at = reader(await values(x), shape);
    const fold = (f: (inside: number[]) => number) =>
      pictures([shape[0], ...gives, shape[3]], (n, i, j, c) => {
        const inside: number[] = [];
        for (let u = 0; u < size[0]; u++)
          for (let v = 0; v < size[1]; v++) {
            const value = at(n, i * stride[0] + u * dilation[0] - before[0], j * stride[1] + v * dilation[1] - before[1], c);
            if (value !== undefined) inside.push(value);
          }
        return f(inside);
      });
    const [largest, average] = [x.maxPool2d(options), x.avgPool2d(options)];
    expect([largest.shape, average.shape]).toEqual([
      [shape[0], ...gives, shape[3]],
      [shape[0], ...gives, shape[3]],
    ]);
    expect(await values(largest)).toEqual(fold((inside) => Math.max(...inside)));
    const averages = await values(average);
    fold((inside) => inside.reduce((a, b) => a + b, 0) / inside.length).forEach((e, i) => {
      expect(Math.abs(averages[i] - e)).toBeLessThan(2e-6);
    });
  });
}

onEachDevice("the padding of maxPool2d never wins, and that of avgPool2d does not count", async () => {
  const low = full([1, 3, 3, 2], -1e38);
  expect(new Set(await values(low.add(0).maxPool2d({ size: 3, stride: 1, padding: 1 })))).toEqual(new Set([Math.fround(-1e38)]));
  expect(new Set(await values(tensor(new Array(9).fill(0.75), [1, 3, 3, 1]).avgPool2d({ size: 2, stride: 1, padding: 1 })))).toEqual(
    new Set([0.75]),
  );
});

onEachDevice("equal elements of a window share its gradient equally", async () => {
  const x = tensor([2, 2, 0, 1, 2, 1, 0, 1, 3], [1, 3, 3, 1]);
  // windows: [2 2; 1 2], [2 0; 2 1], [1 2; 0 1], [2 1; 1 3]
  const [dx] = grad(
    x
      .maxPool2d({ size: 2, stride: 1 })
      .mul(tensor([3, 8, 16, 32], [1, 2, 2, 1]))
      .sum(),
    [x],
  );
  expect(await values(dx)).toEqual([1, 1 + 4, 0, 0, 1 + 4 + 16, 0, 0, 0, 32].map((v) => expect.closeTo(v, 5)));
});

onEachDevice("each window spreads its gradient over the picture only", async () => {
  for (const pool of ["maxPool2d", "avgPool2d"] as const) {
    const x = sample([2, 5, 7, 3]);
    const y = x[pool]({ size: 3, stride: 2, padding: 1 });
    const dx = await values(grad(y.sum(), [x])[0]);
    expect(dx.reduce((a, b) => a + b, 0)).toBeCloseTo(y.size, 3); // the weights of a window add up to one
  }
});

test("pooling without padding is one kernel, whether windows overlap or not [webgpu]", async () => {
  await using _ = await open("webgpu");
  for (const pool of ["maxPool2d", "avgPool2d"] as const)
    for (const stride of [1, 2, 3]) {
      const step = compile((x: Tensor) => x[pool]({ size: 2, stride }));
      expect(step.explain(sample([2, 5, 7, 3])).kernels.length).toBe(1);
      step.dispose();
    }
});

onEachDevice("a compiled step with these ops leaves nothing behind", async () => {
  const step = compile((x: Tensor) => [
    x.maxPool2d({ size: 3, stride: 2, padding: 1 }),
    x.avgPool2d({ size: 3, stride: 2, padding: 1 }),
    grad(x.upsampleBilinear(2).square().sum(), [x])[0],
  ]);
  for (const y of step(sample([2, 5, 7, 3]))) await y.data();
  step.dispose();
});

for (const [shape, scale] of [
  [
    [1, 1, 1, 1],
    [3, 2],
  ],
  [
    [2, 5, 7, 3],
    [2, 2],
  ],
  [
    [1, 7, 1, 5],
    [1, 4],
  ],
  [
    [1, 2, 65, 1],
    [3, 5],
  ],
] as const) {
  const [n, h, w, c] = shape;
  onEachDevice(`upsampling [${shape}] by [${scale}] is what its definition gives`, async () => {
    const x = sample(shape);
    const at = reader(await values(x), shape);
    const large = [n, h * scale[0], w * scale[1], c];
    const nearest = x.upsampleNearest(scale);
    expect(nearest.shape).toEqual(large);
    expect(await values(nearest)).toEqual(pictures(large, (n, i, j, k) => at(n, Math.floor(i / scale[0]), Math.floor(j / scale[1]), k)!));

    /** Between which two elements, and how far from the first: centres of pixels lie at half numbers, and the edge goes on. */
    const place = (o: number, s: number, d: number): [number, number, number] => {
      const t = Math.min(Math.max((o + 0.5) / s - 0.5, 0), d - 1);
      const low = Math.floor(t);
      return [low, Math.min(low + 1, d - 1), t - low];
    };
    const expected = pictures(large, (n, i, j, k) => {
      const [top, bottom, down] = place(i, scale[0], h);
      const [left, right, along] = place(j, scale[1], w);
      const row = (r: number) => (1 - along) * at(n, r, left, k)! + along * at(n, r, right, k)!;
      return (1 - down) * row(top) + down * row(bottom);
    });
    const got = await values(x.upsampleBilinear(scale));
    expect(got.length).toBe(expected.length);
    expected.forEach((e, i) => {
      expect(Math.abs(got[i] - e)).toBeLessThan(2e-6);
    });
  });

  onEachDevice(`pixels of [${shape}] become channels of [${scale}] and back`, async () => {
    const [r] = scale;
    const x = sample([n, h * r, w * r, c]);
    const at = reader(await values(x), x.shape);
    const y = x.pixelUnshuffle(r);
    expect(y.shape).toEqual([n, h, w, c * r * r]);
    const expected = pictures(y.shape, (n, i, j, k) => {
      const within = k % (r * r);
      return at(n, i * r + Math.floor(within / r), j * r + (within % r), Math.floor(k / (r * r)))!;
    });
    expect(await values(y)).toEqual(expected);
    expect(await values(y.pixelShuffle(r))).toEqual(await values(x));
  });
}

onEachDevice("what is evenly sloped stays so between the outermost centres", async () => {
  const x = tensor([0, 4, 8, 12], [1, 1, 4, 1]);
  expect(await values(x.upsampleBilinear([1, 2]))).toEqual([0, 1, 3, 5, 7, 9, 11, 12]);
});

for (const [i, example] of fixture.cases.entries()) {
  if (example.op.includes("Norm")) continue;
  onEachDevice(`PyTorch gives the same values and gradients, case ${i}: ${example.op}(${JSON.stringify(example.args)})`, () =>
    expectPyTorch(example),
  );
}
