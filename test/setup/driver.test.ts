// The ground the other tests stand on: Dawn finds a driver here and computes with it.
import { expect, test } from "vitest";
import { create, globals } from "webgpu";
import { squares } from "./squares.ts";

Object.assign(globalThis, globals);
const gpu = create([]);
Object.assign(globalThis, { gpu }); // Node crashes if the instance is collected while a device lives

test("Dawn finds an adapter and squares numbers [webgpu]", async ({ task }) => {
  const { squared, adapter } = await squares(gpu, [0, 1, 2, 3, -4]);
  task.meta.adapter = `Dawn, ${adapter}`;
  expect(squared).toEqual([0, 1, 4, 9, 16]);
});
