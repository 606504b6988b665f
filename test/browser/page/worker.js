import { work, workerUrl } from "./work.js";

self.onmessage = async ({ data: { name, options, byFile } }) =>
  self.postMessage(await work(name, byFile ? { ...options, workerUrl } : options));
