// The devices that the tests run on: one list. A test that is registered here runs once on each of them.
import { afterAll, beforeAll, expect, test } from "vitest";
import { use } from "../../src/kernels/devices/device.ts";
import { type Device, open } from "../../src/node.ts";

type Open = () => Promise<Device>;
const devices: readonly [string, Open][] = [
  ["js", () => open("js")],
  ["wasm", () => open("wasm", { threads: 2 })], // so that work is shared, whatever the machine
  ["webgpu", () => open("webgpu")], // a software driver here, for which kernels without workgroup memory are chosen
];
const families: readonly [string, Open][] = [
  ["wasm, 1 thread", () => open("wasm", { threads: 1 })], // in memory that is not shared
  ["webgpu, tiled", () => open("webgpu", { kernels: "tiled" })],
];

const opened = new Map<string, Device>();

/**
 * Runs the body once per device, which is opened once per file. The body disposes what it keeps: if the device holds
 * more memory afterwards than before, the body runs again, and it may not grow a second time. (The first time, it may
 * have been the first to need a buffer that all programs share.)
 */
export function onEachDevice(name: string, body: (device: Device) => void | Promise<void>, list = devices): void {
  for (const [label, open] of list) {
    test(`${name} [${label}]`, async () => {
      const device = opened.get(label) ?? (await open());
      opened.set(label, device);
      use(device);
      const before = device.bytes;
      await body(device);
      const after = device.bytes;
      if (after <= before) return;
      await body(device);
      expect(device.bytes, "bytes that the device holds after a second run of the test").toBeLessThanOrEqual(after);
    });
  }
}

/** Also with the kernels that use workgroup memory, and without threads: for what is computed in another way then. */
export const onEachFamily = (name: string, body: (device: Device) => void | Promise<void>): void =>
  onEachDevice(name, body, [...devices, ...families]);

beforeAll(() => open("js")); // for what a test file does by itself

afterAll(async () => {
  for (const device of opened.values()) await device.close();
});
