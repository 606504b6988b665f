// The memory of the wasm device: blocks that do not touch, what is freed is used again, and the end of it is an error with numbers.
import * as fc from "fast-check";
import { expect, test, vi } from "vitest";
import { OutOfMemoryError } from "../src/kernels/devices/errors.ts";
import { Heap } from "../src/kernels/devices/wasm/memory.ts";

const PAGE = 65536;

test.each([false, true])(
  "blocks are aligned, keep their values as memory grows, and have slack behind them (shared: %s) [wasm]",
  (shared) => {
    const heap = new Heap({ shared });
    const blocks = Array.from({ length: 200 }, (_, i) => ({ at: heap.alloc(i * 1000), n: i * 250, value: i / 7 }));
    for (const { at, n, value } of blocks) heap.floats(at, n).fill(value);
    for (const { at, n, value } of blocks) expect(heap.floats(at, n).every((x) => x === Math.fround(value))).toBe(true);
    const inOrder = blocks.toSorted((a, b) => a.at - b.at);
    for (const [i, { at, n }] of inOrder.entries()) {
      expect(at % 64).toBe(0);
      const next = inOrder[i + 1]?.at ?? heap.memory.buffer.byteLength - PAGE;
      expect(next - (at + 4 * n)).toBeGreaterThanOrEqual(64);
    }
    expect(inOrder[0].at).toBeGreaterThanOrEqual(PAGE);
    expect(heap.memory.buffer instanceof ArrayBuffer).toBe(!shared);
  },
);

test("words, floats and bytes are views on the same memory [wasm]", () => {
  const heap = new Heap();
  const at = heap.alloc(8);
  heap.floats(at, 2).set([1, -2]);
  expect([...heap.words(at, 2)]).toEqual([0x3f800000, 0xc0000000]);
  expect([...heap.octets(at + 4, 4)]).toEqual([0, 0, 0, 0xc0]);
});

test("empty blocks have addresses of their own [wasm]", () => {
  const heap = new Heap();
  const [a, b] = [heap.alloc(0), heap.alloc(0)];
  expect(a).not.toBe(b);
  heap.free(a);
  heap.free(b);
  expect(heap.bytes).toBe(0);
});

test("whatever is allocated and freed, blocks never overlap, and in the end all is one again [wasm]", () => {
  fc.assert(
    fc.property(fc.array(fc.record({ bytes: fc.nat(100_000), which: fc.option(fc.nat()) }), { maxLength: 200 }), (steps) => {
      const heap = new Heap({ maximum: 1024 });
      const first = heap.alloc(1);
      heap.free(first);
      const live: { at: number; bytes: number }[] = [];
      for (const { bytes, which } of steps) {
        if (which !== null && live.length > 0) heap.free(live.splice(which % live.length, 1)[0].at);
        else live.push({ at: heap.alloc(bytes), bytes });
        const inOrder = live.toSorted((a, b) => a.at - b.at);
        for (let i = 1; i < inOrder.length; i++)
          expect(inOrder[i].at).toBeGreaterThanOrEqual(inOrder[i - 1].at + inOrder[i - 1].bytes + 64);
      }
      for (const { at } of live) heap.free(at);
      expect(heap.bytes).toBe(0);
      expect(heap.alloc(20 * 2 ** 20)).toBe(first); // so nothing is left in between
    }),
    { numRuns: 50 },
  );
});

test("the smallest free block that is large enough is taken, and the rest of it stays free [wasm]", () => {
  const heap = new Heap();
  const [large, , small] = [heap.alloc(1000), heap.alloc(0), heap.alloc(500), heap.alloc(0)];
  heap.free(large);
  heap.free(small);
  expect(heap.alloc(400)).toBe(small);
  expect(heap.alloc(400)).toBe(large);
  expect(heap.alloc(400)).toBe(large + 512);
});

test("the same allocations again need no more memory [wasm]", () => {
  const heap = new Heap();
  const round = () => {
    const blocks = Array.from({ length: 50 }, (_, i) => heap.alloc(((i * 7919) % 101) * 1000));
    for (const i of blocks.keys()) heap.free(blocks[(i * 17) % 50]);
  };
  round();
  const length = heap.memory.buffer.byteLength;
  for (let i = 0; i < 20; i++) round();
  expect(heap.memory.buffer.byteLength).toBe(length);
  expect(heap.bytes).toBe(0);
});

test("ten thousand blocks are quickly made and freed [wasm]", () => {
  const heap = new Heap();
  const begun = performance.now();
  const blocks = Array.from({ length: 10_000 }, (_, i) => heap.alloc(100 + (i % 97) * 8));
  for (let i = 0; i < blocks.length; i += 2) heap.free(blocks[i]);
  for (let i = 0; i < blocks.length; i += 2) blocks[i] = heap.alloc(50 + (i % 89) * 8);
  for (const at of blocks) heap.free(at);
  expect(heap.bytes).toBe(0);
  expect(performance.now() - begun).toBeLessThan(1000); // about 25 ms
});

test("to free what is no block is an error [wasm]", () => {
  const heap = new Heap();
  const at = heap.alloc(100);
  heap.free(at);
  expect(() => heap.free(at)).toThrow(`wasm: no block of memory begins at ${at}`);
});

test("a constant has one address, below the blocks, and holds its value however memory grows [wasm]", () => {
  const heap = new Heap();
  const at = heap.constantAt(0x3f800000);
  const negative = heap.constantAt(-5);
  heap.alloc(10 * 2 ** 20);
  expect(heap.constantAt(0x3f800000)).toBe(at);
  expect(heap.constantAt(0xfffffffb)).toBe(negative);
  expect(heap.floats(at, 1)[0]).toBe(1);
  expect(at).toBeGreaterThanOrEqual(4096);
  for (let i = 2; i < 15_360; i++) expect(heap.constantAt(i)).toBeLessThan(PAGE);
  expect(() => heap.constantAt(99_999)).toThrow("wasm: the kernels use more than 15360 constants");
  expect(heap.floats(at, 1)[0]).toBe(1);
});

test("more than memory may hold is an error with the sizes, after which smaller things still fit [wasm]", () => {
  const heap = new Heap({ maximum: 64 }); // 4 MiB
  const at = heap.alloc(2.5 * 2 ** 20);
  expect(() => heap.alloc(1.5 * 2 ** 20)).toThrow(OutOfMemoryError);
  expect(() => heap.alloc(1.5 * 2 ** 20)).toThrow(
    "wasm: no memory for 1.5 MiB beside 2.5 MiB in use; this memory may have 4.0 MiB: use smaller batches",
  );
  heap.alloc(1.2 * 2 ** 20);
  heap.free(at);
  heap.alloc(2.5 * 2 ** 20);
  expect(() => new Heap().alloc(5 * 2 ** 30)).toThrow(
    "wasm: no memory for 5.0 GiB beside 0 bytes in use; WebAssembly addresses 4 GiB: use smaller batches",
  );
});

test("memory grows by what is needed where the system gives no more, and says so where it does not give that [wasm]", () => {
  const heap = new Heap();
  heap.alloc(20 * 2 ** 20);
  const { memory } = heap;
  const has = memory.buffer.byteLength;
  let left = 8 * 16; // pages
  const grow = memory.grow.bind(memory);
  vi.spyOn(memory, "grow").mockImplementation((pages) => {
    if (pages > left) throw new RangeError("WebAssembly.Memory.grow(): Unable to grow instance memory");
    left -= pages;
    return grow(pages);
  });
  heap.alloc(7 * 2 ** 20);
  expect(memory.buffer.byteLength).toBeLessThanOrEqual(has + 8 * 2 ** 20);
  expect(() => heap.alloc(30 * 2 ** 20)).toThrow(
    /^wasm: no memory for 30.0 MiB beside 27.0 MiB in use: the system gives this process no more; use smaller batches$/,
  );
});

test("where so many addresses are not to be had, memory makes do with fewer [wasm]", () => {
  const { Memory } = WebAssembly;
  const refuseAbove = (most: number) => {
    class Refusing extends Memory {
      constructor(limits: WebAssembly.MemoryDescriptor) {
        if ((limits.maximum ?? 0) > most) throw new RangeError("could not allocate memory");
        super(limits);
      }
    }
    vi.stubGlobal("WebAssembly", { ...WebAssembly, Memory: Refusing });
  };
  try {
    refuseAbove(20_000);
    const heap = new Heap({ shared: true });
    expect(() => heap.alloc(1.5 * 2 ** 30)).toThrow("this memory may have 1.0 GiB");
    refuseAbove(0);
    expect(() => new Heap()).toThrow("wasm: the engine reserves no memory, not even 16.0 MiB");
  } finally {
    vi.unstubAllGlobals();
  }
});
