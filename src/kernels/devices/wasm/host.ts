// What pages and Node do differently: starting a worker, counting the processors. Node registers its own way (threads.node.ts).

import { workerText } from "./worker.ts";

/** A thread of the host, which runs the worker's text. */
export interface HostWorker {
  post(message: unknown): void;
  /** From now on it does not keep the process alive. */
  unref(): void;
  terminate(): Promise<unknown>;
}

/** What is heard from a worker. */
export interface WorkerEvents {
  readonly message: (data: unknown) => void;
  /** It ended, or never began; pages are told of the latter only. */
  readonly ended: (reason: string) => void;
}

export interface Host {
  /** Processors that this process may use. */
  readonly cores: () => number;
  /** The version of V8, where it is V8. */
  readonly v8: () => string | undefined;
  /** Sets flags of V8 for the whole process, as on the command line: where that is possible. */
  readonly setFlags?: ((flags: string) => void) | undefined;
  /** Starts a worker on the text of worker.ts, or on a file that does the same; undefined where there are no workers. */
  readonly start: ((name: string, url: string | URL | undefined, events: WorkerEvents) => HostWorker) | undefined;
}

function startInPage(name: string, url: string | URL | undefined, { message, ended }: WorkerEvents): HostWorker {
  const text = url === undefined ? URL.createObjectURL(new Blob([workerText], { type: "text/javascript" })) : undefined;
  const forget = (): void => {
    if (text !== undefined) URL.revokeObjectURL(text);
  };
  const worker = new Worker(text ?? (url as string | URL), { type: "module", name });
  worker.onmessage = ({ data }) => {
    forget();
    message(data);
  };
  worker.onerror = (event) => {
    event.preventDefault();
    forget();
    ended(event.message || "its script was blocked or not found"); // pages are not told which
  };
  return {
    post: (data) => worker.postMessage(data),
    unref: () => {}, // workers go with their page
    terminate: async () => worker.terminate(),
  };
}

const page: Host = {
  cores: () => globalThis.navigator?.hardwareConcurrency ?? 1,
  v8: () => {
    const chromium = /Chrom(?:e|ium)\/(\d+)/.exec(globalThis.navigator?.userAgent ?? "");
    return chromium ? `${Number(chromium[1]) / 10}` : undefined; // Chrome 139 has V8 13.9
  },
  start: typeof Worker === "undefined" ? undefined : startInPage,
};

let current = page;

/** Tells how workers are started where there is no page. */
export function registerHost(next: Host): void {
  current = next;
}

export const host = (): Host => current;
