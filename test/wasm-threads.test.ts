// Threads of the wasm device: they run programs in step, sleep when there is nothing to do, and their end is an error, not a halt.
import { execFileSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { features } from "../src/kernels/devices/wasm/features.ts";
import { registerHost } from "../src/kernels/devices/wasm/host.ts";
import { Heap } from "../src/kernels/devices/wasm/memory.ts";
import { nodeHost } from "../src/kernels/devices/wasm/threads.node.ts";
import { Threads, type ThreadsOptions } from "../src/kernels/devices/wasm/threads.ts";
import { library, now, program, rounds, trap, waitFor } from "./setup/wasm-programs.ts";

registerHost(nodeHost);

const nothing = () => {};
const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

let heap: Heap;
let threads: Threads | undefined;
beforeEach(() => {
  heap = new Heap({ shared: true });
});
afterEach(async () => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  registerHost(nodeHost);
  await threads?.close();
  threads = undefined;
});

async function open(count: number, options: ThreadsOptions = {}): Promise<Threads> {
  threads = await Threads.open(heap, library(heap), count, options);
  return threads;
}

describe("running [wasm]", () => {
  test.each([
    [1, 5000],
    [2, 5000],
    [3, 1000],
    [8, 300], // on fewer processors, most runs find threads that sleep
  ])("%i threads keep in step through %i runs of three phases", async (count, runs) => {
    await open(count);
    const { bytes, read } = rounds(heap, count);
    const loaded = threads!.load(bytes);
    let done = 0;
    for (let r = 1; r <= runs; r++) {
      threads!.run(loaded, () => done++);
      if (r % 50 === 0) await threads!.settled(); // where a machine is so busy that a run lasts longer than its patience
      if (r % 50 === 0) expect(read(), `after ${r} runs`).toEqual([r, r * count, r * count].map((value) => Array(count).fill(value)));
    }
    expect(done).toBe(runs);
  });

  test("one thread needs no memory that is shared", async () => {
    heap = new Heap();
    await open(1);
    const { bytes, read } = rounds(heap, 1);
    const loaded = threads!.load(bytes);
    for (let r = 0; r < 10; r++) threads!.run(loaded, nothing);
    expect(threads!.workers).toEqual([]);
    expect(read()).toEqual([[10], [10], [10]]);
    expect(heap.memory.buffer).toBeInstanceOf(ArrayBuffer);
  });

  test("a program that is alone has thread 0 to itself, between programs that are not", async () => {
    await open(2);
    const shared = rounds(heap, 2);
    const alone = rounds(heap, 2);
    const together = threads!.load(shared.bytes);
    const single = threads!.load(alone.bytes, { alone: true });
    for (let r = 0; r < 100; r++) for (const loaded of [together, single, together]) threads!.run(loaded, nothing);
    await threads!.settled();
    expect(shared.read()[2]).toEqual([400, 400]);
    expect(alone.read()).toEqual([
      [100, 0],
      [100, 0],
      [100, 0],
    ]);
  });

  test("a program of no phases is done at once", async () => {
    await open(2);
    const done = vi.fn();
    threads!.run(threads!.load(program(heap)), done);
    expect(done).toHaveBeenCalledOnce();
  });

  test("hundreds of programs come and go, and the memory they are sent through is free again", async () => {
    await open(2);
    const { bytes, read } = rounds(heap, 2);
    threads!.run(threads!.load(bytes), nothing);
    await threads!.settled();
    const before = heap.bytes;
    for (let i = 0; i < 300; i++) {
      const loaded = threads!.load(bytes);
      const unused = threads!.load(bytes);
      threads!.run(loaded, nothing);
      threads!.unload(unused);
      threads!.unload(loaded);
    }
    await threads!.settled();
    expect(heap.bytes).toBe(before);
    expect(read()[0]).toEqual([301, 301]);
  });

  test("memory that grew between two runs is there for every thread", async () => {
    await open(3);
    const small = heap.memory.buffer.byteLength;
    for (const megabytes of [5, 50, 200]) {
      const at = heap.alloc(megabytes * 2 ** 20);
      const last = at + megabytes * 2 ** 20 - 64;
      threads!.run(threads!.load(program(heap, (f, thread) => f.storeInt(thread.shl(2).add(last), thread.add(megabytes)))), nothing);
      await threads!.settled();
      expect([...heap.words(last, 3)]).toEqual([megabytes, megabytes + 1, megabytes + 2]);
    }
    expect(heap.memory.buffer.byteLength).toBeGreaterThan(small + 250 * 2 ** 20);
  });

  test("memory may grow while another thread is at work", async () => {
    await open(2, { patience: 20 });
    const gate = heap.alloc(4);
    const where = heap.alloc(4);
    heap.words(gate, 1)[0] = 0;
    const write = program(heap, (f, thread) =>
      f.if(thread.eq(1), () => {
        waitFor(gate)(f, thread, thread);
        f.storeInt(now(f, f.asInt(where)), f.asInt(7));
      }),
    );
    const done = vi.fn();
    threads!.run(threads!.load(write), done);
    expect(done).not.toHaveBeenCalled();
    const far = heap.alloc(300 * 2 ** 20) + 299 * 2 ** 20;
    heap.words(where, 1)[0] = far;
    Atomics.store(heap.words(gate, 1), 0, 1);
    await threads!.settled();
    expect(done).toHaveBeenCalledOnce();
    expect(heap.words(far, 1)[0]).toBe(7);
  });
});

describe("waiting [wasm]", () => {
  /** A program in which thread 1 waits for the gate; done says whether it has ended. */
  function gated() {
    const gate = heap.alloc(4);
    heap.words(gate, 1)[0] = 0;
    const loaded = threads!.load(
      program(heap, nothing, (f, thread, count) => f.if(thread.eq(1), () => waitFor(gate)(f, thread, count)), nothing),
    );
    return { loaded, done: vi.fn(), open: () => Atomics.store(heap.words(gate, 1), 0, 1) };
  }

  test("a run that lasts is left unfinished, and goes on where it was", async () => {
    await open(2, { patience: 20 });
    const { loaded, done, open: openGate } = gated();
    threads!.run(loaded, done);
    expect(done).not.toHaveBeenCalled();
    const settled = threads!.settled();
    setTimeout(openGate, 30); // comes only if the event loop has its turns
    await settled;
    expect(done).toHaveBeenCalledOnce();
  });

  test("the next run waits for the last one", async () => {
    await open(2, { patience: 20 });
    const { loaded, done, open: openGate } = gated();
    threads!.run(loaded, done);
    openGate();
    const { bytes, read } = rounds(heap, 2);
    threads!.run(threads!.load(bytes), () => expect(done).toHaveBeenCalledOnce());
    threads!.finish();
    expect(read()[2]).toEqual([2, 2]);
  });

  test("threads that have nothing to do use no processor", async () => {
    await open(3);
    const { bytes } = rounds(heap, 3);
    threads!.run(threads!.load(bytes), nothing);
    await threads!.settled();
    await sleep(50);
    const before = process.cpuUsage();
    await sleep(300);
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 300_000).toBeLessThan(0.05);
  });
});

describe("ends and errors [wasm]", () => {
  const endless = (): Uint8Array<ArrayBuffer> => {
    const never = heap.alloc(4);
    heap.words(never, 1)[0] = 0;
    return program(heap, (f, thread, count) => f.if(thread.eq(1), () => waitFor(never)(f, thread, count)));
  };

  test("a thread that is killed at work is an error of what waits for it, and of all that comes after", async () => {
    await open(2, { patience: 50 });
    const { bytes } = rounds(heap, 2);
    const next = threads!.load(bytes);
    const done = vi.fn();
    threads!.run(threads!.load(endless()), done);
    const begun = performance.now();
    void threads!.workers[0].terminate();
    const said = "wasm: thread 1 of 2 ended while it was working (exit code 1); open the device again";
    await expect(threads!.settled()).rejects.toThrow(said);
    expect(performance.now() - begun).toBeLessThan(2000);
    expect(() => threads!.run(next, nothing)).toThrow(said);
    expect(() => threads!.load(bytes)).toThrow(said);
    expect(() => threads!.check()).toThrow(said);
    await expect(threads!.settled()).rejects.toThrow(said);
    expect(done).not.toHaveBeenCalled();
  });

  test("a thread that is killed at work is an error of the next run", async () => {
    await open(3, { patience: 50 });
    const { bytes } = rounds(heap, 3);
    const next = threads!.load(bytes);
    threads!.run(threads!.load(endless()), nothing);
    await threads!.workers[0].terminate();
    expect(() => threads!.run(next, nothing)).toThrow("wasm: thread 1 of 3 ended while it was working (exit code 1)");
  });

  test("a thread that ends while it has nothing to do is an error, too", async () => {
    await open(2);
    await threads!.workers[0].terminate();
    expect(() => threads!.check()).toThrow("wasm: thread 1 of 2 ended (exit code 1); open the device again");
  });

  test("a thread that nobody saw end counts as lost after a time", async () => {
    await open(2, { patience: 50, limit: 200 });
    threads!.run(threads!.load(endless()), nothing);
    expect(() => threads!.finish()).toThrow("wasm: 1 of 2 threads did not come for 0.2 s");
    expect(() => threads!.check()).toThrow("did not come");
  });

  test.each([0, 1, 2])("a trap on thread %i ends the run with an error that names it, and leaves nobody waiting", async (which) => {
    await open(3);
    const done = vi.fn();
    const last = heap.alloc(4);
    heap.words(last, 1)[0] = 0;
    const traps = program(
      heap,
      nothing,
      (f, thread, count) => f.if(thread.eq(which), () => trap(f, thread, count)),
      (f) => f.storeInt(f.asInt(last), f.asInt(1)),
    );
    const said = `wasm: a kernel failed on thread ${which} of 3, in phase 1: unreachable; open the device again`;
    const run = async () => {
      threads!.run(threads!.load(traps), done);
      await threads!.settled();
    };
    await expect(run()).rejects.toThrow(said);
    expect(() => threads!.check()).toThrow(said);
    expect(heap.words(last, 1)[0]).toBe(0); // no later phase ran
    expect(done).not.toHaveBeenCalled();
  });

  test("a trap of a program that is alone is an error that names the phase", async () => {
    await open(1);
    expect(() => threads!.run(threads!.load(program(heap, nothing, trap)), nothing)).toThrow(
      "wasm: a kernel failed in phase 1: unreachable",
    );
  });

  test("what is closed says so", async () => {
    await open(2);
    await threads!.close();
    await threads!.close();
    expect(() => threads!.check()).toThrow("wasm: the device was closed");
    await expect(threads!.settled()).rejects.toThrow("wasm: the device was closed");
  });

  test("a thread that does not start is an error with a remedy, and no thread is left", async () => {
    const ended = vi.fn();
    const start: typeof nodeHost.start = (name, url, events) => {
      if (name === "elbo 2") throw new Error("blocked by policy");
      const worker = nodeHost.start!(name, url, events);
      return { ...worker, terminate: () => worker.terminate().then(ended) };
    };
    registerHost({ ...nodeHost, start });
    const opened = open(3);
    await expect(opened).rejects.toThrow(
      "wasm: thread 2 of 3 does not start: blocked by policy; if the page forbids workers from blobs, give",
    );
    await expect(opened).rejects.toThrow("{ threads: 1 }");
    expect(ended).toHaveBeenCalledOnce();
    await expect(open(2, { workerUrl: "file:///nowhere.js" })).rejects.toThrow(
      /thread 1 of 2 does not start: .*nowhere.*; is file:\/\/\/nowhere.js Elbo's/,
    );
  });
});

describe("features [wasm]", () => {
  test("there is a thread per processor, up to eight", () => {
    const { threads, whyOne, simd, v8Major } = features();
    expect(threads).toBe(Math.min(8, availableParallelism()));
    expect(whyOne).toBeUndefined();
    expect(simd).toBe(true);
    expect(v8Major).toBe(Number.parseInt(process.versions.v8, 10));
  });

  test("there is one thread where memory cannot be shared, or where nobody may wait, or without workers", async () => {
    const one = (why: string) => {
      expect(features()).toMatchObject({ threads: 1, whyOne: expect.stringContaining(why) });
    };
    vi.stubGlobal("crossOriginIsolated", false);
    one("Cross-Origin-Opener-Policy: same-origin");
    await expect(open(2)).rejects.toThrow(/^wasm: 2 threads cannot run: memory is not shared.*; or ask for \{ threads: 1 \}$/);
    vi.unstubAllGlobals();
    vi.stubGlobal("SharedArrayBuffer", undefined);
    one("memory is not shared between threads here");
    heap = new Heap();
    await open(1);
    vi.unstubAllGlobals();
    const wait = vi.spyOn(Atomics, "wait").mockImplementation(() => {
      throw new TypeError("Atomics.wait cannot be called in this context");
    });
    one("run Elbo in a worker");
    wait.mockRestore();
    registerHost({ ...nodeHost, start: undefined });
    one('import "elbo/node"');
  });
});

describe("processes [wasm]", () => {
  const at = (file: string) => JSON.stringify(`file://${resolve("dist/kernels/devices/wasm", file)}`);
  const begin = `
    import { features } from ${at("features.js")};
    import { registerHost } from ${at("host.js")};
    import { Heap } from ${at("memory.js")};
    import { nodeHost } from ${at("threads.node.js")};
    import { Threads } from ${at("threads.js")};
    import { Module } from ${at("assembler.js")};
    registerHost(nodeHost);
    const heap = new Heap({ shared: true });
    const module = new Module(heap.limits, { relaxed: false, constantAt: () => 0 });
    module.func("p0", ["i32", "i32"], [], () => {});
    const open = async (options) => {
      const threads = await Threads.open(heap, new Module(heap.limits, module.target).bytes(), 3, options);
      threads.run(threads.load(module.bytes()), () => console.log("ran"));
      await threads.settled();
    };
  `;
  const run = (body: string, flags: readonly string[] = [], [command, ...args]: readonly string[] = [process.execPath]) =>
    execFileSync(command, [...args, ...flags, "--input-type=module", "-e", begin + body], { encoding: "utf8", timeout: 20_000 });

  test("a process ends although its threads were never closed", () => {
    expect(run("await open();")).toBe("ran\n");
  });

  test("process.exit ends threads that wait", () => {
    expect(run("await open(); process.exit(0);")).toBe("ran\n");
  });

  test("threads run where no code is made from text, and from the file for pages that forbid blobs", () => {
    expect(run("await open();", ["--disallow-code-generation-from-strings"])).toBe("ran\n");
    expect(run(`await open({ workerUrl: ${at("worker.file.js")} });`)).toBe("ran\n");
  });

  test.runIf(process.platform === "linux")("a process that may use one processor has one thread", () => {
    expect(run("console.log(features().threads);", [], ["taskset", "-c", "0", process.execPath])).toBe("1\n");
  });
});
