// elbo train --resume: a run that was killed goes on as if nothing had happened, and as it was begun.
import { appendFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { built, elbo, start } from "./setup/cli.ts";

const cwd = mkdtempSync(join(tmpdir(), "elbo-cli-resume-"));
const here = { cwd };
beforeAll(built);
afterAll(() => rmSync(cwd, { recursive: true }));

const SMALL = ["--size", "8", "--limit", "48", "--batch", "16", "--hidden", "9", "--latent", "3"];
const SCHEDULES = ["--lr", "steps:1e-2-1e-3:2,4ep", "--beta", "warmup:0-2:9", "--binarize", "dynamic", "--adam-eps", "1e-4"];
const file = (run: string, name: string): string => join(cwd, run, name);
const config = (run: string) => JSON.parse(readFileSync(file(run, "config.json"), "utf8"));
const metrics = (run: string): object[] =>
  readFileSync(file(run, "metrics.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => {
      const { seconds: _, imagesPerSecond: __, ...rest } = JSON.parse(line);
      return rest;
    });
const lastLine = (text: string): string => text.trim().split("\n").at(-1)!;

/** All that two runs are, but for times. */
function expectSame(a: string, b: string): void {
  for (const name of ["model.safetensors", "optimizer.safetensors", "samples.png"])
    expect(readFileSync(file(a, name)).equals(readFileSync(file(b, name))), name).toBe(true);
  expect(metrics(a)).toEqual(metrics(b));
}

describe("a run that was killed", () => {
  test.each(["js", "wasm"])("goes on from its last whole epoch to the same bits [%s]", async (device) => {
    const args = ["train", ...SMALL, ...SCHEDULES, "--device", device, "--epochs"];
    const [whole, cut] = [`whole-${device}`, `cut-${device}`];
    const running = start(here, ...args, "100000", "--out", cut);
    await running.seen("epoch 3/");
    running.child.kill("SIGKILL");
    await running.ended;
    const done = metrics(cut).length;
    const total = `${done + 2}`;
    const [a, b] = [await elbo(here, ...args, total, "--out", whole), await elbo(here, "train", "--resume", cut, "--epochs", total)];
    expect([a.code, b.code]).toEqual([0, 0]);
    expect(b.stderr).toMatch(new RegExp(`\\n${cut}: goes on after epoch \\d+ of ${total}\\n$`));
    expectSame(whole, cut);
    expect(config(cut).training).toMatchObject({
      epochs: done + 2,
      device,
      lr: "steps:1e-2-1e-3:2,4ep",
      adamEps: 1e-4,
      binarize: "dynamic",
    });
  });

  test("as soon as it had begun goes on as well [js]", async () => {
    const args = ["train", ...SMALL, "--device", "js"];
    const running = start(here, ...args, "--epochs", "100000", "--out", "early");
    await running.seen("device: js"); // it has been saved untrained, and perhaps once more
    running.child.kill("SIGKILL");
    await running.ended;
    const total = `${readFileSync(file("early", "metrics.jsonl"), "utf8").split("\n").length}`;
    expect(await elbo(here, "train", "--resume", "early", "--epochs", total)).toMatchObject({ code: 0 });
    expect(await elbo(here, ...args, "--epochs", total, "--out", "late")).toMatchObject({ code: 0 });
    expectSame("early", "late");
  });

  test("or was stopped in an epoch goes on there; one that lost its optimizer does not [js]", async () => {
    const args = ["train", ...SMALL, "--device", "js", "--epochs", "2000", "--out"];
    const stopped = start(here, ...args, "stopped");
    await stopped.seen("epoch 2/");
    stopped.child.kill("SIGINT");
    expect((await stopped.ended).stdout).toContain("train --resume stopped\n");
    const { length } = metrics("stopped");
    const [a, b] = [
      await elbo(here, "train", "--resume", "stopped", "--epochs", `${length + 2}`),
      await elbo(here, ...args.slice(0, -2), `${length + 2}`, "--out", "straight"),
    ];
    expect([a.code, b.code]).toEqual([0, 0]);
    expectSame("stopped", "straight");

    rmSync(file("straight", "optimizer.safetensors"));
    const { optimizer: _, ...rest } = config("straight");
    writeFileSync(file("straight", "config.json"), JSON.stringify(rest));
    expect(await elbo(here, "train", "--resume", "straight")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("straight: has no optimizer.safetensors, so that it can be used but not resumed"),
    });
  });
});

describe("a run that is resumed", () => {
  const resume = (...args: string[]) => elbo(here, "train", "--resume", "two", ...args);
  beforeAll(async () => {
    expect(await elbo(here, "train", ...SMALL, "--device", "js", "--epochs", "2", "--out", "two")).toMatchObject({ code: 0 });
  });

  test("may go on elsewhere, and leave the other as it is [js]", async () => {
    const before = readFileSync(file("two", "model.safetensors"));
    expect(await resume("--epochs", "3", "--out", "fork", "--json")).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^\{"epoch":3,/),
    });
    expect(metrics("fork").length).toBe(3);
    expect(metrics("two").length).toBe(2);
    expect(readFileSync(file("two", "model.safetensors")).equals(before)).toBe(true);
    expect(readdirSync(join(cwd, "fork"))).toContain("samples-epoch-03.png");
    expect(existsSync(file("fork", "samples-epoch-01.png"))).toBe(false);
  });

  test("may take another learning rate, which it remembers, and another device, which is said [wasm]", async () => {
    const { code, stderr } = await resume("--epochs", "3", "--out", "slow", "--lr", "1e-4", "--threads", "1");
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: expect.stringContaining("two: goes on after epoch 2 of 3, on wasm and no longer on js: not with the same bits\n"),
    });
    expect(config("slow").training).toMatchObject({ lr: 1e-4, device: "wasm", changes: [{ afterEpoch: 2, lr: 1e-3 }] });
  });

  test.each([
    [2, /--batch=8: two was begun with --batch=16, and goes on as it was begun; only --epochs, --lr, .* may be given/, ["--batch", "8"]],
    [2, /--seed=2: two was begun without it, and goes on/, ["--seed", "2"]],
    [2, /--conditional: two was begun without it/, ["--conditional"]],
    [2, /--overwrite needs --out/, ["--overwrite", "--epochs", "3"]],
    [1, /two: 2 epochs are done; --epochs with more goes on/, []],
    [1, /two: 2 epochs are done; --epochs with more goes on/, ["--epochs", "1"]],
    [1, /the state to resume is of a training with other pixels/, ["--epochs", "3", "--data", "shapes"]],
    [1, /--out two: there is a run already/, ["--epochs", "3", "--out", "two"]],
  ])("ends with %i and %s where the rest does not fit", async (code, message, args) => {
    expect(await resume(...args)).toMatchObject({ code, stdout: "", stderr: expect.stringMatching(message) });
  });

  test("says what is the matter with a folder that is no run, or not one of this version's", async () => {
    expect(await elbo(here, "train", "--resume", "nowhere")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("nowhere: no run can be read there"),
    });
    const { training, ...rest } = config("two");
    const changed = async (now: object) => {
      writeFileSync(file("two", "config.json"), JSON.stringify({ ...rest, training: now }));
      const { code, stderr } = await resume("--epochs", "3");
      expect(code).toBe(1);
      return lastLine(stderr);
    };
    expect(await changed({ ...training, adamEps: 1e-7 })).toMatch(
      /two: was begun by another version of Elbo: adamEps was 1e-7 and would be 1e-8$/,
    );
    expect(await changed({ ...training, options: undefined })).toMatch(/two: does not say by which options it was trained/);
    writeFileSync(file("two", "config.json"), JSON.stringify({ ...rest, training }));
    appendFileSync(file("two", "metrics.jsonl"), "{");
    expect((await resume("--epochs", "3")).stderr).toContain("metrics.jsonl: line 3 is not JSON");
  });
});

test("--lr that is no rate is refused before anything is read", async () => {
  const { code, stderr } = await elbo(here, "train", "--lr", "often", "--data", "nowhere");
  expect(code).toBe(2);
  expect(stderr).toMatch(/^elbo train: --lr "often" is not a number above 0; cosine:FROM-TO:STEPS or cosine:FROM-TO:STEPSxCYCLES; linear:/);
});
