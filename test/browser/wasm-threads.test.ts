// Threads in pages: a module worker has nested workers from a Blob, or from a file; the page's main thread has none.
import { expect, test } from "vitest";
import { features } from "../../src/kernels/devices/wasm/features.ts";
import { Heap } from "../../src/kernels/devices/wasm/memory.ts";
import { Threads } from "../../src/kernels/devices/wasm/threads.ts";
import { library, rounds } from "../setup/wasm-programs.ts";
import type { Answer, Question } from "./wasm-threads.worker.ts";

/** Runs three phases many times in a worker of this page. */
function inWorker(question: Question): Promise<Answer> {
  const worker = new Worker(new URL("./wasm-threads.worker.ts", import.meta.url), { type: "module" });
  return new Promise<Answer>((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = ({ message }) => reject(new Error(message));
    worker.postMessage(question);
  }).finally(() => worker.terminate());
}

test("the page's main thread is one thread, and says why", async () => {
  const { threads, whyOne, simd, relaxed, v8Major } = features();
  expect(threads).toBe(1);
  expect(whyOne).toContain("run Elbo in a worker");
  expect([simd, relaxed]).toEqual([true, true]);
  expect(v8Major).toBeGreaterThan(10);
  await expect(Threads.open(new Heap({ shared: true }), new Uint8Array(), 2)).rejects.toThrow(
    "run Elbo in a worker; or ask for { threads: 1 }",
  );

  const heap = new Heap();
  const one = await Threads.open(heap, library(heap), 1);
  const { bytes, read } = rounds(heap, 1);
  const loaded = one.load(bytes);
  for (let r = 0; r < 10; r++) one.run(loaded, () => {});
  expect(read()).toEqual([[10], [10], [10]]);
  await one.close();
});

test("a worker of the page has a thread per processor, and they keep in step", async () => {
  const { values, features, error } = await inWorker({ threads: 3, runs: 500 });
  expect(error).toBeUndefined();
  expect(features.threads).toBe(Math.min(8, navigator.hardwareConcurrency));
  expect(values).toEqual([500, 1500, 1500].map((value) => Array(3).fill(value)));
});

test("threads start from a file, too; one that is not there is an error with a remedy", async () => {
  const workerUrl = new URL("../../src/kernels/devices/wasm/worker.file.ts", import.meta.url).href;
  const { values, error } = await inWorker({ threads: 2, runs: 50, workerUrl });
  expect(error).toBeUndefined();
  expect(values[2]).toEqual([100, 100]);
  const nowhere = await inWorker({ threads: 2, runs: 1, workerUrl: "/nowhere.js" });
  expect(nowhere.error).toMatch(/^wasm: thread 1 of 2 does not start: .*; is \/nowhere.js Elbo's worker.file.js/);
});
