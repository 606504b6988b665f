// Layers as somebody uses them who builds a network of their own.
import { expect } from "vitest";
import { adam, compile, grad, tensor } from "../src/index.ts";
import { sample } from "../src/kernels/sample.ts";
import { layers } from "../src/vae/index.ts";
import { onEachDevice } from "./setup/each-device.ts";

onEachDevice("a network of layers has its shapes, its names, and learns", async () => {
  const net = layers.sequential(
    layers.conv2d(1, 4, { kernel: 3, stride: 2, padding: 1 }),
    layers.groupNorm(2, 4),
    layers.activations.relu,
    layers.residual(4, 4),
    layers.flatten,
    layers.linear([3, 3, 4], 5),
  );
  const names = [...net.parameters.keys()];
  expect(names.slice(0, 4)).toEqual(["0.weight", "0.bias", "1.weight", "1.bias"]);
  expect(names.slice(-2)).toEqual(["5.weight", "5.bias"]);
  const [x, y] = [sample([8, 5, 5, 1]), sample([8, 5], -1, 1, 1)];
  expect(net.forward(x).shape).toEqual([8, 5]);

  const parameters = [...net.parameters.values()];
  const optimizer = adam(parameters, { rate: 0.02 });
  const step = compile((x, y) => {
    const loss = net.forward(x, { training: true }).sub(y).square().mean();
    optimizer.step(loss);
    return loss;
  });
  const first = await step(x, y).item();
  for (let i = 0; i < 30; i++) step(x, y);
  expect(await step(x, y).item()).toBeLessThan(first / 2);
  const missing = grad(net.forward(x).sum(), parameters).findIndex((g, i) => `${g.shape}` !== `${parameters[i].shape}`);
  expect(missing).toBe(-1);
  step.dispose();
  optimizer.dispose();
  for (const p of parameters) p.dispose();
});

onEachDevice("a decoder of layers ends where the pictures are as large as they were", async () => {
  const net = layers.sequential(
    layers.linear(3, [4, 4, 6]),
    layers.unflatten([4, 4, 6]),
    layers.upsample(2),
    layers.convTranspose2d(6, 2, { kernel: 4, stride: 2, padding: 1 }),
  );
  const y = net.forward(tensor([[1, 2, 3]]));
  expect(y.shape).toEqual([1, 16, 16, 2]);
  expect((await y.data()).every(Number.isFinite)).toBe(true);
  for (const p of net.parameters.values()) p.dispose();
});
