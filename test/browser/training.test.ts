// The same sources in a page: Vite bundles them, `navigator.gpu` runs them, and the numbers are those of js.
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Device, open } from "../../src/index.ts";
import { use } from "../../src/kernels/devices/device.ts";
import { checkClose, results } from "./ops.ts";
import { convTraining, losses, lossesOf } from "./training.ts";

let js: Device;
let webgpu: Device;
beforeAll(async () => {
  js = await open("js");
  webgpu = await open("webgpu");
});
afterAll(async () => {
  await js.close();
  await webgpu.close();
});

test("open takes the page's own WebGPU, and auto leaves a software adapter alone", async () => {
  expect(webgpu.name).toBe("webgpu");
  expect(webgpu.description).toMatch(/./);
  const auto = await open("auto");
  expect(auto.name).toBe(/swiftshader/i.test(webgpu.description) ? "wasm" : "webgpu");
  await auto.close();
});

test("a dense VAE learns digits in the page, and its first losses are those of js", async () => {
  use(webgpu);
  const got = await losses(30);
  use(js);
  const expected = await losses(10);
  for (const [i, loss] of expected.entries())
    expect(Math.abs(got[i] / loss - 1), `step ${i}: ${got[i]}, js has ${loss}`).toBeLessThan(1e-4);
  expect(got.at(-1)).toBeLessThan(0.8 * got[0]);
});

test("conv28 learns digits in the page, on WebGPU and on WASM alike", async () => {
  await using wasm = await open("wasm");
  const trained = async (device: Device) => {
    use(device);
    using run = convTraining();
    return await lossesOf(run, 8);
  };
  const [here, there] = [await trained(webgpu), await trained(wasm)];
  for (const [i, loss] of there.entries())
    expect(Math.abs(here[i] / loss - 1), `step ${i}: ${here[i]}, wasm has ${loss}`).toBeLessThan(1e-3);
  for (const losses of [here, there]) expect(losses.at(-1)).toBeLessThan(0.6 * losses[0]);
});

const representative =
  "add where pow softplus tanh sin logSoftmax sum argMax matmul permute slice pad concat take scatterAdd oneHot randomBits randomNormal batchOrder".split(
    " ",
  );

for (const name of representative) {
  test(`${name} agrees with js`, async () => checkClose(await results(name, webgpu), await results(name, js)));
}
