// Who is measured: each engine on each version of Node, with one thread and with two, as a command to start.
import { fileURLToPath } from "node:url";
import { cores } from "../engines/process.mjs";
import { commandOf, installPeers, nodeBinary, pythonWith } from "../engines/programs.mjs";
import { RUNTIMES } from "./entries.mjs";

/** @typedef {import("../engines/process.mjs").Engine} Engine */

/** What "Node 24 turbo" is: instructions of 256 bits made from two of 128, by a flag of V8, which the peers are given as well. */
const TURBO = "--experimental-wasm-revectorize";

/** @param {string} path */
const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** All engines, Elbo on the device of that name, and what measures the core itself. @param {string} device @param {(line: string) => void} log */
export function engines(device, log) {
  installPeers(log);
  const python = commandOf(() => pythonWith("import torch"));
  const nodes = new Map([20, 24].map((major) => [major, commandOf(() => nodeBinary(major))]));
  /** @type {Engine[]} */
  const list = [];
  for (const runtime of RUNTIMES) {
    const isTurbo = runtime.endsWith("turbo");
    const node = nodes.get(Number(runtime.match(/\d+/)?.[0])) ?? [];
    const add = (/** @type {string} */ engine, /** @type {number[]} */ threads, /** @type {string[]} */ args, isSlow = false) => {
      const command = node instanceof Error ? node : [...node, ...args];
      list.push(...threads.map((n) => ({ engine, runtime, threads: n, command, isSlow })));
    };
    const flags = isTurbo ? [TURBO] : []; // Elbo sets it itself
    if (device === "wasm") add("Elbo", [1, 2], [here("../engines/elbo.mjs"), "--backend", device, ...(isTurbo ? ["--turbo"] : [])]);
    else if (!isTurbo) add("Elbo", [1], [here("../engines/elbo.mjs"), "--backend", device], true);
    add("jax-js", [1, 2], [...flags, here("../peers/jax-js.mjs")]);
    add("tfjs (wasm)", [1], [...flags, here("../peers/tfjs.mjs"), "--backend", "wasm"]);
    if (!isTurbo) add("tfjs (cpu)", [1], [here("../peers/tfjs.mjs"), "--backend", "cpu"], true);
    add("core", [1], [...flags, here("ceiling.mjs")]);
  }
  const pytorch = python instanceof Error ? python : [...python, here("../peers/pytorch.py")];
  for (const threads of [1, 2]) list.push({ engine: "PyTorch", runtime: "Python", threads, command: pytorch, isSlow: false });
  return list.filter(({ threads }) => cores.length === 0 || threads <= cores.length);
}
