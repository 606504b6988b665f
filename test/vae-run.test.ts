// Runs as directories: what is saved can be loaded, what is damaged is refused, and nothing that ends a save leaves half of one.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { digits } from "../src/data/index.ts";
import { open } from "../src/node.ts";
import { type DenseOptions, denseVae, describeData, evaluate, sampleImages, train, type Vae } from "../src/vae/index.ts";
import { loadRun, loadTraining, saveRun } from "../src/vae/run.node.ts";
import { readSafetensors, type StoredTensor, writeSafetensors } from "../src/vae/safetensors.ts";

const root = mkdtempSync(join(tmpdir(), "elbo-runs-"));
afterAll(() => rmSync(root, { recursive: true }));
let count = 0;
const folder = (): string => join(root, `run-${++count}`);

const small = (options: Partial<DenseOptions> = {}): Vae => denseVae({ input: [6, 6, 1], hidden: 9, latent: 3, ...options });
const data = { train: digits({ count: 64, size: 6 }), test: digits({ count: 20, start: 64, size: 6 }) };

describe("a run", () => {
  test.each(["js", "wasm", "webgpu"] as const)("is loaded as it was saved [%s]", async (name) => {
    await using _ = await open(name);
    const dir = folder();
    using model = small({ likelihood: "gaussian", scale: "learned", hidden: [9, 7] });
    const { epochs } = await train(model, data, { batch: 16, epochs: 2 });
    await saveRun(dir, { model, training: { batch: 16 }, data: describeData(data), metrics: epochs });
    expect(readdirSync(dir).sort()).toEqual(["config.json", "metrics.jsonl", "model.safetensors"]);

    const run = await loadRun(dir);
    using loaded = run.model;
    expect(run.config.training).toEqual({ batch: 16 });
    expect(run.config.data).toEqual({ name: "digits", height: 6, width: 6, channels: 1, white: 255, train: 64, test: 20 });
    expect(run.metrics).toEqual(JSON.parse(JSON.stringify(epochs)));
    expect(run.model.config).toEqual(model.config);
    for (const [name, t] of model.parameters) expect(await loaded.parameters.get(name)!.data()).toEqual(await t.data());
    expect(await evaluate(loaded, data.test)).toEqual(epochs[1].test);
    expect(await sampleImages(loaded, { count: 3 })).toEqual(await sampleImages(model, { count: 3 }));
    await train(loaded, data, { batch: 16 });
  });

  test("holds matrices as PyTorch does, [out, in]", async () => {
    const dir = folder();
    using model = small();
    await saveRun(dir, { model });
    const { tensors } = readSafetensors(readFileSync(join(dir, "model.safetensors")), "the run");
    const stored = tensors.get("encoder.0.weight")!;
    const here = await model.parameters.get("encoder.0.weight")!.data();
    expect(stored.shape).toEqual([9, 36]);
    for (let i = 0; i < 36; i++) for (let o = 0; o < 9; o++) expect(stored.data[o * 36 + i]).toBe(here[i * 9 + o]);
  });

  test("replaces an older one, and leaves other files alone", async () => {
    const dir = folder();
    using first = small();
    using second = small({ hidden: 8 });
    await saveRun(dir, { model: first, metrics: [{ a: 1 }, { a: 2 }] });
    writeFileSync(join(dir, "samples.png"), "picture");
    await saveRun(dir, { model: second });
    const { config, metrics } = await loadRun(dir);
    expect([config.model["hidden"], metrics, readFileSync(join(dir, "samples.png"), "utf8")]).toEqual([[8], [], "picture"]);
  });
});

describe("a run that can be resumed", () => {
  /** A model that was trained for some epochs, saved with the state of its training. */
  const saved = async (dir: string, epochs: number) => {
    using model = small();
    const training = train(model, data, { batch: 16, epochs });
    const metrics: object[] = [];
    for await (const event of training) {
      if (event.type === "epoch") metrics.push(event);
      if (event.type === "end") await saveRun(dir, { model, metrics, state: await training.state() });
    }
  };
  beforeAll(() => open("js"));

  test("is loaded with its state, and without it by whoever only uses it", async () => {
    const dir = folder();
    await saved(dir, 1);
    expect(readdirSync(dir).sort()).toEqual(["config.json", "metrics.jsonl", "model.safetensors", "optimizer.safetensors"]);
    const { state, model } = await loadTraining(dir);
    expect(state).toMatchObject({ epoch: 1, step: 0, recovered: 0, basis: { images: 64, batch: 16, seed: 1 } });
    expect(state!.tensors.get("encoder.0.weight.mean")!.length).toBe(36 * 9);
    model.dispose();

    writeFileSync(join(dir, "optimizer.safetensors"), "damaged");
    (await loadRun(dir)).model.dispose();
    const damaged = /optimizer.safetensors: damaged or exchanged: it has 7 bytes instead of the \d+ that were saved with config.json/;
    await expect(loadTraining(dir)).rejects.toThrow(damaged);
    rmSync(join(dir, "optimizer.safetensors"));
    await expect(loadTraining(dir)).rejects.toThrow(/run-\d+: has no optimizer.safetensors/);
  });

  test("is none if it was saved without a state, unless nothing was trained", async () => {
    const dir = folder();
    using model = small();
    await saved(dir, 1);
    await saveRun(dir, { model, metrics: [{ epoch: 1 }] });
    expect(existsSync(join(dir, "optimizer.safetensors"))).toBe(false);
    await expect(loadTraining(dir)).rejects.toThrow(
      /has no optimizer.safetensors, so that it can be used but not resumed; it was saved without/,
    );
    await saveRun(dir, { model });
    expect((await loadTraining(dir)).state).toBeUndefined();
  });

  test("is the next one once its first file was renamed, whichever that is", async () => {
    const [a, b] = [folder(), folder()];
    await saved(a, 1);
    await saved(b, 2);
    const names = ["metrics.jsonl", "model.safetensors", "optimizer.safetensors"]; // config.json is renamed last
    for (const name of [...names, "config.json"]) writeFileSync(join(a, `.${name}.999999999.tmp`), readFileSync(join(b, name)));
    for (const [i, name] of ["", ...names].entries()) {
      if (name !== "") renameSync(join(a, `.${name}.999999999.tmp`), join(a, name));
      const { state, metrics, model } = await loadTraining(a);
      expect([state!.epoch, metrics.length]).toEqual(
        [
          [1, 1],
          [1, 2],
          [2, 2],
          [2, 2],
        ][i],
      );
      model.dispose();
    }
  });

  test("with a state that is damaged, but vouched for, is refused", async () => {
    const dir = folder();
    await saved(dir, 1);
    const path = join(dir, "optimizer.safetensors");
    const { tensors, metadata } = readSafetensors(readFileSync(path), path);
    const written = async (change: (all: Map<string, StoredTensor>, rest: ReturnType<typeof JSON.parse>) => void) => {
      const all = new Map(tensors);
      const rest = JSON.parse(metadata.get("training")!);
      change(all, rest);
      writeFileSync(path, writeSafetensors(all, { training: JSON.stringify(rest) }));
      const config = JSON.parse(readFileSync(join(dir, "config.json"), "utf8"));
      config.optimizer.sha256 = createHash("sha256").update(readFileSync(path)).digest("hex");
      writeFileSync(join(dir, "config.json"), JSON.stringify(config));
      return loadTraining(dir).then(
        () => "no error",
        (error: Error) => error.message,
      );
    };
    expect(await written(() => {})).toBe("no error");
    expect(await written((_, rest) => (rest.epoch = -1))).toMatch(/optimizer.safetensors: training: epoch: -1 is not a whole number/);
    expect(await written((_, rest) => (rest.step = 5))).toMatch(/step: 5 is not a whole number from 0 to 4/);
    expect(await written((_, rest) => (rest.epoch = 2))).toMatch(/metrics.jsonl: 1 lines, but 2 epochs are done/);
    expect(await written((_, rest) => delete rest.running)).toMatch(/training: .*/);
    expect(await written((_, rest) => delete rest.basis)).toMatch(/training: images: nothing is not a whole number/);
    const wrong: StoredTensor = { dtype: "F32", shape: [3], data: new Float32Array(3) };
    expect(await written((all) => all.set("encoder.0.weight.mean", wrong))).toMatch(
      /encoder.0.weight.mean is \[3\], but the parameter is \[9, 36\]/,
    );
  });
});

/** A program in test/setup as one file that Node runs as it is. */
async function bundled(name: string): Promise<string> {
  const ssr = fileURLToPath(new URL(`setup/${name}.ts`, import.meta.url));
  await build({
    configFile: false,
    logLevel: "error",
    build: { ssr, outDir: root, emptyOutDir: false, rolldownOptions: { output: { entryFileNames: "[name].mjs" } } },
  });
  return join(root, `${name}.mjs`);
}

describe("a save that is cut off", () => {
  test("by a kill at any moment leaves a run that loads, or none", async () => {
    const dir = folder();
    const program = await bundled("save-forever");
    const seen = new Set<unknown>();
    for (let round = 0; round < 20; round++) {
      if (round % 5 === 0) rmSync(dir, { recursive: true, force: true }); // first saves are cut off too
      const child = spawn(process.execPath, [program, dir, `${1000 * round}`]);
      const wanted = round % 2 === 0 ? "ready" : "saved"; // kills hit the first save, or a later one
      let output = "";
      await new Promise<void>((resolve, reject) => {
        child.stdout.on("data", (text) => (output += text).includes(wanted) && resolve());
        child.stderr.on("data", (text) => reject(new Error(`${text}`)));
      });
      await new Promise((resolve) => setTimeout(resolve, 2 ** (6 * Math.random()))); // 1 to 64 ms
      child.kill("SIGKILL");
      await once(child, "exit");

      const run = await loadRun(dir).catch((error: Error) => error);
      if (run instanceof Error) {
        expect(run.message).toMatch(/no run can be read|not a run/);
        expect(existsSync(join(dir, "config.json"))).toBe(false);
        continue;
      }
      const n = run.config.training["n"];
      for (const t of run.model.parameters.values()) expect(new Set(await t.data())).toEqual(new Set([n]));
      seen.add(n);
    }
    expect(seen.size).toBeGreaterThan(9);
    using model = small();
    await saveRun(dir, { model });
    expect(readdirSync(dir).sort()).toEqual(["config.json", "metrics.jsonl", "model.safetensors"]); // and cleans up
  }, 120_000);

  test("between two renames is finished by loading", async () => {
    const [a, b] = [folder(), folder()];
    using old = small();
    using next = small({ seed: 2 });
    await saveRun(a, { model: old });
    await saveRun(b, { model: next });
    writeFileSync(join(a, "model.safetensors"), readFileSync(join(b, "model.safetensors")));
    await expect(loadRun(a)).rejects.toThrow(/damaged or exchanged/);
    writeFileSync(join(a, ".config.json.999999999.tmp"), "{"); // of yet another process
    writeFileSync(join(a, ".config.json.999999998.tmp"), readFileSync(join(b, "config.json")));
    expect((await loadRun(a)).config.model["seed"]).toBe(2);
  });
});

describe("a run that cannot be read", () => {
  /** The error of loading a run after something was done to its files. */
  const errorAfter = async (damage: (dir: string) => void): Promise<string> => {
    const dir = folder();
    using model = small();
    await saveRun(dir, { model });
    damage(dir);
    return loadRun(dir).then(
      () => "no error",
      (error: Error) => error.message.replaceAll(root, "…"),
    );
  };
  const edit = (name: string, change: (bytes: Buffer) => Uint8Array | string) => (dir: string) =>
    writeFileSync(join(dir, name), change(readFileSync(join(dir, name))));
  const config = (change: (config: ReturnType<typeof JSON.parse>) => void) =>
    edit("config.json", (text) => {
      const value = JSON.parse(text.toString());
      change(value);
      return JSON.stringify(value);
    });

  const cleared = (path: string): string => {
    rmSync(path, { recursive: true });
    return path;
  };

  const cases: [string, (dir: string) => void, RegExp][] = [
    ["no directory", cleared, /…\/run-\d+: no run can be read there: ENOENT/],
    ["an empty directory", (dir) => mkdirSync(cleared(dir)), /…\/run-\d+: not a run: it has no config.json/],
    ["a file", (dir) => writeFileSync(cleared(dir), ""), /no run can be read there: ENOTDIR/],
    ["no config", (dir) => rmSync(join(dir, "config.json")), /not a run: it has no config.json/],
    ["no weights", (dir) => rmSync(join(dir, "model.safetensors")), /has no model.safetensors/],
    ["a config that is no JSON", edit("config.json", () => "{nope"), /config.json: not JSON/],
    ["a config that is null", edit("config.json", () => "null"), /config.json: not the config of a run: format is missing/],
    ["another format", config((c) => (c.format = "x")), /format is "x", not "elbo-run"/],
    ["a newer version", config((c) => (c.version = 2)), /a run of version 2; this Elbo reads version 1; a newer Elbo reads it/],
    ["no model", config((c) => delete c.model), /model is missing, not a description/],
    ["a model unknown here", config((c) => (c.model.model = "flow")), /model: "flow" is not one of dense/],
    ["sizes that are absurd", config((c) => (c.model.hidden = [1e9])), /\d+ parameters or more, which exceeds the \d+ in the file/],
    ["another architecture", config((c) => (c.model.hidden = [8])), /encoder.0.weight is F32 \[9, 36\], but the model needs F32 \[8, 36\]/],
    ["a missing layer", config((c) => (c.model.hidden = [9, 1])), /has no encoder.2.weight, which the model of the config needs/],
    [
      "weights cut short",
      edit("model.safetensors", (b) => b.subarray(0, 500)),
      /damaged or exchanged: it has 500 bytes instead of the \d+ that/,
    ],
    ["a flipped bit", edit("model.safetensors", (b) => b.with(-9, b[b.length - 9] ^ 1)), /damaged or exchanged: it has other bytes/],
    ["metrics cut short", edit("metrics.jsonl", () => '{"a":1}\n{"b'), /metrics.jsonl: line 2 is not JSON/],
    ["weights that are a folder", (dir) => mkdirSync(cleared(join(dir, "model.safetensors"))), /EISDIR/],
  ];
  for (const [name, damage, message] of cases) test(name, async () => expect(await errorAfter(damage)).toMatch(message));

  /** Weights exchanged for others, with a config that vouches for them. */
  const reweighted = (change: (tensors: Map<string, StoredTensor>) => void) => (dir: string) => {
    const { tensors } = readSafetensors(readFileSync(join(dir, "model.safetensors")), dir);
    change(tensors);
    writeFileSync(join(dir, "model.safetensors"), writeSafetensors(tensors));
    rehash(dir);
  };
  const rehash = (dir: string) => {
    config(
      (c) =>
        (c.weights.sha256 = createHash("sha256")
          .update(readFileSync(join(dir, "model.safetensors")))
          .digest("hex")),
    )(dir);
  };
  const honest: [string, (dir: string) => void, RegExp][] = [
    ["a tensor too many", reweighted((t) => t.set("extra", t.get("mean.bias")!)), /has extra, which the model of the config does not know/],
    ["a tensor too few", reweighted((t) => t.delete("mean.bias")), /has no mean.bias|parameters or more/],
    [
      "doubles",
      reweighted((t) => t.set("mean.bias", { dtype: "F64", shape: [3], data: new Float64Array(3) })),
      /mean.bias is F64 \[3\], but the model needs F32 \[3\]/,
    ],
    [
      "a damaged header",
      (dir) => {
        edit("model.safetensors", (b) => b.fill(0x7b, 8, 20))(dir);
        rehash(dir);
      },
      /model.safetensors: the header is not JSON/,
    ],
  ];
  for (const [name, damage, message] of honest) test(`weights with ${name}`, async () => expect(await errorAfter(damage)).toMatch(message));
});

describe("a run that cannot be written", () => {
  test("says which file, and what the system said", async () => {
    using model = small();
    const file = folder();
    writeFileSync(file, "");
    await expect(saveRun(join(file, "run"), { model })).rejects.toThrow(/run-\d+\/run: the run's directory could not be made: ENOTDIR/);
    const dir = folder();
    mkdirSync(join(dir, "model.safetensors"), { recursive: true });
    await expect(saveRun(dir, { model })).rejects.toThrow(/model.safetensors: could not be replaced: EISDIR/);
  });
});
