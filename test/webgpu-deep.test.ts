// Long chains: neither the planner nor the writer of kernels may run out of stack, or take forever.
import { expect } from "vitest";
import { tensor } from "../src/node.ts";
import { onEachDevice } from "./setup/each-device.ts";

onEachDevice("a chain of three thousand additions is computed", async () => {
  let y = tensor([1, 2, 3]);
  for (let i = 0; i < 3000; i++) y = y.add(0.5);
  expect(Array.from(await y.data())).toEqual([1501, 1502, 1503]);
});

onEachDevice("a chain of a thousand products of two tensors is computed", async () => {
  const x = tensor([1, 0.5, -1]);
  let y = x;
  for (let i = 0; i < 1000; i++) y = y.mul(x).add(x);
  const [last] = [await y.data()];
  let expected = 0.5;
  for (let i = 0; i < 1000; i++) expected = expected * 0.5 + 0.5;
  expect(last[0]).toBe(1001);
  expect(last[1]).toBeCloseTo(expected, 5);
});
