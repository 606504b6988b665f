// What the bench of convolutions makes of its numbers, and whom it believes. The numbers are made up.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { tables } from "../bench/cpu/conv-tables.mjs";
import { ratios } from "../bench/cpu/entries.mjs";
import { wrongLayer } from "../bench/tasks/judge.mjs";
import { flopOf, shapesOf } from "../bench/tasks/layers.mjs";
import { entries, fileOf, ms, row } from "./setup/bench-results.ts";

const LAYER = "14x14x32x64";
const forward = { work: `${LAYER} forward`, flop: 2e8 };
const MISSING = "Kernel 'Conv2DBackpropFilter' not registered for backend 'wasm'";
const entry = entries("conv28");
const results = [
  entry("Elbo", "Node 24", 1, ms(25)),
  entry("Elbo", "Node 24 turbo", 1, ms(14)),
  entry("jax-js", "Node 24", 1, ms(20e3)),
  entry("tfjs (wasm)", "Node 24", 1, { error: MISSING }),
  entry("PyTorch", "Python", 1, { how: "Adam of loops, channels first", ...ms(20) }),
  entry("PyTorch", "Python", 1, { how: "Adam of loops, channels last", ...ms(18) }),
  entry("Elbo", "Node 24", 1, { work: "conv64", ...ms(80) }),
  entry("tfjs (wasm)", "Node 24", 1, { work: "conv64", error: MISSING }),
  entry("core", "Node 24", 1, { work: "ceiling", how: "madd (12)", flop: 6e9, ...ms(100) }),
  entry("Elbo", "Node 24", 1, { ...forward, ...ms(4) }),
  entry("Elbo", "Node 20", 1, { ...forward, ...ms(4) }),
  entry("PyTorch", "Python", 1, { ...forward, how: "channels first", ...ms(1) }),
  entry("PyTorch", "Python", 1, { ...forward, how: "channels last", ...ms(2) }),
  entry("PyTorch", "Python", 2, { work: "layers", error: "wrong: an element" }),
  entry("Elbo", "Node 24", 1, { work: "conv28 phase", how: "1: [64, 28, 28, 1] [4, 4, 1, 32], conv2d add relu", flop: 9e8, ...ms(15) }),
  entry("Elbo", "Node 24", 1, {
    work: "conv28 phase",
    how: "2: 64 x 3136 x 16, matmul add; sum neg; conv2dWeight add",
    flop: 3e8,
    ...ms(5),
  }),
];

describe("tables", () => {
  const written = tables(fileOf(results));

  test("a step stands beside each peer's best, and why an engine cannot make one is shown in its words", () => {
    const [conv28, conv64] = written["conv-step"].split("\n\n");
    expect(row(conv28, "Elbo")?.[3]).toBe("25.0 ms ± 5 %");
    expect(row(conv28, "jax-js")?.[3]).toBe("20.0 s, 800×");
    expect(row(conv28, "PyTorch")?.[3]).toBe("18.0 ms, 0.720×");
    expect(row(conv28, "tfjs (wasm)")?.[3]).toBe(MISSING);
    expect(row(conv64, "Elbo")?.[3]).toBe("80.0 ms ± 5 %");
    expect(row(conv64, "jax-js")).toBeUndefined();
  });

  test("targets say what was wanted and what was reached", () => {
    const table = written["conv-targets"];
    expect(row(table, "PyTorch / Elbo, conv28 step", "Node 24")?.slice(2)).toEqual(["0.7×", "0.720×, met"]);
    expect(row(table, "PyTorch / Elbo, conv64 step", "Node 24")?.slice(2)).toEqual(["0.7×", "not measured"]);
    expect(row(table, "jax-js / Elbo, conv28 step", "Node 24")?.slice(2)).toEqual(["400×", "800×, met"]);
    expect(row(table, "32 → 64 at 14×14, forward, GFLOP/s", "Node 20")?.slice(2)).toEqual(["42", "50.0, met"]);
    expect(row(table, "32 → 64 at 14×14, forward, GFLOP/s", "Node 24")?.slice(2)).toEqual(["55", "50.0, missed by 9 %"]);
  });

  test("what the core could do is computed from the operations of the phases", () => {
    const lines = written["conv-targets"].split("\n").filter((line) => line.startsWith("- "));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain("conv28 on Node 24: the products of the step take 20.0 ms at the 60.0 GFLOP/s");
    expect(lines[0]).toContain("1.25× as fast and PyTorch / Elbo would be 0.900×");
  });

  test("a layer shows GFLOP/s, with the share of the core's where that was measured, PyTorch's at its best, and who was wrong", () => {
    const cells = row(written["conv-layers"], "32 → 64 at 14×14", "forward")?.slice(2);
    expect(cells).toEqual(["50.0", "", "50.0 (83 %)", "", "", "", "200", "wrong"]);
    expect(row(written["conv-layers"], "", "weight gradient")?.[4]).toBe("");
  });

  test("a phase is named by its products, the other steps counted", () => {
    expect(row(written["conv-profile"], "conv2d 64×28×28×1 by 4×4×1×32")?.[1]).toBe("900");
    expect(row(written["conv-profile"], "64×3136×16; 2 other steps")?.[2]).toContain("5.00 ms (25 %)");
  });
});

test("ratios are of the model asked for", () => {
  expect(ratios(results, "conv28").find((r) => r.peer === "jax-js")?.ratio).toBe(800);
  expect(ratios(results, "conv64")).toEqual([]);
});

test("the operations of a layer are those of the product of its patches with its weight", () => {
  expect(shapesOf(LAYER).y).toEqual([64, 7, 7, 64]);
  expect(flopOf(LAYER)).toBe(2 * (64 * 7 * 7) * (4 * 4 * 32) * 64);
});

describe("a layer", () => {
  const folder = mkdtempSync(join(tmpdir(), "elbo-test-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const write = (name: string, values: number[]) => writeFileSync(join(folder, `${LAYER}.${name}.f32`), Float32Array.from(values));
  for (const role of ["y", "dx", "dw"]) for (const name of [role, `${role}.expected`]) write(name, [3, -4, 0, 5]);

  test("is right if all three tensors are", () => expect(wrongLayer(folder, LAYER)).toBeUndefined());

  test("is wrong by a thousandth, by what is no number, and by a value too few", () => {
    for (const [values, complaint] of [
      [[3, -4, 0.005, 5], "element 2"],
      [[3, Number.NaN, 0, 5], "element 1"],
      [[3, -4, 0], "3 values"],
    ] as const) {
      write("dw", [...values]);
      expect(wrongLayer(folder, LAYER)).toContain(complaint);
      expect(wrongLayer(folder, LAYER)).toContain("weight gradient");
    }
  });
});
