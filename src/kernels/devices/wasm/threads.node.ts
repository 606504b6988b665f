// Workers in Node: worker_threads on the same text that pages run from a Blob.

import { availableParallelism } from "node:os";
import { setFlagsFromString } from "node:v8";
import { Worker } from "node:worker_threads";
import type { Host } from "./host.ts";
import { workerText } from "./worker.ts";

export const nodeHost: Host = {
  cores: availableParallelism, // what taskset leaves; with a newer Node also what the container is allowed
  v8: () => process.versions.v8,
  setFlags: setFlagsFromString,
  start: (name, url, { message, ended }) => {
    // Not the process's flags: --import would load a program's hooks into every thread.
    const worker = new Worker(url === undefined ? workerText : new URL(url), { eval: url === undefined, name, execArgv: [] });
    let reason = "";
    worker.on("message", message);
    worker.on("error", (error) => (reason = `: ${error instanceof Error ? error.message : error}`));
    worker.on("exit", (code) => ended(`exit code ${code}${reason}`));
    return {
      post: (data) => worker.postMessage(data),
      unref: () => worker.unref(),
      terminate: () => worker.terminate(),
    };
  },
};
