// Reductions on WebGPU, in each way there is: an invocation or a workgroup for each result, with subgroups and without, in pieces that a
// second dispatch merges. Values are small whole numbers, so that sums are exact in any order.
import { describe, expect, test } from "vitest";
import { use } from "../src/kernels/devices/device.ts";
import type { WebGpuOptions } from "../src/kernels/devices/webgpu/device.ts";
import { kernelCode, type Target } from "../src/kernels/devices/webgpu/kernel.ts";
import { compile, grad, type Tensor, tensor } from "../src/node.ts";
import { start } from "../src/tensor/read.ts";
import { planOf } from "./setup/dispatches.ts";
import { agree, js, openedAs, type Shape, whole } from "./setup/exact.ts";

const OPTIONS = {
  "webgpu, in parts": { kernels: "simple", parts: 3 },
  "webgpu, tiled": { kernels: "tiled" },
  "webgpu, tiled, in parts": { kernels: "tiled", parts: 3 },
  "webgpu, tiled, no subgroups": { kernels: "tiled", subgroups: false },
} as const satisfies Record<string, WebGpuOptions>;
type Label = keyof typeof OPTIONS;
const ALL = Object.keys(OPTIONS) as Label[];
const opened = openedAs(OPTIONS);

describe("reductions agree with js", () => {
  const cases: readonly (readonly [Shape, number[]])[] = [
    [[3000], [0]], // one result
    [[5, 70], [1]],
    [[130, 9], [1]], // short: several results in a workgroup
    [[300, 33], [0]], // neighbours in memory belong to different results
    [[4, 90, 3], [1]],
    [[7, 1, 80, 1], [2]],
    [[0, 3], [0]],
  ];
  test.each(ALL)("sums, extremes, and where they are, in one kernel [%s]", async (label) => {
    for (const [shape, axes] of label.includes("no subgroups") ? cases.slice(0, 1) : cases) {
      const make = () => {
        const x = whole(shape);
        return [x.sum(axes), ...(x.size > 0 ? [x.max(axes), x.min(axes), ...axes.slice(0, 1).map((axis) => x.argMax(axis))] : [])];
      };
      await agree(opened[label], `[${shape}] over [${axes}]`, make);
    }
    await agree(opened[label], "all the same", () => [tensor(new Float32Array(900)).argMax(), tensor(new Float32Array(900)).sum()]);
  });

  test.each(ALL)("with what is computed at each element, and stored on the way [%s]", async (label) => {
    await agree(opened[label], "a loss and its gradient", () => {
      const x = whole([20, 90]);
      const y = x.mul(whole([20, 90], 1)).relu();
      return [y.sum(1), y, ...grad(y.square().sum(), [x])];
    });
  });
});

const TILED: Target = { family: "tiled", buffers: 8, parts: undefined };

/** The file and the workgroups of each dispatch that a GPU is given for a sum. */
function dispatchesOf(shape: Shape, axes: readonly number[], target: Target = TILED): string[] {
  use(opened["webgpu, tiled"]);
  const f = compile((x: Tensor) => x.square().sum([...axes]));
  const plan = planOf(opened["webgpu, tiled"], () => f.explain(placeholder(shape)));
  f.dispose();
  return plan.kernels.flatMap((k) => kernelCode(plan, k, target)).map(({ label, groups }) => `${label.split(":")[0]} ${groups}`);
}
/** A tensor of any size whose values nobody asks for. */
const placeholder = (shape: Shape): Tensor => tensor([0]).broadcastTo([...shape]);

test("subgroups are used where the adapter has them, unless they are refused [webgpu, tiled]", async () => {
  const labelOn = async (label: Label) => {
    use(opened[label]);
    const x = whole([2, 1000]);
    return (await opened[label].profile(() => x.sum(1).data())).map((time) => time.label);
  };
  const has = opened["webgpu, tiled"].gpu.features.has("subgroups");
  expect(await labelOn("webgpu, tiled")).toEqual([has ? "reduce-subgroup: sum" : "reduce-workgroup: sum"]);
  expect(await labelOn("webgpu, tiled, no subgroups")).toEqual(["reduce-workgroup: sum"]);
});

describe("on a GPU", () => {
  test("a sum of 64 million elements is a thousand workgroups, and one more [webgpu]", () => {
    expect(dispatchesOf([2 ** 26], [0])).toEqual(["reduce-workgroup 1024,1,1", "reduce-workgroup 1,1,1"]);
    expect(dispatchesOf([2 ** 26], [0], { ...TILED, subgroups: true })).toEqual(["reduce-subgroup 1024,1,1", "reduce-subgroup 1,1,1"]);
  });

  test("the number of dispatches depends on the shape: few results of many elements are two [webgpu]", () => {
    expect(dispatchesOf([12_544, 32], [0])).toHaveLength(2);
    expect(dispatchesOf([128, 784], [1]), "a workgroup for each row").toEqual(["reduce-workgroup 128,1,1"]);
    expect(dispatchesOf([128, 20], [1]), "eight invocations for each row").toEqual(["reduce-workgroup 4,1,1"]);
    expect(dispatchesOf([1000, 3], [1])).toEqual(["reduce 16,1,1"]);
    expect(dispatchesOf([50, 40_000], [0]), "enough results for an invocation each").toEqual(["reduce 625,1,1"]);
    expect(dispatchesOf([4096, 4096], [1])).toEqual(["reduce-workgroup 4096,1,1"]);
  });
});

test("long vectors: four elements to an invocation, and the last workgroup hangs over the edge [webgpu, tiled]", async () => {
  use(opened["webgpu, tiled"]);
  const n = 2 ** 20 + 77;
  const x = tensor(Float32Array.from({ length: n }, (_, i) => i % 1000));
  const [values, [sum]] = await Promise.all([x.mul(2).add(1).data(), x.sum().data()]);
  expect(
    values.findIndex((v: number, i: number) => v !== 2 * (i % 1000) + 1),
    "the first that is wrong",
  ).toBe(-1);
  const exact = Array.from({ length: n }, (_, i) => i % 1000).reduce((a, b) => a + b, 0);
  expect(Math.abs(sum / exact - 1)).toBeLessThan(1e-6);
});

test("a sum in pieces gives the same bits each time [webgpu, tiled]", async () => {
  const device = opened["webgpu, tiled"];
  use(device);
  const x = tensor(Float32Array.from({ length: 50_000 }, (_, i) => Math.sin(i)));
  const f = compile((x: Tensor) => x.sum());
  expect(f.explain(x).dispatches).toBe(2);
  const first = await f(x).item();
  for (let i = 0; i < 3; i++) expect(await f(x).item()).toBe(first);
  expect(Math.abs(first - (await start([x.sum()], [], js)[0])[0])).toBeLessThan(1e-2);
  f.dispose();
});
