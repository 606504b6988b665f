// Programs on whole numbers, which every device has to compute to the last bit as `js` does: no sum of so small numbers is rounded, so that
// the order in which they are added does not matter, and a difference is a mistake.
import { afterAll, beforeAll } from "vitest";
import { JsDevice } from "../../src/kernels/devices/js.ts";
import type { WebGpuDevice } from "../../src/kernels/devices/webgpu/device.ts";
import { type Device, type OpenOptions, open, type Tensor, tensor } from "../../src/node.ts";
import { start } from "../../src/tensor/read.ts";

export type Shape = readonly number[];

export const size = (shape: Shape): number => shape.reduce((n, d) => n * d, 1);

/** Whole numbers from -4 to 4, without a period that a kernel could share. */
export const wholeNumbers = (count: number, salt = 0): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => ((i * 7 + salt * 5 + ((i * i) % 11)) % 9) - 4);

export const whole = (shape: Shape, salt = 0): Tensor => tensor(wholeNumbers(size(shape), salt), shape);

/** Throws at the first element that differs. */
export function expectSame(what: string, got: readonly ArrayLike<number>[], expected: readonly ArrayLike<number>[]): void {
  expected.forEach((values, which) => {
    const at = Array.from(values).findIndex((v, i) => v !== got[which][i]);
    if (at >= 0) throw new Error(`${what}, result ${which}, element ${at}: ${got[which][at]}, js has ${values[at]}`);
  });
}

export const js: Device = new JsDevice();
const on = (device: Device, ts: readonly Tensor[]) => Promise.all(start(ts, [], device));

/** The same tensors, made anew for each device, have the same values. */
export async function agree(device: Device, what: string, make: () => readonly Tensor[]): Promise<void> {
  const [got, expected] = [await on(device, make()), await on(js, make())];
  expectSame(what, got, expected);
}

/** What a label opens: `wasm`, or `webgpu` with one of its families of kernels. */
type Opened<Label extends string> = { [L in Label]: L extends `wasm${string}` ? Device : WebGpuDevice };

/** A device for each label, `wasm` or else `webgpu`, with its options, for the tests of a file. */
export function openedAs<Label extends string>(options: Readonly<Record<Label, OpenOptions>>): Opened<Label> {
  const opened: Record<string, Device> = {};
  beforeAll(async () => {
    for (const [label, own] of Object.entries<OpenOptions>(options))
      opened[label] = await open(label.startsWith("wasm") ? "wasm" : "webgpu", own);
  });
  afterAll(async () => {
    for (const device of Object.values(opened)) await device.close();
  });
  return opened as Opened<Label>;
}
