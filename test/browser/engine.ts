// The page's side of engine.worker.ts.
import type { Tasks } from "./engine.worker.ts";

/** What comes of a task in a worker of its own. */
export function inWorker<T extends keyof Tasks>(task: T, ...args: Parameters<Tasks[T]>): Promise<Awaited<ReturnType<Tasks[T]>>> {
  const worker = new Worker(new URL("./engine.worker.ts", import.meta.url), { type: "module" });
  return new Promise<Awaited<ReturnType<Tasks[T]>>>((resolve, reject) => {
    worker.onmessage = ({ data }) => ("error" in data ? reject(new Error(data.error)) : resolve(data.result));
    worker.onerror = ({ message }) => reject(new Error(message));
    worker.postMessage({ task, args });
  }).finally(() => worker.terminate());
}
