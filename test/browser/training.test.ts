// The same sources in a page: Vite bundles them, `navigator.gpu` runs them, and the numbers are those of js.
import { afterAll, beforeAll, expect, test } from "vitest";
import { digits } from "../../src/data/index.ts";
import { adam, compile, type Device, open, seed, type Tensor, tensor } from "../../src/index.ts";
import { use } from "../../src/kernels/devices/device.ts";
import type { Callable } from "../../src/kernels/op.ts";
import * as list from "../../src/kernels/ops.ts";
import { start } from "../../src/tensor/read.ts";
import { denseVae } from "../../src/vae/index.ts";

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

/** Losses of the first steps of a small dense VAE on generated digits. */
async function losses(device: Device, steps: number): Promise<number[]> {
  use(device);
  const { pixels, count } = digits({ count: 64, size: 14 });
  const model = denseVae({ input: 14 * 14, hidden: 32, latent: 4, seed: 1 });
  const optimizer = adam([...model.parameters.values()], { rate: 5e-3 });
  const step = compile(
    (bytes: Tensor) => {
      const { loss } = model.terms(bytes.cast("f32").mul(1 / 255));
      optimizer.step(loss);
      return loss;
    },
    { seed: 1 },
  );
  const images = tensor(pixels, [count, 14 * 14]);
  const results: number[] = [];
  for (let i = 0; i < steps; i++) results.push(await step(images).item());
  step.dispose();
  model.dispose();
  return results;
}

test("a dense VAE learns digits in the page, and its first losses are those of js", async () => {
  const got = await losses(webgpu, 30);
  const expected = await losses(js, 10);
  for (const [i, loss] of expected.entries())
    expect(Math.abs(got[i] / loss - 1), `step ${i}: ${got[i]}, js has ${loss}`).toBeLessThan(1e-4);
  expect(got.at(-1)).toBeLessThan(0.8 * got[0]);
});

const representative =
  "add where pow softplus tanh sin logSoftmax sum argMax matmul permute slice pad concat take scatterAdd oneHot randomBits randomNormal batchOrder".split(
    " ",
  );
const ops = list as unknown as Record<string, Callable<(...args: readonly unknown[]) => Tensor>>; // their arguments differ, which a loop cannot express

for (const name of representative) {
  test(`${name} agrees with js`, async () => {
    for (const example of ops[name].examples()) {
      if (!("shape" in example)) continue;
      const on = async (device: Device) => {
        seed(0); // random draws begin anew
        return (await Promise.all(start([ops[name](...example.args)], [], device)))[0];
      };
      const [got, expected] = [await on(webgpu), await on(js)];
      expect(got.constructor).toBe(expected.constructor);
      expected.forEach((value: number, i: number) => {
        const bound = got instanceof Float32Array ? 2e-6 + 4e-6 * Math.abs(value) * (name === "matmul" ? 10 : 1) : 0;
        expect(Math.abs(got[i] - value), `element ${i}: ${got[i]}, js has ${value}`).toBeLessThanOrEqual(bound);
      });
    }
  });
}
