// Threads that run programs together, phase by phase, on one memory. The calling thread is number 0, the others are workers.
// What a program computes, and how it is divided, is not known here.
//
// A run is synchronous: when it returns, the program has run. Only if the other threads do not come within a second (a
// machine under load, or a thread that died) does it return before that, and remembers where it was, for a blocked
// thread hears of no death. Who needs the results calls `finish`, which goes on waiting, or awaits `settled`, which lets
// the event loop take its turns.

import { DeviceLostError, NoDeviceError } from "../errors.ts";
import { type Barrier, barrierModule, barrierOn, CONTROL } from "./barrier.ts";
import { features } from "./features.ts";
import { type HostWorker, host } from "./host.ts";
import type { Heap } from "./memory.ts";
import { startThread } from "./start.ts";
import { compile, LISTED_WORDS, type Phase, phasesOf } from "./worker.ts";

export interface ThreadsOptions {
  /** The address of worker.file.js, for pages whose policy forbids workers from Blobs. */
  readonly workerUrl?: string | URL | undefined;
  /** Milliseconds for which a run waits for the other threads before it returns unfinished. */
  readonly patience?: number | undefined;
  /** Milliseconds of waiting after which a thread that does not come counts as lost, though nobody saw it end. */
  readonly limit?: number | undefined;
}

/** A program, loaded. */
export interface Loaded {
  readonly id: number;
  readonly phases: readonly Phase[];
  /** It runs on thread 0 only. */
  readonly alone: boolean;
}

/** A run that has begun. */
interface Region {
  readonly phases: readonly Phase[];
  readonly done: () => void;
  /** Memory that holds what the workers are to load. */
  readonly block: number | undefined;
  /** The phase that thread 0 is in, and whether it waits at the barrier behind it already. */
  at: number;
  arrived: boolean;
  /** Milliseconds that thread 0 has waited at this barrier. */
  waited: number;
}

// A look takes 0.5 to 0.9 ns. To be woken takes 10 µs and more, so a thread looks for as long as the others may reasonably be late:
// 30 µs between two phases, 200 µs between two runs, where the caller prepares the next one.
const LOOKS = 50_000;
const IDLE_LOOKS = 300_000;
const CROWDED_LOOKS = 50; // of threads that share a processor: the one who looks keeps the other from coming
const PROGRAM = CONTROL.program / 4;
const NEWS = CONTROL.news / 4;
const FAILED = CONTROL.failed / 4;
const TURN = 2; // milliseconds of waiting between two turns of the event loop

export class Threads {
  /** The calling thread included. */
  readonly count: number;
  /** Threads 1, 2, … */
  readonly workers: HostWorker[] = [];
  readonly #heap: Heap;
  readonly #env: WebAssembly.ModuleImports;
  readonly #patience: number;
  readonly #limit: number;
  readonly #functions: typeof compile;
  readonly #looks: number;
  readonly #barrier: Barrier | undefined; // one thread needs none
  /** The words of barrier.ts. Shared memory may grow behind a view on its beginning; with one thread nobody looks. */
  readonly #words: Int32Array;
  #job = 0;
  #generation = 0;
  #programs = 1; // 0 is none
  /** Programs that the workers have yet to load or, without bytes, to forget: they are told with the next run. */
  readonly #news = new Map<number, Uint8Array<ArrayBuffer> | undefined>();
  #region: Region | undefined;
  #trap: unknown; // of thread 0
  #failure: Error | undefined;
  #closed = false;

  /**
   * Starts the workers: one fewer than `count`. The library is a module that exports the functions that programs import,
   * and imports the memory. `functions` is how this thread gets those of a module.
   */
  static async open(
    heap: Heap,
    library: Uint8Array<ArrayBuffer>,
    count: number,
    options: ThreadsOptions = {},
    functions: typeof compile = compile,
  ): Promise<Threads> {
    const { whyOne } = features();
    if (count > 1 && whyOne !== undefined)
      throw new NoDeviceError(`wasm: ${count} threads cannot run: ${whyOne}; or ask for { threads: 1 }`);
    if (count > 1 && !heap.limits.shared) throw new Error(`wasm: ${count} threads need shared memory`);
    const threads = new Threads(heap, library, count, options, functions);
    const looks = { looks: threads.#looks, idleLooks: threads.#looks === LOOKS ? IDLE_LOOKS : CROWDED_LOOKS };
    const same = { memory: heap.memory, barrier: barrierModule(heap.limits), library, control: CONTROL, threads: count, ...looks };
    const starting = Array.from({ length: count - 1 }, (_, i) =>
      startThread({ ...same, thread: i + 1 }, options.workerUrl, (reason) => threads.#lost(i + 1, reason)),
    );
    const results = await Promise.allSettled(starting);
    for (const result of results) if (result.status === "fulfilled") threads.workers.push(result.value);
    const refused = results.find((result) => result.status === "rejected");
    if (!refused) return threads;
    await threads.close();
    throw refused.reason;
  }

  private constructor(heap: Heap, library: Uint8Array<ArrayBuffer>, count: number, options: ThreadsOptions, functions: typeof compile) {
    const { patience = 1000, limit = 60_000 } = options;
    const { memory } = heap;
    this.count = count;
    this.#heap = heap;
    this.#functions = functions;
    this.#env = { memory, ...functions(library, { memory }) } as WebAssembly.ModuleImports;
    this.#patience = patience;
    this.#limit = limit;
    this.#looks = count > host().cores() ? CROWDED_LOOKS : LOOKS;
    this.#words = new Int32Array(memory.buffer, 0, CONTROL.bytes / 4).fill(0);
    if (count > 1) this.#barrier = barrierOn(memory, barrierModule(heap.limits));
  }

  /** Throws what the threads failed with. Nothing runs after a failure: the memory is in no known state. */
  check(): void {
    if (this.#failure) throw this.#failure;
    if (this.#closed) throw new Error("wasm: the device was closed");
  }

  /** A program whose phases p0, p1, … take the number of their thread, and how many there are. `alone`: it has thread 0 to itself. */
  load(bytes: Uint8Array<ArrayBuffer>, { alone = false }: { readonly alone?: boolean } = {}): Loaded {
    this.check();
    const loaded = { id: this.#programs++, phases: phasesOf(this.#functions(bytes, this.#env)), alone: alone || this.count === 1 };
    if (!loaded.alone) this.#news.set(loaded.id, bytes);
    return loaded;
  }

  unload({ id, alone }: Loaded): void {
    if (alone || this.#news.delete(id)) return; // nobody else has heard of it
    this.#news.set(id, undefined);
  }

  /** Runs the phases of a program, each after all threads have finished the one before it, and then calls `done`. */
  run({ id, phases, alone }: Loaded, done: () => void): void {
    this.finish();
    if (alone || phases.length === 0) {
      for (const [at, phase] of phases.entries()) this.#runAlone(phase, at);
      done();
      return;
    }
    const block = this.#news.size === 0 ? undefined : this.#tell();
    if (this.#words[PROGRAM] !== id) {
      this.#words[PROGRAM] = id; // else left alone, as the line of the cache that the workers have
      this.#words[PROGRAM + 1] = phases.length;
    }
    this.#region = { phases, done, block, at: 0, arrived: false, waited: 0 };
    (this.#barrier as Barrier).announce(++this.#job);
    this.#advance(this.#patience);
  }

  /** Has it failed, for good? */
  get isLost(): boolean {
    return this.#failure !== undefined;
  }

  /** Has the last run not ended? */
  get isBusy(): boolean {
    return this.#region !== undefined;
  }

  /** Waits until the last run has ended. */
  finish(): void {
    this.check();
    while (this.#region && !this.#advance(this.#patience));
  }

  /** Resolves when the last run has ended; others have their turns meanwhile. */
  async settled(): Promise<void> {
    this.check();
    while (this.#region) {
      if (this.#advance(TURN)) continue; // and what `done` began
      await new Promise((resolve) => setTimeout(resolve, 0)); // here it is heard that a worker has ended
      this.check();
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#region = undefined;
    await Promise.all(this.workers.map((worker) => worker.terminate()));
  }

  #runAlone(phase: Phase, at: number): void {
    try {
      phase(0, 1);
    } catch (error) {
      throw this.#fail(trapped("", at, error));
    }
  }

  /**
   * Puts the programs that are new to the workers where they find them: they hear no messages. A list of number, address
   * and size, and the bytes behind it. Gives the block they lie in.
   */
  #tell(): number {
    const news = [...this.#news];
    const listBytes = 4 * LISTED_WORDS * news.length;
    const block = this.#heap.alloc(news.reduce((sum, [, bytes]) => sum + (bytes?.length ?? 0), listBytes));
    this.#news.clear();
    const list = this.#heap.words(block, LISTED_WORDS * news.length);
    let at = block + listBytes;
    for (const [i, [id, bytes]] of news.entries()) {
      list.set([id, at, bytes?.length ?? 0], LISTED_WORDS * i);
      if (!bytes) continue;
      this.#heap.octets(at, bytes.length).set(bytes);
      at += bytes.length;
    }
    this.#words[NEWS] = block;
    this.#words[NEWS + 1] = news.length;
    return block;
  }

  /** Goes on with the run until it has ended, or the other threads do not come for so long: then false. */
  #advance(milliseconds: number): boolean {
    const region = this.#region as Region;
    const barrier = this.#barrier as Barrier;
    for (; region.at < region.phases.length; region.at++) {
      if (!region.arrived) {
        this.#runShared(region.phases[region.at], region.at);
        barrier.arrive(this.count, this.#generation);
        region.arrived = true;
      }
      if (!barrier.wait(CONTROL.generation, this.#generation, this.#looks, 1000 * milliseconds)) {
        region.waited += milliseconds;
        if (region.waited >= this.#limit) throw this.#fail(this.#missing());
        return false;
      }
      this.#generation++;
      region.arrived = false;
      region.waited = 0;
    }
    this.#region = undefined;
    if (region.block !== undefined) {
      this.#heap.free(region.block);
      this.#words[NEWS + 1] = 0;
    }
    if (this.#words[FAILED] !== 0) throw this.#fail(this.#reported());
    region.done();
    return true;
  }

  /** After a failure everybody still comes to every barrier, or the others would wait for ever. */
  #runShared(phase: Phase, at: number): void {
    if (Atomics.load(this.#words, FAILED) !== 0) return;
    try {
      phase(0, this.count);
    } catch (error) {
      if (Atomics.compareExchange(this.#words, FAILED, 0, 1) !== 0) return;
      this.#words[FAILED + 1] = at;
      this.#trap = error;
    }
  }

  #fail(error: Error): Error {
    this.#failure ??= error;
    this.#region = undefined;
    return this.#failure;
  }

  #lost(thread: number, reason: string): void {
    if (this.#closed) return;
    const when = this.#region ? "ended while it was working" : "ended";
    this.#fail(new DeviceLostError(`wasm: thread ${thread} of ${this.count} ${when} (${reason}); open the device again`));
  }

  /** What the first thread that failed left. */
  #reported(): Error {
    const [failed, phase, length] = this.#words.subarray(FAILED);
    const thread = failed - 1;
    const text = this.#heap.octets(CONTROL.message, length).slice(); // no text is decoded from memory that others could write
    return trapped(` on thread ${thread} of ${this.count},`, phase, thread === 0 ? this.#trap : new Error(new TextDecoder().decode(text)));
  }

  #missing(): Error {
    const missing = (this.count * (this.#generation + 1) - this.#words[CONTROL.arrived / 4]) | 0;
    const waited = `${missing} of ${this.count} threads did not come for ${this.#limit / 1000} s`;
    return new DeviceLostError(`wasm: ${waited}: ended, or kept from running; open the device again`);
  }
}

function trapped(where: string, phase: number, error: unknown): Error {
  const when = phase < 0 ? " as a program was loaded" : ` in phase ${phase}`;
  return new DeviceLostError(`wasm: a kernel failed${where}${when}: ${(error as Error).message}; open the device again`, {
    cause: error,
  });
}
