// A training step of the dense VAE: how many kernels it is, what they move, and that its losses are those of js.
import { afterAll, beforeAll, expect, test } from "vitest";
import { use } from "../src/kernels/devices/device.ts";
import { threefry, unit } from "../src/kernels/random/threefry.ts";
import { adam, compile, type Device, open, type Tensor, tensor } from "../src/node.ts";
import { denseVae } from "../src/vae/index.ts";
import { explainedForGpu } from "./setup/dispatches.ts";

const FUSING = ["wasm", "webgpu"] as const;
const devices = {} as Record<"js" | (typeof FUSING)[number], Device>;
beforeAll(async () => {
  for (const name of ["js", ...FUSING] as const) devices[name] = await open(name);
});
afterAll(async () => {
  for (const device of Object.values(devices)) await device.close();
});

type Sizes = readonly [input: number, hidden: number, latent: number];

/** Forward with noise, backward and Adam, compiled. */
function trainingStep([input, hidden, latent]: Sizes) {
  const model = denseVae({ input, hidden, latent, seed: 1 });
  const optimizer = adam([...model.parameters.values()]);
  const step = compile(
    (x: Tensor) => {
      const { loss, reconstruction, kl } = model.terms(x);
      optimizer.step(loss);
      return { loss, reconstruction, kl };
    },
    { seed: 3 },
  );
  const dispose = () => {
    step.dispose();
    model.dispose();
    for (const state of optimizer.state.values()) state.dispose();
  };
  return { model, step, dispose };
}

const pixels = (batch: number, input: number, salt = 0): Tensor =>
  tensor(
    Float32Array.from({ length: batch * input }, (_, i) => unit(threefry(salt, 0, 0, i)[0])),
    [batch, input],
  );

test("a step of 784-400-20 is 14 kernels, on a GPU 16 dispatches, which move less than 1.46 times the bytes that they must [webgpu]", () => {
  use(devices.webgpu);
  const [batch, ...sizes] = [128, 784, 400, 20] as const;
  const { model, step, dispose } = trainingStep(sizes);
  const { kernels, bytes, onGpu } = explainedForGpu(devices.webgpu, () => step.explain(pixels(batch, 784)));
  // What is merged: bias and activation into products, loss with its gradient, the two heads, their weight gradients, and what they pass
  // back, bias gradients and Adam into the weight gradients, the optimizer's scalars and the clock into the sum of the loss.
  expect(kernels.length).toBeLessThanOrEqual(14);
  expect(kernels.filter((k) => k.loops === "product").length, "products: four forward, four weight gradients, three others").toBe(11);
  expect(onGpu, "two of them in parts").toBeLessThanOrEqual(16);

  // Each parameter and its two moments read and written once, x read once, each activation written and read once:
  // two hidden layers, mean, log variance, z, logits.
  const [input, hidden, latent] = sizes;
  const parameters = [...model.parameters.values()].reduce((n, p) => n + p.size, 0);
  const activations = batch * (2 * hidden + 3 * latent + input);
  const least = 4 * (6 * parameters + batch * input + 2 * activations);
  expect(bytes / least).toBeLessThan(1.46);
  // As well counted: each activation written, and read by the next layer and by that layer's weight gradient; its gradient likewise;
  // x read by the first layer, by its weight gradient and by the loss.
  const each = 4 * (6 * parameters + 3 * batch * input + 6 * activations);
  expect(bytes / each).toBeLessThan(1.2);
  dispose();
});

test("on the processor it is 16 kernels [wasm]", () => {
  use(devices.wasm);
  const { step, dispose } = trainingStep([784, 400, 20]);
  expect(step.explain(pixels(128, 784)).kernels.length).toBeLessThanOrEqual(16);
  dispose();
});

async function losses(device: Device, sizes: Sizes, batch: number, steps: number): Promise<number[][]> {
  use(device);
  const { step, dispose } = trainingStep(sizes);
  const results: number[][] = [];
  for (let i = 0; i < steps; i++) {
    const { loss, reconstruction, kl } = step(pixels(batch, sizes[0], i % 5));
    results.push((await Promise.all([loss.data(), reconstruction.data(), kl.data()])).map(([value]) => value));
  }
  dispose();
  return results;
}

for (const [sizes, batch, steps] of [
  [[37, 25, 5], 16, 20],
  [[784, 400, 20], 8, 3],
] as const) {
  test.each(FUSING)(`${steps} steps of ${sizes.join("-")} follow js within 1e-4 [%s]`, async (name) => {
    const expected = await losses(devices.js, sizes, batch, steps);
    const got = await losses(devices[name], sizes, batch, steps);
    expected.forEach((terms, i) => {
      for (const [which, term] of terms.entries())
        expect(Math.abs(got[i][which] / term - 1), `step ${i}, ${got[i]} and ${terms}`).toBeLessThan(1e-4);
    });
    expect(got.at(-1)?.[0], "the loss falls").toBeLessThan(got[0][0]);
  });
}
