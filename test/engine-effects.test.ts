// States and effects: what runs when, in which order, and which value a reader sees.
import { expect } from "vitest";
import { adam, compile, grad, keep, parameter, randomNormal, scalar, set, sgd, sync, type Tensor, tensor } from "../src/index.ts";
import { assign } from "../src/kernels/state/assign.ts";
import { onEachDevice } from "./setup/each-device.ts";

const values = async (t: Tensor): Promise<number[]> => [...(await t.data())];

onEachDevice("reading the loss also trains, once", async () => {
  using w = parameter([3]);
  const optimizer = sgd([w], { rate: 0.25 });
  const loss = w.square().sum();
  optimizer.step(loss);
  expect(await loss.item()).toBe(9);
  expect(await values(w)).toEqual([1.5]);
  expect(await loss.item()).toBe(9);
  expect(await values(w)).toEqual([1.5]);
  optimizer.dispose();
});

onEachDevice("effects run with whatever is read, and by sync()", async () => {
  using w = parameter([1]);
  set(w, [2]);
  await tensor([1]).add(1).data();
  expect(await values(w)).toEqual([2]);
  set(w, [3]);
  await sync();
  expect(await values(w)).toEqual([3]);
});

onEachDevice("effects run in the order in which they were recorded", async () => {
  using w = parameter([1, 2]);
  using v = parameter([10, 20]);
  assign(w, w.add(1)); // 2, 3
  assign(v, v.add(w)); // 12, 23
  assign(w, w.mul(v)); // 24, 69
  assign(v, w.sub(v)); // 12, 46
  const [ws, vs] = await Promise.all([values(w), values(v)]);
  expect(ws).toEqual([24, 69]);
  expect(vs).toEqual([12, 46]);
});

onEachDevice("two states change places", async () => {
  using a = parameter([1, 2]);
  using b = parameter([3, 4]);
  const [x, y] = [a.mul(1), b.mul(1)];
  assign(a, y);
  assign(b, x);
  const [as, bs] = await Promise.all([values(a), values(b)]);
  expect(as).toEqual([3, 4]);
  expect(bs).toEqual([1, 2]);
});

onEachDevice("a reader sees the value that the state had when it was recorded", async () => {
  using w = parameter([1, 2, 3]);
  const before = w.mul(10);
  const shifted = w.flip();
  assign(w, w.add(1));
  const between = w.mul(10);
  assign(w, w.add(1));
  const [a, b, c, d] = await Promise.all([values(before), values(shifted), values(between), values(w)]);
  expect(a).toEqual([10, 20, 30]);
  expect(b).toEqual([3, 2, 1]);
  expect(c).toEqual([20, 30, 40]);
  expect(d).toEqual([3, 4, 5]);
});

onEachDevice("an update may read the state at other indices", async () => {
  using w = parameter([
    [1, 2],
    [3, 4],
  ]);
  assign(w, w.transpose());
  expect(await values(w)).toEqual([1, 3, 2, 4]);
  assign(w, w.matmul(w));
  expect(await values(w)).toEqual([7, 15, 10, 22]);
  assign(w, w.flip());
  expect(await values(w)).toEqual([22, 10, 15, 7]);
  assign(w, w.sub(w.sum(0)));
  expect(await values(w)).toEqual([-15, -7, -22, -10]);
  assign(w, w.softmax(0).mul(0).add(w.max()));
  expect(await values(w)).toEqual([-7, -7, -7, -7]);
});

onEachDevice("the result of an effect is the state's value after it", async () => {
  using w = parameter([1]);
  const first = assign(w, w.add(1));
  const seen = first.mul(10);
  assign(w, w.add(1));
  const [a, b] = await Promise.all([values(seen), values(w)]);
  expect(a).toEqual([20]);
  expect(b).toEqual([3]);
});

onEachDevice("what was recorded before an effect and is read after it says so", async () => {
  using w = parameter([1, 2]);
  const optimizer = adam([w]);
  const loss = w.square().sum();
  const late = w.mul(3);
  optimizer.step(loss);
  await loss.item();
  const text =
    /data: parameter \[2\] \(tensor \d+\) was overwritten by adam before mul \[2\] \(tensor \d+\) was computed; read both in the same await, or return it from the step/;
  await expect(late.data()).rejects.toThrow(text);
  optimizer.dispose();
});

onEachDevice("the same holds for what a compiled step overwrites", async () => {
  using w = parameter([1]);
  using step = compile(() => assign(w, w.add(1), "my step"));
  const late = w.mul(3);
  await step().data();
  await expect(late.data()).rejects.toThrow(/was overwritten by my step before/);
  expect(await values(w.mul(3))).toEqual([6]);
});

onEachDevice("a reader that failed does not take the training with it", async () => {
  using w = parameter([1]);
  const late = w.mul(3);
  assign(w, w.add(1));
  await sync();
  assign(w, w.add(1));
  const reading = late.data();
  await expect(reading).rejects.toThrow(/was overwritten/);
  expect(await values(w)).toEqual([3]);
});

onEachDevice("one failed read does not spoil the others of its microtask", async () => {
  using w = parameter([1]);
  const late = w.mul(3);
  assign(w, w.add(1));
  await sync();
  const [a, b] = await Promise.allSettled([late.data(), tensor([1]).add(1).data()]);
  expect(a.status).toBe("rejected");
  expect(b.status === "fulfilled" && [...b.value]).toEqual([2]);
});

onEachDevice("random values are the same however often they are read", async () => {
  const noise = randomNormal([3]);
  const twice = noise.mul(2);
  const [a, b] = [await values(noise), await values(twice)];
  expect(b).toEqual(a.map((x) => x * 2));
});

onEachDevice("set gives a state another value", async () => {
  using rate = scalar(0.5);
  using w = parameter([1, 2]);
  const y = () => tensor([10]).mul(rate);
  expect(await values(y())).toEqual([5]);
  set(rate, 0.25);
  expect(await values(y())).toEqual([2.5]);
  set(w, Float32Array.of(3, 4));
  expect(await values(w)).toEqual([3, 4]);
  expect(() => set(w, [1, 2, 3])).toThrow("tensor: 3 values do not fill [2]");
  expect(() => set(tensor([1]), [2])).toThrow(/assign: tensor \[1\] .* is no state; make one with parameter\(\) or keep\(\)/);
  using count = scalar(7, "u32");
  set(count, 8);
  expect(await count.item()).toBe(8);
  expect(() => set(count, -1)).toThrow("tensor: -1 at 0 is no u32");
});

onEachDevice("a state takes only what fits it", () => {
  using w = parameter([1, 2]);
  expect(() => assign(w, tensor([1, 2, 3]))).toThrow(/assign: parameter \[2\] .* of f32 cannot become \[3\] of f32/);
  expect(() => assign(w, tensor(Uint32Array.of(1, 2)))).toThrow(/cannot become \[2\] of u32/);
});

onEachDevice("keep makes a state of any value, and a copy of a state", async () => {
  using w = parameter([1, 2]);
  using copy = keep(w);
  assign(w, w.mul(10));
  expect(await values(copy)).toEqual([1, 2]);
  expect(await values(w)).toEqual([10, 20]);
  using sum = keep(w.add(copy));
  expect(await values(sum)).toEqual([11, 22]);
  using data = keep(
    tensor([
      [1, 2],
      [3, 4],
    ]),
  );
  expect(await values(data.matmul(data))).toEqual([7, 10, 15, 22]);
  using bytes = keep(tensor(Uint8Array.of(1, 2, 3, 4, 5)));
  expect(await values(bytes.cast("f32").mul(2))).toEqual([2, 4, 6, 8, 10]);
  using same = parameter(tensor([5]));
  assign(same, same.add(1));
  expect(await values(same)).toEqual([6]);
});

onEachDevice("what was disposed says so when it is used", async () => {
  const w = parameter([1, 2]);
  const y = w.mul(2);
  await w.add(1).data(); // it lives on the device now
  w.dispose();
  w.dispose(); // twice is no harm
  expect(() => w.data()).toThrow(/data: parameter \[2\] \(tensor \d+\) was disposed/);
  await expect(y.data()).rejects.toThrow(/was disposed/);
  expect(() => assign(w, tensor([1, 2]))).toThrow(/assign: .* was disposed/);
});

onEachDevice("disposing a state drops the effects that wait for it, and no others", async () => {
  const w = parameter([1]);
  using v = parameter([1]);
  set(w, [2]);
  set(v, [2]);
  w.dispose();
  expect(await values(v)).toEqual([2]);
});

onEachDevice("`using` disposes at the end of the block", async (device) => {
  await tensor([1]).add(1).data();
  const before = device.bytes;
  {
    using w = parameter(new Float32Array(1000));
    await w.sum().item();
    expect(device.bytes).toBeGreaterThanOrEqual(before + 4000);
  }
  expect(device.bytes).toBeLessThan(before + 4000);
});

onEachDevice("a gradient is taken of what came before the effect", async () => {
  using w = parameter([2]);
  const y = w.square().sum();
  const [dw] = grad(y, [w]);
  assign(w, w.sub(dw));
  const [a, b] = await Promise.all([values(w), values(dw)]);
  expect(a).toEqual([-2]);
  expect(b).toEqual([4]);
});
