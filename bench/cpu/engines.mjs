// Who is measured: each engine on each version of Node, with one thread and with two, as a command to start. One thread is pinned to one
// core and two to two, for some engines take more threads than they are told.
import { execFile, execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { RUNTIMES } from "./entries.mjs";

/**
 * `command` is an error where the program cannot be had. Of products, which take seconds then, one round is enough for who is slow.
 * @typedef {{ engine: string, runtime: string, threads: number, command: readonly string[] | Error, isSlow: boolean }} Engine
 */

/** What "Node 24 turbo" is: instructions of 256 bits made from two of 128, by a flag of V8, which the peers are given as well. */
const TURBO = "--experimental-wasm-revectorize";

/** @param {string} path */
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const peers = here("../peers");
const cores = availableCores();
const hasTaskset = cores.length > 0;

/** All engines, Elbo on the device of that name, and what measures the core itself. @param {string} device @param {(line: string) => void} log */
export function engines(device, log) {
  installPeers(log);
  const python = commandOf(pythonWithTorch);
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
    if (device === "wasm") add("Elbo", [1, 2], [here("elbo.mjs"), "--backend", device, ...(isTurbo ? ["--turbo"] : [])]);
    else if (!isTurbo) add("Elbo", [1], [here("elbo.mjs"), "--backend", device], true);
    add("jax-js", [1, 2], [...flags, here("../peers/jax-js.mjs")]);
    add("tfjs (wasm)", [1], [...flags, here("../peers/tfjs.mjs"), "--backend", "wasm"]);
    if (!isTurbo) add("tfjs (cpu)", [1], [here("../peers/tfjs.mjs"), "--backend", "cpu"], true);
    add("core", [1], [...flags, here("ceiling.mjs")]);
  }
  const pytorch = python instanceof Error ? python : [...python, here("../peers/pytorch.py")];
  for (const threads of [1, 2]) list.push({ engine: "PyTorch", runtime: "Python", threads, command: pytorch, isSlow: false });
  return list.filter(({ threads }) => !hasTaskset || threads <= cores.length);
}

/** How the processes are pinned, in words. */
export const pinning = hasTaskset ? "pinned to as many cores as threads" : "not pinned to cores: there is no taskset here";

/** The versions of Node behind the runtimes. @param {readonly Engine[]} list */
export function nodeVersions(list) {
  const binaries = new Set(list.flatMap(({ command }) => (command instanceof Error || /python/.test(command[0]) ? [] : [command[0]])));
  return [...binaries].map((binary) => execFileSync(binary, ["--version"], { encoding: "utf8" }).trim());
}

/**
 * The line of JSON that a process prints in that time, or its error. @param {Engine} engine @param {string[]} args @param {number} seconds
 * @returns {Promise<Record<string, any>>}
 */
export async function answerOf({ command, threads }, args, seconds) {
  if (command instanceof Error) return { error: command.message };
  const pinned = hasTaskset ? ["taskset", "-c", cores.slice(-threads).join(","), ...command] : command;
  const [program, ...rest] = [...pinned, "--threads", `${threads}`, ...args];
  try {
    const env = { ...process.env, OMP_NUM_THREADS: `${threads}`, OPENBLAS_NUM_THREADS: `${threads}` };
    const { stdout } = await promisify(execFile)(program, rest, { timeout: seconds * 1e3, maxBuffer: 2 ** 26, env });
    return JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
  } catch (error) {
    const { killed, stderr, message } = /** @type {{ killed?: boolean, stderr?: string, message: string }} */ (error);
    if (killed) return { error: `no answer after ${seconds} s` };
    return { error: stderr?.match(/^\w*Error.*$/m)?.[0] ?? message.split("\n")[0] };
  }
}

/** @param {() => string[]} find @returns {string[] | Error} */
function commandOf(find) {
  try {
    return find();
  } catch (error) {
    return /** @type {Error} */ (error);
  }
}

/** This Node if it is of that version, or else the one of the npm package `node`. @param {number} major */
function nodeBinary(major) {
  if (process.version.startsWith(`v${major}.`)) return [process.execPath];
  const { stdout, stderr, status } = spawnSync("npx", ["-y", "-p", `node@${major}`, "node", "-p", "process.execPath"], {
    encoding: "utf8",
  });
  const binary = stdout?.trim().split("\n").at(-1) ?? "";
  if (status !== 0 || !existsSync(binary)) throw new Error(`npx brings no Node ${major}: ${stderr?.trim().split("\n").at(-1)}`);
  return [binary];
}

function pythonWithTorch() {
  const found = ["/usr/bin/python3", "python3"].find((python) => spawnSync(python, ["-c", "import torch"]).status === 0);
  if (!found) throw new Error("no python3 here has torch");
  return [found];
}

/** What fails here is told by each engine that is not there. @param {(line: string) => void} log */
function installPeers(log) {
  if (existsSync(`${peers}/node_modules`)) return;
  log("installing the peers, in bench/peers");
  const { status, stderr } = spawnSync("npm", ["ci", "--ignore-scripts", "--prefix", peers], { encoding: "utf8" });
  if (status !== 0) log(`npm ci in bench/peers failed: ${stderr}`);
}

/** Those that this process may use; none if there is no taskset to choose with. */
function availableCores() {
  const { status, stdout } = spawnSync("taskset", ["-cp", `${process.pid}`], { encoding: "utf8" });
  if (status !== 0) return [];
  const ranges = stdout.trim().split(": ").at(-1)?.split(",") ?? [];
  return ranges.flatMap((range) => {
    const [from, to = from] = range.split("-").map(Number);
    return Array.from({ length: to - from + 1 }, (_, i) => from + i);
  });
}
