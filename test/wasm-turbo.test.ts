// Turbo: flags of V8 for those who ask for them, and only after kernels that were compiled with them have been found right.
// A flag is a whole process's, so each test has a process of its own: of this Node, and of Node 24 if ELBO_NODE24 names one.
import { execFileSync, spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { marked } from "../src/kernels/devices/wasm/assembler.ts";
import { WasmDevice } from "../src/kernels/devices/wasm/device.ts";
import { registerHost } from "../src/kernels/devices/wasm/host.ts";
import { nodeHost } from "../src/kernels/devices/wasm/threads.node.ts";
import { built } from "./setup/cli.ts";

const at = (file: string) => JSON.stringify(`file://${resolve("dist", file)}`);
const begin = `
  import * as v8 from "node:v8";
  import { adam, compile, keep, open, seed, tensor } from ${at("node.js")};
  import { digits } from ${at("data/index.js")};
  import * as ops from ${at("kernels/ops.js")};
  import { use } from ${at("kernels/devices/device.js")};
  import { JsDevice } from ${at("kernels/devices/js.js")};
  import { WasmDevice } from ${at("kernels/devices/wasm/device.js")};
  import { features } from ${at("kernels/devices/wasm/features.js")};
  import { joinsPairs } from ${at("kernels/devices/wasm/turbo.js")};
  import { start } from ${at("tensor/read.js")};
  import { denseVae } from ${at("vae/index.js")};
  const major = Number.parseInt(process.versions.v8);
  const tell = (answer) => console.log(JSON.stringify(answer));

  /** Is the flag set that turbo sets here? */
  const isSet = () => {
    if (major < 12) return features().relaxed;
    v8.setFlagsFromString("--no-liftoff"); // for the other compiler joins nothing
    const joins = joinsPairs();
    v8.setFlagsFromString("--liftoff");
    return joins;
  };

  /** Losses and weights of some steps of a VAE, as bits. */
  const training = async (device) => {
    use(device);
    const model = denseVae({ input: 784, hidden: 100, latent: 9, seed: 1 });
    const optimizer = adam([...model.parameters.values()]);
    const step = compile((x) => { const { loss } = model.terms(x); optimizer.step(loss); return loss; }, { seed: 3 });
    const x = keep(tensor(Float32Array.from(digits({ count: 67 }).pixels, (b) => b / 255), [67, 784]));
    const losses = [];
    for (let i = 0; i < 10; i++) losses.push(await step(x).item());
    const weights = await Promise.all([...model.parameters.values()].map((p) => p.data()));
    return Float32Array.from([...losses, ...weights.flatMap((w) => [...w])]);
  };
`;

const here = Number.parseInt(process.versions.v8, 10);
const nodes: [name: string, path: string][] = [["this Node", process.execPath]];
const other = process.env["ELBO_NODE24"];
if (other) nodes.push(["Node 24", other]);

beforeAll(built);
afterEach(() => registerHost(nodeHost));

describe.each(nodes)("in %s", (_, node) => {
  const v8 = Number.parseInt(execFileSync(node, ["-p", "process.versions.v8"], { encoding: "utf8" }), 10);
  const hasFlag = v8 >= 13 || v8 === 11;
  const run = (body: string) => {
    const { stdout, stderr } = spawnSync(node, ["--input-type=module", "-e", begin + body], { encoding: "utf8", timeout: 60_000 });
    if (stderr) throw new Error(stderr); // of unknown flags V8 says so there, and no more
    return JSON.parse(stdout);
  };

  test("neither the library nor opening a device changes a flag; asking for turbo does, once for all devices [wasm]", () => {
    const { before, opened, on, asked } = run(`
      const before = isSet();
      await open("wasm");
      const opened = isSet();
      const { turbo } = await open("wasm", { turbo: true });
      await open("wasm", { turbo: true, threads: 1 });
      tell({ before, opened, on: turbo.on, asked: isSet() });
    `);
    expect({ before, opened }).toEqual({ before: false, opened: false });
    expect(asked).toBe(on);
    if (!hasFlag) expect(on).toBe(false);
    if (v8 === 11) expect(on).toBe(true);
  });

  test.each([1, 2])("with %i threads every op gives what js gives, and the device says what it uses [wasm]", (threads) => {
    const { turbo, description, calls, wrong } = run(`
      const device = await open("wasm", { turbo: true, threads: ${threads} });
      const js = new JsDevice();
      const wrong = [];
      let calls = 0;
      for (const [name, op] of Object.entries(ops)) {
        const examples = () => op.examples().filter((e) => "shape" in e);
        for (const i of examples().keys()) {
          const made = () => { seed(1); return [op(...examples()[i].args)].flat(); }; // the same draws
          const [one, two] = [made(), made()];
          const computed = await Promise.all(start(one, [], device));
          const expected = await Promise.all(start(two, [], js));
          calls++;
          for (const [which, y] of expected.entries())
            for (let j = 0; j < y.length; j++)
              if (!(Math.abs(computed[which][j] - y[j]) <= 2e-5 * (1 + Math.abs(y[j])) || Object.is(computed[which][j], y[j])))
                wrong.push([name, i, computed[which][j], y[j]]);
        }
      }
      tell({ turbo: device.turbo, description: device.description, calls, wrong });
    `);
    expect(wrong).toEqual([]);
    expect(calls).toBeGreaterThan(200);
    expect(description).toMatch(turbo.on ? /, turbo on$/ : `, turbo off: ${turbo.why}`);
    if (v8 === 11) expect(description).toMatch(/tiles of 4 × 8, relaxed, turbo on/);
    if (turbo.on && v8 >= 13) expect(description).toMatch(/tiles of 6 × 16, relaxed, turbo on/);
    if (!turbo.on) expect(turbo.why).toMatch(/no flag|changes nothing/);
  });

  test("a training comes out the same with turbo: to the bit, or nearly where it rounds less often [wasm]", () => {
    const { on, relaxed, difference } = run(`
      const was = features().relaxed;
      const plain = await training(await open("wasm", { threads: 2 }));
      const device = await open("wasm", { turbo: true, threads: 2 });
      const turbo = await training(device);
      const difference = plain.reduce((most, x, i) => Math.max(most, Math.abs(x - turbo[i]) / (1 + Math.abs(x))), 0);
      tell({ on: device.turbo.on, relaxed: features().relaxed && !was, difference });
    `);
    if (relaxed) expect(difference).toBeGreaterThan(0);
    expect(difference).toBeLessThanOrEqual(on && relaxed ? 1e-3 : 0);
  });

  test.runIf(hasFlag)("one wrong number, and the flag is taken back: the device runs without, and says what was wrong [wasm]", () => {
    const { names, turbo, description, after, sum, again } = run(`
      const names = [];
      const spoil = (name, values) => {
        names.push(name);
        if (name === "sums of rows") values[3] += 0.01;
      };
      const device = await WasmDevice.open({ turbo: true, threads: 2 }, spoil);
      use(device);
      const after = isSet();
      const sum = await tensor([1, 2, 3]).exp().sum().item();
      const again = await WasmDevice.open({ turbo: true });
      tell({ names, turbo: device.turbo, description: device.description, after, sum, again: again.turbo });
    `);
    expect(turbo.on).toBe(false);
    // A processor without vectors of 256 bits is found out before.
    if (v8 < 13 || again.on)
      expect(turbo.why).toMatch(/V8's --experimental-wasm-\S+ is off again: it makes sums of rows wrong here, [\d.]+ instead of [\d.]+/);
    expect(description).toContain(`turbo off: ${turbo.why}`);
    expect(after).toBe(false);
    expect(sum).toBeCloseTo(Math.E + Math.E ** 2 + Math.E ** 3, 4);
    if (v8 === 11) expect(again.on).toBe(true);
    if (again.on)
      for (const one of ["exp", "where", "the product Aᵀ · B", "random bits", "take", "the step of Adam"]) expect(names).toContain(one);
  });
});

describe("where there is no flag to set [wasm]", () => {
  test("in pages, in other engines and in versions of V8 that have none, the device opens without, and says why", async () => {
    const setFlags = vi.fn();
    const whyOf = async (changed: Partial<typeof nodeHost>): Promise<string | undefined> => {
      registerHost({ ...nodeHost, setFlags, ...changed });
      await using device = await WasmDevice.open({ turbo: true, threads: 1 });
      expect(device.turbo?.on).toBe(false);
      return device.turbo?.why;
    };
    expect(await whyOf({ setFlags: undefined })).toBe("flags of V8 are set by Node only");
    expect(await whyOf({ v8: () => "12.4.254.21-node.33" })).toBe(
      "V8 12.4.254.21-node.33 has no flag that makes kernels faster; in Node 24 it has",
    );
    expect(setFlags).not.toHaveBeenCalled();
    const refuse = () => {
      throw new Error("not implemented");
    };
    if (here >= 13 || here === 11) expect(await whyOf({ setFlags: refuse })).toBe("flags of V8 cannot be set here: not implemented");
    // Flags that are taken but change nothing, as on a processor without vectors of 256 bits.
    expect(await whyOf({ v8: () => "13.6" })).toMatch("--experimental-wasm-revectorize is off again: it changes nothing on this machine");
    expect(setFlags.mock.calls.flat()).toEqual([
      "--experimental-wasm-revectorize",
      "--no-liftoff",
      "--no-experimental-wasm-revectorize",
      "--liftoff",
    ]);
  });

  test("a device that nobody asked for turbo has no word to say of it", async () => {
    await using device = await WasmDevice.open({ threads: 1 });
    expect(device.turbo).toBeUndefined();
  });
});

test("a module is marked however long it is, and stays the module that it was [wasm]", () => {
  const empty = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
  const size = 1e6; // bytes, as the code of a deep model has: in a section of no meaning, its length in three times seven bits
  const long = new Uint8Array(empty.length + 4 + size);
  long.set([...empty, 0, 0x80 | (size & 0x7f), 0x80 | ((size >> 7) & 0x7f), size >> 14]);
  expect(WebAssembly.validate(long)).toBe(true);
  const other = marked(long, "mark");
  expect(WebAssembly.validate(other)).toBe(true);
  expect(other.slice(0, long.length)).toEqual(long);
  expect(other.length).toBeGreaterThan(long.length);
});
