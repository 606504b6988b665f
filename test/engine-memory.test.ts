// Memory: nothing grows with the number of steps, and what was taken is given back.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { adam, compile, type Device, keep, parameter, randomNormal, type Tensor, tensor } from "../src/index.ts";
import { open } from "../src/node.ts";
import { onEachDevice } from "./setup/each-device.ts";

const x = tensor(
  Float32Array.from({ length: 35 }, (_, i) => Math.sin(i)),
  [5, 7],
);

/** A model of two layers with noise inside, as small as a model can be; `train` is one step. */
function model(): { train: (x: Tensor) => Tensor; dispose: () => void } {
  const w = parameter(
    Float32Array.from({ length: 21 }, (_, i) => Math.cos(i)),
    [7, 3],
  );
  const v = parameter(
    Float32Array.from({ length: 3 }, (_, i) => Math.cos(i)),
    [3],
  );
  const optimizer = adam([w, v]);
  const train = (x: Tensor) => {
    const loss = x
      .matmul(w)
      .add(randomNormal([5, 3]))
      .tanh()
      .mul(v)
      .square()
      .mean();
    optimizer.step(loss);
    return loss;
  };
  const dispose = () => {
    optimizer.dispose();
    for (const t of [w, v]) t.dispose();
  };
  return { train, dispose };
}

/** Bytes after 10 and after 1,000 steps, of which every `every`-th is read. */
async function bytesOver(device: Device, step: () => Tensor, every: number): Promise<[number, number]> {
  let early = 0;
  for (let i = 1; i <= 1000; i++) {
    const loss = step();
    if (i % every === 0) await loss.data();
    if (i === 10) early = device.bytes;
  }
  return [early, device.bytes];
}

onEachDevice("1,000 compiled steps leave device.bytes where ten left it", async (device) => {
  const { train, dispose } = model();
  using step = compile(train);
  const [early, late] = await bytesOver(device, () => step(x), 10);
  expect(late).toBeLessThanOrEqual(early); // less, if garbage was collected
  dispose();
});

onEachDevice("so do 1,000 that nobody reads", async (device) => {
  const { train, dispose } = model();
  using step = compile(train);
  const [early, late] = await bytesOver(device, () => step(x), 1000);
  expect(late).toBeLessThanOrEqual(early); // less, if garbage was collected
  dispose();
});

onEachDevice("1,000 eager steps leave device.bytes where ten left it", async (device) => {
  const { train, dispose } = model();
  const [early, late] = await bytesOver(device, () => train(x), 1);
  expect(late).toBeLessThanOrEqual(early); // less, if garbage was collected
  dispose();
});

onEachDevice("fresh data for every step takes no more memory than one batch", async (device) => {
  const { train, dispose } = model();
  using step = compile(train);
  const [early, late] = await bytesOver(device, () => step(tensor(new Float32Array(35), [5, 7])), 10);
  expect(late).toBeLessThanOrEqual(early); // less, if garbage was collected
  dispose();
});

onEachDevice("kept values cost what they hold, until they are disposed", async (device) => {
  await tensor([1]).add(1).data();
  const kept = keep(tensor(new Float32Array(1024)));
  await kept.sum().item();
  const before = device.bytes;
  const many = Array.from({ length: 8 }, () => keep(kept));
  await many[0].sum().item();
  expect(device.bytes).toBe(before + 8 * 4096);
  for (const t of many) t.dispose();
  expect(device.bytes).toBe(before);
  kept.dispose();
});

onEachDevice("a compiled function gives its results' memory back when it is disposed", async (device) => {
  const double = compile((x: Tensor) => x.mul(2));
  const big = tensor(new Float32Array(1024));
  await double(big).data();
  const before = device.bytes;
  for (let i = 0; i < 8; i++) double(big);
  expect(device.bytes).toBe(before + 3 * 4096); // the ring has four places
  double.dispose();
  expect(device.bytes).toBeLessThanOrEqual(before - 4096);
});

onEachDevice("a read that fails leaves no memory behind", async (device) => {
  if (device.name !== "js") return; // where indices are not checked
  const index = parameter(Uint32Array.of(7));
  const y = tensor([1, 2, 3]).take(index.add(1));
  await index.add(0).data();
  const before = device.bytes;
  await expect(y.data()).rejects.toThrow("take: index 8 is out of range for 3 rows");
  expect(device.bytes).toBe(before);
  index.dispose();
});

for (const name of ["js", "webgpu"] as const) {
  test(`closing returns everything, and says so to whoever comes later [${name}]`, async () => {
    const device = await open(name);
    const w = parameter(new Float32Array(100));
    const step = compile(() => w.mul(2));
    await step().data();
    await w.add(1).data();
    expect(device.bytes).toBeGreaterThan(0);
    await device.close();
    expect(device.bytes).toBe(0);
    expect(() => step()).toThrow(/closed/);
    await expect(w.add(1).data()).rejects.toThrow(/closed/);
    w.dispose();
    step.dispose();
    expect(device.bytes).toBe(0);
  });

  test(`what is forgotten without dispose is collected [${name}]`, async () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    await using device = await open(name);
    await tensor([1]).add(1).data();
    const use = async (): Promise<void> => {
      const w = parameter(new Float32Array(1000));
      await w.sum().item();
      const step = compile(() => randomNormal([1000]));
      await step().data();
    };
    await use(); // whose plans take slots of the device, which stay
    const held = device.bytes;
    expect(held).toBeGreaterThanOrEqual(8000);
    for (let i = 0; i < 50 && device.bytes > held - 8000; i++) {
      collect();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(device.bytes).toBeLessThanOrEqual(held - 8000);
  });
}
