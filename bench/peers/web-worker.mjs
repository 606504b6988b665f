// The Worker of browsers, of Node's: as much of it as jax-js uses, which has threads only where this is a global.
import { resolveObjectURL } from "node:buffer";
import { Worker } from "node:worker_threads";

const PRELUDE = `const { parentPort } = require("node:worker_threads");
globalThis.self = globalThis;
globalThis.postMessage = (message) => parentPort.postMessage(message);
parentPort.on("message", (data) => self.onmessage({ data }));
`;

/** @param {number} threads */
export function provideWorker(threads) {
  Object.defineProperty(globalThis, "navigator", { value: { hardwareConcurrency: threads }, configurable: true });
  globalThis.Worker = /** @type {typeof globalThis.Worker} */ (/** @type {unknown} */ (WebWorker)); // of its interface, what is needed
}

class WebWorker {
  /** @type {((event: { data: unknown }) => void) | undefined} */
  onmessage;
  /** @type {((error: Error) => void) | undefined} */
  onerror;
  /** @type {Promise<Worker>} */
  #started;

  /** @param {string} url */
  constructor(url) {
    this.#started = this.#start(url);
  }

  /** @param {string} url */
  async #start(url) {
    const source = await resolveObjectURL(url)?.text();
    const worker = new Worker(PRELUDE + source, { eval: true });
    worker.on("message", (data) => this.onmessage?.({ data }));
    worker.on("error", (error) => this.onerror?.(error));
    return worker;
  }

  /** @param {unknown} message */
  postMessage(message) {
    this.#started.then((worker) => worker.postMessage(message));
  }
}
