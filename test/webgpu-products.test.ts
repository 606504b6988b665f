// Products on WebGPU whose result has few rows or columns, or whose sums are so long that they are cut into parts. Values are small whole
// numbers, so that sums are exact in any order.
import { describe, expect, test, vi } from "vitest";
import { use } from "../src/kernels/devices/device.ts";
import type { WebGpuDevice, WebGpuOptions } from "../src/kernels/devices/webgpu/device.ts";
import { kernelCode, type Target } from "../src/kernels/devices/webgpu/kernel.ts";
import { sample } from "../src/kernels/sample.ts";
import { compile, grad, type Tensor, tensor } from "../src/node.ts";
import type { Plan } from "../src/tensor/plan.ts";
import { agree, openedAs, type Shape, size, whole } from "./setup/exact.ts";

const OPTIONS = {
  webgpu: { kernels: "simple" },
  "webgpu, in parts": { kernels: "simple", parts: 3 },
  "webgpu, tiled": { kernels: "tiled" },
  "webgpu, tiled, in parts": { kernels: "tiled", parts: 3 },
} as const satisfies Record<string, WebGpuOptions>;
type Label = keyof typeof OPTIONS;
const ALL = Object.keys(OPTIONS) as Label[];

const opened = openedAs(OPTIONS);

describe("products of few rows or columns agree with js", () => {
  const sizes = [1, 2, 3, 4, 5, 9, 15, 70];
  test.each(ALL)("as they are, and with bias, gradients and a batch [%s]", async (label) => {
    const long = label.includes("tiled") ? sizes.slice(0, -1) : sizes;
    for (const m of long)
      for (const n of sizes.slice(0, label.includes("tiled") ? 4 : undefined)) {
        for (const [rows, columns] of [
          [m, n],
          [n, m],
        ]) {
          await agree(opened[label], `${rows} × 21 · 21 × ${columns}`, () => [whole([rows, 21]).matmul(whole([21, columns], 1))]);
        }
      }
    const dense = (batch: number, inputs: number, outputs: number) => () => {
      const [x, w, b] = [whole([batch, inputs]), whole([inputs, outputs], 1), whole([outputs], 2)];
      const y = x.matmul(w).add(b).relu();
      return [y, ...grad(y.mul(whole(y.shape, 3)).sum(), [x, w, b])];
    };
    await agree(opened[label], "one picture", dense(1, 40, 70)); // its weight gradient has an inner size of 1
    await agree(opened[label], "one output", dense(30, 7, 1));
    await agree(opened[label], "three inputs", dense(30, 3, 20)); // the rider is the fourth row
    await agree(opened[label], "a batch", () => [
      whole([5, 2, 3, 30]).matmul(whole([2, 30, 2], 1)),
      whole([6, 2, 30]).matmul(whole([6, 30, 9], 1)),
    ]);
  });

  test("more rows than 65,535 workgroups of 64 [webgpu, tiled]", async () => {
    use(opened["webgpu, tiled"]);
    const xs = Float32Array.from({ length: 4_200_000 }, (_, i) => i % 1000);
    const doubled = await tensor(xs, [xs.length, 1])
      .matmul(tensor([2], [1, 1]))
      .data();
    expect(
      xs.findIndex((x, i) => doubled[i] !== 2 * x),
      "the first that is wrong",
    ).toBe(-1);
  });
});

/** Runs `record` on the device, and gives the plans that it made there. */
function plansOf(device: WebGpuDevice, record: () => void): Plan[] {
  use(device);
  const prepare = vi.spyOn(device, "prepare");
  record();
  const plans = prepare.mock.calls.map(([plan]) => plan);
  prepare.mockRestore();
  return plans;
}
const dispatches = (plan: Plan, target: Target) => plan.kernels.map((k) => kernelCode(plan, k, target));

describe("sums in parts", () => {
  const tiled: Target = { family: "tiled", buffers: 8, parts: undefined };
  const planOf = (a: Shape, b: Shape): Plan => {
    const f = compile((x: Tensor) => x.matmul(whole(b)).add(1));
    const [plan] = plansOf(opened.webgpu, () => f.explain(whole(a)));
    f.dispose();
    return plan;
  };
  /** The workgroups of each dispatch. */
  const groupsOf = (a: Shape, b: Shape, target: Target) =>
    dispatches(planOf(a, b), target).flatMap((codes) => codes.map((c) => size(c.groups)));

  test("are made for small results of long sums, for GPUs only [webgpu]", () => {
    const simple: Target = { ...tiled, family: "simple" };
    expect(groupsOf([16, 12_544], [12_544, 32], tiled), "one tile: 98 parts, then 8 workgroups of 64 elements").toEqual([98, 8]);
    expect(groupsOf([16, 12_544], [12_544, 32], simple)).toHaveLength(1);
    expect(groupsOf([16, 300], [300, 32], tiled), "not worth a second dispatch").toEqual([1]);
    expect(groupsOf([1024, 2048], [2048, 1024], tiled), "256 workgroups as it is").toEqual([256]);
    expect(groupsOf([1, 4096], [4096, 70], tiled), "of few rows, too: 2 workgroups each").toEqual([64, 2]);
  });

  test("add to what js adds, with the column sum beside them, and give the same bits each time [webgpu, tiled]", async () => {
    const label = "webgpu, tiled";
    await agree(opened[label], "a dense layer of 600 rows", () => {
      const [x, dy] = [whole([600, 17]), whole([600, 19], 1)];
      const [w, b] = [whole([17, 19], 2), whole([19], 3)];
      return grad(x.matmul(w).add(b).mul(dy).sum(), [w, b]);
    });
    use(opened[label]);
    const [a, b] = [sample([600, 17], -1, 1), sample([600, 19], -1, 1, 1)];
    const f = compile((x: Tensor) => x.matmul(b, { flipA: true }));
    const once = await f(a).data();
    for (let again = 0; again < 3; again++) expect(await f(a).data()).toEqual(once);
    f.dispose();
  });

  test("whoever binds eight buffers already keeps them in one piece [webgpu, in parts]", async () => {
    const device = opened["webgpu, in parts"];
    const make = (others: number) => {
      const x = whole([6, 6]);
      return [Array.from({ length: others }, (_, i) => whole([6, 6], i + 1)).reduce((sum, t) => sum.add(t), x.matmul(x).add(x))];
    };
    const count = (others: number) => {
      const f = compile(() => make(others));
      const [plan] = plansOf(device, () => f.explain());
      f.dispose();
      expect(plan.kernels).toHaveLength(1);
      return dispatches(plan, device)[0].length;
    };
    // x, the others and the result; and for the second dispatch the parts
    expect(count(5)).toBe(2);
    expect(count(6)).toBe(1);
    for (const others of [5, 6]) await agree(opened["webgpu, in parts"], `${others} tensors are added`, () => make(others));
  });

  test("their memory is a slot that all programs share [webgpu, in parts]", async () => {
    const device = opened["webgpu, in parts"];
    use(device);
    const run = async (n: number) => {
      const f = compile((x: Tensor) => x.matmul(x).relu().matmul(x).relu());
      await f(whole([n, n])).data();
      f.dispose();
      return device.bytes;
    };
    const before = await run(50);
    expect(await run(50), "the same again").toBe(before);
    expect(await run(20), "smaller").toBe(before);
    expect((await run(100)) - before, "larger").toBeGreaterThanOrEqual(4 * 3 * 7500);
  });
});
