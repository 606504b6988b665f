// Offers the work to the test: here, and in a worker.
import { work } from "./work.js";

/**
 * @typedef {{ name: "auto" | "wasm" | "js", options: object, byFile?: boolean }} Question
 * @type {(question: Question) => Promise<object>}
 */
const inWorker = (question) =>
  new Promise((resolve) => {
    const worker = new Worker("worker.js", { type: "module" });
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = ({ message }) => resolve({ error: `the worker: ${message}` });
    worker.postMessage(question);
  });

/**
 * In a turn of its own, for what Playwright calls may make code from text, whatever the page's policy.
 * @type {typeof inWorker}
 */
const onPage = async ({ name, options }) => {
  await new Promise((resolve) => setTimeout(resolve, 0));
  return work(name, options);
};

Object.assign(globalThis, { onPage, inWorker });
