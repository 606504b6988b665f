// What threads other than the first run. It is one text that refers to nothing outside of itself: Node evaluates it, pages
// load it from a Blob, and worker.file.ts is the same for pages that forbid Blobs.
//
// Once begun, a worker never returns to its event loop: it waits in shared memory, so jobs and programs come that way too.

import type { Barrier, CONTROL } from "./barrier.ts";

/** One step of a program, for the thread of that number. */
export type Phase = (thread: number, threads: number) => void;

/** The one message that a worker gets. It answers with a `WorkerReady`. */
export interface WorkerStart {
  readonly memory: WebAssembly.Memory;
  /** Modules: that of barrier.ts, and the functions that programs import. */
  readonly barrier: Uint8Array<ArrayBuffer>;
  readonly library: Uint8Array<ArrayBuffer>;
  readonly control: typeof CONTROL;
  readonly thread: number;
  readonly threads: number;
  /** How many times to look before sleeping: at a barrier, and while there is no job. */
  readonly looks: number;
  readonly idleLooks: number;
}

export interface WorkerReady {
  /** Why it does not run; else it does. */
  readonly error?: string;
}

/** What a program is loaded from, in memory: its number, and its bytes; a program of no bytes is forgotten. */
export const LISTED_WORDS = 3;

export function compile(bytes: Uint8Array<ArrayBuffer>, env: WebAssembly.ModuleImports): WebAssembly.Exports {
  return new WebAssembly.Instance(new WebAssembly.Module(bytes), { env }).exports;
}

/** The functions p0, p1, … of a program. */
export function phasesOf(exports: WebAssembly.Exports): Phase[] {
  const phases: Phase[] = [];
  while (`p${phases.length}` in exports) phases.push(exports[`p${phases.length}`] as Phase);
  return phases;
}

export function workerMain(compileIn: typeof compile, phasesIn: typeof phasesOf, listedWords: number): void {
  interface Scope {
    // In pages the worker itself sends and hears messages; in Node a port does. Node offers its modules even to a text that cannot import.
    process?: { getBuiltinModule(name: "node:worker_threads"): { parentPort: Port } };
    onmessage?: (event: { data: WorkerStart }) => void;
    postMessage(message: WorkerReady): void;
  }
  interface Port {
    once(event: "message", heard: (data: WorkerStart) => void): void;
    postMessage(message: WorkerReady): void;
  }

  const scope = globalThis as object as Scope;
  const port = scope.process?.getBuiltinModule("node:worker_threads").parentPort;

  // Functions in here are members: bundlers that keep the names of functions call one of theirs on each that is defined by itself,
  // which the text would miss.
  const act = {
    run(start: WorkerStart, ready: () => void): void {
      const { memory, control, thread, threads, looks, idleLooks } = start;
      const { wait, arrive, barrier } = compileIn(start.barrier, { memory }) as object as Barrier;
      const env = Object.assign({ memory }, compileIn(start.library, { memory })); // no `...`: compilers for older engines make calls of it
      const words = new Int32Array(memory.buffer, 0, control.bytes / 4);
      const [program, news, failed] = [control.program / 4, control.news / 4, control.failed / 4];
      const programs = new Map<number, Phase[]>();

      const own = {
        /** The first failure of all is kept, where the first thread finds it. */
        fail(phase: number, error: unknown): void {
          if (Atomics.compareExchange(words, failed, 0, thread + 1) !== 0) return;
          const text = new TextEncoder().encode(`${(error as Error).message ?? error}`).subarray(0, control.messageLength);
          new Uint8Array(memory.buffer, control.message, text.length).set(text);
          words[failed + 1] = phase;
          words[failed + 2] = text.length;
        },

        /** Loads the programs of a list and forgets others. */
        update(address: number, length: number): void {
          memory.grow(0); // another thread may have made the memory longer: this asks for a buffer as long as it is now
          const list = new Uint32Array(memory.buffer, address, listedWords * length);
          for (let i = 0; i < list.length; i += listedWords) {
            const [id, at, size] = list.subarray(i, i + listedWords);
            programs.delete(id);
            // A copy: no engine compiles what others could be writing to.
            if (size > 0)
              programs.set(id, phasesIn(compileIn(new Uint8Array(memory.buffer, at, size).slice() as Uint8Array<ArrayBuffer>, env)));
          }
        },
      };

      ready();
      let generation = 0;
      for (let job = 0; ; job++) {
        while (!wait(control.job, job, idleLooks, -1));
        try {
          if (words[news + 1] > 0) own.update(words[news] >>> 0, words[news + 1]);
        } catch (error) {
          own.fail(-1, error);
        }
        const phases = programs.get(words[program]);
        const count = words[program + 1];
        for (let i = 0; i < count; i++) {
          // After a failure everybody still comes to every barrier, or the others would wait for ever.
          try {
            if (Atomics.load(words, failed) === 0) (phases as Phase[])[i](thread, threads);
          } catch (error) {
            own.fail(i, error);
          }
          if (i === count - 1)
            arrive(threads, generation); // and on to the next job: only the first thread waits here
          else if (!barrier(threads, generation, looks, -1)) while (!wait(control.generation, generation, looks, -1));
          generation++;
        }
      }
    },

    post(message: WorkerReady): void {
      if (port) port.postMessage(message);
      else scope.postMessage(message);
    },

    begin(start: WorkerStart): void {
      try {
        act.run(start, () => act.post({}));
      } catch (error) {
        act.post({ error: `${(error as Error).message ?? error}` });
      }
    },
  };

  if (port) port.once("message", act.begin);
  else scope.onmessage = ({ data }) => act.begin(data);
}

export const workerText: string = `(${workerMain})(${compile}, ${phasesOf}, ${LISTED_WORDS});`;
