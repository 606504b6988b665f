// The command with other objectives and likelihoods: what the run records, what is shown, what does not fit together.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadRun } from "../src/vae/run.node.ts";
import { built, elbo } from "./setup/cli.ts";

const cwd = mkdtempSync(join(tmpdir(), "elbo-cli-objectives-"));
const here = { cwd };
beforeAll(built);
afterAll(() => rmSync(cwd, { recursive: true }));

const SMALL = ["--size", "8", "--limit", "48", "--batch", "16", "--epochs", "2", "--hidden", "9", "--latent", "3", "--device", "js"];
const train = (...args: string[]) => elbo(here, "train", ...SMALL, ...args);
const lines = (text: string) => text.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line)]));

describe("elbo train", () => {
  test("--objective dreg, on drawn zeros and ones, with classes: recorded, and in bits [js]", async () => {
    const options = "--objective dreg --samples 3 --binarize dynamic --conditional --json --out dreg".split(" ");
    const { code, stdout } = await train(...options);
    expect(code).toBe(0);
    const [first, second, end] = lines(stdout);
    expect(second.train.loss).toBeLessThan(first.train.loss);
    expect(second.bitsPerDimension).toBeCloseTo(second.test.loss / (64 * Math.LN2), 10); // of the bound itself
    expect(end).toMatchObject({ done: true, out: "dreg" });
    const { config, model } = await loadRun(join(cwd, "dreg"));
    expect(config.training).toMatchObject({ objective: "dreg", samples: 3, binarize: "dynamic", beta: "1" });
    expect(config.model).toMatchObject({ classes: 10, likelihood: "bernoulli" });
    expect(config.loss).toMatch(/loss = -log mean of 3 weights p\(x\|z\) p\(z\) \/ q\(z\|x\); reconstruction = /);
    expect(model.classes).toBe(10);

    const sample = (...args: string[]) => elbo(here, "sample", "dreg", "--device", "js", "--count", "3", ...args);
    const png = async (name: string, ...args: string[]) => {
      expect(await sample("--out", name, ...args)).toMatchObject({ code: 0, stdout: `${name}\n` });
      return readFileSync(join(cwd, name));
    };
    const sevens = await png("7.png", "--class", "7");
    expect(sevens.equals(await png("8.png", "--class", "8"))).toBe(false);
    expect(sevens.equals(await png("7b.png", "--class", "7"))).toBe(true);
    expect(await sample("--class", "10")).toMatchObject({ code: 1, stderr: "elbo sample: --class 10: dreg knows classes 0 to 9\n" });
    for (const command of ["reconstruct", "traverse"]) expect((await elbo(here, command, "dreg", "--device", "js")).code).toBe(0);
  });

  test("with schedules, which the run records as they were written [js]", async () => {
    const { code, stdout } = await train("--beta", "warmup:0-4:1-5", "--capacity", "cyclic:0-9:3x1", "--out", "schedules", "--json");
    expect(code).toBe(0);
    const [first, second] = lines(stdout);
    expect([first.train.beta, second.train.beta]).toEqual([expect.closeTo(1 / 3, 5), expect.closeTo(3, 5)]); // of 0, 0, 1 and 2, 3, 4
    expect(second.train.capacity).toBeCloseTo(9, 5);
    expect(second.test.loss).toBeCloseTo(second.test.reconstruction + 4 * Math.abs(second.test.kl - 9), 3);
    const { config } = await loadRun(join(cwd, "schedules"));
    expect(config.training).toMatchObject({ objective: "vae", beta: "warmup:0-4:1-5", capacity: "cyclic:0-9:3x1" });
    expect(config.model["beta"]).toBe(4);
  });

  test.each([
    [["--likelihood", "auto"], "discretized-logistic, because the data are bytes", "discretized-logistic", true],
    [["--likelihood", "auto", "--binarize", "static"], "bernoulli, because the data are made 0 and 1", "bernoulli", true],
    [["--likelihood", "continuous-bernoulli"], undefined, "continuous-bernoulli", false],
    [["--likelihood", "gaussian", "--scale", "pixel"], undefined, "gaussian", false],
    [[], undefined, "bernoulli", false], // of greys, whose cross-entropy is no code's length
  ] as const)("%j: the likelihood, why, and bits only where they mean something [js]", async (args, why, likelihood, bits) => {
    const out = `likelihood-${args.join("")}`;
    const { code, stdout, stderr } = await train(...args, "--epochs", "1", "--out", out);
    expect(code).toBe(0);
    expect(stderr.includes(`likelihood: ${why}`)).toBe(why !== undefined);
    expect(/, \d\.\d{3} bits per value/.test(stdout)).toBe(bits);
    expect((await loadRun(join(cwd, out))).config.model).toMatchObject({ likelihood });
  });

  test("shows a loss as a sum only where it is one [js]", async () => {
    const shown = async (...args: string[]) => (await train(...args, "--epochs", "1")).stdout.split("\n")[0];
    expect(await shown("--beta", "4")).toMatch(/^epoch 1\/1: test \d+\.\d\d = reconstruction \d+\.\d\d \+ 4 x KL \d\.\d\d, train/);
    expect(await shown("--free-bits", "1")).toMatch(/test \d+\.\d\d \(reconstruction \d+\.\d\d, KL \d\.\d\d\), train/);
    expect(await shown("--objective", "iwae")).toMatch(/test \d+\.\d\d \(reconstruction \d+\.\d\d, KL \d\.\d\d\), train/);
    expect(await shown("--objective", "ae")).toMatch(/test \d+\.\d\d, all reconstruction, train/);
  });

  test.each([
    [2, "--beta: of no use to --objective iwae, which takes --samples", ["--objective", "iwae", "--beta", "2"]],
    [2, "--samples: of no use to --objective vae, which takes --beta, --free-bits, --capacity", ["--samples", "3"]],
    [2, "--free-bits: of no use to --objective ae, which takes none of these options", ["--objective", "ae", "--free-bits", "1"]],
    [2, "--free-bits and --capacity both bend the KL; give one of them", ["--free-bits", "1", "--capacity", "4"]],
    [2, '--samples "0" is not a whole number from 1 to 10000', ["--objective", "iwae", "--samples", "0"]],
    [2, '--beta "warmup:0-1:20-10": ramp: ends at step 10, but begins at step 20', ["--beta", "warmup:0-1:20-10"]],
    [2, '--beta "often" is not a number of 0 or more; warmup:FROM-TO:STEPS or', ["--beta", "often"]],
    [2, '--scale "0" is not a number above 0, learned or pixel', ["--scale", "0"]],
    [1, "scale: 2 is of no use to a bernoulli likelihood", ["--scale", "2"]],
    [
      1,
      'binarize makes zeros and ones, for a "bernoulli" likelihood and not "gaussian"',
      ["--binarize", "static", "--likelihood", "gaussian"],
    ],
  ] as const)("exit code %i: %s [js]", async (code, message, args) => {
    const ended = await train(...args);
    expect(ended).toMatchObject({ code, stdout: "" });
    expect(ended.stderr).toContain(`elbo train: ${message}`);
  });
});

test("elbo check passes here, and says so in a table [js]", async () => {
  const { code, stdout, stderr } = await elbo(here, "check", "--device", "js");
  expect(code).toBe(0);
  expect(stderr).toMatch(/^device: js, /);
  expect(stdout).toMatch(/^ +checked +expected +found +allowed\n(ok .+\n){30,}all \d+ hold on js; /);
});
