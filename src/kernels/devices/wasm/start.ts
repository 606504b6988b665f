// Starting one thread: a worker that was sent what it needs, and has answered.

import { NoDeviceError } from "../errors.ts";
import { type HostWorker, host } from "./host.ts";
import type { WorkerReady, WorkerStart } from "./worker.ts";

const LIMIT = 30_000; // milliseconds: a page is not always told that a worker was blocked

/** `lost` is called when the thread ends by itself, once it had started. */
export async function startThread(
  message: WorkerStart,
  url: string | URL | undefined,
  lost: (reason: string) => void,
): Promise<HostWorker> {
  let worker: HostWorker | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      const refuse = (reason: string): void => reject(new Error(reason));
      const heard = (data: unknown): void => {
        const { error } = data as WorkerReady;
        if (error === undefined) resolve();
        else refuse(error);
      };
      const ended = (reason: string): void => {
        refuse(reason); // of no effect later on
        lost(reason);
      };
      timer = setTimeout(() => refuse(`no answer for ${LIMIT / 1000} s`), LIMIT);
      worker = host().start?.(`elbo ${message.thread}`, url, { message: heard, ended });
      worker?.post(message);
    });
  } catch (error) {
    await worker?.terminate();
    const { thread, threads } = message;
    throw new NoDeviceError(`wasm: thread ${thread} of ${threads} does not start: ${(error as Error).message}; ${remedy(url)}`, {
      cause: error,
    });
  } finally {
    clearTimeout(timer);
  }
  worker?.unref(); // only now: a process that waits for its threads to start must not end
  return worker as HostWorker;
}

const remedy = (url: string | URL | undefined): string =>
  url === undefined
    ? "if the page forbids workers from blobs, give the address of Elbo's worker.file.js as { workerUrl }, or ask for { threads: 1 }"
    : `is ${url} Elbo's worker.file.js, served with the headers of this page? Or ask for { threads: 1 }`;
