// The runner of the experiments, with experiments of its own that take no time; and the page that is written from their results.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Experiment, Step } from "./science/experiment.mjs";
import { differenceOf, judged, meanOf } from "./science/experiment.mjs";
import { experiments } from "./science/experiments/list.mjs";
import { forget } from "./science/forget.mjs";
import { PAGE, page, RESULTS } from "./science/page.mjs";
import { chosen, listed } from "./science/plan.mjs";
import { readResults } from "./science/results.mjs";
import { type Report, runAll } from "./science/runner.mjs";
import { runName } from "./science/training.mjs";

const machine = { cpu: "a processor", cores: 2, os: "an OS", node: "v20", commit: "1234567", date: "2026-01-01T00:00Z", loadBefore: 0 };
const session = { device: "wasm, for the test", machine };

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "elbo-science-"));
  mkdirSync(join(folder, "data"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const path = () => join(folder, "results.json");

/** Runs them as the command does; `report` is what their steps are given. */
async function run(some: readonly Experiment[], signal = new AbortController().signal) {
  const printed: string[] = [];
  const code = await runAll(some, {
    ...{ path: path(), session, signal },
    folderOf: (data) => join(folder, data),
    print: (line) => void printed.push(line),
    live: () => {},
    toolsFor: (report) => report as never, // steps of these tests want nothing else
  });
  return { code, printed: printed.join("\n") };
}

const step = (name: string, find: (report: Report) => object | Promise<object>, settings: object = {}): Step => ({
  ...{ name, settings, minutes: 1 },
  run: async (tools) => find(tools as never),
});
const experiment = (steps: readonly Step[], more: Partial<Experiment> = {}): Experiment => ({
  ...{ name: "one", title: "One", about: "About it.", published: "Somewhere.", data: "data", steps },
  figures: [
    {
      ...{ name: "mean", unit: "nats", digits: 2, known: 2, within: 0.5 },
      of: (found) => meanOf(steps.map(({ name }) => found[name]?.["x"])),
    },
  ],
  ...more,
});

describe("experiments", () => {
  test("are run step by step, and what has a result is not run again unless its settings are others", async () => {
    let runs = 0;
    const counted = (settings: object) => step("a", () => ({ x: 2, runs: ++runs }), settings);
    const first = await run([experiment([counted({ lr: 1 })])]);
    expect(first).toMatchObject({ code: 0, printed: expect.stringContaining("mean: 2.00 nats, wanted 2.00 ± 0.5: met") });
    await run([experiment([counted({ lr: 1 })])]);
    expect(runs).toBe(1);
    await run([experiment([counted({ lr: 2 })])]);
    expect(runs).toBe(2);
    expect(readResults(path()).experiments["one"]["a"]).toMatchObject({ settings: { lr: 2 }, figures: { x: 2, runs: 2 } });
  });

  test("leave one file, whole after each step, and nothing beside it", async () => {
    const seen: unknown[] = [];
    const look = () => seen.push(readResults(path()).experiments["one"]);
    const a = step("a", () => ({ x: 2 }));
    const b = step("b", () => {
      look();
      return { x: 2.2 };
    });
    await run([experiment([a, b])]);
    expect(seen).toEqual([{ a: expect.objectContaining({ figures: { x: 2 } }) }]);
    expect(readdirSync(folder).sort()).toEqual(["data", "results.json"]);
    expect(readResults(path()).sessions).toEqual({ [machine.date]: session });
  });

  test("that are interrupted say where they stand, and go on from there", async () => {
    const stop = new AbortController();
    const interrupted = step("b", ({ standing, uses }) => {
      uses("a-run");
      standing({ epochs: 3, of: 10 });
      stop.abort();
      stop.signal.throwIfAborted();
      return {};
    });
    const a = step("a", () => ({ x: 2 }));
    const { code, printed } = await run([experiment([a, interrupted])], stop.signal);
    expect(code).toBe(130);
    expect(printed).toContain("stopped; the same command goes on from here");
    const { b } = readResults(path()).experiments["one"];
    expect(b).toMatchObject({ standing: { epochs: 3, of: 10 }, runs: ["a-run"] });
    expect(b.figures).toBeUndefined();
    const whole = experiment([a, step("b", () => ({ x: 1 }))]);
    expect(page([whole], readResults(path()))).toContain("b: 3 of 10 epochs done");
    expect(listed([whole], readResults(path()))).toContain("1 of 2 steps done, about 42 s to go");
    expect(await run([whole])).toMatchObject({ code: 0, printed: expect.stringContaining("mean: 1.50 nats") });
  });

  test("that miss a figure, fail, or lack their data say so, and the others are run all the same", async () => {
    const bad = experiment([step("a", () => ({ x: 3 }))]);
    const broken = experiment([step("a", () => Promise.reject(new Error("no luck")))], { name: "two" });
    const absent = experiment([step("a", () => ({ x: 2 }))], { name: "three", data: "nowhere" });
    const good = experiment([step("a", () => ({ x: 2 }))], { name: "four" });
    const { code, printed } = await run([bad, broken, absent, good]);
    expect(code).toBe(1);
    expect(printed).toContain("mean: 3.00 nats, wanted 2.00 ± 0.5: MISSED");
    expect(printed).toContain("FAILED: two, a: no luck");
    expect(printed).toContain(`skipped: there is no ${join(folder, "nowhere")}; ELBO_DATA names the folder`);
    expect(printed).toContain("met");
    expect(Object.keys(readResults(path()).experiments)).toEqual(["one", "four"]);
    expect((await run([absent])).code).toBe(0);
  });

  test("that only hope for a figure do not fail without it", async () => {
    const hoped = { name: "hoped", unit: "%", digits: 1, above: 0, isHope: true, of: () => -1 } as const;
    const { code, printed } = await run([experiment([step("a", () => ({ x: 2 }))], { figures: [hoped] })]);
    expect(code).toBe(0);
    expect(printed).toContain("hoped: -1.0 %, wanted above 0, hoped for: missed");
  });

  test("are forgotten with their trainings, and not those of others", async () => {
    const using = (name: string) => {
      const a = step("a", ({ uses }) => {
        uses(`${name}-run`);
        return { x: 2 };
      });
      return experiment([a], { name });
    };
    await run([using("one"), using("two")]);
    for (const name of ["one-run", "two-run"]) mkdirSync(join(folder, name));
    forget({ path: path(), scratch: folder }, ["one"]);
    expect(Object.keys(readResults(path()).experiments)).toEqual(["two"]);
    expect([existsSync(join(folder, "one-run")), existsSync(join(folder, "two-run"))]).toEqual([false, true]);
  });

  test("are chosen by name; without names those are left out that take days, and an unknown one is refused", () => {
    const [usual, aside] = [experiment([]), experiment([], { name: "two", aside: "takes days" })];
    expect(chosen([usual, aside], [])).toEqual([usual]);
    expect(chosen([usual, aside], ["two"])).toEqual([aside]);
    expect(() => chosen([usual, aside], ["three"])).toThrow('there is no experiment "three"; there are one, two');
  });

  test("are refused results that are none", () => {
    writeFileSync(path(), "{}");
    expect(() => readResults(path())).toThrow(`${path()}: no results: sessions and experiments are missing`);
  });
});

test("a figure that is no number misses, and one whose steps are not all done is open", () => {
  const [nan, open] = [{ a: { x: Number.NaN } }, {}].map((found) => judged(experiment([step("a", () => ({}))]), found)[0].verdict);
  expect([nan, open]).toEqual(["missed", "open"]);
  expect([meanOf([1, undefined]), meanOf([]), meanOf([1, 2]), differenceOf(3, 1), differenceOf(3, undefined)]).toEqual([
    undefined,
    undefined,
    1.5,
    2,
    undefined,
  ]);
});

test("trainings with other options, data or epochs have other folders, wherever the data lie", () => {
  const of = (data: string, epochs: number, ...options: string[]) => runName({ data, epochs, options });
  expect(of("/a/mnist", 4, "--lr", "1e-3-1e-4:1,4ep")).toBe(of("/b/mnist", 4, "--lr", "1e-3-1e-4:1,4ep"));
  const names = [of("mnist", 4), of("mnist", 5), of("fashion", 4), of("mnist", 4, "--x", "a,b"), of("mnist", 4, "--x", "a-b")];
  expect(new Set(names).size).toBe(names.length);
  for (const name of names) expect(name).toMatch(/^[\w.-]+$/);
});

describe("docs/science.md", () => {
  const read = (name: string) => readFileSync(new URL(`../${name}`, import.meta.url), "utf8");

  test("is what npm run test:science writes of the committed results", () => {
    const results = readResults(new URL(`../${RESULTS}`, import.meta.url).pathname);
    expect(read(PAGE)).toBe(page(experiments, results));
  });

  test("says what was found beside what was published, where, and what was not run", async () => {
    const some = [experiment([step("a", () => ({ x: 2.7 }))]), experiment([step("a", () => ({}))], { name: "two", aside: "takes days" })];
    await run(some.slice(0, 1));
    const text = page(some, readResults(path()));
    expect(text).toContain("2 figures are held to something: 0 met, 1 missed, 1 not run.");
    expect(text).toContain("- missed: one, mean: 2.70 nats, wanted 2.00 ± 0.5");
    expect(text).toContain("| mean   | 2.00      | 2.00 ± 0.5 | 2.70 nats |           | **missed** |");
    expect(text).toContain("Not run yet: takes days.");
    expect(text).toContain("2 cores of a processor, an OS, Node v20 | wasm, for the test | one");
  });
});

test("the experiments have names of their own, steps of their own, and an hour in all but for those run by their name", () => {
  expect(new Set(experiments.map(({ name }) => name)).size).toBe(experiments.length);
  for (const { name, steps } of experiments) expect(new Set(steps.map((one) => one.name)).size, name).toBe(steps.length);
  const usual = chosen(experiments, []).flatMap(({ steps }) => steps);
  expect(usual.reduce((sum, { minutes }) => sum + minutes, 0)).toBeLessThan(60);
  for (const one of experiments) for (const { verdict } of judged(one, {})) expect(verdict).toBe("open");
});
