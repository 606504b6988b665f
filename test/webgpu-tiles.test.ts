// Every tile of the products on WebGPU, on sizes around the edges of its blocks: transposed operands, batches, views, convolutions,
// what follows in the epilogue; element by element and in vectors of four. Values are small whole numbers, so that sums are exact.

import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { create, globals } from "webgpu";
import { use } from "../src/kernels/devices/device.ts";
import { JsDevice } from "../src/kernels/devices/js.ts";
import { registerGpu } from "../src/kernels/devices/webgpu/adapter.ts";
import type { WebGpuDevice } from "../src/kernels/devices/webgpu/device.ts";
import { kernelCode } from "../src/kernels/devices/webgpu/kernel.ts";
import { candidatesFor, type Sizes, tileFor, tileNamed, tileNames } from "../src/kernels/devices/webgpu/tiles.ts";
import { sample } from "../src/kernels/sample.ts";
import { arange, compile, grad, type Tensor } from "../src/node.ts";
import { start } from "../src/tensor/read.ts";
import { openWebGpu } from "./setup/dawn.ts";
import { agree, expectSame, js, type Shape, whole } from "./setup/exact.ts";

// The software driver takes seconds to compile the zeroing of workgroup memory, which tiles do not rely on.
registerGpu(async () => {
  Object.assign(globalThis, globals);
  return create(["enable-dawn-features=disable_workgroup_init"]);
});

const opened = new Map<string, WebGpuDevice>();
beforeAll(async () => {
  for (const tile of tileNames) opened.set(tile, await openWebGpu({ kernels: "tiled", tile, tiles: {} }));
});
afterAll(async () => {
  for (const device of opened.values()) await device.close();
});
const deviceOf = (tile: string): WebGpuDevice => opened.get(tile) as WebGpuDevice;

/** The same, compiled: sizes are written into the kernels. */
async function agreeCompiled(tile: string, what: string, make: (...xs: readonly Tensor[]) => readonly Tensor[], args: () => Tensor[]) {
  use(deviceOf(tile));
  const f = compile((...xs: readonly Tensor[]) => make(...xs));
  const got = await Promise.all(f(...args()).map((t) => t.data()));
  f.dispose();
  expectSame(what, got, await Promise.all(start(make(...args()), [], js)));
}

/** The WGSL that a program's products become. */
function codeOf(tile: string, record: () => readonly Tensor[]): string[] {
  const device = deviceOf(tile);
  use(device);
  const prepared = { dispatches: [], run: () => {}, dispose: () => {} };
  const prepare = vi.spyOn(device, "prepare").mockImplementation(() => prepared); // what is not run need not be compiled
  const f = compile(record);
  f.explain();
  f.dispose();
  const plans = prepare.mock.calls.map(([plan]) => plan);
  prepare.mockRestore();
  return plans.flatMap((plan) => plan.kernels.flatMap((k) => kernelCode(plan, k, device).map(({ linked }) => linked.code)));
}

const FLIPS = [{}, { flipA: true }, { flipB: true }, { flipA: true, flipB: true }] as const;
const stored = ([rows, cols]: Shape, flip = false): Shape => (flip ? [cols, rows] : [rows, cols]);

describe.each(tileNames.map((tile, i) => [tile, i] as const))("tiles of %s agree with js", (tile, i) => {
  const { height, width } = tileNamed(tile);

  test("around the edges of a block, element by element [webgpu, tiled]", async () => {
    const [m, n, k] = [height + 1, i % 2 ? width - 1 : width + 1, [17, 1, 7][i % 3]];
    const flips = FLIPS[i % 4];
    await agree(deviceOf(tile), `${m} × ${k} · ${k} × ${n}, ${JSON.stringify(flips)}`, () => {
      const [a, b] = [whole(stored([m, k], "flipA" in flips)), whole(stored([k, n], "flipB" in flips), 1)];
      return [a.matmul(b, flips)];
    });
  });

  test("in vectors, with a bias, relu and a batch [webgpu, tiled]", async () => {
    const [m, n, k] = [height - 4, width + 4, [20, 16, 36][i % 3]];
    const flips = FLIPS[(i + 1 + (i >> 2)) % 4];
    const [batchA, batchB] = [
      [[], []],
      [[2], [2]],
      [[2, 1], [3]],
    ][i % 3];
    await agree(deviceOf(tile), `${batchA} ${m} × ${k} · ${batchB} ${k} × ${n}, ${JSON.stringify(flips)}`, () => {
      const a = whole([...batchA, ...stored([m, k], "flipA" in flips)]);
      const b = whole([...batchB, ...stored([k, n], "flipB" in flips)], 1);
      return [
        a
          .matmul(b, flips)
          .add(whole([n], 2))
          .relu(),
      ];
    });
  });

  test("in whole blocks, without tests for edges [webgpu, tiled]", async () => {
    const [m, n, k] = [height, width, 32];
    const flips = FLIPS[(i + 2) % 4];
    const args = () => [whole(stored([m, k], "flipA" in flips)), whole(stored([k, n], "flipB" in flips), 1)];
    await agreeCompiled(tile, `${m} × ${k} · ${k} × ${n}`, (a, b) => [a.matmul(b, flips)], args);
  });
});

test("blocks in bands, the last of which has fewer rows [webgpu, tiled]", async () => {
  const tile = "32x32x16/4x4";
  const make = () => [whole([530, 3]).matmul(whole([3, 540], 1))]; // 17 blocks down, 17 across
  expect(codeOf(tile, make).join()).toContain("const BAND = 8u;");
  await agree(deviceOf(tile), "530 × 3 · 3 × 540", make);
});

describe("operands that are no stored matrices agree with js", () => {
  test("views and sources, read where they are multiplied [webgpu, tiled]", async () => {
    const tile = "32x32x16/4x4";
    await agree(deviceOf(tile), "permuted, sliced, reshaped", () => {
      const x = whole([24, 3, 20]).permute([1, 2, 0]).reshape([60, 24]);
      const y = whole([30, 44], 1).slice([
        [3, 27],
        [2, 42],
      ]);
      return [
        x.matmul(y),
        whole([8, 30])
          .reshape([10, 24])
          .matmul(y)
          .matmul(whole([40, 4, 5], 2).reshape([40, 20])),
      ];
    });
    await agree(deviceOf(tile), "counted", () => [
      arange(720)
        .reshape([36, 20])
        .matmul(whole([20, 36], 1)),
    ]);
  });

  /** A layer with its bias and its activation, and all its gradients. The bias gradient rides on the weight gradient. */
  const layer = (x: Tensor, w: Tensor, sum: Tensor): Tensor[] => {
    const b = whole([sum.shape[sum.rank - 1]], 2);
    const y = sum.add(b).relu();
    return [y, ...grad(y.mul(whole(y.shape, 3)).sum(), [x, w, b])];
  };

  test.each([
    ["64x16x16/4x4", 33, 20, 68],
    ["64x64x16/8x4", 40, 37, 21],
  ] as const)("a dense layer and its gradients [webgpu, tiled, %s]", async (tile, batch, inputs, outputs) => {
    await agree(deviceOf(tile), `${batch} × ${inputs} · ${inputs} × ${outputs}`, () => {
      const [x, w] = [whole([batch, inputs]), whole([inputs, outputs], 1)];
      return layer(x, w, x.matmul(w));
    });
  });

  test.each([
    ["128x32x16/8x4", 4, 20], // channels in vectors
    ["16x64x16/4x4", 3, 18],
  ] as const)("convolutions and their gradients [webgpu, tiled, %s]", async (tile, c, o) => {
    await agree(deviceOf(tile), "down", () => {
      const [x, w] = [whole([2, 7, 9, c]), whole([3, 4, c, o], 1)];
      return layer(x, w, x.conv2d(w, { stride: 2, padding: 1 }));
    });
    await agree(deviceOf(tile), "up", () => {
      const [x, w] = [whole([2, 4, 5, o]), whole([4, 4, 4 * c, o], 1)];
      return layer(x, w, x.convTranspose2d(w, { stride: 2, padding: 1 }));
    });
  });

  test("a convolution of groups and its gradients [webgpu, tiled]", async () => {
    const tile = "32x32x16/4x4";
    await agree(deviceOf(tile), "groups", () => {
      const [x, w] = [whole([2, 5, 6, 8]), whole([2, 2, 4, 40], 1)];
      return layer(x, w, x.conv2d(w, { groups: 2, dilation: 2, padding: 1 }));
    });
  });

  test("sums in parts, in vectors and not [webgpu, tiled]", async () => {
    const device = await openWebGpu({ kernels: "tiled", parts: 3, tile: "64x64x16/8x4" });
    for (const [m, n, k] of [
      [68, 20, 100],
      [65, 19, 101],
    ]) {
      for (const flips of [FLIPS[1], FLIPS[2]]) {
        const make = () => [
          whole(stored([m, k], "flipA" in flips))
            .matmul(whole(stored([k, n], "flipB" in flips), 1), flips)
            .add(1),
        ];
        const got = await Promise.all(start(make(), [], device));
        expectSame(`${m} × ${k} · ${k} × ${n}, ${JSON.stringify(flips)}`, got, await Promise.all(start(make(), [], js)));
      }
    }
    await device.close();
  });

  test("numbers of any size agree with float64 to 1e-5 of their sums [webgpu, tiled]", async () => {
    const make = () => [
      sample([130, 77], -1, 1)
        .matmul(sample([77, 65], -1, 1, 1))
        .add(sample([65], -1, 1, 2))
        .tanh(),
    ];
    const [got] = await Promise.all(start(make(), [], deviceOf("128x64x16/8x8")));
    const [expected] = await Promise.all(start(make(), [], new JsDevice({ precision: "f64" })));
    const off = Math.max(...Array.from(expected, (x, i) => Math.abs(x - got[i])));
    expect(off).toBeGreaterThan(0);
    expect(off).toBeLessThan(1e-5);
  });
});

describe("vectors of four are loaded", () => {
  const loads = (record: () => readonly Tensor[]): string =>
    codeOf("32x32x16/4x4", record)
      .map(
        (code) =>
          `${code.includes("fn loadA4(batch: u32, row: u32, p: u32) -> vec4f {\n  if (EDGES") ? "A4" : "A"}${code.includes("fn loadB4(batch: u32, p: u32, col: u32) -> vec4f {\n  if (EDGES") ? "B4" : "B"}`,
      )
      .join(" ");

  test("where four neighbours lie together, and nowhere else [webgpu, tiled]", () => {
    expect(loads(() => [whole([20, 20]).matmul(whole([20, 20]))])).toBe("A4B4");
    expect(loads(() => [whole([20, 18]).matmul(whole([18, 20]))])).toBe("AB4");
    expect(loads(() => [whole([18, 20]).matmul(whole([18, 20]), { flipA: true })])).toBe("A4B4");
    expect(loads(() => [whole([20, 17]).matmul(whole([18, 17]), { flipB: true })])).toBe("AB");
    expect(
      loads(() => [
        whole([10, 40])
          .reshape([20, 20])
          .matmul(whole([20, 18])),
      ]),
      "seen through a reshape",
    ).toBe("A4B");
    expect(
      loads(() => [
        whole([20, 20])
          .permute([1, 0])
          .matmul(whole([20, 20])),
      ]),
      "a view in another order",
    ).toBe("AB4");
    const conv = (c: number, o: number) => () => [whole([2, 6, 6, c]).conv2d(whole([3, 3, c, o]), { padding: 1 })];
    expect(loads(conv(4, 20)), "channels of a pixel").toBe("A4B4");
    expect(loads(conv(3, 18))).toBe("AB");
  });

  test("not from a buffer that the kernel writes into, element by element [webgpu, tiled]", async () => {
    const code = codeOf("32x32x16/4x4", () => {
      const x = whole([20, 20]);
      return [x.matmul(x, { flipB: true }).add(x)];
    });
    expect(code.join()).toContain("array<vec4f>"); // the operand, whose elements the epilogue picks
    await agree(deviceOf("32x32x16/4x4"), "x is multiplied by itself, and added", () => {
      const x = whole([20, 20]);
      return [x.matmul(x, { flipB: true }).add(x)];
    });
  });
});

describe("the table", () => {
  const one = (m: number, n: number, k: number, parts = 1): Sizes => ({ batch: 1, m, n, k, parts });

  test("has large tiles for large results, and small ones for small", () => {
    expect(tileFor(one(4096, 4096, 4096))).toBe("128x128x16/8x8");
    expect(tileFor(one(1024, 1024, 1024))).toBe("64x64x16/8x4");
    expect(tileFor(one(128, 400, 784, 6))).toBe("32x32x16/4x4");
    expect(tileFor(one(100_000, 64, 512)), "64 columns").toBe("128x64x16/8x8");
    expect(tileFor(one(100_000, 32, 16)), "32 columns").toBe("128x32x16/8x4");
    expect(tileFor({ ...one(20, 20, 20), batch: 4096 }), "a batch of small ones").toBe("32x32x16/4x4");
    expect(tileFor(one(257, 10, 64)), "10 columns").toBe("64x16x16/4x4");
    expect(tileFor(one(5, 400, 784)), "5 rows").toBe("16x64x16/4x4");
  });

  test("keeps within what every WebGPU has, and gives each invocation two pieces at most", () => {
    for (const name of tileNames) {
      const { height, width, depth, rows, columns } = tileNamed(name);
      const lanes = (height / rows) * (width / columns);
      expect(4 * depth * (height + width), name).toBeLessThanOrEqual(16384);
      expect(lanes, name).toBeLessThanOrEqual(256);
      expect((depth * (height + width)) / 16, name).toBeLessThanOrEqual(2 * lanes);
    }
  });

  test("a tile that is mostly empty is not tried", () => {
    expect(candidatesFor(one(20, 20, 20))).toEqual(["32x32x16/4x4", "32x32x8/8x8"]);
    expect(candidatesFor(one(4096, 4096, 4096))).toEqual(tileNames);
  });
});
