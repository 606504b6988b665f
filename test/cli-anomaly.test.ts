// `elbo train --only`, `elbo anomaly`, `elbo train --missing` and `elbo impute` as their users meet them, on small runs of drawn digits.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { digits } from "../src/data/index.ts";
import { built, elbo } from "./setup/cli.ts";
import { idx } from "./setup/idx.ts";

const cwd = mkdtempSync(join(tmpdir(), "elbo-anomaly-"));
const path = (...parts: string[]): string => join(cwd, ...parts);
const lines = (text: string): string[] => text.split("\n").filter((line) => line !== "");
const run = (...args: string[]) => elbo({ cwd }, ...args, "--threads", "1");
const config = (name: string) => JSON.parse(readFileSync(path(name, "config.json"), "utf8"));
const SCORES = ["squared", "excess", "bound", "likelihood", "codes", "kl", "pca"];

/** Width and height of a PNG. */
function pictureSize(file: string): [number, number] {
  const bytes = readFileSync(path(file));
  expect(bytes.subarray(1, 4).toString()).toBe("PNG");
  return [bytes.readUInt32BE(16), bytes.readUInt32BE(20)];
}
const grid = (columns: number, rows: number): [number, number] => [columns * 16 + 2, rows * 16 + 2]; // pictures of 14 x 14

beforeAll(async () => {
  built();
  mkdirSync(path("tiny"));
  for (const [part, count, start] of [
    ["train", 800, 0],
    ["t10k", 500, 9000],
  ] as const) {
    const { pixels, labels } = digits({ count, start, size: 14 });
    writeFileSync(path(`tiny/${part}-images-idx3-ubyte`), idx([count, 14, 14], pixels));
    writeFileSync(path(`tiny/${part}-labels-idx1-ubyte`), idx([count], labels!));
  }
  mkdirSync(path("bars"));
  const pixels = Array.from({ length: 60 }, (_, i) => Array.from({ length: 35 }, (_, j) => (Math.floor(j / 7) === i % 5 ? 250 : 10)));
  writeFileSync(path("bars/train-images-idx3-ubyte"), idx([48, 5, 7], pixels.slice(0, 48).flat())); // without labels
  writeFileSync(path("bars/t10k-images-idx3-ubyte"), idx([12, 5, 7], pixels.slice(48).flat()));
  const small = ["--data", "tiny", "--hidden", "32", "--latent", "4", "--batch", "20"];
  const ended = await Promise.all([
    run("train", "--only", "3", ...small, "--epochs", "30", "--out", "three"),
    run("train", "--missing", "0.5", "--likelihood", "gaussian", ...small, "--epochs", "2", "--out", "holes"),
    run(
      "train",
      "--data",
      "bars",
      "--hidden",
      "9",
      "--latent",
      "2",
      "--batch",
      "16",
      "--epochs",
      "1",
      "--objective",
      "ae",
      "--out",
      "plain",
    ),
  ]);
  expect(ended.map(({ code, stderr }) => code || stderr)).toEqual([0, 0, 0].map(() => expect.stringContaining("device: wasm")));
});
afterAll(() => rmSync(cwd, { recursive: true }));

describe("a run of one class", () => {
  test("was trained on it alone, and remembers it for all commands", async () => {
    const { training, data } = config("three");
    expect(training).toMatchObject({ only: "3" });
    expect(data.name).toBe("tiny-only-3");
    expect(data.train).toBeGreaterThan(40);
    expect(data.train).toBeLessThan(160);
    const shown = await run("reconstruct", "three", "--count", "5", "--out", "five.png");
    expect(shown.stderr).toContain("5 images of tiny-only-3");
    const refused = await run("train", "--data", "tiny", "--only", "seven");
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('--only seven: class "seven": tiny has classes 0, 1, 2') });
    expect((await run("train", "--data", "bars", "--only", "3")).stderr).toContain("--only 3: class 3: the images of bars have no labels");
  });

  test("is what elbo anomaly takes for normal: a table of scores, with files", async () => {
    const { code, stdout, stderr } = await run("anomaly", "three", "--false-alarms", "0.1", "--samples", "2", "--out", "found");
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringMatching(/normal: class 3 of tiny; \d+ to learn from/) });
    const [heading, ...rows] = lines(stdout);
    expect(heading).toMatch(/^score +AUROC +threshold +false alarms +found$/);
    expect(rows.slice(0, 7).map((row) => row.split(" ")[0])).toEqual(SCORES);
    expect(rows.slice(7)).toEqual(["scores.csv", "worst.png", "histogram.svg", "roc.svg"].map((file) => join("found", file)));
    expect(readdirSync(path("found")).sort()).toEqual(["histogram.svg", "roc.svg", "scores.csv", "worst.png"]);
    expect(pictureSize("found/worst.png")).toEqual(grid(16, 9));
    for (const svg of ["histogram.svg", "roc.svg"])
      expect(readFileSync(path("found", svg), "utf8")).toMatch(/^<svg[\s\S]*squared[\s\S]*<\/svg>\n$/);
    const [names, ...table] = lines(readFileSync(path("found/scores.csv"), "utf8"));
    expect(names).toBe(`part,image,class,${SCORES.join(",")}`);
    expect(table).toHaveLength(500);
    const parts = table.map((line) => line.split(",").slice(0, 3));
    expect(parts.filter(([part, , label]) => part !== "other" && label !== "3")).toEqual([]);
    expect(parts.filter(([part]) => part === "threshold").length - parts.filter(([part]) => part === "normal").length).toBeLessThanOrEqual(
      1,
    );
  });

  test("--json: an object for each score, whose figures agree, then the files", async () => {
    const args = ["anomaly", "three", "--false-alarms", "0.1", "--samples", "2", "--json", "--out", "told"];
    const all = lines((await run(...args)).stdout).map((line) => JSON.parse(line));
    const end = all.pop();
    expect(all.map(({ score }) => score)).toEqual(SCORES);
    expect(end).toMatchObject({ run: "three", files: expect.arrayContaining([join("told", "worst.png")]) });
    expect(end.normal + end.others).toBe(500);
    for (const { threshold, falseAlarms, found, auroc } of all) {
      expect(threshold.wanted).toBe(0.1);
      expect(threshold.from + falseAlarms.of).toBe(end.normal);
      expect(falseAlarms.count / falseAlarms.of).toBeLessThan(0.4);
      expect(found.of).toBe(end.others);
      expect(auroc > 0 && auroc < 1).toBe(true);
    }
    expect(all[0].auroc).toBeGreaterThan(0.7);
  });

  test("finds anomalies in other data, and without them gives thresholds alone", async () => {
    const other = await run(
      "anomaly",
      "three",
      "--data",
      "shapes",
      "--limit",
      "600",
      "--false-alarms",
      "0.1",
      "--samples",
      "1",
      "--out",
      "other",
    );
    expect(other).toMatchObject({ code: 0, stderr: expect.stringContaining("anomalies: shapes, 600 images") });
    const { code, stdout, stderr } = await run("anomaly", "holes", "--false-alarms", "0.1", "--samples", "1", "--out", "alone");
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: expect.stringContaining("no image is known to be an anomaly; --normal CLASS or --data say which are"),
    });
    expect(lines(stdout)[0]).toMatch(/^score +threshold +false alarms$/);
    expect(readdirSync(path("alone")).sort()).toEqual(["histogram.svg", "scores.csv", "worst.png"]);
    expect(pictureSize("alone/worst.png")).toEqual(grid(16, 3));
  });

  test("of a model without noise only those scores are told that need none", async () => {
    const args = ["anomaly", "plain", "--false-alarms", "0.3", "--samples", "1", "--json", "--out", "plain-found"];
    const all = lines((await run(...args)).stdout).map((line) => JSON.parse(line));
    expect(all.slice(0, -1).map(({ score }) => score)).toEqual(["squared", "excess", "codes", "pca"]);
    expect(readFileSync(path("plain-found/scores.csv"), "utf8")).toMatch(/^part,image,class,squared,excess,codes,pca\n/);
  });

  test("what cannot be told is refused, and leaves no files", async () => {
    const cases: [string, string[]][] = [
      ["--normal 12: class 12: none of the 800 images of tiny is of it; there are classes 0, 1", ["holes", "--normal", "12"]],
      ["--normal 3: class 3: the images of bars have no labels", ["plain", "--normal", "3"]],
      ["a false-alarm rate of 0.001 needs 999 normal examples to place the threshold", ["holes", "--false-alarms", "0.001"]],
      ['--false-alarms "0" is not a number between 0 and 1', ["holes", "--false-alarms", "0"]],
      ['--score "best" is not one of squared, excess', ["holes", "--score", "best"]],
      ["--score kl: plain was trained without noise", ["plain", "--score", "kl"]],
      ["--out five.png: that is a file; name a folder", ["holes", "--out", "five.png"]],
    ];
    const ends = await Promise.all(cases.map(([, args]) => run("anomaly", "--samples", "1", "--out", "none", ...args)));
    for (const [i, [message]] of cases.entries()) {
      const end = ends[i];
      expect(end).toMatchObject({ stdout: "", stderr: expect.stringContaining(`elbo anomaly: ${message}`) });
      expect(end.code).toBeGreaterThan(0);
    }
    expect(existsSync(path("none"))).toBe(false);
  });
});

describe("elbo impute", () => {
  test("a run trained with holes knows it: one pass, figures beside those that need no model, and a picture of rows of five", async () => {
    expect(config("holes").training).toMatchObject({ missing: 0.5 });
    expect(config("holes").loss).toContain("all of the pixels that are left when each is hidden with probability 0.5");
    const { code, stdout } = await run("impute", "holes", "--count", "20", "--samples", "20", "--json");
    expect(code).toBe(0);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({
      run: "holes",
      missing: "random",
      share: 0.5,
      count: 20,
      method: "resample",
      rounds: 0,
      fill: "drawn",
      out: "imputed.png",
    });
    for (const name of ["error", "errorOfMean", "errorOfNearest"]) expect(report[name]).toBeGreaterThan(0.05);
    expect(report.coverage).toBeGreaterThan(0.5);
    expect(report.effective).toBeGreaterThan(1);
    expect(pictureSize("imputed.png")).toEqual(grid(10, 10));
  });

  test("another run fills in by rounds, and of greys under a Bernoulli likelihood says that it has no intervals", async () => {
    const args = ["--missing", "half", "--method", "gibbs", "--count", "3", "--samples", "10", "--rounds", "2", "--out", "half.png"];
    const { code, stdout, stderr } = await run("impute", "three", ...args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining("completions are means") });
    expect(stdout).toMatch(/^root mean squared error at hidden pixels, where 1 is white:\n {2}the model +0\.\d+\n/);
    expect(stdout).not.toContain("intervals");
    expect(lines(stdout).at(-1)).toBe("half.png");
    expect(pictureSize("half.png")).toEqual(grid(3, 5));
  });

  test("what cannot be filled in is refused", async () => {
    const cases: [number, string, string[]][] = [
      [2, '--share "1" is not a number between 0 and 1', ["--share", "1"]],
      [2, "--share: of no use to --missing half", ["--missing", "half", "--share", "0.4"]],
      [1, 'share: 0.001 of 14 x 14 pixels, "random", hides nothing', ["--share", "0.001"]],
      [1, 'share: 0.999 of 14 x 14 pixels, "random", hides everything', ["--share", "0.999"]],
      [2, "--rounds: of metropolis 2 or more", ["--method", "metropolis", "--rounds", "1"]],
      [1, "--count 9999 is more than the", ["--count", "9999"]],
    ];
    const ends = await Promise.all(cases.map(([, , args]) => run("impute", "holes", "--out", "none.png", ...args)));
    for (const [i, [expected, message]] of cases.entries()) {
      const { code, stdout, stderr } = ends[i];
      expect({ code, stdout, stderr }).toEqual({ code: expected, stdout: "", stderr: expect.stringContaining(message) });
    }
    expect(existsSync(path("none.png"))).toBe(false);
    expect((await run("impute", "plain")).stderr).toContain("plain: was trained without noise");
    expect((await run("train", "--only", "3", "--conditional")).stderr).toContain(
      "--conditional and --only: one class is nothing to tell a model",
    );
    expect((await run("train", "--missing", "0")).stderr).toContain('--missing "0" is not a number between 0 and 1');
  });
});
