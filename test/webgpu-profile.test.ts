// A profile: how long each dispatch took by the GPU's clock. The software driver has a clock, too.
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { use } from "../src/kernels/devices/device.ts";
import type { WebGpuDevice } from "../src/kernels/devices/webgpu/device.ts";
import type { KernelTime } from "../src/kernels/devices/webgpu/profile.ts";
import { compile, type Tensor, tensor } from "../src/node.ts";
import { openWebGpu } from "./setup/dawn.ts";

let device: WebGpuDevice;
beforeAll(async () => {
  device = await openWebGpu({ kernels: "simple", parts: 3 });
});
afterAll(() => device.close());

const aboutTimes = (times: readonly KernelTime[]) => {
  for (const { ns } of times) expect(Number.isFinite(ns) && ns >= 0, `${ns} ns`).toBe(true);
  return times.map(({ label, groups }) => `${label} [${groups}]`);
};

test("an entry for each dispatch, in their order, with its ops and its workgroups [webgpu]", async () => {
  use(device);
  const f = compile((x: Tensor) => x.matmul(x).relu().sum(0));
  const x = tensor(new Float32Array(4900).fill(1), [70, 70]);
  const values = await f(x).data();
  let again: Tensor | undefined;
  const times = await device.profile(() => {
    again = f(x);
  });
  expect(aboutTimes(times).map((about) => about.replace(/^matmul(.*?) \[.*/, "product$1"))).toEqual([
    "product: matmul relu",
    "product-parts: matmul relu",
    "reduce: sum [4,1,1]",
    "reduce: sum [2,1,1]",
  ]);
  const { dispatches, kernels } = f.explain(x);
  expect([dispatches, kernels.map((k) => k.dispatches)], "what explain foretells").toEqual([4, [2, 2]]);
  expect(times[0].ops).toEqual(["matmul", "relu"]);
  expect(await again?.data(), "what is computed is the same").toEqual(values);
  expect(aboutTimes(await device.profile(() => {})), "nothing was run").toEqual([]);
  f.dispose();
});

test("work may be awaited, eager and repeated, beyond what one set of timestamps holds [webgpu]", async () => {
  use(device);
  const eager = await device.profile(() => tensor([1, 2, 3]).add(1).data());
  expect(aboutTimes(eager)).toEqual(["elementwise: add [1,1,1]"]);
  const f = compile((x: Tensor) => [x.add(1), x.reshape([1, 3]).sum(0).add(2)]);
  const perRun = (await device.profile(() => f(tensor([1, 2, 3])))).length;
  const times = await device.profile(() => f.repeat(2100, tensor([1, 2, 3])));
  expect(aboutTimes(times)).toHaveLength(2100 * perRun);
  f.dispose();
});

test("one at a time; and one that fails ends [webgpu]", async () => {
  use(device);
  const first = device.profile(() => tensor([1]).add(1).data());
  await expect(device.profile(() => {})).rejects.toThrow(/profile: another one is being taken/);
  expect(await first).toHaveLength(1);
  const failing = device.profile(() => {
    throw new Error("the work failed");
  });
  await expect(failing).rejects.toThrow("the work failed");
  expect(await device.profile(() => tensor([1]).add(1).data())).toHaveLength(1);
});

test("an adapter without timestamps is named [webgpu]", async () => {
  const features = vi.spyOn(device.gpu, "features", "get").mockReturnValue(new Set() as unknown as GPUSupportedFeatures); // all that is asked of them
  await expect(device.profile(() => {})).rejects.toThrow(/profile: .* has no timestamps \(the WebGPU feature "timestamp-query"\)/);
  features.mockRestore();
});
