// The bench of training steps: that it judges before it times, and what it says. A small batch on one device, and no timed assertions.
import { afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { machine } from "../bench/machine.mjs";
import { wrongLoss } from "../bench/tasks/judge.mjs";
import { leastBytes, models } from "../bench/tasks/models.mjs";
import { type Found, isWhole, objection, run, tables } from "../bench/training.mjs";
import { row } from "./setup/bench-results.ts";

const exitCode = process.exitCode;
afterEach(() => {
  process.exitCode = exitCode;
});

describe("a small batch of the dense model on wasm", () => {
  const quick = { device: "wasm", batches: "8", seconds: 0.01, log: () => {} };
  let found: Found;
  beforeAll(async () => {
    found = await run({ ...quick, filter: "dense, batch 8" });
  });

  test("is right, has times, and moves no fewer bytes than it must [wasm]", () => {
    expect([found.wrong, found.leftOut, found.steps.length]).toEqual([[], [], 1]);
    const [{ model, batch, call, step, kernels, dispatches, flops, bytes, least }] = found.steps;
    expect({ model, batch }).toEqual({ model: "dense", batch: 8 });
    for (const { median, min } of [call, step]) expect(min > 0 && min <= median).toBe(true);
    expect(dispatches).toBeGreaterThanOrEqual(kernels);
    expect(bytes).toBeGreaterThanOrEqual(least);
    expect(flops).toBeGreaterThan(6 * 8 * 784 * 400 * 2); // two wide layers, each in three products
  });

  test("says what it found on what", () => {
    const table = tables({ ...found, machine: { ...machine(), loadAfter: 0 } }).training;
    expect(row(table, "wasm", "dense, batch 8")?.[2]).toMatch(/± \d+ %/);
    expect(table).toContain("`wasm` is SIMD on");
    expect(table).not.toContain("GPU's clock"); // nothing has one here
  });
});

test("the cost of a kernel is measured for chains of several lengths, each dispatch counted [wasm]", async () => {
  const { costs, steps } = await run({ device: "wasm", filter: "cost of a dispatch", seconds: 0.01, log: () => {} });
  expect(costs.map(({ dispatches }) => dispatches)).toEqual([1, 3, 10, 30, 100, 300]);
  for (const { call, done } of costs) expect(call.median > 0 && done.median > 0).toBe(true);
  expect(steps).toEqual([]);
});

test("a step whose losses are not those of float64 is not timed, and the bench fails [wasm]", async () => {
  const { pictures } = models["dense"];
  const drawn: number[] = [];
  // What is judged is asked for other pictures than the reference was.
  const changing = vi.spyOn(models["dense"], "pictures").mockImplementation((count) => {
    drawn.push(count);
    return drawn.length === 1 ? pictures(count) : { ...pictures(count), pixels: new Uint8Array(784 * count) };
  });
  const found = await run({ device: "wasm", batches: "8", filter: "dense, batch 8", seconds: 0.01, log: () => {} });
  changing.mockRestore();
  expect(found.steps).toEqual([]);
  expect(found.wrong).toEqual([{ device: "wasm", work: "dense, batch 8", what: expect.stringContaining("the loss of step 1") }]);
  expect(process.exitCode).toBe(1);
  expect(tables({ ...found, machine: { ...machine(), loadAfter: 0 } }).training).toContain(
    "WRONG, and so not timed: dense, batch 8 on wasm",
  );
});

test("the least that the dense step moves is counted by hand", () => {
  const { make } = models["dense"];
  const parameters = 784 * 400 + 400 + 2 * (400 * 20 + 20) + (20 * 400 + 400) + (400 * 784 + 784);
  const activations = 400 + 20 + 20 + 20 + 400 + 784;
  expect(leastBytes(models["dense"], make(), 10)).toBe(4 * (6 * parameters + 3 * 10 * 784 + 6 * 10 * activations));
});

test("a loss may be off by more where an engine says that its products are", () => {
  expect(wrongLoss([500.2], [500])).toBeDefined();
  expect(wrongLoss([500.2], [500], 1e-3)).toBeUndefined();
});

test("options that cannot be are refused, and a part of the bench is not the whole", () => {
  expect(objection({ device: "auto", batches: "32,64" })).toBeUndefined();
  expect(objection({ device: "tpu", batches: "32" })).toBe('--device "tpu"; there are auto, js, wasm, webgpu');
  expect(objection({ device: "js", batches: "32,0.5" })).toBe('--batches "0.5"; they are whole numbers from 1');
  const devices = Object.fromEntries(["js", "wasm", "webgpu"].map((name) => [name, { description: "", isSoftware: false }]));
  const found: Found = { devices, steps: [], costs: [], wrong: [], leftOut: [] };
  expect(isWhole(found, { filter: "", batches: "32,64,128,256" })).toBe(true);
  expect(isWhole(found, { filter: "conv28", batches: "32,64,128,256" })).toBe(false);
  expect(isWhole({ ...found, devices: {} }, { filter: "", batches: "32,64,128,256" })).toBe(false);
});
