// Finding the programs that are measured: versions of Node, a Python that has PyTorch, and the peers' packages.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const peers = fileURLToPath(new URL("../peers", import.meta.url));

/** @param {() => string[]} find @returns {string[] | Error} */
export function commandOf(find) {
  try {
    return find();
  } catch (error) {
    return /** @type {Error} */ (error);
  }
}

/** This Node if it is of that version, or else the one of the npm package `node`. @param {number} major */
export function nodeBinary(major) {
  if (process.version.startsWith(`v${major}.`)) return [process.execPath];
  const { stdout, stderr, status } = spawnSync("npx", ["-y", "-p", `node@${major}`, "node", "-p", "process.execPath"], {
    encoding: "utf8",
  });
  const binary = stdout?.trim().split("\n").at(-1) ?? "";
  if (status !== 0 || !existsSync(binary)) throw new Error(`npx brings no Node ${major}: ${stderr?.trim().split("\n").at(-1)}`);
  return [binary];
}

/** @param {string} code that runs there: what it must have */
export function pythonWith(code) {
  const found = ["/usr/bin/python3", "python3"].find((python) => spawnSync(python, ["-c", code]).status === 0);
  if (!found) throw new Error(`no python3 here can ${code}`);
  return [found];
}

/** What fails here is told by each engine that is not there. @param {(line: string) => void} log */
export function installPeers(log) {
  const { dependencies } = manifest(`${peers}/package.json`);
  const isInstalled = (/** @type {[string, unknown]} */ [name, version]) =>
    manifest(`${peers}/node_modules/${name}/package.json`)?.version === version;
  if (Object.entries(dependencies).every(isInstalled)) return;
  log("installing the peers, in bench/peers");
  const { status, stderr, error } = spawnSync("npm", ["ci", "--ignore-scripts", "--prefix", peers], { encoding: "utf8" });
  if (status !== 0) log(`npm ci in bench/peers failed: ${error?.message ?? stderr}`);
}

/** @param {string} file */
const manifest = (file) => (existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined);

/** The versions of Node behind the runtimes. @param {readonly import("./process.mjs").Engine[]} list */
export function nodeVersions(list) {
  const binaries = new Set(list.flatMap(({ command }) => (command instanceof Error || /python/.test(command[0]) ? [] : [command[0]])));
  return [...binaries].map((binary) => execFileSync(binary, ["--version"], { encoding: "utf8" }).trim());
}
