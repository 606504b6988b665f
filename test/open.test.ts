// What `open` takes, and what it says where there is nothing to take. (Adapters: webgpu-errors.test.ts.)
import { afterEach, expect, test, vi } from "vitest";
import { NoDeviceError } from "../src/kernels/devices/errors.ts";
import { type DeviceName, open, tensor } from "../src/node.ts";

afterEach(() => vi.restoreAllMocks());

const withoutWasm = () => vi.spyOn(WebAssembly, "validate").mockReturnValue(false);

test("auto takes js where there is no WebAssembly with SIMD [js]", async () => {
  withoutWasm();
  const device = await open("auto");
  expect(device.name).toBe("js");
  expect(await tensor([1, 2]).add(1).array()).toEqual([2, 3]);
  await device.close();
});

test("wasm is refused there, with what runs [wasm]", async () => {
  withoutWasm();
  await expect(open("wasm")).rejects.toThrow(NoDeviceError);
  await expect(open("wasm")).rejects.toThrow('this engine has no WebAssembly SIMD; use open("js")');
});

test("auto hands its options on: threads that are none are an error, not another device [wasm]", async () => {
  await expect(open("auto", { threads: 0 })).rejects.toThrow("open: 0 threads; it is a whole number from 1");
  const device = await open("auto", { threads: 1 });
  expect(device.description).toContain("one thread");
  await device.close();
});

test("a name that is none is answered with those there are", async () => {
  await expect(open("gpu" as DeviceName)).rejects.toThrow('open: there is no device "gpu"; there are auto, webgpu, wasm and js');
});
