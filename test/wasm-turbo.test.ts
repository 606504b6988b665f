// Turbo: it is used only if it computes what js computes, it says what became of it, and nobody else's flags change.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { afterEach, expect, test } from "vitest";
import { type Device, use } from "../src/kernels/devices/device.ts";
import { JsDevice } from "../src/kernels/devices/js.ts";
import { WasmDevice } from "../src/kernels/devices/wasm/device.ts";
import { host, registerHost } from "../src/kernels/devices/wasm/host.ts";
import { wrongIn } from "../src/kernels/devices/wasm/selftest.ts";
import { type Turbo, withTurbo } from "../src/kernels/devices/wasm/turbo.ts";
import { matmul, tensor } from "../src/node.ts";

const registered = host();
afterEach(() => registerHost(registered));

/** A device that computes what js does, but for one number of one result. */
class Wrong extends JsDevice {
  readonly #which: number;
  constructor(which: number) {
    super();
    this.#which = which;
  }
  override async read(...args: Parameters<JsDevice["read"]>) {
    const values = await super.read(...args);
    if (values.length === this.#which) values[values.length - 1] += 0.01 * (1 + Math.abs(values[values.length - 1]));
    return values;
  }
}

test("the self-test finds nothing wrong in js, nor in wasm [wasm]", async () => {
  expect(await wrongIn(new JsDevice())).toBeUndefined();
  for (const threads of [1, 2]) {
    await using device = await WasmDevice.open({ threads });
    expect(await wrongIn(device)).toBeUndefined();
  }
});

test("the self-test names what is wrong: one number suffices [wasm]", async () => {
  expect(await wrongIn(new Wrong(65 * 77))).toMatch(/^exp wrong \(element 5004 is .*, not .*\)$/);
  expect(await wrongIn(new Wrong(65 * 131))).toMatch(/^a product of 65 x 70 x 131 wrong/);
  expect(await wrongIn(new Wrong(1))).toMatch(/^the sum of many wrong/);
});

test("a device with turbo computes what js computes, and says how [wasm]", async () => {
  await using device = await WasmDevice.open({ threads: 2, turbo: true });
  expect(device.turbo?.on).toBe(true);
  expect(device.description).toContain("turbo on");
  expect(await wrongIn(device)).toBeUndefined();
  use(device);
  const x = tensor(
    Float32Array.from({ length: 400 }, (_, i) => i % 7),
    [20, 20],
  );
  expect(await matmul(x, x).sum().item()).toBeGreaterThan(0);
});

/** What is asked of V8, while a device is opened whose test says so. */
async function flagsOf(wrong: string | undefined): Promise<{ flags: string[]; made: Turbo[]; device: { closed: boolean } }> {
  const flags: string[] = [];
  registerHost({ ...registered, v8: () => "13.6", setFlags: (flag) => void flags.push(flag) });
  const made: Turbo[] = [];
  const make = async (turbo: Turbo) => {
    made.push(turbo);
    return { closed: false, close: async () => {} };
  };
  const device = await withTurbo(make, async () => wrong);
  return { flags, made, device };
}

test("flags are set before anything is compiled, and the baseline compiler is back afterwards [wasm]", async () => {
  const { flags, made } = await flagsOf(undefined);
  expect(flags).toEqual(["--experimental-wasm-revectorize", "--no-liftoff", "--liftoff"]);
  expect(made).toEqual([{ on: true, why: "experimental-wasm-revectorize" }]);
});

test("a mismatch turns turbo off, and the device says what was wrong [wasm]", async () => {
  const { flags, made } = await flagsOf("exp wrong (element 1 is 2, not 3)");
  expect(flags).toEqual(["--experimental-wasm-revectorize", "--no-liftoff", "--no-experimental-wasm-revectorize", "--liftoff"]);
  expect(made.at(-1)).toEqual({ on: false, why: "with experimental-wasm-revectorize this V8 computes exp wrong (element 1 is 2, not 3)" });
});

test("where flags cannot be set, the device opens without and says so [wasm]", async () => {
  const { setFlags: _, ...page } = registered;
  registerHost(page);
  await using device: WasmDevice & Device = await WasmDevice.open({ threads: 1, turbo: true });
  expect(device.turbo).toEqual({ on: false, why: "only Node sets flags of V8" });
  expect(device.description).toContain("turbo off: only Node sets flags of V8");
});

test("neither an import nor a device without turbo changes a flag [wasm]", () => {
  const script = `
    import { open, tensor } from "elbo/node";
    const relaxed = () => WebAssembly.validate(new Uint8Array([0,97,115,109,1,0,0,0,1,4,1,96,0,0,3,2,1,0,10,63,1,61,0,
      253,12,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,253,12,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,253,12,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,253,133,2,26,11]));
    const before = relaxed();
    const device = await open("wasm", { threads: 2 });
    await tensor([1, 2]).exp().data();
    console.log(before === relaxed(), device.turbo === undefined);
    process.exit();`;
  expect(execFileSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" })).toBe("true true\n");
});

// A newer V8 joins vectors; the tests may run in an older one.
const newer = process.env["ELBO_NODE24"];
test.skipIf(!newer || !existsSync(newer))("Node 24 joins vectors, and the results stand the test [wasm]", () => {
  const script = `
    import { open } from "elbo/node";
    const device = await open("wasm", { threads: 2, turbo: true });
    console.log(device.turbo.on, device.turbo.why, device.tile.vectors);
    process.exit();`;
  const out = execFileSync(newer as string, ["--input-type=module", "-e", script], { encoding: "utf8" });
  expect(out).toBe("true experimental-wasm-revectorize 4\n");
});
