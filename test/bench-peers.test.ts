// The bench of peers: whom it believes, what it keeps of who fails, and what its tables say. Nothing of the peers is installed for this:
// the engines here are Elbo and scripts made up for the occasion.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { engines } from "../bench/compare/engines.mjs";
import { askForKernels, KERNELS, wrongKernel } from "../bench/compare/kernels.mjs";
import { tables } from "../bench/compare/tables.mjs";
import { answerOf } from "../bench/engines/process.mjs";
import { model } from "../bench/peers/onnx.mjs";
import { type Found, objection } from "../bench/peers.mjs";
import { Findings } from "../bench/tasks/findings.mjs";
import { kernelOf } from "../bench/tasks/kernels.mjs";
import { kernelTask, lazily } from "../bench/tasks/task.mjs";
import { machine, ms, row } from "./setup/bench-results.ts";

const folder = mkdtempSync(join(tmpdir(), "elbo-test-"));
afterAll(() => rmSync(folder, { recursive: true }));
const noPython = new Error("no Python was looked for");

describe("a kernel's answer", () => {
  const write = (name: string, values: ArrayLike<number>) => writeFileSync(join(folder, `${name}.f32`), Float32Array.from(values));
  const drawn = (shape: number[], salt: number) =>
    Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => Math.round(1024 * Math.sin(salt + i * i)) / 1024);
  /** What each kind computes, written once more: by the formulas in tasks/kernels.mjs. */
  const right: Record<string, (operands: Float32Array[]) => ArrayLike<number>> = {
    "matmul 5": ([a, b]) =>
      Array.from({ length: 25 }, (_, at) =>
        [0, 1, 2, 3, 4].reduce((sum, p) => sum + a[5 * Math.floor(at / 5) + p] * b[5 * p + (at % 5)], 0),
      ),
    "conv 4x4x1x2": ([x, w]) =>
      Array.from({ length: 64 * 2 * 2 * 2 }, (_, at) => {
        const [n, i, j, o] = [at >> 3, (at >> 2) & 1, (at >> 1) & 1, at & 1];
        let y = 0;
        for (const u of [0, 1, 2, 3])
          for (const v of [0, 1, 2, 3])
            y += (x[n * 16 + (2 * i + u - 1) * 4 + 2 * j + v - 1] ?? 0) * inside(i, u) * inside(j, v) * w[(u * 4 + v) * 2 + o];
        return y;
      }),
    "chain 7": ([x, w, b]) => x.map((value, i) => value / (1 + Math.exp(-(value * w[i] + b[i])))),
    "sum 900": ([x]) => [x.reduce((a, b) => a + b, 0)],
  };
  const inside = (i: number, u: number) => Number(2 * i + u - 1 >= 0 && 2 * i + u - 1 < 4);

  test.each(Object.keys(right))(
    "%s is right if it is what the formula says, and wrong if one value is off, missing, or no number",
    (name) => {
      const operands = Object.entries(kernelOf(name).given).map(([operand, shape], i) => {
        const data = drawn(shape, i + 1);
        write(`${name}.${operand}`, data);
        return data;
      });
      const good = Array.from(right[name](operands));
      const judged = (values: number[], options = {}) => {
        write(`${name}.got`, values);
        return wrongKernel(folder, name, options);
      };
      expect(judged(good)).toBeUndefined();
      expect(judged([good[0] + 0.01, ...good.slice(1)])).toContain("in float64");
      expect(judged([Number.NaN, ...good.slice(1)])).toContain("NaN");
      expect(judged([...good, 0])).toContain(`${good.length + 1} values`);
      expect(judged([good[0] + 2e-3, ...good.slice(1)]), "more than f32 may be off").toContain("in float64");
      expect(judged([good[0] + 2e-3, ...good.slice(1)], { relative: 1e-2 }), "less than an engine is allowed that says so").toBeUndefined();
    },
  );

  test("is not that of whoever answered before", () => {
    expect(wrongKernel(folder, "chain 7")).toBe("no result was written");
  });
});

describe("a process", () => {
  const engine = (code: string) => {
    const script = join(folder, "engine.mjs");
    writeFileSync(script, code);
    return { engine: "an engine", runtime: "Node", threads: 1, isSlow: false, command: [process.execPath, script] };
  };

  test("that hangs has said what it said", async () => {
    const script = join(folder, "engine.sh"); // a shell, since it starts in no time on a busy machine too
    writeFileSync(script, 'echo hello\necho \'{"kernel":"a"}\'\nexec sleep 60\n');
    const answer = await answerOf({ ...engine(""), command: ["sh", script] }, [], 1);
    expect(answer).toEqual({ error: "no answer after 1 s", parts: [{ kernel: "a" }] });
  });

  test("that fails says why", async () => {
    const answer = await answerOf(engine('console.log(\'{"kernel":"a"}\'); throw new RangeError("too large");'), [], 9);
    expect(answer).toEqual({ error: "RangeError: too large", parts: [{ kernel: "a" }] });
  });

  test("that cannot be started says why, too", async () => {
    const absent = { ...engine(""), command: new Error("there is no such program") };
    expect(await answerOf(absent, [], 9)).toEqual({ error: "there is no such program", parts: [] });
  });
});

describe("asked for kernels", () => {
  const names = ["matmul 16", "matmul 16 f16", "conv 4x4x1x2", "chain 1000", "sum 1000"];
  const task = lazily(() => kernelTask(names));
  const found = new Findings({ filter: "", seconds: 30, log: () => {} });
  afterAll(() => task.remove());
  beforeAll(async () => {
    const elbo = engines("cpu", noPython).filter(({ engine }) => engine === "Elbo");
    const liar = join(folder, "liar.mjs"); // it writes zeros
    writeFileSync(
      liar,
      `import { kernels, answer } from ${JSON.stringify(new URL("../bench/peers/peer.mjs", import.meta.url).href)};
      const nothing = (size) => () => ({ run() {}, data: () => new Float32Array(size) });
      await answer({ kernels: () => kernels({ matmul: nothing(256), chain: nothing(1000) }) });`,
    );
    const peer = { engine: "a liar", runtime: "Node", threads: 1, isSlow: false, trains: false, command: [process.execPath, liar] };
    await askForKernels(found, task, [...elbo, peer], 1);
  }, 60_000);

  test("Elbo computes them right, in some time, and says what it has not", () => {
    const own = found.entries().filter(({ engine }) => engine === "Elbo");
    expect(own.filter(({ median = 0 }) => median > 0).map(({ work }) => work)).toEqual(names.filter((name) => name !== "matmul 16 f16"));
    expect(own.find(({ error }) => error)).toMatchObject({ work: "matmul 16 f16", error: expect.stringContaining("matmul f16") });
  });

  test("who is wrong has no times", () => {
    const lies = found.entries().filter(({ engine }) => engine === "a liar");
    expect(lies.map(({ work }) => work).sort()).toEqual([...names].sort());
    for (const { median, error } of lies) expect([median, error]).toEqual([undefined, expect.stringMatching(/wrong: |it has no/)]);
  });
});

describe("tables", () => {
  const at = (device: string, engine: string, runtime: string, work: string, rest: object) => ({
    device,
    engine,
    runtime,
    threads: 2,
    work,
    ...rest,
  });
  const file: Found & { machine: typeof machine } = {
    ...{ machine, versions: { tfjs: "4" }, pinning: "pinned", seconds: 60, rounds: 3 },
    devices: { cpu: {}, webgpu: { description: "a driver", isSoftware: true }, cuda: { error: "there is no adapter" } },
    results: [
      at("cpu", "tfjs", "wasm", "dense", { ...ms(50), rss: 200 }),
      at("cpu", "Elbo", "wasm", "dense", { ...ms(5), rss: 100 }),
      at("cpu", "Elbo", "wasm", "dense start", ms(300)),
      at("cpu", "Elbo", "wasm", "chain 4", { ...ms(2), bytes: 64e6 }),
      at("cpu", "PyTorch", "eager", "chain 4", { ...ms(6), how: "slowly" }),
      at("cpu", "PyTorch", "eager", "chain 4", { ...ms(4), how: "fast" }),
      at("cpu", "gpu.js", "cpu", "kernels", { error: "no answer after 60 s" }),
      at("cpu", "tfjs", "wasm", "chain 4", { error: "wrong: element 0" }),
      at("webgpu", "Elbo", "webgpu", "chain 4", ms(8)),
    ],
    installs: [{ engine: "Elbo", packages: ["elbo"], bytes: 4e6, files: 9 }],
    bundles: [{ engine: "Elbo", bytes: 2e5, gzip: 8e4 }],
  };
  const made = tables(file);

  test("show Elbo first, and how many times as long each peer takes at its best", () => {
    const [steps, kernels] = made["peers-cpu"].split("\n\n");
    expect(row(steps, "Elbo, wasm, 2 threads")).toEqual(["Elbo, wasm, 2 threads", "5.00 ms ± 5 %", "300 ms ± 5 %", "100 MiB"]);
    expect(row(steps, "tfjs, wasm, 2 threads")?.slice(1)).toEqual(["50.0 ms, 10.0×", "", "200 MiB"]);
    expect(steps.indexOf("Elbo")).toBeLessThan(steps.indexOf("tfjs"));
    expect(row(kernels, "PyTorch, eager, 2 threads")?.[1]).toBe("4.00 ms, 2.00×");
    expect(row(kernels, "")?.[1]).toBe("32.0 GB/s");
  });

  test("say who was wrong or absent, and where nothing was measured", () => {
    expect(row(made["peers-cpu"], "tfjs, wasm, 2 threads")).toBeDefined();
    expect(made["peers-cpu"]).toContain("| wrong ");
    expect(made["peers-cpu"]).toContain("Not measured: kernels by gpu.js, cpu: no answer after 60 s");
    expect(made["peers-webgpu"]).toContain("A driver in software: this says nothing of GPUs.");
    expect(made["peers-absent"]).toContain("Nothing was measured on cuda: there is no adapter.");
    expect(row(made["peers-sizes"], "Elbo")).toEqual(["Elbo", "`npm i elbo`", "4.00 MB in 9 files", "80.0 kB of 200 kB"]);
  });
});

test("every mode of PyTorch is a process of its own, and without one each says that it is absent", () => {
  const modes = engines("cuda", noPython).filter(({ engine }) => engine === "PyTorch");
  for (const { command } of modes) expect(command).toBe(noPython);
  expect(modes.map(({ runtime }) => runtime)).toEqual(["eager", "eager, TF32", "compile", "compile, TF32", "graph", "graph, TF32"]);
  expect(modes.filter(({ relative }) => relative).map(({ runtime }) => runtime)).toEqual(["eager, TF32", "compile, TF32", "graph, TF32"]);
});

test("every kernel that is asked for is one that the judge knows", () => {
  for (const name of Object.values(KERNELS).flat()) expect(kernelOf(name).flop, name).toBeGreaterThan(0);
});

test("options that cannot be are refused with those that can", () => {
  const options = { device: "cpu,webgpu", rounds: "3", seconds: "120" };
  expect(objection(options)).toBeUndefined();
  expect(objection({ ...options, device: "cpu,tpu" })).toBe('--device "tpu"; there are cpu, webgpu, cuda');
  expect(objection({ ...options, rounds: "0" })).toContain("--rounds 0");
  expect(objection({ ...options, seconds: "-1" })).toContain("--seconds -1");
});

test("an ONNX model has its nodes, names and shapes in the fields of onnx.proto", () => {
  const bytes = model([{ op: "Conv", inputs: ["x", "w"], output: "y", attributes: { pads: [1, 300] } }], { x: [2, 3] }, [4]);
  const fields = (data: Uint8Array): Map<number, (Uint8Array | number)[]> => {
    const found = new Map<number, (Uint8Array | number)[]>();
    let at = 0;
    const varint = () => {
      let n = 0;
      for (let shift = 0; ; shift += 7) {
        const byte = data[at++];
        n += (byte & 127) * 2 ** shift;
        if (byte < 128) return n;
      }
    };
    while (at < data.length) {
      const key = varint();
      const n = varint();
      const value = key % 8 === 2 ? data.subarray(at, (at += n)) : n;
      found.set(key >> 3, [...(found.get(key >> 3) ?? []), value]);
    }
    return found;
  };
  const inner = (from: Map<number, (Uint8Array | number)[]>, id: number) => fields(from.get(id)?.[0] as Uint8Array);
  const texts = (from: Map<number, (Uint8Array | number)[]>, id: number) =>
    from.get(id)?.map((text) => Buffer.from(text as Uint8Array).toString());
  const whole = fields(bytes);
  const graph = inner(whole, 7);
  const node = inner(graph, 1);
  expect([texts(node, 1), texts(node, 2), texts(node, 4)]).toEqual([["x", "w"], ["y"], ["Conv"]]);
  expect(inner(node, 5).get(8)).toEqual([1, 300]);
  const shape = inner(inner(inner(inner(graph, 11), 2), 1), 2);
  expect(shape.get(1)?.map((d) => fields(d as Uint8Array).get(1)?.[0])).toEqual([2, 3]);
});
