// Tuning: the tiles of a program's products are tried on the adapter, and what is found is kept. Nothing here depends on which is fastest.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { create, globals } from "webgpu";
import { use } from "../src/kernels/devices/device.ts";
import { registerGpu } from "../src/kernels/devices/webgpu/adapter.ts";
import type { WebGpuDevice } from "../src/kernels/devices/webgpu/device.ts";
import { Stopwatch } from "../src/kernels/devices/webgpu/stopwatch.ts";
import { Trial } from "../src/kernels/devices/webgpu/trial.ts";
import { agree } from "../src/kernels/devices/webgpu/tune.ts";
import { adam, compile, open, parameter, type Tensor, tensor } from "../src/node.ts";
import { openWebGpu } from "./setup/dawn.ts";

// The software driver takes seconds to compile the zeroing of workgroup memory, which tiles do not rely on.
registerGpu(async () => {
  Object.assign(globalThis, globals);
  return create(["enable-dawn-features=disable_workgroup_init"]);
});

const [USUAL, OTHER] = ["32x32x16/4x4", "32x32x8/8x8"];
const PRODUCT = "matmul nn 1x20x18x17";
const folder = mkdtempSync(join(tmpdir(), "elbo-tune-"));
const cached = () => join(folder, "elbo", readdirSync(join(folder, "elbo"))[0]);
const opened: WebGpuDevice[] = [];
const gpu = async (options = {}): Promise<WebGpuDevice> => {
  const device = await openWebGpu({ kernels: "tiled", ...options });
  opened.push(device);
  return device;
};
beforeAll(() => vi.stubEnv("XDG_CACHE_HOME", folder));
afterEach(async () => {
  vi.restoreAllMocks();
  for (const device of opened.splice(0)) await device.close();
  rmSync(join(folder, "elbo"), { recursive: true, force: true });
});
afterAll(() => rmSync(folder, { recursive: true }));

const ramp = (m: number, n: number): Tensor =>
  tensor(
    Float32Array.from({ length: m * n }, (_, i) => ((7 * i) % 13) - 6),
    [m, n],
  );
/** Every trial of the usual tile takes twice as long as that of another: `fast` says so for the ones that it names. */
function timesAre(time: (nth: number) => number): void {
  const seen = new Map<object, number>();
  vi.spyOn(Stopwatch.prototype, "time").mockImplementation(async (launches) => {
    if (!seen.has(launches)) seen.set(launches, seen.size);
    return time(seen.get(launches) as number);
  });
}
const product = () => {
  const b = ramp(17, 18);
  return compile((x: Tensor) => x.matmul(b).add(1));
};

test("tune times every product that has a tile, keeps what it found, and changes no value [webgpu, tiled]", async () => {
  const device = await gpu();
  const w = parameter(ramp(17, 18));
  const optimizer = adam([w]);
  const step = compile((x: Tensor) => {
    const y = x.matmul(w);
    optimizer.step(y.square().mean());
    return y;
  });
  const x = ramp(20, 17);
  const before = await step(x).data();
  const weights = await w.data();

  const tiles = await step.tune(x);
  const found = tiles[device.description];
  expect(Object.keys(found), "the layer and its weight gradient").toEqual([PRODUCT, "matmul tn 1x17x18x20"]);
  for (const tile of Object.values(found)) expect([USUAL, OTHER]).toContain(tile);
  expect(JSON.parse(JSON.stringify(tiles))).toEqual(tiles);
  expect(JSON.parse(readFileSync(cached(), "utf8")), "in the cache").toEqual(tiles);

  expect(await w.data(), "no step was made").toEqual(weights);
  const { bytes } = device;
  await step.tune(x);
  expect(device.bytes, "after another one").toBe(bytes);
  const after = await step(x).data();
  expect(after).not.toEqual(before);
  expect(after).toEqual(await x.matmul(tensor(weights, [17, 18])).data());
  step.dispose();
});

test("the fastest is taken, and gives the same bits [webgpu, tiled]", async () => {
  const device = await gpu();
  const step = product();
  const before = await step(ramp(20, 17)).data();
  timesAre((nth) => (nth === 0 ? 2 : 1));
  expect(await step.tune(ramp(20, 17))).toEqual({ [device.description]: { [PRODUCT]: OTHER } });
  const labels = vi.spyOn(device, "pipeline");
  expect(await step(ramp(20, 17)).data()).toEqual(before);
  expect(labels, "it was prepared by then").not.toHaveBeenCalled();
  step.dispose();

  const again = product();
  again.explain(ramp(20, 17));
  expect(labels.mock.calls.map(([code]) => code).join()).toContain("const ROWS = 8u");
  again.dispose();
});

test("what gains less than two percent is not taken [webgpu, tiled]", async () => {
  const device = await gpu();
  timesAre((nth) => (nth === 0 ? 1 : 0.99));
  const step = product();
  expect(await step.tune(ramp(20, 17))).toEqual({ [device.description]: { [PRODUCT]: USUAL } });
  step.dispose();
});

test("a tile whose result is wrong is not taken, however fast it is [webgpu, tiled]", async () => {
  const device = await gpu();
  timesAre((nth) => (nth === 0 ? 2 : 1));
  const { outcome } = Trial.prototype;
  let trials = 0;
  vi.spyOn(Trial.prototype, "outcome").mockImplementation(async function (this: Trial, launches) {
    const values = await outcome.call(this, launches);
    if (trials++ > 0) values[0][359] += 1; // the last of 20 · 18
    return values;
  });
  const step = product();
  expect(await step.tune(ramp(20, 17))).toEqual({ [device.description]: { [PRODUCT]: USUAL } });
  expect(trials).toBe(2);
  step.dispose();
});

test("results agree if they are equal but for rounding", () => {
  const one = [Float32Array.of(1, 2, Number.NaN, 1e-3)];
  expect(agree(one, one)).toBe(true);
  expect(agree([Float32Array.of(1, 2.0001, Number.NaN, 1e-3)], one)).toBe(true);
  expect(agree([Float32Array.of(1, 2.01, Number.NaN, 1e-3)], one)).toBe(false);
  expect(agree([Float32Array.of(1, 2, 3, 1e-3)], one)).toBe(false);
  expect(agree([Float32Array.of(1, 2, Number.NaN, 0)], one), "nothing in the place of something small").toBe(false);
});

test("what was found is used by the next device, from the cache or given [webgpu, tiled]", async () => {
  const device = await gpu();
  timesAre((nth) => (nth === 0 ? 2 : 1));
  const step = product();
  const tiles = await step.tune(ramp(20, 17));
  step.dispose();
  expect((await gpu()).tiles.get(PRODUCT)).toBe(OTHER);
  expect((await gpu({ tiles: {} })).tiles.size, "given none").toBe(0);
  rmSync(join(folder, "elbo"), { recursive: true });
  expect((await gpu()).tiles.size).toBe(0);
  expect((await gpu({ tiles: JSON.parse(JSON.stringify(tiles)) })).tiles.get(PRODUCT)).toBe(OTHER);
  expect((await gpu({ tiles: { "another adapter": tiles[device.description] } })).tiles.size).toBe(0);
});

test("a damaged cache is a warning, and one that cannot be written as well [webgpu, tiled]", async () => {
  const warnings = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
  await gpu();
  timesAre(() => 1);
  const step = product();
  await step.tune(ramp(20, 17));
  expect(warnings).not.toHaveBeenCalled();
  const path = cached();
  for (const [content, why] of [
    ['{"SwiftSh', /is ignored: .*JSON/],
    ['{"x":{"matmul":"1x1x1/1x1"}}', /is ignored: .*matmul: there is no tile "1x1x1\/1x1"; there are 128x128x16/],
    ["[]", /is ignored: .*the whole is \[\], not a record/],
  ] as const) {
    writeFileSync(path, content);
    warnings.mockClear();
    expect((await gpu()).tiles.size).toBe(0);
    expect(warnings.mock.calls.flat().join()).toMatch(why);
  }
  rmSync(join(folder, "elbo"), { recursive: true });
  writeFileSync(join(folder, "elbo"), "no folder");
  warnings.mockClear();
  use(opened[0]);
  expect(await step.tune(ramp(20, 17))).not.toEqual({});
  expect(warnings.mock.calls.flat().join()).toMatch(/could not be written/);
  rmSync(join(folder, "elbo"));
  step.dispose();
});

test("wrong tiles are refused when a device is opened, with those there are [webgpu]", async () => {
  await expect(open("webgpu", { tile: "7x7x7/7x7" })).rejects.toThrow(
    'open: tile: there is no tile "7x7x7/7x7"; there are 128x128x16/8x8, ',
  );
  const tiles = { here: { [PRODUCT]: "7" } };
  await expect(open("webgpu", { tiles })).rejects.toThrow(`open: tiles: ${PRODUCT}: there is no tile "7"`);
});

test("where there is nothing to choose from, tune finds nothing [js]", async () => {
  const js = await open("js");
  const step = product();
  expect(await step.tune(ramp(20, 17))).toEqual({});
  expect(existsSync(join(folder, "elbo"))).toBe(false);
  step.dispose();
  await js.close();
});
