// What the wasm device promises beside right results: the same bits on any number of threads, memory that stays flat,
// and an answer to everything that can go wrong with memory and threads.
import { afterEach, describe, expect, test } from "vitest";
import { use } from "../src/kernels/devices/device.ts";
import { OutOfMemoryError } from "../src/kernels/devices/errors.ts";
import { WasmDevice, type WasmOptions } from "../src/kernels/devices/wasm/device.ts";
import { threefry, unit } from "../src/kernels/random/threefry.ts";
import { adam, compile, keep, open, randomNormal, seed, type Tensor, tensor } from "../src/node.ts";
import { denseVae } from "../src/vae/index.ts";

const opened: WasmDevice[] = [];
async function openWasm(options: WasmOptions = {}): Promise<WasmDevice> {
  const device = await WasmDevice.open(options);
  opened.push(device);
  use(device);
  return device;
}
afterEach(async () => {
  for (const device of opened.splice(0)) await device.close();
});

const uniform = (shape: readonly number[], salt = 0): Tensor =>
  tensor(
    Float32Array.from({ length: shape.reduce((n, d) => n * d, 1) }, (_, i) => unit(threefry(salt, 0, 0, i)[0])),
    shape,
  );

/** Losses and weights of some steps of a VAE that is large enough for its kernels to be shared. */
async function training(steps: number): Promise<Float32Array> {
  const model = denseVae({ input: 196, hidden: 100, latent: 9, seed: 1 });
  const optimizer = adam([...model.parameters.values()]);
  const step = compile(
    (x: Tensor) => {
      const { loss } = model.terms(x);
      optimizer.step(loss);
      return loss;
    },
    { seed: 3 },
  );
  const x = uniform([65, 196]);
  const losses: number[] = [];
  for (let i = 0; i < steps; i++) losses.push(await step(x).item());
  const weights = await Promise.all([...model.parameters.values()].map((p) => p.data()));
  return Float32Array.from([...losses, ...weights.flatMap((w) => [...w])]);
}

describe("threads change nothing, bit for bit [wasm]", () => {
  const works: Record<string, () => Promise<ArrayLike<number>>> = {
    "a training": () => training(12),
    "a sum of everything": () => uniform([517, 1003]).sum().data(),
    "sums of rows": () => uniform([65, 7001]).sum(1).data(),
    "sums of columns": () => uniform([5003, 37]).sum(0).data(),
    "sums over axes that take turns": () => uniform([17, 9, 23, 31]).sum([0, 2]).data(),
    "the place of the largest of many": () => uniform([300001]).argMax(0).data(),
    "a product with few rows": () =>
      uniform([3, 700])
        .matmul(uniform([700, 901], 1))
        .data(),
    "a product of matrices in a batch": () =>
      uniform([5, 60, 70])
        .matmul(uniform([5, 70, 80], 1))
        .relu()
        .data(),
    "random numbers": async () => {
      seed(4);
      return randomNormal([70001]).data();
    },
    "an elementwise chain that is broadcast": () =>
      uniform([129, 517])
        .mul(uniform([517], 1))
        .add(uniform([129, 1], 2))
        .sigmoid()
        .data(),
  };
  for (const [name, work] of Object.entries(works)) {
    test(name, async () => {
      const results: ArrayLike<number>[] = [];
      for (const threads of [1, 2, 3, 5]) {
        await openWasm({ threads });
        results.push(await work());
      }
      for (const result of results.slice(1)) expect(result).toEqual(results[0]);
    });
  }
});

test("the same seed gives the same training twice, on one device and on another [wasm]", async () => {
  await openWasm({ threads: 2 });
  const once = await training(5);
  expect(await training(5)).toEqual(once);
  await openWasm({ threads: 2 });
  expect(await training(5)).toEqual(once);
});

test("a step of the dense VAE waits for all threads eight times at most [wasm]", async () => {
  const device = await openWasm({ threads: 2 });
  const phases: number[] = [];
  const load = device.threads.load.bind(device.threads);
  device.threads.load = (...args) => {
    const loaded = load(...args);
    phases.push(loaded.phases.length);
    return loaded;
  };
  const model = denseVae({ input: 784, hidden: 400, latent: 20, seed: 1 });
  const optimizer = adam([...model.parameters.values()]);
  const step = compile((x: Tensor) => {
    const { loss } = model.terms(x);
    optimizer.step(loss);
    return loss;
  });
  step.explain(uniform([128, 784]));
  expect(phases.at(-1)).toBeLessThanOrEqual(8);
});

test("a hundred steps use no more memory than ten [wasm]", async () => {
  const device = await openWasm({ threads: 2 });
  const model = denseVae({ input: 50, hidden: 30, latent: 5, seed: 1 });
  const optimizer = adam([...model.parameters.values()]);
  const step = compile((x: Tensor) => {
    const { loss } = model.terms(x);
    optimizer.step(loss);
    return loss;
  });
  const run = async (times: number) => {
    for (let i = 0; i < times; i++) {
      await step(uniform([9, 50], i)).item();
      await uniform([9, 50], i).sum(0).relu().data();
    }
  };
  await run(10);
  const [bytes, heap] = [device.bytes, device.heap.bytes];
  await run(100);
  expect(device.bytes).toBe(bytes);
  expect(device.heap.bytes).toBe(heap);
});

describe("what cannot be [wasm]", () => {
  test("what is disposed after a thread ended says nothing of it again", async () => {
    const device = await openWasm({ threads: 2 });
    const work = async () => {
      using step = compile((x: Tensor) => x.mul(2).sum());
      await step(uniform([65, 700])).item();
      await device.threads.workers[0].terminate();
      await step(uniform([65, 700])).item();
    };
    await expect(work()).rejects.toThrow("wasm: thread 1 of 2 ended (exit code 1); open the device again");
  });

  test("numbers of threads that are none", async () => {
    for (const threads of [0, -1, 1.5, Number.NaN])
      await expect(open("wasm", { threads })).rejects.toThrow(`open: ${threads} threads; it is a whole number from 1`);
  });

  test("more threads than cores run, and say how many they are", async () => {
    const device = await openWasm({ threads: 9 });
    expect(device.description).toContain("9 threads");
    expect(
      await uniform([300, 301])
        .matmul(uniform([301, 65], 1))
        .sum()
        .item(),
    ).toBeGreaterThan(0);
  });

  test("memory that may not grow is an error with the sizes, and the device goes on", async () => {
    const device = await openWasm({ threads: 1, maximum: 256 }); // 16 MiB
    await expect(uniform([2048, 2048]).add(1).data()).rejects.toThrow(OutOfMemoryError);
    await expect(uniform([2048, 2048]).add(1).data()).rejects.toThrow(
      /wasm: no memory for 16\.0 MiB beside .* in use; .*use smaller batches/,
    );
    expect(await uniform([100]).sum().item()).toBeGreaterThan(0);
    expect(device.bytes).toBeLessThan(16 << 20);
  });

  test("a tensor that is too large for one", async () => {
    await openWasm({ threads: 1 });
    const huge = tensor([1]).broadcastTo([2 ** 15, 2 ** 15]);
    await expect(huge.add(1).exp().matmul(huge).sum().item()).rejects.toThrow(
      /wasm: .* \[32768, 32768\] takes 4294967296 bytes; a tensor may take 2 GiB/,
    );
  });

  test("a thread that is ended from outside while a training runs is an error, not a hang", async () => {
    const device = await openWasm({ threads: 2, patience: 50 });
    const a = keep(uniform([512, 512]));
    const product = compile((x: Tensor) => x.matmul(a).mul(1e-3));
    await product(a).data();
    void device.threads.workers[0].terminate();
    const many = async () => {
      for (let i = 0; i < 1000; i++) await product(a).data();
    };
    await expect(many()).rejects.toThrow(/wasm: thread 1 of 2 ended .*open the device again/);
    expect(() => product(a)).toThrow(/ended/);
  });

  test("a closed device refuses", async () => {
    const device = await openWasm({ threads: 2 });
    await device.close();
    await device.close();
    use(device);
    await expect(tensor([1]).add(1).data()).rejects.toThrow("wasm: the device was closed");
  });
});

test("tensors without elements, and such as begin between two lines of the cache [wasm]", async () => {
  await openWasm({ threads: 2 });
  expect(await tensor(new Float32Array(0), [0, 5]).add(1).sum(0).data()).toEqual(new Float32Array(5));
  expect(
    (
      await tensor(new Float32Array(0), [0, 5])
        .matmul(uniform([5, 3]))
        .data()
    ).length,
  ).toBe(0);
  // The moments of a parameter lie right behind it, wherever it ends.
  for (const n of [1, 3, 7, 9, 65]) {
    const w = keep(uniform([n]));
    const optimizer = adam([w], { rate: 0.5 });
    const before = await w.data();
    optimizer.step(w.sum());
    expect([...(await w.data())]).toEqual([...before].map((x) => expect.closeTo(x - 0.5, 4)));
  }
});
