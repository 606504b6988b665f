// What the CPU bench makes of its numbers. No time is asserted here: the numbers are made up, or those of the committed results.
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { ratios } from "../bench/cpu/entries.mjs";
import { tables } from "../bench/cpu/tables.mjs";
import { between } from "../bench/report.mjs";
import { wrongLoss, wrongTraining } from "../bench/tasks/judge.mjs";
import { entries, fileOf, ms, row } from "./setup/bench-results.ts";

const entry = entries("dense");
const results = [
  entry("Elbo", "Node 24", 1, { ...ms(8), rss: 90 }),
  entry("Elbo", "Node 24", 2, ms(4)),
  entry("Elbo", "Node 24 turbo", 1, ms(2)),
  entry("jax-js", "Node 24", 1, ms(20)),
  entry("jax-js", "Node 24 turbo", 1, ms(24)),
  entry("jax-js", "Node 20", 1, ms(5)),
  entry("tfjs (wasm)", "Node 24", 1, { error: "wrong: the loss of step 1 is 3" }),
  entry("PyTorch", "Python", 1, { how: "Adam of loops", ...ms(6) }),
  entry("PyTorch", "Python", 1, { how: "Adam of foreach", ...ms(5) }),
  entry("PyTorch", "Python", 2, ms(7)),
  entry("Elbo", "Node 24", 1, { work: "512x512x512", flop: 2 * 512 ** 3, ...ms(5) }),
  entry("core", "Node 24", 1, { work: "ceiling", how: "madd (12)", flop: 6e9, ...ms(100) }),
  entry("Elbo", "Node 24", 1, { work: "replay", ...ms(0.0005) }),
  entry("Elbo", "Node 20", 1, { error: "there is no such device" }),
];
const found = ratios(results, "dense");
const made = fileOf(results);

describe("ratios", () => {
  const of = (peer: string, runtime: string, threads: number) =>
    found.find((r) => r.peer === peer && r.runtime === runtime && r.threads === threads)?.ratio;

  test("compare with Elbo on the same runtime, each peer at its best with no more threads", () => {
    expect(of("jax-js", "Node 24", 1)).toBe(20 / 8);
    expect(of("jax-js", "Node 24", 2)).toBe(20 / 4);
    expect(of("PyTorch", "Node 24", 1)).toBe(5 / 8);
    expect(of("PyTorch", "Node 24", 2)).toBe(5 / 4);
  });

  test("beside turbo take a peer without the flag where that is faster", () => {
    expect(of("jax-js", "Node 24 turbo", 1)).toBe(20 / 2);
  });

  test("are not made where one of the two was not measured", () => {
    expect(of("jax-js", "Node 20", 1)).toBeUndefined();
    expect(of("tfjs (wasm)", "Node 24", 1)).toBeUndefined();
  });
});

describe("tables", () => {
  const written = tables(made);

  test("a step shows its time, its ratio, and who was wrong or absent", () => {
    const table = written["cpu-step"];
    expect(row(table, "Elbo")?.[1]).toBe("absent");
    expect(row(table, "Elbo")?.[3]).toBe("8.00 ms ± 5 %");
    expect(row(table, "jax-js")?.slice(3, 5)).toEqual(["20.0 ms, 2.50×", "20.0 ms, 5.00×"]);
    expect(row(table, "tfjs (wasm)")?.[3]).toBe("wrong");
    expect(table).toContain("Elbo on Node 20: there is no such device");
  });

  test("targets say what was wanted and what was reached", () => {
    const table = written["cpu-targets"];
    expect(row(table, "jax-js / Elbo, dense step", "Node 24")?.slice(2)).toEqual(["2.5×", "2.50×, met", "4.5×", "5.00×, met"]);
    expect(row(table, "PyTorch / Elbo, dense step", "Node 24")?.slice(2, 4)).toEqual(["0.65×", "0.625×, missed by 4 %"]);
    expect(row(table, "a replayed kernel", "Node 24")?.slice(2, 4)).toEqual(["< 1 µs", "0.500 µs, met"]);
    expect(row(table, "512×512×512, GFLOP/s", "Node 20")?.[3]).toBe("not measured");
  });

  test("a product shows GFLOP/s and its share of what the core can do", () => {
    expect(row(written["cpu-gemm"], "Elbo", "Node 24", "1")?.[3]).toBe("53.7 (89 %)");
  });
});

test("an engine is wrong by a ten-thousandth of a loss, or if its training does not go down", () => {
  expect(wrongLoss([500, 490, 480.04], [500, 490, 480])).toBeUndefined();
  expect(wrongLoss([500, 490.1, 480], [500, 490, 480])).toContain("the loss of step 2 is 490.1");
  expect(wrongLoss([500], [500, 490])).toContain("step 2");
  expect(wrongTraining(500, 400)).toBeUndefined();
  expect(wrongTraining(500, Number.NaN)).toBeDefined();
});

test("the README's tables of the CPU are what npm run bench:report makes of the committed results", () => {
  const file = new URL("../bench/results/cpu.json", import.meta.url);
  if (!existsSync(file)) return;
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  for (const [name, text] of Object.entries(tables(JSON.parse(readFileSync(file, "utf8")))))
    if (readme.includes(`<!-- ${name}:begin -->`)) expect(readme).toBe(between(readme, name, text));
});
