// The ground the other browser tests stand on: the page has WebGPU, and memory that threads can share.
import { expect, test } from "vitest";
import { squares } from "../setup/squares.ts";

test("the page finds an adapter and squares numbers", async ({ task }) => {
  const { squared, adapter } = await squares(navigator.gpu, [0, 1, 2, 3, -4]);
  task.meta.adapter = adapter;
  expect(squared).toEqual([0, 1, 4, 9, 16]);
});

test("the page is cross-origin isolated", () => {
  expect(crossOriginIsolated).toBe(true);
  expect(new SharedArrayBuffer(8).byteLength).toBe(8);
});
