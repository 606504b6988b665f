// The charts of docs/benchmarks.md: that nothing is left out of them, in either scheme, and that they are the same at every run.
import { describe, expect, test } from "vitest";
import { chartsOf } from "../bench/charts/charts.mjs";
import { machine, ms } from "./setup/bench-results.ts";

const kernel = (device: string, kernel: string, flops: number, gflops: number) => ({ device, kernel, flops, bytes: 1e6, gflops });
const limits = { gflops: 100, gbps: 10 };
const kernels = {
  machine,
  devices: { wasm: { description: "vectors", isSoftware: false, limits }, webgpu: { description: "a driver", isSoftware: true, limits } },
  results: [
    kernel("wasm", "matmul [64, 64] · [64, 64]", 1e8, 50),
    kernel("wasm", "conv2d 4×4", 5e7, 20),
    kernel("wasm", "sum of 1 Mi", 1e5, 1),
    kernel("wasm", "Adam of 1 Mi parameters", 5e5, 2),
    kernel("wasm", "gather of 128 from u8 [60000, 784]", 0, 0),
    kernel("webgpu", "x + y, 1 Mi", 1e5, 0.1),
  ],
};
const rung = (rung: string, device: string, perSecond: number, beside = false) => ({ rung, device, perSecond, beside });
const ladder = {
  machine,
  ladders: [
    {
      ...{ name: "matmul", title: "the matrix product", work: "matmul", unit: "GFLOP/s", on: "a driver" },
      entries: [
        rung("matmul-1-naive", "webgpu", 1),
        rung("matmul-2-tiled", "webgpu", 4),
        rung("gpu.js", "js", 0.5, true),
        { ...rung("broken", "js", 0), wrong: "c[0, 0]" },
      ],
    },
  ],
};
const training = {
  machine,
  devices: { js: {}, wasm: {} },
  steps: [32, 64, 128].flatMap((batch) => ["js", "wasm"].map((device) => ({ device, model: "dense", batch, step: ms(batch) }))),
  costs: [1, 10].map((dispatches) => ({ device: "wasm", dispatches, call: ms(0.001), done: ms(0.002) })),
};

const charts = async (bench: string, file: object) => new Map((await chartsOf(bench, file, "")).map(({ name, svg }) => [name, svg]));
/** Marks of a kind, which Vega groups by their role. */
const marks = (svg: string, shape: RegExp) => [...svg.matchAll(shape)].length;

describe("a roofline", () => {
  test("is drawn for each device, with a point for each kernel that computes and a legend of their kinds", async () => {
    const made = await charts("kernels", kernels);
    expect([...made.keys()]).toEqual(["roofline-wasm", "roofline-webgpu"]);
    const wasm = made.get("roofline-wasm") ?? "";
    for (const kind of ["products", "convolutions", "sums, maxima", "optimizer", "100 GFLOP/s from registers, 10.0 GB/s copying"])
      expect(wasm).toContain(`>${kind}<`);
    expect(wasm).not.toContain(">other passes<");
    for (const name of ["matmul [64, 64] · [64, 64]", "conv2d 4×4", "sum of 1 Mi", "Adam of 1 Mi parameters"])
      expect(wasm).toContain(`aria-label="${name}"`);
    expect(wasm).not.toContain("gather");
    expect(made.get("roofline-webgpu")).toContain(">a driver, a driver in software<");
  });
});

test("a ladder has a bar with its number for each rung that is right, what stands beside it told apart", async () => {
  const svg = (await charts("ladder", ladder)).get("ladder-matmul") ?? "";
  for (const text of ["matmul-1-naive", "matmul-2-tiled", "gpu.js", "1.00", "4.00", "0.500", "beside the ladder", "webgpu"])
    expect(svg).toContain(`>${text}<`);
  expect(svg).not.toContain("broken");
  expect(marks(svg, /aria-roledescription="bar"/g)).toBe(3);
});

test("training steps have a line for each device through all batch sizes, and costs two lines", async () => {
  const made = await charts("training", training);
  const batches = made.get("batches") ?? "";
  for (const text of ["js", "wasm", "32", "64", "128", "examples in a batch"]) expect(batches).toContain(`>${text}<`);
  expect(marks(batches, /aria-roledescription="point"/g)).toBe(6);
  const costs = made.get("dispatches") ?? "";
  for (const text of ["wasm", "until the call returns", "until the device is idle"]) expect(costs).toContain(`>${text}<`);
  expect(costs).toContain('stroke-dasharray="5,4"');
});

test("what has no points has no chart", async () => {
  expect([...(await charts("training", { ...training, steps: [], costs: [] })).keys()]).toEqual([]);
  expect([...(await charts("overhead", { machine })).keys()]).toEqual([]);
});

test("every colour has a value in both schemes, and a chart is the same at every run", async () => {
  const svg = (await charts("training", training)).get("batches") ?? "";
  const [light, dark] = [...svg.matchAll(/:root\{([^}]*)\}/g)].map(([, list]) => list);
  for (const [, name] of svg.matchAll(/var\(--(\w+)\)/g)) {
    const value = (list: string) => list.match(new RegExp(`--${name}:(#[0-9a-f]{6})`))?.[1];
    expect(value(light), name).toBeDefined();
    expect(value(dark), name).not.toBe(value(light));
  }
  expect(svg).not.toMatch(/(fill|stroke)="#/);
  expect((await charts("training", training)).get("batches")).toBe(svg);
});
