// Differentiation itself: what the ops' own gradients cannot get wrong.
import { expect, test } from "vitest";
import { checkGradient, compile, grad, parameter, randomNormal, tensor, valueAndGrad } from "../src/index.ts";
import { sample } from "../src/kernels/sample.ts";
import { assign } from "../src/kernels/state/assign.ts";
import { onEachDevice } from "./setup/each-device.ts";

onEachDevice("derivatives of any order: x⁴", async () => {
  const x = tensor(3);
  const orders = [x.pow(4)];
  for (let order = 1; order <= 5; order++) orders.push(grad(orders[order - 1], [x])[0]);
  const values = await Promise.all(orders.map((y) => y.item()));
  [81, 108, 108, 72, 24, 0].forEach((expected, order) => {
    expect(Math.abs(values[order] - expected), `order ${order}`).toBeLessThanOrEqual(1e-5 * expected);
  });
});

onEachDevice("derivatives of any order: exp(sin x)", async () => {
  const x = tensor(0.7);
  const [s, c] = [Math.sin(0.7), Math.cos(0.7)];
  const [d1] = grad(x.sin().exp(), [x]);
  const [d2] = grad(d1, [x]);
  const [d3] = grad(d2, [x]);
  const e = Math.exp(s);
  expect(await d1.item()).toBeCloseTo(e * c, 5);
  expect(await d2.item()).toBeCloseTo(e * (c * c - s), 5);
  expect(await d3.item()).toBeCloseTo(e * (c ** 3 - 3 * s * c - c), 5);
});

onEachDevice("what y does not depend on has a gradient of zero, in its own shape", async () => {
  const [x, other] = [tensor([1, 2]), tensor([[1, 2, 3]])];
  const [dx, dOther] = grad(x.square().sum(), [x, other]);
  expect([...(await dx.data())]).toEqual([2, 4]);
  expect(dOther.shape).toEqual([1, 3]);
  expect([...(await dOther.data())]).toEqual([0, 0, 0]);
});

onEachDevice("every use of a tensor counts", async () => {
  const x = tensor([1, 2, 3]);
  const y = x.mul(2);
  const [dx, dy] = grad(y.mul(y).add(y).add(x).sum(), [x, y]);
  expect([...(await dx.data())]).toEqual([11, 19, 27]); // 8x + 2 + 1
  expect([...(await dy.data())]).toEqual([5, 9, 13]); // 2y + 1
});

onEachDevice("the gradient of y with respect to itself is 1", async () => {
  const y = tensor([2]).exp();
  expect(await grad(y, [y])[0].item()).toBe(1);
});

onEachDevice("the same x may be asked for twice", async () => {
  const x = tensor([1, 2]);
  const [a, b] = grad(x.square().sum(), [x, x]);
  expect([...(await a.data())]).toEqual([2, 4]);
  expect([...(await b.data())]).toEqual([2, 4]);
});

onEachDevice("what was broadcast is summed", async () => {
  const [w, b] = [tensor([[1], [2]]), tensor(3)];
  const [dw, db] = grad(
    w
      .mul(tensor([1, 10, 100]))
      .add(b)
      .sum(),
    [w, b],
  );
  expect([...(await dw.data())]).toEqual([111, 111]);
  expect(dw.shape).toEqual([2, 1]);
  expect(await db.item()).toBe(6);
});

onEachDevice("a value that was read is still differentiated through", async () => {
  const x = tensor([1, 2]);
  const y = x.square();
  await y.data();
  expect([...(await grad(y.sum(), [x])[0].data())]).toEqual([2, 4]);
});

onEachDevice("valueAndGrad gives both", async () => {
  const [w, b] = [tensor([1, 2]), tensor(1)];
  const { value, grads } = valueAndGrad((w, b) => w.mul(w).add(b).sum(), [w, b]);
  expect(await value.item()).toBe(7);
  expect([...(await grads[0].data())]).toEqual([2, 4]);
  expect(await grads[1].item()).toBe(2);
});

onEachDevice("a long chain of ops is run and differentiated", async (device) => {
  const length = device.name === "js" ? 4000 : 400; // one kernel on webgpu, written by a recursion
  const x = tensor([1, 2]);
  let y = x;
  for (let i = 0; i < length; i++) y = i % 2 === 0 ? y.add(0.5) : y.sub(0.25);
  expect([...(await y.data())]).toEqual([1 + length / 8, 2 + length / 8]);
  let z = x;
  for (let i = 0; i < length / 2; i++) z = i % 2 === 0 ? z.mul(2) : z.mul(0.5);
  expect([...(await grad(z.sum(), [x])[0].data())]).toEqual([1, 1]);
});

test("only a scalar of f32 is differentiated, with respect to f32", () => {
  const [x, index] = [tensor([1, 2]), tensor(Uint32Array.of(1))];
  expect(() => grad(x, [x])).toThrow(/grad: tensor \[2\] .* is no scalar; reduce it with sum\(\) or mean\(\)/);
  expect(() => grad(index, [x])).toThrow(/grad: .* is u32; only f32 has gradients/);
  expect(() => grad(x.sum(), [index])).toThrow(/grad: with respect to .*, which is u32/);
});

test("effects are not differentiated through", () => {
  using w = parameter([1, 2]);
  const x = tensor([3, 4]);
  expect(() => grad(assign(w, x).sum(), [x])).toThrow("grad: assign has no gradient (it is an effect");
});

test("a compiled result has no history to differentiate", () => {
  using w = parameter([1, 2]);
  using loss = compile(() => w.square().sum());
  expect(() => grad(loss().mul(2), [w])).toThrow(/grad: output \[\] .* is a result of a compiled function.*differentiate inside/);
  const x = tensor([3]);
  grad(loss().mul(x).sum(), [x]); // as data it is welcome
});

// The check.

test("checkGradient finds a gradient that is wrong", async () => {
  const half = (x: ReturnType<typeof tensor>) => x.mul(x.stopGradient()).sum(); // x², but only one factor is differentiated
  await expect(checkGradient(half, [sample([3])])).rejects.toThrow(
    /checkGradient: input 0, element 0: the gradient is .*, differences give/,
  );
});

test("checkGradient holds the noise still", async () => {
  await checkGradient((x) => x.mul(randomNormal([3])), [sample([3])]);
});

onEachDevice("checkGradient reads what a function closes over, wherever it lives", async () => {
  using w = parameter([
    [1, 2],
    [3, 4],
  ]);
  await w.add(0).data(); // now it lives on the device
  using b = parameter([1, 2]); // and this one does not
  await checkGradient((x) => x.matmul(w).add(b).tanh(), [sample([3, 2])]);
  expect([...(await b.add(w.sum(0)).data())]).toEqual([5, 8]); // both can still be used together
});

test("checkGradient checks every f32 input and leaves integers alone", async () => {
  await checkGradient((x, i) => x.take(i).square(), [sample([4, 2]), tensor(Uint32Array.of(1, 3))]);
});
