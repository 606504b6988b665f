// Small programs for the threads of the wasm device, in Node and in pages.
import { type Func, type Int, Module, type Target } from "../../src/kernels/devices/wasm/assembler.ts";
import type { Heap } from "../../src/kernels/devices/wasm/memory.ts";

type Write = (f: Func, thread: Int, threads: Int) => void;

const targetOf = (heap: Heap): Target => ({ relaxed: false, constantAt: (word) => heap.constantAt(word) });

/** A library of one function: x + 1. */
export function library(heap: Heap): Uint8Array<ArrayBuffer> {
  const m = new Module(heap.limits, targetOf(heap));
  m.func("next", ["i32"], ["i32"], (f) => f.return(f.param(0).add(1)));
  return m.bytes();
}

/** A program of these phases, each given its thread and their number. */
export function program(heap: Heap, ...phases: ((...args: [...Parameters<Write>, (x: Int) => Int]) => void)[]): Uint8Array<ArrayBuffer> {
  const m = new Module(heap.limits, targetOf(heap));
  const next = m.import("next", ["i32"], ["i32"]);
  for (const [i, write] of phases.entries()) {
    m.func(`p${i}`, ["i32", "i32"], [], (f) => write(f, f.param(0), f.param(1), (x) => f.call(next, x)));
  }
  return m.bytes();
}

/** A word in memory as it is now, not as it was when the function began. */
export const now = (f: Func, address: Int): Int => f.effect([0xfe, 0x10], 2, 0, address);

export const trap: Write = (f) => f.raw([], 0x00);

/** Loops until the word at the address is not 0. */
export const waitFor =
  (address: number): Write =>
  (f) =>
    f.loop(() => now(f, f.asInt(address)).eq(0));

/**
 * Three phases, each of which reads what all threads wrote in the one before: a[t] += 1; b[t] = Σ a; c[t] = b[t + 1].
 * After r runs every a is r, and every b and c is r · threads.
 */
export function rounds(heap: Heap, threads: number): { bytes: Uint8Array<ArrayBuffer>; read: () => number[][]; free: () => void } {
  const at = Array.from({ length: 3 }, () => heap.alloc(64 * threads));
  for (const address of at) heap.words(address, 16 * threads).fill(0);
  const [a, b, c] = at;
  const bytes = program(
    heap,
    (f, thread, _, next) => {
      const mine = thread.shl(6).add(a);
      f.storeInt(mine, next(now(f, mine)));
    },
    (f, thread, count) => {
      const sum = f.intVar(0);
      f.for(0, count, 1, (i) => f.set(sum, f.get(sum).add(now(f, i.shl(6).add(a)))));
      f.storeInt(thread.shl(6).add(b), f.get(sum));
    },
    (f, thread, count) => f.storeInt(thread.shl(6).add(c), now(f, thread.add(1).rem(count).shl(6).add(b))),
  );
  const read = () => at.map((address) => Array.from({ length: threads }, (_, t) => heap.words(address, 16 * threads)[16 * t]));
  return { bytes, read, free: () => at.forEach((address) => void heap.free(address)) };
}
