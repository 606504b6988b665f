// What npm run bench:report writes: the numbers in the README and in docs/benchmarks.md are those of the committed results.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { goals, goalTable, type Place } from "../bench/report/goals.mjs";
import { page } from "../bench/report/page.mjs";
import { between, CHARTS, files, type Results, resultsHere } from "../bench/report.mjs";
import { machine, ms, row } from "./setup/bench-results.ts";

const at = (path: string) => new URL(`../${path}`, import.meta.url);
const read = (path: string) => readFileSync(at(path), "utf8");
const overhead: Results = JSON.parse(read("bench/results/overhead.json"));

test("the README, docs/benchmarks.md and its charts are what npm run bench:report makes of the committed results", async () => {
  const made = await files(resultsHere(), read("README.md"));
  for (const [path, text] of made) expect(read(path), path).toBe(text);
  const charts = existsSync(at(CHARTS)) ? readdirSync(at(CHARTS)).map((file) => `${CHARTS}/${file}`) : [];
  for (const chart of charts) expect([...made.keys()]).toContain(chart);
});

test("every time in the results is a positive number with its spread, on a machine that is described", () => {
  expect(Object.keys(overhead.devices)).toEqual(["js", "wasm", "webgpu"]);
  expect(overhead.results.length).toBeGreaterThan(20);
  for (const { work, how, device, median, min, spread, samples } of overhead.results) {
    const what = `${device}: ${work}, ${how}`;
    for (const number of [min, median, samples]) expect(number, what).toBeGreaterThan(0);
    expect(min, what).toBeLessThanOrEqual(median);
    expect(Number.isFinite(spread) && Number.isFinite(median), what).toBe(true);
  }
  for (const fact of Object.values(overhead.machine)) expect(fact ?? "").not.toBe("");
});

test("a text without the markers is refused, and not written to", () => {
  expect(() => between("# A readme", "overhead", "| 1 |\n")).toThrow("no <!-- overhead:begin --> before <!-- overhead:end -->");
});

const step = {
  device: "webgpu",
  model: "dense",
  batch: 128,
  kernels: 18,
  dispatches: 18,
  onGpu: 20,
  flops: 4e8,
  bytes: 3e7,
  least: 2e7,
  call: ms(1),
  step: ms(0.1),
};
const training = {
  machine,
  devices: { webgpu: { description: "a GPU", isSoftware: false } },
  steps: [{ ...step, encode: ms(0.04) }],
  encoding: [{ model: "dense", dispatches: 20, together: 20, encode: ms(0.04), repeated: ms(0.03) }],
  costs: [],
  wrong: [],
  leftOut: [],
};
const entry = (engine: string, runtime: string, work: string, rest: object) => ({
  device: "cuda",
  engine,
  runtime,
  threads: 1,
  work,
  ...rest,
});
const peers = {
  ...{ machine, versions: {}, pinning: "pinned", seconds: 60, rounds: 1, installs: [], bundles: [] },
  devices: { cuda: { description: "a GPU", isSoftware: false } },
  results: [
    entry("Elbo", "webgpu", "dense", ms(0.1)),
    entry("PyTorch", "eager", "dense", ms(0.6)),
    entry("PyTorch", "graph", "dense", ms(0.09)),
    entry("PyTorch", "eager, TF32", "conv28", ms(9)),
    entry("Elbo", "webgpu", "conv28", ms(1)),
    entry("Elbo", "webgpu", "matmul 1024", ms(2)),
    entry("PyTorch", "eager", "matmul 1024", ms(1)),
    entry("tfjs", "webgpu", "dense", ms(1)),
    entry("tfjs", "webgpu", "conv28", ms(2)),
    entry("tfjs", "webgpu", "matmul 1024", { error: "wrong: c[0, 0]" }),
  ],
};
const kernel = (kernel: string, gbps: number, bytes: number) => ({ device: "webgpu", kernel, gbps, bytes, flops: 1, gflops: 1 });
const kernels = {
  machine,
  devices: { webgpu: { description: "a GPU", isSoftware: false, limits: { gflops: 1e4, gbps: 1000 } } },
  results: [kernel("x + y, 1 Mi", 990, 1e6), kernel("x + y, 64 Mi", 800, 6e7), kernel("Adam of 64 Mi parameters", 900, 6e7)],
};

describe("what was wanted", () => {
  const place = (isSoftware: boolean): Place => ({ where: "a GPU", isSoftware, files: { training, peers, kernels } });
  const table = goalTable([place(false)]);

  test("is told with what came of it and where, or was not measured", () => {
    expect(row(table, "dense VAE step, batch 128", "5× PyTorch eager")?.slice(2)).toEqual(["6.00×, met", "a GPU"]);
    expect(row(table, "", "no slower than its CUDA graph")?.[2]).toBe("0.900×, missed");
    expect(row(table, "", "at most 0.12 ms")?.[2]).toBe("100 µs, met");
    expect(row(table, "fp32 matmul 1024³")?.[2]).toBe("50.0 %, missed");
    expect(row(table, "fp32 matmul 4096³")?.slice(2)).toEqual(["not measured", ""]);
    expect(row(table, "conv28 step, batch 64")?.[2], "TF32 is not what it is compared with").toBe("not measured");
  });

  test("of bandwidth is decided by the largest", () => {
    expect(row(table, "elementwise at 64M elements")?.[2]).toBe("80.0 %, x + y, 64 Mi, missed");
    expect(row(table, "Adam at 64M elements")?.[2]).toBe("90.0 %, Adam of 64 Mi parameters, met");
  });

  test("of a peer is decided by its best row, and rows that it cannot run count for neither", () => {
    expect(row(table, "tfjs on the same Dawn, training steps")?.[2]).toBe("2.00× at worst, conv28, missed");
    expect(row(table, "tfjs on the same Dawn, kernels")?.[2]).toBe("not measured");
  });

  test("of a plan counts what it has on a GPU", () => {
    expect(row(table, "dispatches of a dense step")?.[2]).toBe("20, met");
    expect(row(table, "bytes of a dense step")?.[2]).toBe("1.50×, missed");
    expect(row(table, "encoding")?.[2]).toBe("2.00 µs, met");
  });

  test("is met by no driver in software, but for what the plan decides", () => {
    const soft = goalTable([place(true)]);
    expect(row(soft, "dense VAE step, batch 128", "5× PyTorch eager")?.slice(2)).toEqual(["6.00×", "a GPU, a driver in software"]);
    expect(row(soft, "dispatches of a dense step")?.[2]).toBe("20, met");
  });

  test("is looked for on a GPU first", () => {
    const places = [{ ...place(false), where: "the GPU", files: { training } }, place(true)];
    expect(row(goalTable(places), "encoding")?.[3]).toBe("the GPU");
    expect(row(goalTable(places), "fp32 matmul 1024³")?.[3]).toBe("a GPU, a driver in software");
  });

  test("is all that was agreed", () => expect(goals.length).toBe(21));
});

describe("the page", () => {
  test("names the results that are missing, and how to get them", async () => {
    const { text, charts } = await page({});
    expect(charts).toEqual([]);
    expect(text).toContain("Nothing was measured on a GPU: `bench/results/gpu-host.json` is not there.");
    for (const name of ["training", "peers", "kernels", "ladder", "cpu", "conv", "overhead"])
      expect(text).toContain(`\`bench/results/${name}.json\` is not there; \`npm run bench -- ${name}\` writes it.`);
  });

  test("shows what a machine with a GPU answered, with charts of its own", async () => {
    const adapter = { isSoftware: false, info: { vendor: "nvidia", description: "a GPU" } };
    const two = { ...training, steps: [...training.steps, { ...step, batch: 32 }] };
    const { text, charts } = await page({ training, "gpu-host": { machine, adapter, wrong: ["add: element 3"], training: two, peers } });
    expect(charts.map(({ name }) => name)).toEqual(["gpu-batches"]);
    expect(text).toContain("nvidia a GPU, 2 cores of a processor, an OS, Node v24.0.0; today, commit abc: 1 result is WRONG.");
    expect(text).toContain("![A training step of the dense VAE, 784-400-20](benchmarks/gpu-batches.svg)");
    expect(text).toContain("`ladder` was not asked there");
    expect(row(text, "dense VAE step, batch 128")?.[3]).toBe("nvidia a GPU");
  });
});
