// The bench of kernels: that it verifies before it times, what it measures, and what it says of that. Tiny kernels, and no timed assertions.
import { afterEach, describe, expect, test } from "vitest";
import type { Case } from "../bench/kernels/case.mjs";
import { stored } from "../bench/kernels/case.mjs";
import { cases } from "../bench/kernels/cases.mjs";
import { drawn, generator, uniform } from "../bench/kernels/given.mjs";
import { adamUpdate, batchNorm, elementwise, loss, rowwise, wholeSum } from "../bench/kernels/passes.mjs";
import { convolution, product } from "../bench/kernels/products.mjs";
import { least } from "../bench/kernels/roofline.mjs";
import { expected, once, wrong } from "../bench/kernels/verified.mjs";
import { run, tables } from "../bench/kernels.mjs";
import { machine } from "../bench/machine.mjs";
import { device } from "../dist/kernels/devices/device.js";
import { arange, open, type Tensor, tensor, type Values } from "../dist/node.js";

const quick = { filter: "", seconds: 0.01, log: () => {} };
const convolutions = [
  ...convolution("stride 2", [9, 6, 6, 3], [4, 4, 3, 10], { stride: 2, padding: 1 }),
  ...convolution("depthwise", [9, 5, 5, 4], [3, 3, 1, 4], { padding: 1, groups: 4 }),
];
const products = [product(11, 12, 13, { flipA: true }), product(11, 12, 13, { flipB: true })];
const passes = [...elementwise(50), ...rowwise(11, 13), batchNorm([3, 4, 5, 12]), adamUpdate(50), loss(11, 7)];
const exitCode = process.exitCode;
afterEach(() => {
  process.exitCode = exitCode;
});

const file = (found: Awaited<ReturnType<typeof run>>) => ({ ...found, machine: { ...machine(), loadAfter: 0 } });

test("each kernel is right, timed, and within the limits of its device [js] [wasm] [webgpu]", async () => {
  const some = [product(33, 40, 35), ...convolutions.slice(0, 1), loss(7, 33)];
  const found = await run({ ...quick, cases: some });
  expect(found.wrong).toEqual([]);
  expect(Object.keys(found.devices)).toEqual(["js", "wasm", "webgpu"]);
  for (const { limits, description } of Object.values(found.devices)) {
    expect(description).not.toBe("");
    for (const rate of [limits.gflops, limits.gbps]) expect(rate).toBeGreaterThan(0);
  }
  const { isSoftware, adapter, limits } = found.devices["webgpu"];
  expect(adapter).toMatchObject({ info: { vendor: expect.any(String) }, features: expect.arrayContaining(["timestamp-query"]) });
  for (const latency of [limits.submit, limits.readBack]) expect(latency?.median).toBeGreaterThan(0);
  expect(found.results.map(({ device, kernel }) => `${device}: ${kernel}`)).toEqual(
    Object.keys(found.devices).flatMap((device) => some.map(({ name }) => `${device}: ${name}`)),
  );
  for (const entry of found.results) {
    const what = `${entry.device}: ${entry.kernel}`;
    for (const times of [entry.call, entry.repetition, ...(entry.gpu ? [entry.gpu] : [])]) {
      expect(times.min, what).toBeGreaterThan(0);
      expect(times.median, what).toBeGreaterThanOrEqual(times.min);
    }
    for (const amount of [entry.flops, entry.bytes, entry.gflops, entry.gbps, entry.together]) expect(amount, what).toBeGreaterThan(0);
    expect(entry.share, what).toBeGreaterThan(0);
    expect(entry.share, what).toBeLessThanOrEqual(1.5);
  }
  const products = found.results.filter(({ kernel }) => kernel.startsWith("matmul"));
  expect(products.map(({ flops }) => flops)).toEqual(Array(3).fill(2 * 33 * 40 * 35));
  const moved = 4 * (33 * 40 + 40 * 35 + 33 * 35); // and on js, which fuses nothing, once more where the result is stored
  expect(products.map(({ bytes }) => bytes)).toEqual([moved + 8 * 33 * 35, moved, moved]);
  expect(found.results.filter(({ gpu }) => gpu).map(({ device }) => device)).toContain("webgpu");
  const text = tables(file(found))["kernels"];
  expect(text.includes("these numbers say nothing of GPUs")).toBe(isSoftware);
  for (const { name } of some) expect(text).toContain(`| ${name}`);
});

describe("a kernel that is wrong", () => {
  /** Right in the reference, which is in float64; elsewhere as `spoil` has it. */
  const spoiled = (n: number, spoil: (y: Tensor) => Tensor): Case => ({
    name: `three times ${n}`,
    given: [uniform([n], 1, 2)],
    record: stored((x) => (device().description.includes("float64") ? x.mul(3) : spoil(x.mul(3)))),
    parts: [{ result: 0, given: [0] }],
  });
  const lacks = (at: number) => (y: Tensor) => y.mul(arange(y.size).equal(at).neg().add(1));

  test("is not timed, and shown with its first wrong element; the others are timed; the process ends with 1", async () => {
    const found = await run({ ...quick, device: "js", cases: [spoiled(70, lacks(41)), elementwise(70)[0]] });
    expect(found.wrong).toEqual([
      { device: "js", kernel: "three times 70", what: expect.stringMatching(/^element 41 is 0, and [\d.]+ ± .* by js$/) },
    ]);
    expect(found.results.map(({ kernel }) => kernel)).toEqual(["x + y, 70"]);
    expect(process.exitCode).toBe(1);
    expect(tables(file(found))["kernels"]).toContain("- WRONG, and so not timed: three times 70 on js: element 41 is 0");
  });

  test("is found at the end of a large result, of which parts are compared", async () => {
    const n = 3_000_000;
    const found = await run({ ...quick, device: "js", size: "large", cases: [spoiled(n, lacks(n - 1))] });
    expect(found.wrong).toHaveLength(1);
    expect(found.wrong[0].what).toMatch(/^of the part at 0, [\d, ]+ along axis 0 of \[3000000\] element \d is 0, and/);
  });

  test("is a sum that lacks one of nine thousand", async () => {
    const sum = wholeSum(9000);
    const given = sum.given.map((g) => drawn(g, generator(1)));
    const answer = await expected(sum, given);
    await open("js");
    const sumOf = (values: Values) => once(sum, [tensor(values, [9000])]);
    expect(await wrong(sumOf(given[0]), answer)).toBeUndefined();
    expect(await wrong(sumOf(given[0].slice().fill(0, 8999)), answer)).toMatch(/^element 0 is/);
    await device().close();
  });
});

test("parts of results, computed from parts of what is given, are those of the whole", async () => {
  for (const one of [...products, ...convolutions, ...passes]) {
    if (!one.parts) continue;
    const given = one.given.map((g) => drawn(g, generator(3)));
    const parts = await expected(one, given, true);
    expect(
      parts.every(({ axis, at }) => axis !== undefined && at.length > 1),
      one.name,
    ).toBe(true);
    await open("js");
    const whole = once(
      one,
      one.given.map(({ shape }, i) => tensor(given[i], shape)),
    );
    expect(await wrong(whole, parts), one.name).toBeUndefined();
    await device().close();
  }
});

test("names tell the kernels apart", () => {
  const names = cases().map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});

test("the limit is the longer of arithmetic and memory, one kernel after the other, and for what is in a cache arithmetic alone", () => {
  const limits = { gflops: 10, gbps: 2 };
  const [product, sum] = [
    { flops: 1e6, bytes: 1e4 },
    { flops: 1e4, bytes: 1e6 },
  ];
  expect(least([product], limits, false)).toEqual({ us: 100, bound: "arithmetic" });
  expect(least([product, sum], limits, false)).toEqual({ us: 600, bound: "memory" });
  expect(least([sum], limits, true)).toEqual({ us: 1, bound: "arithmetic" });
});
