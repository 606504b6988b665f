// What wasm-threads.test.ts runs in a worker of its page, where waiting is allowed.
import { type Features, features } from "../../src/kernels/devices/wasm/features.ts";
import { Heap } from "../../src/kernels/devices/wasm/memory.ts";
import { Threads } from "../../src/kernels/devices/wasm/threads.ts";
import { library, rounds } from "../setup/wasm-programs.ts";

export interface Question {
  readonly threads: number;
  readonly runs: number;
  readonly workerUrl?: string;
}

export interface Answer {
  readonly values: number[][];
  readonly features: Features;
  readonly error?: string;
}

async function answer({ threads: count, runs, workerUrl }: Question): Promise<Answer> {
  const heap = new Heap({ shared: true });
  const threads = await Threads.open(heap, library(heap), count, { workerUrl });
  const { bytes, read } = rounds(heap, count);
  const loaded = threads.load(bytes);
  for (let r = 0; r < runs; r++) threads.run(loaded, () => {});
  await threads.settled();
  const values = read();
  await threads.close();
  return { values, features: features() };
}

self.onmessage = ({ data }: MessageEvent<Question>) => {
  answer(data).then(
    (result) => self.postMessage(result),
    (error: Error) => self.postMessage({ values: [], features: features(), error: error.message } satisfies Answer),
  );
};
