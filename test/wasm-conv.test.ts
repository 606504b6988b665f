// Convolutions on the processor against js where loops go wrong: borders, odd sizes, images in blocks, several at a time, groups, sums in
// pieces, threads. Values are small whole numbers, so that sums are exact in any order; bits are compared where they are not.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ConvTransposeOptions } from "../src/kernels/conv/geometry.ts";
import { sample } from "../src/kernels/sample.ts";
import { compile, type Device, grad, open, type Tensor } from "../src/node.ts";
import { start } from "../src/tensor/read.ts";
import { agree, type Shape, whole } from "./setup/exact.ts";

const THREADS = [1, 2, 3] as const;
const opened: Device[] = [];
beforeAll(async () => {
  for (const threads of THREADS) opened[threads] = await open("wasm", { threads });
});
afterAll(async () => {
  for (const device of opened) await device?.close();
});

interface Case {
  readonly x: Shape;
  readonly w: Shape;
  readonly options?: ConvTransposeOptions;
}

/** y, dx and dw of a convolution, and a second dw that goes on in the same kernel. */
function forward({ x, w, options }: Case): Tensor[] {
  const [a, b] = [whole(x), whole(w, 1)];
  const y = a
    .conv2d(b, options)
    .add(whole([w[3]], 2))
    .relu();
  const [da, db] = grad(y.mul(whole(y.shape, 3)).sum(), [a, b]);
  return [y, da, db, db.mul(0.5).add(b)];
}

function transposed({ x, w, options }: Case): Tensor[] {
  const [a, b] = [whole(x), whole(w, 1)];
  const y = a.convTranspose2d(b, options);
  const z = y.add(whole([y.shape[3]], 2)).relu();
  const [da, db] = grad(z.mul(whole(z.shape, 3)).sum(), [a, b]);
  return [z, da, db];
}

const STRIDES: readonly ConvTransposeOptions[] = [
  {},
  { stride: 2, padding: 1 },
  { stride: [2, 3], padding: "same" },
  { stride: 3 }, // leaves rows that no patch reaches
  {
    padding: [
      [0, 3],
      [2, 1],
    ],
  },
  { dilation: 2, padding: 2 },
  { dilation: [1, 2], stride: 2, padding: 1 },
];

describe.each(THREADS)("with %d threads", (threads) => {
  for (const options of STRIDES) {
    test(`odd sizes, ${JSON.stringify(options)} [wasm]`, async () => {
      for (const c of [1, 3, 4, 9]) {
        for (const o of [1, 5, 8]) {
          for (const kernel of [
            [1, 1],
            [2, 3],
            [4, 4],
          ]) {
            const w = [...kernel, c, o];
            const what = `${w} ${JSON.stringify(options)}`;
            await agree(opened[threads], what, () => forward({ x: [3, 7, 9, c], w, options }));
            await agree(opened[threads], `transposed ${what}`, () => transposed({ x: [3, 7, 9, o], w, options }));
          }
        }
      }
    });
  }

  test("groups, and as many of them as channels [wasm]", async () => {
    for (const groups of [2, 4])
      for (const [c1, o1] of [
        [1, 1],
        [1, 3],
        [5, 2],
      ]) {
        for (const options of [
          { groups, padding: 1 },
          { groups, stride: 2 },
        ]) {
          const w = [3, 2, c1, groups * o1];
          await agree(opened[threads], `${w}, ${groups} groups`, () => forward({ x: [4, 6, 5, groups * c1], w, options }));
          await agree(opened[threads], `transposed ${w}, ${groups} groups`, () => transposed({ x: [4, 6, 5, groups * o1], w, options }));
        }
      }
  });

  test("more work than one thread does: several images at once, sums in pieces [wasm]", async () => {
    for (const images of [1, 5, 17]) {
      const [x, w] = [
        [images, 14, 15, 6],
        [4, 4, 6, 10],
      ];
      const options = { stride: 2, padding: 1 };
      await agree(opened[threads], `${images} images`, () => forward({ x, w, options }));
      await agree(opened[threads], `${images} images, transposed`, () => transposed({ x: [images, 7, 6, 10], w, options }));
    }
  });

  test("patches that are packed in parts: rows of them, pieces of rows, and more pixels or channels than go together [wasm]", async () => {
    const cases: Record<string, Case> = {
      "runs of 150, of which two go together": { x: [2, 9, 8, 30], w: [5, 5, 30, 6], options: { padding: 2, stride: 2 } },
      "runs of 390, in pieces": { x: [3, 5, 6, 130], w: [2, 3, 130, 5], options: { padding: 1 } },
      "pieces of pixels": { x: [2, 3, 4, 402], w: [2, 2, 402, 3], options: { dilation: [1, 2] } },
      "rows of 900 pixels": { x: [2, 2, 900, 2], w: [1, 3, 2, 3], options: { padding: "same" } },
      "390 channels": { x: [2, 4, 3, 3], w: [2, 2, 3, 390] },
      "2050 channels": { x: [2, 3, 3, 2], w: [2, 1, 2, 2050] },
      "groups of 386 channels": { x: [2, 3, 3, 4], w: [2, 2, 2, 772], options: { groups: 2, padding: 1 } },
    };
    for (const [what, one] of Object.entries(cases)) {
      await agree(opened[threads], what, () => forward(one));
      const x = [...one.x.slice(0, 3), one.w[3]];
      await agree(opened[threads], `${what}, transposed`, () => transposed({ ...one, x }));
    }
  });

  test("images whose patches are larger than a cache go in blocks [wasm]", async () => {
    for (const options of [{ padding: 1 }, { stride: 2 }, { padding: 1, groups: 2 }]) {
      const groups = "groups" in options ? 2 : 1;
      const w = [3, 3, 48 / groups, 2];
      await agree(opened[threads], JSON.stringify(options), () => forward({ x: [2, 67, 65, 48], w, options }));
    }
    await agree(opened[threads], "transposed", () => transposed({ x: [2, 66, 64, 2], w: [3, 3, 48, 2], options: { padding: 1 } }));
  });
});

test("the same bits on any number of threads [wasm]", async () => {
  const make = (): Tensor[] => {
    const [x, w] = [sample([9, 13, 11, 5]), sample([3, 3, 5, 7], -1, 1, 1)];
    const y = x.conv2d(w, { stride: 2, padding: 1 }).tanh();
    const z = y.convTranspose2d(w, { stride: 2, padding: 1 });
    return [y, z, ...grad(z.square().sum(), [x, w])];
  };
  const bits: Uint32Array[][] = [];
  for (const threads of THREADS) {
    const values = await Promise.all(start(make(), [], opened[threads]));
    bits.push(values.map((v) => new Uint32Array((v as Float32Array).slice().buffer)));
  }
  expect(bits[1]).toEqual(bits[0]);
  expect(bits[2]).toEqual(bits[0]);
});

test("replays of a compiled step give what the first run gave [wasm]", async () => {
  const step = compile((x: Tensor, w: Tensor) => {
    const y = x.conv2d(w, { padding: "same", stride: 2 }).relu();
    return [y, ...grad(y.square().sum(), [x, w])];
  });
  const args = () => [sample([6, 9, 7, 3]), sample([4, 4, 3, 6], -1, 1, 1)] as const;
  const first = await Promise.all(step(...args()).map((t) => t.data()));
  step(sample([6, 9, 7, 3], 5, 9, 3), sample([4, 4, 3, 6], 5, 9, 4)); // leaves other patches in the memory that they share
  expect(await Promise.all(step(...args()).map((t) => t.data()))).toEqual(first);
  step.dispose();
});
