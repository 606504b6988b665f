// The engine in a worker: does the tasks that a page asks it to (engine.ts) and answers with what comes of them.
import { type DeviceName, type OpenOptions, open, type Values } from "../../src/index.ts";
import { use } from "../../src/kernels/devices/device.ts";
import { WasmDevice } from "../../src/kernels/devices/wasm/device.ts";
import { names, results } from "./ops.ts";
import { losses, training } from "./training.ts";

const tasks = {
  /** Opens a device and says which it is. */
  async open(name: DeviceName, options: OpenOptions, without?: string) {
    if (without) Reflect.deleteProperty(globalThis, without);
    await using device = await open(name, options);
    return `${device.name}: ${device.description}`;
  },

  async losses(options: OpenOptions, steps: number) {
    await using _ = await open("wasm", options);
    return await losses(steps, { hidden: 100 });
  },

  async results(options: OpenOptions) {
    await using device = await open("wasm", options);
    const all: Record<string, Values[]> = {};
    for (const name of names) all[name] = await results(name, device);
    return all;
  },

  /** Trains, without giving way once, until the page has counted the word up by so many. Gives the number of steps. */
  async trainWhile(options: OpenOptions, word: Int32Array, count: number) {
    await using _ = await open("wasm", options);
    using run = training({ hidden: 100 });
    const end = Atomics.load(word, 0) + count;
    let steps = 0;
    for (; Atomics.load(word, 0) < end; steps++) {
      if (steps === 100_000) throw new Error(`${end - word[0]} of ${count} are left after ${steps} steps`);
      run.step();
    }
    return steps;
  },

  /** Trains on two threads, ends the second, and goes on until that is an error. A browser takes some seconds to end a thread that is at work. */
  async lose(options: OpenOptions) {
    await using device = await WasmDevice.open(options);
    use(device);
    const { step } = training({ hidden: 100 });
    await step().item();
    void device.threads.workers[0].terminate();
    for (;;) {
      await step().item();
      await new Promise((resolve) => setTimeout(resolve, 0)); // Chromium ends workers of a worker in a turn of its event loop
    }
  },
};

export type Tasks = typeof tasks;

self.onmessage = async ({ data: { task, args } }) => {
  const run = tasks[task as keyof Tasks] as (...args: unknown[]) => Promise<unknown>; // the page's side knows which arguments belong to it
  run(...args).then(
    (result) => self.postMessage({ result }),
    ({ name, message }: Error) => self.postMessage({ error: `${name}: ${message}` }),
  );
};
