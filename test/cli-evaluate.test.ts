// elbo evaluate: what it prints, the page it leaves, and what it does where runs do not compare or cannot be scored.
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { niceTicks } from "../src/cli/report/charts.ts";
import { figures } from "../src/cli/report/figures.ts";
import { html } from "../src/cli/report/html.ts";
import { built, elbo, start } from "./setup/cli.ts";
import { idx } from "./setup/idx.ts";

const cwd = mkdtempSync(join(tmpdir(), "elbo-evaluate-"));
const here = { cwd };
const path = (...parts: string[]): string => join(cwd, ...parts);
const lines = (text: string): string[] => text.split("\n").filter((line) => line !== "");
const SMALL = ["--hidden", "9", "--latent", "3", "--batch", "16", "--epochs", "2", "--device", "js"];
const train = (out: string, ...args: string[]) => elbo(here, "train", ...SMALL, "--out", out, ...args);
const FEW = ["--images", "12", "--samples", "30", "--device", "js"];
const evaluate = (...args: string[]) => elbo(here, "evaluate", ...FEW, ...args);
const ODD = `runs/<b onload="x">&'1`;

beforeAll(async () => {
  built();
  for (const folder of ["faces", "lost"]) mkdirSync(path(folder));
  // 60 pictures of 8 x 8, a bright bar somewhere in each, and no labels
  const pixels = Array.from({ length: 60 }, (_, i) => Array.from({ length: 64 }, (_, j) => (Math.floor(j / 8) === i % 8 ? 250 : 10)));
  writeFileSync(path("faces/train-images-idx3-ubyte"), idx([48, 8, 8], pixels.slice(0, 48).flat()));
  writeFileSync(path("faces/t10k-images-idx3-ubyte"), idx([12, 8, 8], pixels.slice(48).flat()));
  const digits = ["--size", "8", "--limit", "64"];
  const ended = await Promise.all([
    train("runs/a", ...digits, "--binarize", "dynamic"),
    train("runs/told", ...digits, "--conditional"),
    train("runs/faces", "--data", "faces", "--likelihood", "discretized-logistic"),
    train("runs/ae", ...digits, "--objective", "ae"),
  ]);
  expect(ended.map(({ code }) => code)).toEqual([0, 0, 0, 0]);
  for (const copy of [ODD, "lost/run"]) cpSync(path("runs/a"), path(copy), { recursive: true });
  rmSync(path("lost/run/model.safetensors"));
});
afterAll(() => rmSync(cwd, { recursive: true }));

describe("one run", () => {
  test("a table on stdout with the page's name, progress on stderr, and a page that needs nothing else [js]", async () => {
    const { code, stdout, stderr } = await evaluate("runs/a", "--out", "one.html");
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining("runs/a: log-likelihood") });
    expect(lines(stdout).at(-1)).toBe("one.html");
    expect(stdout).toMatch(/^test loss +\d+\.\d\d +nats per image$/m);
    expect(stdout).toMatch(/^-log p\(x\) +\d+\.\d\d ± \d+\.\d\d +nats per image$/m);
    expect(stdout).toMatch(/^bits per value, by the bound +\d\.\d{4} +bits$/m);
    expect(stdout).not.toContain("FactorVAE"); // which is for shapes

    const page = readFileSync(path("one.html"), "utf8");
    expect(page).not.toMatch(/<script|<link|<iframe|@import|url\(|src="(?!data:)|href=/);
    expect(page.match(/src="data:image\/png;base64,/g)).toHaveLength(3);
    for (const { says, source = "" } of figures) expect(page).toContain(html`${says}${source && ` (${source})`}`.markup);
    expect(page).toContain("the factors of the images are known for the data set shapes only");
    expect(page.match(/<polyline /g)).toHaveLength(2);
    expect(page.match(/class="track"/g)).toHaveLength(3); // latents
  });

  test("its test loss is that of its last epoch, and the same seed gives the same page [js]", async () => {
    const [one, two, other] = await Promise.all([
      evaluate("runs/a", "--json", "--out", "first.html"),
      evaluate("runs/a", "--json", "--out", "second.html"),
      evaluate("runs/a", "--json", "--out", "third.html", "--seed", "2"),
    ]);
    const [run, end] = lines(one.stdout).map((line) => JSON.parse(line));
    expect(end).toEqual({ done: true, out: "first.html", device: "js" });
    expect(Object.keys(run.figures)).toEqual(figures.map(({ key }) => key));
    const last = JSON.parse(lines(readFileSync(path("runs/a/metrics.jsonl"), "utf8")).at(-1) ?? "");
    expect(run.figures.loss).toEqual({ value: last.test.loss, unit: "nats per image" });
    expect(run.figures.mig).toEqual({ absent: expect.any(String) });
    expect(run).toMatchObject({ run: "runs/a", images: { losses: 64, images: 12 }, samples: 30, notes: [] });
    expect(run.perLatent.kl).toHaveLength(3);
    expect(readFileSync(path("second.html"), "utf8")).toBe(readFileSync(path("first.html"), "utf8"));
    expect(JSON.parse(lines(other.stdout)[0]).figures.nll).not.toEqual(run.figures.nll);
    expect(lines(two.stdout)[0]).toBe(lines(one.stdout)[0]);
  });

  test("an autoencoder has losses and pictures, and no bound [js]", async () => {
    const { code, stdout } = await evaluate("runs/ae", "--out", "ae.html");
    expect(code).toBe(0);
    expect(stdout).toContain("test loss");
    expect(stdout).not.toContain("ELBO");
    expect(readFileSync(path("ae.html"), "utf8")).toContain("a plain autoencoder has no q(z|x), and so no bound");
  });

  test("sprites: latents and factors, of images that the run was not trained on [js]", async () => {
    expect(await train("runs/shapes", "--data", "shapes", "--size", "4", "--limit", "32", "--epochs", "1")).toMatchObject({ code: 0 });
    const { stdout } = await evaluate("runs/shapes", "--json", "--out", "shapes.html");
    const [{ figures: found, factors }] = lines(stdout).map((line) => JSON.parse(line));
    expect(factors).toMatchObject({ images: 10_000, votes: 5000 });
    expect(factors.gaps).toHaveLength(5);
    for (const key of ["mig", "factorVae"]) {
      expect(found[key].value).toBeGreaterThanOrEqual(0);
      expect(found[key].value).toBeLessThanOrEqual(1);
    }
  });
});

describe("several runs", () => {
  test("stand side by side, and what does not compare is said: in the terminal, with --json and on the page [js]", async () => {
    const { code, stdout, stderr } = await evaluate("runs/a", "runs/told", "runs/faces", "--json", "--out", "three.html");
    expect(code).toBe(0);
    const [a, told, faces] = lines(stdout).map((line) => JSON.parse(line));
    expect(a.notes).toEqual([]);
    expect(told.notes).toEqual([expect.stringMatching(/^grey images under a Bernoulli/), "images in grey, and 0 and 1 for runs/a"]);
    expect(faces.notes).toEqual([
      "other data: 12 images of faces, and 64 of digits for runs/a",
      "images in grey, and 0 and 1 for runs/a",
      "a discretized-logistic likelihood, and bernoulli for runs/a: nats of one are not nats of the other",
    ]);
    const page = readFileSync(path("three.html"), "utf8");
    for (const note of faces.notes) {
      expect(stderr).toContain(`runs/faces: ${note}`);
      expect(page).toContain(html`<b>runs/faces</b>: ${note}`.markup);
    }
    const table = (await evaluate("runs/a", "runs/told", "--out", "two.html")).stdout;
    expect(table).toMatch(/^ +\(1\) +\(2\)$/m);
    expect(table).toContain("(2) runs/told");
  });

  test("a run that cannot be scored has its reason beside the figures of the others, and the command fails [js]", async () => {
    const { code, stdout, stderr } = await evaluate("runs/a", "runs/told", "--data", "faces", "--out", "part.html");
    const problem = "a conditional model needs a label for each image; faces has none";
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(`runs/told: not scored: .*${problem}`) });
    expect(stdout).toContain("part.html");
    expect(stderr).toContain("runs/a: was trained on digits, and is scored on faces");
    expect(readFileSync(path("part.html"), "utf8")).toContain(`not scored: `);

    const alone = await evaluate("runs/told", "--data", "faces", "--out", "none.html");
    expect(alone).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining(problem) });
    expect(existsSync(path("none.html"))).toBe(false);
  });

  test("names are text on the page, whatever they are made of [js]", async () => {
    expect(await evaluate(ODD, "--out", "odd.html")).toMatchObject({ code: 0 });
    const page = readFileSync(path("odd.html"), "utf8");
    expect(page).not.toContain("<b onload");
    expect(page).toContain("&lt;b onload=&quot;x&quot;&gt;&amp;&#39;1");
  });
});

describe("what ends early", () => {
  for (const [signal, code] of [
    ["SIGINT", 130],
    ["SIGKILL", "SIGKILL"],
  ] as const) {
    test(`${signal}: nothing is left, and an old page stays [js]`, async () => {
      const folder = path(`kept-${signal}`);
      mkdirSync(folder);
      writeFileSync(join(folder, "old.html"), "old");
      const args = ["evaluate", path("runs/a"), "--samples", "1000000", "--device", "js", "--out", "old.html"];
      const { child, ended, seen } = start({ cwd: folder }, ...args);
      await seen("log-likelihood");
      child.kill(signal);
      expect((await ended).code).toBe(code);
      expect(readdirSync(folder)).toEqual(["old.html"]);
      expect(readFileSync(join(folder, "old.html"), "utf8")).toBe("old");
    });
  }

  for (const [what, args, code, message] of [
    ["no run", [], 2, "RUN is missing: the directory of a run, as elbo train leaves it"],
    ["a run that is not there", ["runs/a", "runs/gone"], 1, "runs/gone: no run can be read there"],
    ["a run that lost a file", ["runs/a", "lost/run"], 1, "lost/run: has no model.safetensors"],
    ["a folder that is not there", ["runs/a", "--out", "gone/x.html"], 1, "--out gone/x.html: there is no folder gone"],
    ["a page of another kind", ["runs/a", "--out", "x.pdf"], 2, `--out "x.pdf" is not the name of a .html file`],
    ["one image", ["runs/a", "--images", "1"], 2, `--images "1" is not a whole number from 2`],
    ["no samples", ["runs/a", "--samples", "0"], 2, `--samples "0" is not a whole number from 1`],
    ["other data that are not there", ["runs/a", "--data", "gone"], 1, "gone: no such folder"],
  ] as const) {
    test(`${what}: one line says so, and no page is written`, async () => {
      const before = readdirSync(cwd);
      const ended = await elbo(here, "evaluate", "--device", "js", ...args);
      expect(ended).toMatchObject({ code, stdout: "", stderr: expect.stringContaining(message) });
      expect(readdirSync(cwd)).toEqual(before);
    });
  }

  test("--help says that there may be several runs", async () => {
    expect((await elbo(here, "evaluate", "--help")).stdout).toContain("usage: elbo evaluate RUN [RUN...] [options]");
  });
});

test("ticks are round, few, and hold what is to be shown between them", () => {
  for (const [low, high] of [
    [96.1, 142.7],
    [-3, 5],
    [0.01, 0.011],
    [1200, 1200],
    [0, 0],
  ]) {
    const ticks = niceTicks(low, high);
    expect(ticks[0]).toBeLessThanOrEqual(low);
    expect(ticks.at(-1)).toBeGreaterThanOrEqual(high);
    expect(ticks.length).toBeGreaterThanOrEqual(2);
    expect(ticks.length).toBeLessThanOrEqual(6);
  }
});
