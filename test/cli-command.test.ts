// The command as its users meet it: what it writes where, how it ends, and what lies in the run's directory then.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { stripVTControlCharacters } from "node:util";
import { inflateSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadRun } from "../src/vae/run.node.ts";
import { built, elbo, start } from "./setup/cli.ts";
import { idx } from "./setup/idx.ts";

const cwd = mkdtempSync(join(tmpdir(), "elbo-cli-"));
const path = (...parts: string[]): string => join(cwd, ...parts);
const here = { cwd };

beforeAll(() => {
  built();
  mkdirSync(path("faces"));
  mkdirSync(path("empty"));
  // 60 pictures of 5 x 7, a bright bar somewhere in each
  const pixels = Array.from({ length: 60 }, (_, i) => Array.from({ length: 35 }, (_, j) => (Math.floor(j / 7) === i % 5 ? 250 : 10)));
  writeFileSync(path("faces/train-images-idx3-ubyte"), idx([48, 5, 7], pixels.slice(0, 48).flat()));
  writeFileSync(path("faces/t10k-images-idx3-ubyte"), idx([12, 5, 7], pixels.slice(48).flat()));
});
afterAll(() => rmSync(cwd, { recursive: true }));

const SMALL = ["--data", "faces", "--hidden", "9", "--latent", "3", "--batch", "16", "--device", "js"];
const train = (...args: string[]) => elbo(here, "train", ...SMALL, ...args);
const lines = (text: string): string[] => text.split("\n").filter((line) => line !== "");
const CYAN = "\x1b[36m";
const RUN_FILES = ["config.json", "metrics.jsonl", "model.safetensors", "optimizer.safetensors"];

/** Height and width of a PNG, grey if nothing else is said, once its pixels have been unpacked. */
function pictureSize(file: string, channels = 1): number[] {
  const bytes = readFileSync(path(file));
  expect(bytes.subarray(1, 4).toString()).toBe("PNG");
  const [width, height] = [bytes.readUInt32BE(16), bytes.readUInt32BE(20)];
  expect(bytes.subarray(37, 41).toString()).toBe("IDAT");
  expect(inflateSync(bytes.subarray(41, 41 + bytes.readUInt32BE(33)))).toHaveLength(height * (channels * width + 1));
  return [height, width];
}
const grid = (rows: number, columns: number) => [rows * 7 + 2, columns * 9 + 2]; // pictures of 5 x 7, 2 pixels between and around

describe("elbo train", () => {
  test("--json: one object per epoch and one at the end, on stdout alone [js]", async () => {
    const { code, stdout, stderr } = await train("--epochs", "2", "--out", "runs/json", "--json");
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining("device: js") });
    const [first, second, end, ...more] = lines(stdout).map((line) => JSON.parse(line));
    expect(more).toEqual([]);
    const terms = { loss: expect.any(Number), reconstruction: expect.any(Number), kl: expect.any(Number) };
    const epoch = {
      train: terms,
      test: terms,
      diagnosis: expect.any(Object),
      seconds: expect.any(Number),
      imagesPerSecond: expect.any(Number),
    };
    expect([first, second]).toEqual([
      { epoch: 1, ...epoch },
      { epoch: 2, ...epoch },
    ]);
    expect(end).toEqual({ done: true, out: "runs/json", test: second.test, device: "js" });
    expect(second.test.loss).toBeLessThan(first.test.loss);
    expect(second.test.loss).toBeCloseTo(second.test.reconstruction + second.test.kl, 3);

    const pictures = ["reconstructions", "samples", "traversal"].flatMap((name) => [
      `${name}-epoch-01.png`,
      `${name}-epoch-02.png`,
      `${name}.png`,
    ]);
    expect(readdirSync(path("runs/json")).sort()).toEqual([...RUN_FILES, ...pictures].sort());
    expect(lines(readFileSync(path("runs/json/metrics.jsonl"), "utf8")).map((line) => JSON.parse(line))).toEqual([first, second]);
    expect(pictureSize("runs/json/samples.png")).toEqual(grid(8, 8));
    expect(pictureSize("runs/json/reconstructions.png")).toEqual(grid(2, 12));
    expect(pictureSize("runs/json/traversal.png")).toEqual(grid(3, 11)); // three latents
    expect(readFileSync(path("runs/json/samples.png"))).toEqual(readFileSync(path("runs/json/samples-epoch-02.png")));
  });

  test("of many epochs the first, the last and some between have pictures [js]", async () => {
    const { code } = await train("--epochs", "50", "--out", "runs/long");
    expect(code).toBe(0);
    const numbers = (name: string) => readdirSync(path("runs/long")).flatMap((file) => file.match(`^${name}-epoch-(\\d+)`)?.[1] ?? []);
    const shown = ["01", ...Array.from({ length: 16 }, (_, i) => String(3 * i + 3).padStart(2, "0")), "50"];
    for (const name of ["samples", "reconstructions", "traversal"]) expect(numbers(name)).toEqual(shown);
    expect(readFileSync(path("runs/long/samples.png"))).toEqual(readFileSync(path("runs/long/samples-epoch-50.png")));
  });

  test("without a terminal: plain lines, no colour, the results on stdout and the rest on stderr [js]", async () => {
    const { code, stdout, stderr } = await train("--epochs", "2", "--beta", "0.5");
    expect(code).toBe(0);
    const number = String.raw`\d+\.\d\d`;
    const loss = `${number} = reconstruction ${number} \\+ 0.5 x KL ${number}`;
    expect(stdout).toMatch(new RegExp(`^epoch 1/2: test ${loss}, train ${number}, \\d\\.\\d s\\nepoch 2/2: .*\\ndone after 0:0\\d`));
    expect(stdout).toContain(join("runs", "faces-dense-1", "samples.png"));
    expect(lines(stderr)).toEqual([
      "dense VAE 35-9-3: 770 parameters",
      "faces: 48 images to train on, 12 to test, 5 x 7",
      "device: js, plain loops over typed arrays",
    ]);
    expect(stdout + stderr).not.toContain("\x1b");
  });

  test("on a terminal: a bar that fits it, drawn over itself on stderr, and none of it on stdout [js]", async () => {
    const terminal = `import { WriteStream } from "node:tty";
      const { getColorDepth } = WriteStream.prototype;
      Object.assign(process.stderr, { isTTY: true, columns: 72, getColorDepth });`;
    const node = ["--import", `data:text/javascript,${encodeURIComponent(terminal)}`];
    const args = ["train", ...SMALL, "--epochs", "3", "--json"];
    const { stdout, stderr } = await start({ cwd, node, env: { TERM: "xterm" } }, ...args).ended;
    for (const line of lines(stdout)) JSON.parse(line);
    const bars = stripVTControlCharacters(stderr)
      .split(/[\r\n]/)
      .filter((line) => line.startsWith("epoch "));
    expect(bars.length).toBeGreaterThanOrEqual(3);
    for (const bar of bars) expect(bar.length).toBeLessThan(72);
    expect(bars.at(-1)).toMatch(/^epoch 3\/3 {2}█+ {2}loss \d+\.\d\d {2}[\d,]+ images\/s {2}testing$/);
    expect(stderr).toContain(CYAN);

    const plain = await start({ cwd, node, env: { TERM: "xterm", NO_COLOR: "1" } }, ...args).ended;
    expect(plain.stderr).toContain("█");
    expect(plain.stderr).not.toContain(CYAN);
  });

  test("the same seed gives the same run, another seed another [js]", async () => {
    const runs = await Promise.all([7, 7, 8].map((seed, i) => train("--epochs", "1", "--seed", `${seed}`, "--out", `runs/seed-${i}`)));
    expect(runs.map(({ code }) => code)).toEqual([0, 0, 0]);
    for (const file of ["model.safetensors", "samples.png", "reconstructions.png", "traversal.png"]) {
      const [a, b, c] = [0, 1, 2].map((i) => readFileSync(path(`runs/seed-${i}`, file)));
      expect(a.equals(b)).toBe(true);
      expect(a.equals(c)).toBe(false);
    }
  });

  test("digits are drawn, as many as --limit says, and runs get names that are free, even at the same moment [js]", async () => {
    const args = ["train", "--limit", "64", "--batch", "64", "--hidden", "8", "--epochs", "1", "--device", "js", "--json"];
    mkdirSync(path("elsewhere"));
    const runs = await Promise.all([1, 2, 3].map(() => elbo({ cwd: path("elsewhere") }, ...args)));
    const outs = runs.map(({ stdout }) => JSON.parse(lines(stdout).at(-1) ?? "").out);
    expect(outs.sort()).toEqual([1, 2, 3].map((n) => join("runs", `digits-dense-${n}`)));
    const { config } = await loadRun(path("elsewhere", outs[0]));
    expect(config.data).toMatchObject({ name: "digits", train: 64, test: 64 });
  });

  test("on WebGPU: the losses of js, and a process that ends [webgpu]", async () => {
    const args = ["--epochs", "1", "--json"];
    const runs = await Promise.all([train(...args, "--device", "webgpu"), train(...args)]);
    const [webgpu, js] = runs.map(({ stdout }) => lines(stdout).map((line) => JSON.parse(line)));
    expect(runs.map(({ code }) => code)).toEqual([0, 0]);
    expect(webgpu[1].device).toBe("webgpu");
    expect(Math.abs(webgpu[0].test.loss / js[0].test.loss - 1)).toBeLessThan(1e-4);
  });

  test("on wasm: the losses of js, and the same bits with any number of threads [wasm]", async () => {
    const wasm = (threads: number) =>
      train("--epochs", "1", "--json", "--device", "wasm", "--threads", `${threads}`, "--out", `runs/wasm-${threads}`);
    const runs = await Promise.all([wasm(1), wasm(2), train("--epochs", "1", "--json")]);
    expect(runs.map(({ code }) => code)).toEqual([0, 0, 0]);
    const [one, two, js] = runs.map(({ stdout }) => lines(stdout).map((line) => JSON.parse(line)));
    expect(one[1].device).toBe("wasm");
    expect(one[0].test).toEqual(two[0].test);
    expect(Math.abs(one[0].test.loss / js[0].test.loss - 1)).toBeLessThan(1e-4);
    for (const file of ["model.safetensors", "samples.png"])
      expect(readFileSync(path("runs/wasm-1", file)).equals(readFileSync(path("runs/wasm-2", file))), file).toBe(true);
  });

  test("--threads asks for wasm, and more of them than cores for a line that says so [wasm]", async () => {
    const { code, stdout, stderr } = await elbo(
      here,
      "sample",
      "runs/wasm-1",
      "--threads",
      `${availableParallelism() + 1}`,
      "--out",
      "turns.png",
    );
    expect({ code, stdout }).toEqual({ code: 0, stdout: "turns.png\n" });
    expect(lines(stderr)[0]).toMatch(/^--threads \d+ on \d+ cores?: they take turns$/);
  });

  test("a run is replaced only with --overwrite, and what is no run never [js]", async () => {
    const old = ["--epochs", "2", "--out", "runs/old"];
    expect(await train(...old)).toMatchObject({ code: 0 });
    const before = readFileSync(path("runs/old/model.safetensors"));
    const refusal = "elbo train: --out runs/old: there is a run already; choose another name, or replace it with --overwrite\n";
    expect(await train("--epochs", "1", "--out", "runs/old")).toEqual({ code: 1, stdout: "", stderr: refusal });
    expect(readFileSync(path("runs/old/model.safetensors"))).toEqual(before);
    expect(await train("--epochs", "1", "--seed", "2", "--out", "runs/old", "--overwrite")).toMatchObject({ code: 0 });
    expect(readdirSync(path("runs/old")).filter((file) => file.includes("epoch-02"))).toEqual([]);
    expect(lines(readFileSync(path("runs/old/metrics.jsonl"), "utf8"))).toHaveLength(1);

    const { code, stderr } = await train("--out", "faces", "--overwrite");
    expect(code).toBe(1);
    expect(stderr).toContain("--out faces: the folder holds other files (t10k-images-idx3-ubyte, train-images-idx3-ubyte)");
  });
});

describe("a run that has ended", () => {
  beforeAll(async () => {
    expect(await train("--epochs", "1", "--out", "runs/done")).toMatchObject({ code: 0 });
  });

  test("gives samples: the picture's name on stdout, the same picture for the same seed [js]", async () => {
    const sample = (...args: string[]) => elbo(here, "sample", "runs/done", "--count", "10", "--device", "js", ...args);
    const [one, two, three] = await Promise.all([sample(), sample("--out", "same.png"), sample("--out", "other.png", "--seed", "2")]);
    expect(one).toEqual({ code: 0, stdout: "samples.png\n", stderr: "10 samples of runs/done, seed 1:\n" });
    expect([two.stdout, three.stdout]).toEqual(["same.png\n", "other.png\n"]);
    expect(pictureSize("samples.png")).toEqual(grid(3, 4));
    expect(readFileSync(path("same.png"))).toEqual(readFileSync(path("samples.png")));
    expect(readFileSync(path("other.png"))).not.toEqual(readFileSync(path("samples.png")));
  });

  test("gives reconstructions of the data it was trained on, from any folder, or of other data [js]", async () => {
    const run = path("runs/done");
    const args = ["reconstruct", run, "--count", "3", "--device", "js", "--out", path("three.png")];
    expect(await elbo({ cwd: tmpdir() }, ...args)).toMatchObject({ code: 0, stdout: `${path("three.png")}\n` });
    expect(pictureSize("three.png", 3)).toEqual(grid(3, 3)); // with the errors, which are coloured
    const wrong = await elbo(here, ...args, "--data", "digits");
    expect(wrong).toMatchObject({ code: 1, stdout: "" });
    expect(wrong.stderr).toContain("the images of digits are 28 x 28 x 1, but the model takes [5, 7, 1]");
    expect((await elbo(here, ...args, "--count", "13")).stderr).toContain("--count 13 is more than the 12 test images");
  });
});

describe("what goes wrong", () => {
  /** Ended with this code and this one line. */
  async function fails(code: number, message: string, ...args: string[]): Promise<void> {
    const end = await elbo(here, ...args);
    expect(end).toMatchObject({ code, stdout: "" });
    expect(lines(end.stderr)).toHaveLength(1);
    expect(end.stderr).toContain(message);
  }

  test("a wrong command line ends with 2 and says what would do", async () => {
    await Promise.all([
      fails(2, "elbo train: unknown option --epoch; did you mean --epochs?", "train", "--epoch", "3"),
      fails(2, 'elbo train: --device "gpu" is not one of auto, webgpu, wasm, js', "train", "--device", "gpu"),
      fails(2, "elbo train: --threads: for --device wasm, not js", "train", "--device", "js", "--threads", "2"),
      fails(2, "elbo sample: --threads and --turbo: for --device wasm", "sample", "runs/done", "--turbo", "--threads=1", "--device=webgpu"),
      fails(2, 'elbo train: --threads "0" is not a whole number from 1 to 256', "train", "--threads", "0"),
      fails(2, 'elbo sample: --out "x.jpg" is not the name of a .png file', "sample", "runs/done", "--out", "x.jpg"),
      fails(2, "elbo sample: RUN is missing: the directory of a run", "sample"),
      fails(2, "elbo: unknown command trian; did you mean train?", "trian"),
      fails(2, "elbo: a command is missing: train, sample, reconstruct, traverse, "),
    ]);
  });

  test("a device that is not here ends with 1 and says what is", async () => {
    const withoutWasm = `data:text/javascript,WebAssembly.validate = () => false;`;
    const where = { cwd, env: { VK_DRIVER_FILES: "/nowhere" }, node: ["--import", withoutWasm] };
    const ends = await Promise.all(["webgpu", "wasm"].map((name) => start(where, "sample", "runs/done", "--device", name).ended));
    expect(ends.map(({ code }) => code)).toEqual([1, 1]);
    // Dawn, too, may have said something before.
    expect(lines(ends[0].stderr).at(-1)).toMatch(
      /^elbo sample: --device webgpu: no WebGPU adapter here; install .*, or use --device wasm$/,
    );
    expect(ends[1].stderr).toBe("elbo sample: --device wasm: this engine has no WebAssembly SIMD; use --device js\n");
  });

  test("data that cannot be read ends with 1 and names the folder", async () => {
    await Promise.all([
      fails(1, "elbo train: nowhere: no such folder; expected one with train-images-idx3-ubyte", "train", "--data", "nowhere"),
      fails(1, "found an empty folder", "train", "--data", "empty"),
      fails(1, "--precision f16: js computes in f32 or f64 only; leave it out", "train", ...SMALL, "--precision", "f16"),
      fails(1, "--batch 49 is more than the 48 training images of faces", "train", ...SMALL, "--batch", "49"),
    ]);
  });

  test("a place that cannot be written ends with 1 before anything is trained", async () => {
    mkdirSync(path("runs/folder.png"));
    await Promise.all([
      fails(1, "--out faces/train-images-idx3-ubyte", "train", ...SMALL, "--out", "faces/train-images-idx3-ubyte"),
      fails(1, "run: could not be made: ENOTDIR", "train", ...SMALL, "--out", "faces/train-images-idx3-ubyte/run"),
      fails(1, "there is no folder nowhere", "sample", "runs/done", "--out", "nowhere/samples.png"),
      fails(1, "that is a folder", "sample", "runs/done", "--out", "runs/folder.png"),
    ]);
  });

  test("a run that is none, damaged, or of another version is refused by the name of the file", async () => {
    const damaged = (name: string, damage: (dir: string) => void): string => {
      const dir = path("runs", name);
      mkdirSync(dir, { recursive: true });
      for (const file of RUN_FILES) writeFileSync(join(dir, file), readFileSync(path("runs/done", file)));
      damage(dir);
      return join("runs", name);
    };
    const changed = (name: string, changes: object) =>
      damaged(name, (dir) => {
        const config = JSON.parse(readFileSync(join(dir, "config.json"), "utf8"));
        writeFileSync(join(dir, "config.json"), JSON.stringify({ ...config, ...changes }));
      });
    const newer = changed("newer", { version: 99 });
    const moved = changed("moved", { training: { data: path("gone") } });
    const silent = changed("silent", { training: undefined });
    const short = damaged("short", (dir) => truncateSync(join(dir, "model.safetensors"), 100));
    const nameless = damaged("nameless", (dir) => rmSync(join(dir, "config.json")));
    await Promise.all([
      fails(1, "runs/newer/config.json: a run of version 99; this Elbo reads version 1", "sample", newer),
      fails(1, "runs/short/model.safetensors: damaged or exchanged: it has 100 bytes instead of", "reconstruct", short),
      fails(1, "runs/nameless: not a run: it has no config.json", "sample", nameless),
      fails(1, "gone: the data of the run is there no longer; name it with --data", "reconstruct", moved),
      fails(1, "runs/silent: does not say what it was trained on; name it with --data", "reconstruct", silent),
      fails(1, "nowhere: no run can be read there", "sample", "nowhere"),
    ]);
  });

  test("losses that are no numbers again and again end with 1, and leave the run as it was before [js]", async () => {
    const { code, stderr } = await train("--lr", "1e30", "--epochs", "50", "--out", "runs/nan");
    expect(code).toBe(1);
    const told = lines(stderr).slice(3);
    for (const line of told.slice(0, -1))
      expect(line).toMatch(/^the loss is \S+ in epoch 1, step \d \(images .*; .* learning rate is \S+ of what/);
    expect(told.length).toBe(7);
    expect(told.at(-1)).toMatch(
      /^elbo train: the loss is \S+ in epoch 1, step \d .*; a lower learning rate may help; .* --resume runs\/nan --lr 1e\+29$/,
    );
    (await loadRun(path("runs/nan"))).model.dispose();
  });

  test("ELBO_DEBUG shows where an error arose", async () => {
    const { stderr } = await elbo({ cwd, env: { ELBO_DEBUG: "1" } }, "sample", "nowhere");
    expect(stderr).toMatch(/\n +at .*dist\/vae\/run\.node\.js/);
  });
});

describe("an interruption", () => {
  const endless = (out: string) => start(here, "train", ...SMALL, "--epochs", "1000000", "--out", out);

  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("by %s ends a training with %i, its run saved as it was then [js]", async (signal, expected) => {
    const out = `runs/${signal}`;
    const { child, seen, ended } = endless(out);
    await seen("epoch 2/");
    child.kill(signal);
    const { code, stdout, stderr } = await ended;
    expect({ code, stderr }).toEqual({ code: expected, stderr: expect.stringContaining("stopping after this step") });
    expect(stdout).toMatch(/\nstopped after .*\n.*runs\/SIG/);
    const { model, metrics } = await loadRun(path(out));
    expect(metrics.length).toBeGreaterThanOrEqual(2);
    model.dispose();
  });

  test("at any moment leaves a run that loads, or none [js]", async () => {
    const moments = Array.from({ length: 8 }, (_, i) => 120 * i);
    const ends = moments.map(async (wait, i) => {
      const out = `runs/moment-${i}`;
      const { child, ended } = endless(out);
      await setTimeout(wait + 120 * Math.random());
      child.kill("SIGINT");
      if (i % 2) setTimeout(5).then(() => child.kill("SIGINT")); // impatience
      const { code, stderr } = await ended;
      expect(["SIGINT", 130]).toContain(code); // the signal itself, before the command has begun
      expect(stderr).not.toMatch(/error/i);
      if (!existsSync(path(out))) return;
      expect(readdirSync(path(out)).filter((file) => file.endsWith(".tmp"))).toEqual([]);
      (await loadRun(path(out))).model.dispose();
    });
    await Promise.all(ends);
  });

  test("a reader that goes away ends a training quietly, its run saved [js]", async () => {
    const { child, seen, ended } = endless("runs/pipe");
    await seen("epoch 1/");
    child.stdout?.destroy();
    const { code, stderr } = await ended;
    expect(code).toBe(141);
    expect(lines(stderr)).toHaveLength(3); // the heading
    (await loadRun(path("runs/pipe"))).model.dispose();
  });
});

test("--help names all commands, and of each command all options, within 80 columns", async () => {
  const commands = ["train", "sample", "reconstruct", "traverse", "manifold", "interpolate", "attribute", "neighbours", "check", "devices"];
  const [all, ...each] = await Promise.all([elbo(here, "--help"), ...commands.map((name) => elbo(here, name, "--help"))]);
  const [train, sample, reconstruct] = each;
  for (const { code, stdout, stderr } of [all, ...each]) {
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(Math.max(...lines(stdout).map((line) => line.length))).toBeLessThanOrEqual(80);
  }
  for (const name of commands) expect(all.stdout).toMatch(new RegExp(`^  ${name} +\\S`, "m"));
  const names = [
    "data",
    "model",
    "filters",
    "hidden",
    "latent",
    "activation",
    "norm",
    "residual",
    "decoder",
    "dropout",
    "epochs",
    "batch",
    "lr",
    "adam-eps",
    "beta",
    "likelihood",
    "seed",
    "device",
    "threads",
    "precision",
    "resume",
    "out",
    "limit",
    "json",
  ];
  for (const name of names) expect(train.stdout).toMatch(new RegExp(`^  --${name} `, "m"));
  expect(sample.stdout).toContain("usage: elbo sample RUN [options]");
  expect(reconstruct.stdout).toMatch(/\(default: what the\s+run was\s+trained on\)/);
});

describe("elbo devices", () => {
  test("says what is here, what it can do and how fast it is [wasm]", async () => {
    const { code, stdout, stderr } = await elbo(here, "devices");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const rest = String.raw`.*\n(?: {10}.*\n)*`;
    expect(stdout).toMatch(
      new RegExp(`^  webgpu  ${rest}  wasm    SIMD on ${rest}  js      plain loops ${rest}  auto    takes (wasm|webgpu)\n$`),
    );
    const rates = String.raw`[\d.,]+ GFLOP/s in products of \d+ x \d+,\s+[\d.,]+\s+GB/s\s+in\s+copies\s+of\s+34\s+MB`;
    expect(stdout.match(new RegExp(rates, "g"))?.length).toBeGreaterThanOrEqual(2);
  });

  test("--json: one object per device, those that are not here with the reason [webgpu]", async () => {
    const list = async (...args: string[]) =>
      lines((await elbo(here, "devices", "--json", ...args)).stdout).map((line) => JSON.parse(line));
    const [webgpu, wasm, js] = await list("--threads", "1");
    const rates = { size: expect.any(Number), gflops: expect.any(Number), megabytes: 33.554432, gigabytesPerSecond: expect.any(Number) };
    expect([webgpu, wasm, js]).toMatchObject([
      { device: "webgpu", available: true, features: { software: expect.any(Boolean), bufferBytes: expect.any(Number) }, rates },
      { device: "wasm", available: true, features: { threads: 1, sharedMemory: false, relaxedSimd: expect.any(Boolean) }, rates },
      { device: "js", available: true, features: {}, rates, auto: false },
    ]);
    expect(wasm.auto).toBe(webgpu.features.software);
    expect(wasm.rates.gflops).toBeGreaterThan(js.rates.gflops);

    const { stdout } = await elbo({ cwd, env: { VK_DRIVER_FILES: "/nowhere" } }, "devices", "--json", "--no-measure");
    expect(lines(stdout).map((line) => JSON.parse(line))).toMatchObject([
      { device: "webgpu", available: false, description: expect.stringMatching(/^not here: no WebGPU adapter .*, or use --device wasm$/) },
      { device: "wasm", available: true, auto: true },
      { device: "js", available: true },
    ]);
    expect(stdout).not.toContain("rates");
  });
});
