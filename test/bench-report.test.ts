// The numbers in the README are those of the committed results, put there by the script.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { table } from "../bench/report/overhead.mjs";
import { between, type Results } from "../bench/report.mjs";

const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), "utf8");
const overhead: Results = JSON.parse(read("bench/results/overhead.json"));

test("the README's table of overhead is what npm run bench:report makes of the committed results", () => {
  const readme = read("README.md");
  expect(readme).toBe(between(readme, "overhead", table(overhead)));
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
