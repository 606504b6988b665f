// The devices that the tests run on: one list. A test that is registered here runs once on each of them.
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Device, open } from "../../src/index.ts";
import { use } from "../../src/kernels/devices/device.ts";

export const devices: Readonly<Record<string, () => Promise<Device>>> = {
  js: () => open("js"),
};

const opened = new Map<string, Device>();

/**
 * Runs the body once per device, which is opened once per file. The body disposes what it keeps: if the device holds
 * more memory afterwards than before, the body runs again, and it may not grow a second time. (The first time, it may
 * have been the first to need a buffer that all programs share.)
 */
export function onEachDevice(name: string, body: (device: Device) => void | Promise<void>): void {
  for (const of of Object.keys(devices)) {
    test(`${name} [${of}]`, async () => {
      const device = opened.get(of) as Device; // beforeAll opened it
      use(device);
      const before = device.bytes;
      await body(device);
      const after = device.bytes;
      if (after <= before) return;
      await body(device);
      expect(device.bytes, "bytes that the device holds after a second run of the test").toBe(after);
    });
  }
}

beforeAll(async () => {
  for (const [name, open] of Object.entries(devices)) opened.set(name, await open());
});

afterAll(async () => {
  for (const device of opened.values()) await device.close();
});
