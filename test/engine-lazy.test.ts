// When something runs, and what is planned: on the `js` device, which counts here. Devices have no part in it.
import { beforeEach, expect, test } from "vitest";
import { arange, compile, full, parameter, randomNormal, set, sync, tensor, zeros } from "../src/index.ts";
import { use } from "../src/kernels/devices/device.ts";
import { JsDevice } from "../src/kernels/devices/js.ts";
import { assign } from "../src/kernels/state/assign.ts";
import type { Plan } from "../src/tensor/plan.ts";

class Counting extends JsDevice {
  plans = 0;
  runs = 0;

  override prepare(plan: Plan): ReturnType<JsDevice["prepare"]> {
    this.plans++;
    const prepared = super.prepare(plan);
    return {
      ...prepared,
      run: (...args) => {
        this.runs++;
        prepared.run(...args);
      },
    };
  }
}

let device: Counting;
beforeEach(() => {
  device = new Counting();
  use(device);
});

test("nothing runs until something is read [js]", async () => {
  const y = tensor([1, 2]).add(1).exp();
  await sync();
  expect(device.runs).toBe(0);
  await y.data();
  expect(device.runs).toBe(1);
});

test("what was read is not computed again [js]", async () => {
  const y = tensor([1, 2]).add(1);
  await y.data();
  await y.data();
  expect(device.runs).toBe(1);
  expect([...(await y.mul(2).data())]).toEqual([4, 6]);
});

test("data at hand needs no program [js]", async () => {
  expect([...(await tensor([1, 2]).data())]).toEqual([1, 2]);
  using w = parameter([3]);
  expect([...(await w.data())]).toEqual([3]);
  expect(device.runs).toBe(0);
});

test("item() is for one element, array() nests as deep as the rank [js]", async () => {
  expect(
    await tensor([[2]])
      .add(1)
      .item(),
  ).toBe(3);
  await expect(tensor([1, 2]).item()).rejects.toThrow(/item: tensor \[2\] \(tensor \d+\) has 2 elements/);
  expect(await arange(4).reshape([2, 1, 2]).array()).toEqual([[[0, 1]], [[2, 3]]]);
});

test("all reads of one microtask are one program [js]", async () => {
  const x = tensor([1, 2, 3]);
  const [a, b, c] = await Promise.all([x.sum().item(), x.mul(2).data(), x.exp().sum().item()]);
  expect(a).toBe(6);
  expect([...b]).toEqual([2, 4, 6]);
  expect(c).toBeCloseTo(Math.E + Math.E ** 2 + Math.E ** 3, 4);
  expect(device.runs).toBe(1);
  await x.sum().item();
  await x.mean().item();
  expect(device.runs).toBe(3);
});

test("one tensor read twice in a microtask is computed once, and both readers get it [js]", async () => {
  const y = tensor([1, 2]).add(1);
  const [a, b] = await Promise.all([y.data(), y.data()]);
  expect([...a]).toEqual([2, 3]);
  expect([...b]).toEqual([2, 3]);
  expect(device.runs).toBe(1);
});

test("all effects recorded so far are one program [js]", async () => {
  using w = parameter([1]);
  using v = parameter([1]);
  set(w, [2]);
  set(v, [3]);
  await sync();
  expect(device.runs).toBe(1);
  await sync();
  expect(device.runs).toBe(1);
});

test("a plan is found again by structure: numbers, offsets, seeds and data are no part of it [js]", async () => {
  for (let i = 0; i < 10; i++) {
    const x = tensor([i, 1, 2, 3, 4, 5, 6]);
    await x
      .mul(i)
      .add(full([7], i))
      .data();
    expect(device.plans).toBe(1);
  }
  for (let i = 0; i < 5; i++)
    await arange(7)
      .slice([[i, i + 2]])
      .data();
  expect(device.plans).toBe(2);
  for (let i = 0; i < 5; i++)
    await tensor([1, 2])
      .pad([[i, 4 - i]])
      .data();
  expect(device.plans).toBe(3);
  for (let i = 0; i < 5; i++) await randomNormal([3], { seed: i }).data();
  expect(device.plans).toBe(4);
  expect(device.runs).toBe(25);
});

test("shapes, axes, flags and wiring are part of it [js]", async () => {
  const x = arange(4).reshape([2, 2]);
  const programs = [
    () => x.sum(0),
    () => x.sum(1),
    () => x.transpose(),
    () => x.matmul(x),
    () => x.matmul(x, { flipA: true }),
    () => x.add(1).mul(x),
    () => x.mul(x).add(1),
    () => arange(6).reshape([2, 3]).sum(0),
    () => x.slice([[undefined, undefined, -1]]),
    () => x.slice([null, [undefined, undefined, -1]]),
  ];
  for (const program of [...programs, ...programs]) await program().data();
  expect(device.plans).toBe(programs.length);
});

test("a constant is computed where it is written [js]", async () => {
  const y = zeros([1000, 1000]).add(1).mul(2).sum();
  expect(await y.item()).toBe(2e6);
  expect(device.bytes).toBeLessThan(100);
});

test("the state's own loop plans once [js]", async () => {
  using w = parameter([1, 2]);
  for (let i = 0; i < 10; i++) {
    assign(w, w.mul(1.5).add(i));
    await w.data();
  }
  expect(device.plans).toBe(1);
});

test("a compiled function plans once per shape, and runs once per call [js]", async () => {
  let traces = 0;
  using double = compile((x) => {
    traces++;
    return x.mul(2);
  });
  for (let i = 0; i < 5; i++) await double(tensor([i, 1])).data();
  expect([traces, device.plans, device.runs]).toEqual([1, 1, 5]);
  await double(tensor([1, 2, 3])).data();
  await double(tensor([1, 2])).data();
  expect([traces, device.plans, device.runs]).toEqual([2, 2, 7]);
});

test("without a device, reading says to open one [js]", async () => {
  await device.close();
  await expect(tensor([1]).add(1).data()).rejects.toThrow('no device is open: await open("auto") first');
});
