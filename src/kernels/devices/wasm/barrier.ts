// How threads wait for each other: words in shared memory, and four functions over them, emitted as WebAssembly.
//
// A job is announced by counting up one word; everybody runs it, with a barrier between its phases. A barrier is one
// counter of those who arrived and one generation, counted up by the last of them. Whoever waits looks at a word many
// times, since the others are mostly less than a microsecond behind (0.11 µs for a phase of nothing); then it sleeps in the
// system, which costs 5 to 50 µs to be woken from, and nothing until then. Whoever changes a word wakes sleepers only if
// there are some: it changes the word and reads their count, they count themselves and look at the word again as they
// fall asleep, and all of these have one order, so at least one of the two sees the other.

import { type Func, type Int, type MemoryLimits, Module } from "./assembler.ts";

/** Addresses, all below `bytes`. Words that different threads write often lie 64 bytes apart, on cache lines of their own. */
export const CONTROL = {
  job: 0, // counted up for each job; the word after it counts those who sleep
  generation: 64, // counted up by each barrier; the word after it counts those who sleep
  arrived: 128, // counted up by each thread at each barrier, and never back
  failed: 192, // 1 + the thread in which a phase failed first; then the phase, and the length of the message
  program: 256, // of the job; then how many phases it has
  news: 264, // where the list of programs to load and to forget lies; then its length
  message: 512,
  messageLength: 512,
  bytes: 1024,
} as const;

/** What the module exports. Times are in microseconds, below 0 for ever. */
export interface Barrier {
  /** Starts the workers on a job that is described in memory. */
  announce(job: number): void;
  /** Counts this thread; the last one opens the barrier of this generation, and is told so by 1. */
  arrive(threads: number, generation: number): number;
  /** Waits while the word at the address is `old`: looks so many times, then sleeps so long. 0 if it still is. */
  wait(address: number, old: number, looks: number, microseconds: number): number;
  /** Arrives and waits. */
  barrier(threads: number, generation: number, looks: number, microseconds: number): number;
}

const load = (f: Func, address: Int | number): Int => f.effect([0xfe, 0x10], 2, 0, f.asInt(address));
const store = (f: Func, address: number, n: Int | number): void => f.raw([f.asInt(address), f.asInt(n)], 0xfe, 0x17, 2, 0);
/** Adds to a word and gives what it was. */
const add = (f: Func, address: Int | number, n: number): Int => f.effect([0xfe, 0x1e], 2, 0, f.asInt(address), f.asInt(n));

/** Changes a word and wakes those who sleep on it. */
function change(f: Func, address: number, n: Int): void {
  store(f, address, n);
  f.if(load(f, address + 4), () => {
    f.effect([0xfe, 0x00], 2, 0, f.asInt(address), f.asInt(-1)); // all of them
  });
}

export function barrierModule(memory: MemoryLimits): Uint8Array<ArrayBuffer> {
  const m = new Module(memory, { relaxed: false, constantAt: () => 0 }); // no vectors here

  m.func("announce", ["i32"], [], (f) => change(f, CONTROL.job, f.param(0)));

  const arrive = m.func("arrive", ["i32", "i32"], ["i32"], (f) => {
    const [threads, generation] = [f.param(0), f.param(1)];
    const next = generation.add(1);
    f.if(add(f, CONTROL.arrived, 1).add(1).ne(next.mul(threads)), () => f.return(0));
    change(f, CONTROL.generation, next);
    f.return(1);
  });

  const wait = m.func("wait", ["i32", "i32", "i32", "i32"], ["i32"], (f) => {
    const [address, old, looks, microseconds] = [f.param(0), f.param(1), f.param(2), f.param(3)];
    const left = f.intVar(looks.add(1));
    f.loop(() => {
      const rest = f.get(left).sub(1);
      f.set(left, rest);
      return load(f, address).eq(old).and(rest.ne(0));
    });
    f.if(load(f, address).ne(old), () => f.return(1));
    const sleepers = address.add(4);
    add(f, sleepers, 1);
    // memory.atomic.wait32 takes nanoseconds as an i64: extended, times 1000. What it answers is dropped: the word tells.
    f.raw([address, old, microseconds], 0xac, 0x42, 0xe8, 0x07, 0x7e, 0xfe, 0x01, 2, 0, 0x1a);
    add(f, sleepers, -1);
    f.return(load(f, address).ne(old));
  });

  m.func("barrier", ["i32", "i32", "i32", "i32"], ["i32"], (f) => {
    const [threads, generation, looks, microseconds] = [f.param(0), f.param(1), f.param(2), f.param(3)];
    f.if(f.call(arrive, threads, generation), () => f.return(1));
    f.return(f.call(wait, f.asInt(CONTROL.generation), generation, looks, microseconds));
  });

  return m.bytes();
}

/** The functions on a memory, for the thread that asks. */
export function barrierOn(memory: WebAssembly.Memory, bytes: Uint8Array<ArrayBuffer>): Barrier {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });
  return exports as object as Barrier; // the names and types of the module above
}
