// What a number depends on besides the code: written into every results file.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { arch, cpus, loadavg, release, totalmem, type } from "node:os";

/** @param {string} path */
const json = (path) => JSON.parse(readFileSync(new URL(`../${path}`, import.meta.url), "utf8"));

export function machine() {
  const [cpu] = cpus();
  return {
    cpu: cpu.model,
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    os: `${type()} ${release().match(/^[\d.]*\d/)} ${arch()}`,
    node: process.version,
    packages: { elbo: json("package.json").version, ...Object.fromEntries(["webgpu", "benchmark", "gpu.js"].map((p) => [p, version(p)])) },
    commit: commit(),
    date: new Date().toISOString().slice(0, 16) + "Z",
    /** Processes that wanted a core in the last minute: near 0 if nothing else ran. */
    loadBefore: load(),
  };
}

/** Of the minute behind us. */
export const load = () => Math.round(loadavg()[0] * 100) / 100;

/** @param {string} name */
function version(name) {
  try {
    return json(`node_modules/${name}/package.json`).version;
  } catch {
    return "absent";
  }
}

/** The commit, with a + if the engine or the benches have changed since. In a copy without history, COMMIT names it. */
function commit() {
  try {
    const git = (/** @type {string[]} */ ...args) =>
      execFileSync("git", args, { cwd: new URL("..", import.meta.url), encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
    return git("rev-parse", "--short", "HEAD") + (git("status", "--porcelain", "--", "src", "bench/*.mjs") ? "+" : "");
  } catch {
    return process.env["COMMIT"] ?? "unknown";
  }
}

/** What an adapter says of itself, as a plain object: its values are getters of a prototype. @param {GPUAdapter} adapter */
export const adapterFacts = ({ info, features }) => ({ info: plain(info), features: [...features].sort() });

/** @param {object} from */
export function plain(from) {
  const keys = [];
  for (const key in from) keys.push(key);
  return Object.fromEntries(keys.map((key) => [key, Reflect.get(from, key)]));
}
