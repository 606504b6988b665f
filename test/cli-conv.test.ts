// The command with models of convolutions: their options, what does not fit, and pictures of grey and colour runs.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadRun } from "../src/vae/run.node.ts";
import { built, elbo } from "./setup/cli.ts";

const cwd = mkdtempSync(join(tmpdir(), "elbo-cli-conv-"));
const here = { cwd };
beforeAll(built);
afterAll(() => rmSync(cwd, { recursive: true }));

const DATA = ["--size", "16", "--limit", "48", "--batch", "16", "--epochs", "2", "--device", "js"];
const train = (...args: string[]) => elbo(here, "train", ...DATA, ...args);

/** Height, width, and channels of a PNG. */
function picture(file: string): number[] {
  const bytes = readFileSync(join(cwd, file));
  return [bytes.readUInt32BE(20), bytes.readUInt32BE(16), bytes[25] === 2 ? 3 : 1];
}
const grid = (rows: number, columns: number) => [rows * 18 + 2, columns * 18 + 2]; // pictures of 16 x 16, 2 pixels between and around

describe("elbo train --model", () => {
  test("conv64 with all that goes with it: its layers, its options in the run, and losses that fall [js]", async () => {
    const options = "--filters 4,8 --hidden 9 --latent 3 --norm batch --residual 1 --decoder upsample --dropout 0.1 --beta 4".split(" ");
    const { code, stdout, stderr } = await train("--model", "conv64", ...options, "--out", "all", "--json");
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: expect.stringMatching(/^conv64 VAE 16x16x1-8x8x4-4x4x8-9-3: [\d,]+ parameters\n/),
    });
    const [first, second] = stdout.split("\n").map((line) => line && JSON.parse(line));
    expect(second.train.loss).toBeLessThan(first.train.loss);
    const { config } = await loadRun(join(cwd, "all"));
    expect(config.model).toMatchObject({
      ...{ model: "conv64", input: [16, 16, 1], channels: [4, 8], hidden: [9], latent: 3, norm: "batch", residual: 1 },
      ...{ decoder: "upsample", dropout: 0.1, beta: 4, likelihood: "bernoulli", kernel: 4, stride: 2, padding: 1 },
    });
  });

  test("conv64 on shapes takes what suits both, and says so; what is given comes first [js]", async () => {
    const given = ["--data", "shapes", "--model", "conv64", "--filters", "4,4", "--hidden", "5"];
    const { code, stderr } = await train(...given, "--out", "suited");
    expect({ code, stderr }).toMatchObject({
      code: 0,
      stderr: expect.stringContaining(
        "conv64 on shapes, where nothing else is said: --lr cosine:1e-3-1e-4:37500x2 --norm batch --freeze-norm 22500 " +
          "--init he --beta warmup:100-1:15000 --capacity warmup:0-25:15000\n",
      ),
    });
    const suited = await loadRun(join(cwd, "suited"));
    expect(suited.config).toMatchObject({
      model: { init: "he", norm: "batch" },
      training: { epochs: 2, batch: 16, lr: "cosine:1e-3-1e-4:37500x2", freezeNorm: 22_500, capacity: "warmup:0-25:15000" },
    });

    const others = ["--lr", "0.002", "--norm", "none", "--init", "pytorch", "--beta", "2"];
    expect((await train(...given, ...others, "--out", "own")).stderr).not.toContain("where nothing else is said");
    const own = await loadRun(join(cwd, "own"));
    expect(own.config).toMatchObject({ model: { init: "pytorch" }, training: { lr: 0.002, beta: "2", capacity: null } });
    expect(own.config.training).not.toHaveProperty("freezeNorm"); // there is no norm to freeze
    expect(await train(...given, "--norm", "group", "--freeze-norm", "3", "--out", "none")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--freeze-norm needs --norm batch, whose averages stay from that step on"),
    });
  });

  test("conv28 of colours; then samples, reconstructions and traversals of them [js]", async () => {
    const run = await train("--data", "shapes", "--channels", "rgb", "--model", "conv28", "--filters", "4,4", "--out", "colour");
    expect(run).toMatchObject({ code: 0, stderr: expect.stringContaining("conv28 VAE 16x16x3-8x8x4-4x4x4-16: ") });
    expect(picture("colour/traversal.png")).toEqual([...grid(16, 11), 3]);

    const args = (command: string, out: string) => [command, "colour", "--device", "js", "--out", out];
    const [sample, reconstruct, traverse, prior] = await Promise.all([
      elbo(here, ...args("sample", "s.png"), "--count", "4"),
      elbo(here, ...args("reconstruct", "r.png"), "--count", "3"),
      elbo(here, ...args("traverse", "t.png"), "--count", "5", "--around", "20"),
      elbo(here, ...args("traverse", "p.png"), "--around=prior", "--data", "digits"),
    ]);
    expect([sample.code, reconstruct.code, traverse.code, prior.code]).toEqual([0, 0, 0, 0]);
    expect(picture("s.png")).toEqual([...grid(2, 2), 3]);
    expect(picture("r.png")).toEqual([...grid(3, 3), 3]); // with the errors
    expect(picture("t.png")).toEqual([...grid(5, 11), 3]);
    expect(picture("p.png")).toEqual([...grid(16, 11), 3]);
    expect(traverse).toMatchObject({
      stdout: "t.png\n",
      stderr: expect.stringMatching(/each row changes one latent of colour.*\n(\d+ \(\d+\.\d\d\)(, )?){5}\n$/),
    });
  });
});

describe("what does not fit", () => {
  test("is refused in a line that says what would do", async () => {
    const fails = async (code: number, message: string, ...args: string[]) =>
      expect(await elbo(here, ...args)).toEqual({ code, stdout: "", stderr: `elbo ${args[0]}: ${message}\n` });
    await Promise.all([
      fails(
        1,
        "digits: 28 x 28 images: 4 layers of stride 2 take multiples of 16: 16, 32, 48, 64; --size 32 resizes them",
        "train",
        "--model",
        "conv64",
      ),
      fails(
        2,
        "--filters: of no use to --model dense, which takes --hidden, --latent, --activation, --init, --likelihood, --scale",
        "train",
        "--filters",
        "8",
      ),
      fails(2, '--dropout "1" is not a number from 0, below 1', "train", "--model", "conv", "--dropout", "1"),
      fails(2, '--around "0" is not the number of a test image, from 1, or "prior"', "traverse", "all", "--around", "0"),
    ]);
  });
});
