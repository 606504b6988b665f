// Products that become one kernel: those of one matrix with others, whose columns stand side by side, and two that are added up. Values are
// small whole numbers, so that sums are exact in any order.
import { expect, test } from "vitest";
import { use } from "../src/kernels/devices/device.ts";
import { assign, compile, type Device, grad, type OpenOptions, parameter, type Tensor } from "../src/node.ts";
import type { Explained } from "../src/tensor/explain.ts";
import { agree, js, openedAs, whole } from "./setup/exact.ts";

const OPTIONS = {
  wasm: { threads: 2 },
  webgpu: { kernels: "simple" },
  "webgpu, in parts": { kernels: "simple", parts: 3 },
  "webgpu, tiled": { kernels: "tiled" },
} as const satisfies Record<string, OpenOptions>;
type Label = keyof typeof OPTIONS;
const ALL = Object.keys(OPTIONS) as Label[];
const opened = openedAs(OPTIONS);

/** What the device does for these results. */
function explained(label: Label, make: () => readonly Tensor[]): Explained {
  use(opened[label]);
  const f = compile(make);
  const facts = f.explain();
  f.dispose();
  return facts;
}
const productsIn = (label: Label, make: () => readonly Tensor[]): number =>
  explained(label, make).kernels.filter((k) => k.loops === "product").length;

/** Two layers that read the same h: as the heads of a VAE do, with their sum behind both. */
const heads = (rows: number, inner: number, first: number, second: number) => (): Tensor[] => {
  const h = whole([rows, inner]);
  const mean = h.matmul(whole([inner, first], 1)).add(whole([first], 2));
  const other = h
    .matmul(whole([inner, second], 3))
    .add(whole([second], 4))
    .relu();
  return first === second ? [mean, other, mean.add(other.mul(other))] : [mean, other];
};

test.each(ALL)("two products of one matrix agree with js, in blocks, narrow and turned round [%s]", async (label) => {
  for (const [rows, inner, first, second] of [
    [20, 33, 20, 20],
    [17, 40, 5, 30],
    [9, 21, 1, 2],
    [2, 30, 12, 7],
  ])
    await agree(opened[label], label, heads(rows, inner, first, second));
});

test("they are one kernel where operands need not be stored, and what reads both stands behind it [webgpu]", () => {
  const make = heads(20, 33, 20, 20);
  expect(productsIn("webgpu", make)).toBe(1);
  expect(productsIn("webgpu, tiled", make)).toBe(1);
  expect(productsIn("wasm", make), "each with its epilogue").toBe(2);
  const three = () => [1, 2, 3].map((salt) => whole([9, 8]).matmul(whole([8, salt], salt)));
  expect(productsIn("webgpu", three), "of three matrices that only look alike").toBe(3);
  const x = whole([9, 8]);
  expect(productsIn("webgpu", () => [1, 2, 3].map((salt) => x.matmul(whole([8, salt], salt))))).toBe(1);
  const flipped = () => [x.matmul(whole([8, 3])), x.matmul(whole([9, 3]), { flipA: true })];
  expect(productsIn("webgpu", flipped), "read in two ways").toBe(2);
});

/** Weight gradients of both heads, with bias gradients beside them; the gradient of h, which adds up; and updates in place. */
const backward = (rows: number, inner: number, columns: number) => (): Tensor[] => {
  const [h, dy] = [whole([rows, inner]), whole([rows, columns], 5)];
  const layers = [1, 2].map((salt) => [parameter(whole2(inner, columns, salt), [inner, columns]), whole([columns], salt)] as const);
  const [a, b] = layers.map(([w, bias]) => h.matmul(w).add(bias));
  const loss = a.mul(dy).add(b.mul(b)).sum();
  const gradients = grad(loss, [h, ...layers.flat()]);
  for (const [i, [w]] of layers.entries()) assign(w, w.sub(gradients[1 + 2 * i].mul(0.5)));
  return [loss, ...gradients, ...layers.map(([w]) => w)];
};
const whole2 = (rows: number, columns: number, salt: number) =>
  Float32Array.from({ length: rows * columns }, (_, i) => ((i * salt) % 5) - 2);

test.each(ALL)("their gradients agree with js, with column sums beside them and updates behind [%s]", async (label) => {
  for (const [rows, inner, columns] of [
    [20, 17, 12],
    [37, 6, 3],
  ] as const) {
    const run = async (device: Device) => {
      use(device);
      const results = backward(rows, inner, columns)();
      return Promise.all(results.map((t) => t.data()));
    };
    expect(await run(opened[label])).toEqual(await run(js));
  }
});

test.each(["wasm", "webgpu"] as const)("two products that only their sum reads are one kernel [%s]", (label) => {
  const [a, b, c, d] = [whole([9, 8]), whole([8, 7], 1), whole([9, 5], 2), whole([5, 7], 3)];
  const sum = () => a.matmul(b).add(c.matmul(d));
  expect(productsIn(label, () => [sum().relu()])).toBe(1);
  const readTwice = () => {
    const first = a.matmul(b);
    return [first.add(c.matmul(d)), first.sum()];
  };
  expect(productsIn(label, readTwice)).toBe(2);
  expect(productsIn(label, () => [a.matmul(b).add(c.matmul(d).relu())])).toBe(2);
});

test.each(ALL)("and agree with js, whatever their inner sizes [%s]", async (label) => {
  for (const [m, n, first, second] of [
    [18, 20, 8, 12],
    [18, 20, 5, 33],
    [3, 9, 30, 1],
    [70, 2, 16, 20],
  ]) {
    const products = () =>
      whole([m, first])
        .matmul(whole([first, n], 1))
        .add(whole([second, m], 2).matmul(whole([n, second], 3), { flipA: true, flipB: true }));
    await agree(opened[label], label, () => [products().relu()]);
  }
});

test.each(ALL)("single numbers that one kernel makes share a buffer [%s]", async (label) => {
  const make = () => {
    const x = whole([40]);
    const [sum, max] = [x.sum(), x.max()];
    return [sum, max, sum.add(max).cast("u32"), x.mul(max), x.sub(sum)];
  };
  await agree(opened[label], label, make);
  const [first] = explained(label, make).kernels;
  expect(first.loops).toBe("reduce");
  expect(new Set(first.slots).size, "one of f32, one of u32").toBeLessThanOrEqual(2);
});
