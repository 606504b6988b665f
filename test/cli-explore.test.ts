// Generating and exploring from the command line: what each command writes, what is on its picture, and what it refuses.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { attribute } from "../src/cli/commands/attribute.ts";
import { interpolate } from "../src/cli/commands/interpolate.ts";
import { manifold } from "../src/cli/commands/manifold.ts";
import { neighbours } from "../src/cli/commands/neighbours.ts";
import { reconstruct } from "../src/cli/commands/reconstruct.ts";
import { sample } from "../src/cli/commands/sample.ts";
import { traverse } from "../src/cli/commands/traverse.ts";
import { type Command, parse, UsageError } from "../src/cli/options.ts";
import { built, elbo } from "./setup/cli.ts";
import { idx } from "./setup/idx.ts";
import { plainPng } from "./setup/pictures.ts";

const cwd = mkdtempSync(join(tmpdir(), "elbo-explore-"));
const home = process.cwd();
const path = (...parts: string[]): string => join(cwd, ...parts);
const commands: Readonly<Record<string, Command>> = { sample, reconstruct, interpolate, manifold, traverse, attribute, neighbours };

/** What a command writes, run in this process, so that a test need not wait for as many as it has lines. One at a time. */
async function run(line: string): Promise<{ stdout: string; stderr: string }> {
  const [name, ...args] = line.split(" ");
  const written = { stdout: "", stderr: "" };
  const spies = (["stdout", "stderr"] as const).map((to) =>
    vi.spyOn(process[to], "write").mockImplementation((text) => {
      written[to] += text;
      return true;
    }),
  );
  try {
    const values = parse(commands[name], [...args, "--device", "js"]);
    if (values !== "help") await commands[name].run(values);
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
  return written;
}

beforeAll(async () => {
  built();
  // 60 pictures of 5 x 7, a bright bar somewhere in each, and its place as the label
  mkdirSync(path("bars"));
  const bars = (count: number, first: number) => Array.from({ length: count }, (_, i) => (first + i) % 5);
  const pixels = (labels: number[]) => labels.flatMap((at) => Array.from({ length: 35 }, (_, j) => (Math.floor(j / 7) === at ? 250 : 10)));
  for (const [name, labels] of [
    ["train", bars(48, 0)],
    ["t10k", bars(12, 3)],
  ] as const) {
    // biome-ignore format: a table
    writeFileSync(path(`bars/${name}-images-idx3-ubyte`), idx([labels.length, 5, 7], pixels([...labels])));
    writeFileSync(path(`bars/${name}-labels-idx1-ubyte`), idx([labels.length], labels));
  }
  // 40 pictures in colour without labels
  mkdirSync(path("blank"));
  for (let i = 0; i < 40; i++) {
    const colours = Array.from({ length: 5 * 7 * 3 }, (_, j) => (j * (i + 3) * 7) % 256);
    writeFileSync(path(`blank/${String(i).padStart(2, "0")}.png`), plainPng(7, 5, 3, colours));
  }
  const train = (name: string, data: string, ...more: string[]) =>
    elbo({ cwd }, "train", "--data", data, "--device", "js", "--hidden", "9", "--epochs", "1", "--batch", "12", "--out", name, ...more);
  const runs = await Promise.all([
    train("plain", "bars", "--latent", "3"),
    train("plane", "bars", "--latent", "2", "--conditional", "--binarize", "static"),
    train("colour", "blank", "--latent", "2", "--size", "6", "--objective", "ae"),
  ]);
  expect(runs.map(({ code, stderr }) => (code === 0 ? "" : stderr))).toEqual(["", "", ""]);
  process.chdir(cwd);
});
afterAll(() => {
  process.chdir(home);
  rmSync(cwd, { recursive: true });
});

/** Height, width and channels of a PNG. */
function pictureSize(file: string): number[] {
  const bytes = readFileSync(path(file));
  expect(bytes.subarray(1, 4).toString()).toBe("PNG");
  return [bytes.readUInt32BE(20), bytes.readUInt32BE(16), bytes[25] === 2 ? 3 : 1];
}
/** Pictures of 5 x 7, 2 pixels between and around. */
const grid = (rows: number, columns: number, channels = 1) => [rows * 7 + 2, columns * 9 + 2, channels];
const drafts = () => readdirSync(cwd).filter((file) => file.endsWith(".tmp"));

/** What a command prints with --json. */
async function told(line: string): Promise<Record<string, unknown>[]> {
  const { stdout } = await run(`${line} --json`);
  return stdout.trim().split("\n").map((line) => JSON.parse(line)); // biome-ignore format: it is short
}

describe("elbo sample", () => {
  test("draws from a mixture that it fits to the codes, the same for the same seed [js]", async () => {
    const line = "sample plain --from mixture --components 2 --count 5";
    const [first] = await told(`${line} --out a.png`);
    await told(`${line} --out b.png`);
    const [cold] = await told(`${line} --out c.png --temperature 0.5 --values --limit 20`);
    expect(first).toMatchObject({
      out: "a.png",
      from: "mixture",
      components: 2,
      images: 48,
      codes: "samples",
      temperature: 1,
      values: false,
    });
    expect(cold).toMatchObject({ images: 20, temperature: 0.5, values: true });
    expect(pictureSize("a.png")).toEqual(grid(2, 3));
    expect(readFileSync(path("b.png"))).toEqual(readFileSync(path("a.png")));
    expect(readFileSync(path("c.png"))).not.toEqual(readFileSync(path("a.png")));
  });

  test("fits each class of a conditional model, and the means of an autoencoder [js]", async () => {
    const [classes] = await told("sample plane --from mixture --components 2 --class 4 --count 2 --out class.png");
    const [means] = await told("sample colour --from mixture --components 2 --count 2 --out means.png");
    expect(classes).toMatchObject({ class: 4, codes: "samples" });
    expect(means).toMatchObject({ codes: "means", images: 36 });
    expect(pictureSize("means.png")).toEqual([8 + 2, 2 * 8 + 2, 3]);
  });
});

describe("elbo reconstruct", () => {
  test("draws originals, reconstructions and errors, and tells the figures of each [js]", async () => {
    const lines = await told("reconstruct plain --count 3 --out three.png");
    expect(pictureSize("three.png")).toEqual(grid(3, 3, 3));
    expect(lines).toHaveLength(4);
    expect(lines[0]).toEqual({
      ...{ image: 1, class: 3 },
      ...{ reconstruction: expect.any(Number), kl: expect.any(Number), squaredError: expect.any(Number) },
    });
    const end = lines[3] as { mean: Record<string, number>; largestError: number };
    for (const figure of ["reconstruction", "kl", "squaredError"]) {
      const sum = lines.slice(0, 3).reduce((sum, line) => sum + (line[figure] as number), 0);
      expect(end.mean[figure]).toBeCloseTo(sum / 3, 9);
    }
    expect(end.largestError).toBeGreaterThan(0);
    expect(end.largestError).toBeLessThanOrEqual(1);
  });

  test("takes colour, and asks no autoencoder for a KL; without --json it says the name of the picture [js]", async () => {
    const figures = await told("reconstruct colour --count 4 --out colour.png");
    const { stdout, stderr } = await run("reconstruct plane --out plane.png");
    expect(figures.map(({ kl }) => kl)).toEqual([null, null, null, null, undefined]);
    expect(pictureSize("colour.png")).toEqual([3 * 8 + 2, 4 * 8 + 2, 3]);
    expect(stdout).toBe("plane.png\n");
    expect(stderr).toMatch(/12 images of bars, binarized, under each .*\nfrom 0 \(black\) .* to [01]\.\d{3} .*\non average, .* KL /);
  });
});

describe("elbo interpolate", () => {
  test("two images make a strip with them at its ends, four a sheet; the seed chooses, of different classes [js]", async () => {
    const [strip] = await told("interpolate plain --between 2,5 --steps 4 --out strip.png");
    const [sheet] = await told("interpolate plane --between 1,2,3,4 --method linear --steps 3 --out sheet.png");
    const [chosen] = await told("interpolate plain --sheet --seed 7 --out chosen.png");
    expect(strip).toMatchObject({ form: "strip", between: [2, 5], method: "spherical", steps: 4 });
    expect(pictureSize("strip.png")).toEqual(grid(1, 6));
    expect(sheet).toMatchObject({ form: "sheet", method: "linear" });
    expect(pictureSize("sheet.png")).toEqual(grid(3, 3));
    const numbers = chosen["between"] as number[];
    expect(new Set(numbers.map((n) => (n - 1 + 3) % 5)).size).toBe(4);
    expect(pictureSize("chosen.png")).toEqual(grid(10, 10));
  });

  test("--animate writes an animation, of frames that are enlarged [js]", async () => {
    const [made] = await told("interpolate plain --between 2,5 --steps 3 --animate --out moving.png");
    expect(made).toMatchObject({ form: "loop", steps: 3 });
    expect(pictureSize("moving.png")).toEqual([5 * 34, 7 * 34, 1]);
    const bytes = readFileSync(path("moving.png"));
    expect(bytes.subarray(37, 41).toString()).toBe("acTL");
    expect(bytes.readUInt32BE(41)).toBe(6); // there and back
  });
});

describe("elbo manifold and elbo traverse", () => {
  test("two latents are a plane; of more, two are named or found [js]", async () => {
    const [plane] = await told("manifold plane --steps 4 --class 2 --out manifold.png");
    const [auto] = await told("manifold plain --steps 3 --latents auto --around 2 --out auto.png");
    expect(plane).toMatchObject({ latents: [0, 1], class: 2 });
    expect(pictureSize("manifold.png")).toEqual(grid(4, 4));
    expect(new Set(auto["latents"] as number[]).size).toBe(2);
    expect(pictureSize("auto.png")).toEqual(grid(3, 3));
  });

  test("traverse has a row for each latent, with its KL, the highest first [js]", async () => {
    const lines = await told("traverse plain --steps 5 --reach 2 --out rows.png");
    expect(pictureSize("rows.png")).toEqual(grid(3, 5));
    expect(lines.slice(0, 3).map(({ latent }) => latent).sort()).toEqual([0, 1, 2]); // biome-ignore format: it is short
    const kl = lines.slice(0, 3).map((line) => line["kl"] as number);
    expect(kl).toEqual([...kl].sort((a, b) => b - a));
    expect(lines[3]).toEqual({ out: "rows.png", run: "plain", images: 12, around: 1, reach: 2, steps: 5 });
  });
});

describe("elbo attribute and elbo neighbours", () => {
  test("an attribute is added to images of the two classes, or to those that are named [js]", async () => {
    const [two] = await told("attribute plain --label 1 --against 4 --steps 5 --out two.png");
    const [named] = await told("attribute plane --label 1 --images 3,1 --steps 3 --limit 30 --out named.png");
    expect(two).toMatchObject({
      label: 1,
      against: 4,
      with: 10,
      without: 9,
      images: [2, 4, 7, 9, 12],
      strengths: [-1.5, -0.75, 0, 0.75, 1.5],
    });
    expect(pictureSize("two.png")).toEqual(grid(5, 6));
    expect(named).toMatchObject({ against: null, with: 6, without: 24, images: [3, 1] });
    expect(pictureSize("named.png")).toEqual(grid(2, 4));
  });

  test("neighbours in both spaces, of test images or of samples; equal images are at distance 0 [js]", async () => {
    const lines = await told("neighbours plain --images 2,3 --nearest 4 --out near.png");
    const samples = await told("neighbours plane --samples --count 3 --space pixels --nearest 2 --out samples-near.png");
    expect(lines.map(({ image, space }) => [image, space])).toEqual([[2, "code"], [2, "pixels"], [3, "code"], [3, "pixels"], [undefined, undefined]]); // biome-ignore format: a table
    for (const { class: of, neighbours } of lines.slice(0, 4)) {
      const near = neighbours as { class: number; distance: number }[];
      for (const each of near) expect(each).toEqual({ image: expect.any(Number), class: of, distance: expect.closeTo(0, 4) }); // there are five pictures only
    }
    expect(pictureSize("near.png")).toEqual(grid(4, 5));
    expect(samples.map(({ sample }) => sample)).toEqual([1, 2, 3, undefined]);
    expect(pictureSize("samples-near.png")).toEqual(grid(3, 3));
  });
});

test("what a run cannot do is said in one line, a wrong command line by itself, and no picture is left behind [js]", async () => {
  const wrong: [new (message: string) => Error, string, string][] = [
    [Error, "--class 3: plain is not conditional", "sample plain --class 3"],
    [UsageError, "--components: of no use without --from mixture", "sample plain --components 3"],
    [Error, "--count 13 is more than the 12 test images", "reconstruct plain --count 13"],
    [Error, "--between 99 is more than the 12 test images", "interpolate plain --between 1,99"],
    [UsageError, '--between "4,4" is not two or four different numbers', "interpolate plain --between 4,4"],
    [UsageError, "--sheet: four images make one", "interpolate plain --sheet --between 1,2"],
    [Error, "plain: 3 latents are no plane: name two with --latents I,J, or --latents auto; elbo traverse", "manifold plain"],
    [Error, "--latents 0,3: plain has latents 0 to 2", "manifold plain --latents 0,3"],
    [Error, "--around 40 is more than the 12 test images", "traverse plain --around 40"],
    [Error, "--around 14 is more than the 12 test images", "traverse plain --around 14"],
    [UsageError, "--label is missing", "attribute plain"],
    [Error, '--label "smile": the classes of bars have no names; give a number', "attribute plain --label smile"],
    [Error, "--label: blank has no labels", "attribute colour --label 1"],
    [Error, "--images 13 is more than the 12 test images", "neighbours plain --images 13"],
    [Error, "--nearest 50 is more than the 48 training images", "neighbours plain --nearest 50"],
    [UsageError, "--images: of no use with --samples", "neighbours plain --images 1 --samples"],
  ];
  const before = readdirSync(cwd).length;
  for (const [kind, message, line] of wrong) {
    const error = await run(`${line} --out wrong.png`).catch((thrown) => thrown);
    expect(error, line).toBeInstanceOf(kind);
    expect([error instanceof UsageError, error.message]).toEqual([kind === UsageError, expect.stringContaining(message)]);
    expect(error.message).not.toContain("\n");
  }
  expect({ made: existsSync(path("wrong.png")), files: readdirSync(cwd).length, drafts: drafts() }).toEqual({
    made: false,
    files: before,
    drafts: [],
  });
});
