// Reading from WebGPU: what is asked for at once comes at once, and holds what was there when it was asked for.
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { use } from "../src/kernels/devices/device.ts";
import type { WebGpuDevice } from "../src/kernels/devices/webgpu/device.ts";
import { compile, parameter, set, type Tensor, tensor } from "../src/node.ts";
import { openWebGpu } from "./setup/dawn.ts";

let device: WebGpuDevice;
beforeAll(async () => {
  device = await openWebGpu();
});
afterAll(() => device.close());

test("the results of a step that are asked for together come with one submission [webgpu]", async () => {
  use(device);
  const f = compile((x: Tensor) => ({ sum: x.sum(), max: x.max(), x: x.mul(2) }));
  const x = tensor([1, 5, 3]);
  await f(x).sum.data();
  const submit = vi.spyOn(device.gpu.queue, "submit");
  const { sum, max, x: twice } = f(x);
  const values = await Promise.all([sum.data(), max.data(), twice.data()]);
  expect(submit).toHaveBeenCalledTimes(2);
  submit.mockRestore();
  expect(values.map((v) => [...v])).toEqual([[9], [5], [2, 10, 6]]);
  f.dispose();
});

test("a read gives what was there when it was asked for, whatever is started in the same breath [webgpu]", async () => {
  use(device);
  const f = compile((x: Tensor) => x.add(1));
  const reads = Array.from({ length: 12 }, (_, i) => f(tensor([i, -i])).data()); // the ring of results goes round three times
  expect((await Promise.all(reads)).map((v) => [...v])).toEqual(Array.from({ length: 12 }, (_, i) => [i + 1, 1 - i]));
  const w = parameter([1, 2]);
  await w.add(0).data();
  const before = w.data();
  set(w, [3, 4]);
  const after = w.data();
  expect([[...(await before)], [...(await after)]]).toEqual([
    [1, 2],
    [3, 4],
  ]);
  const bytes = tensor(Uint8Array.from([7, 8, 9]), [3]);
  const [odd, even] = await Promise.all([bytes.cast("f32").data(), tensor([]).add(1).data()]);
  expect([[...odd], [...even]]).toEqual([[7, 8, 9], []]);
  f.dispose();
});
