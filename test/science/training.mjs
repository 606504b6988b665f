// Trainings by the command, as anybody would start them, in folders that stay: what was interrupted is resumed.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { loadRun } from "elbo/node";

const script = fileURLToPath(new URL("../../dist/cli/elbo.js", import.meta.url));

/**
 * `device`: options of the command, that decide nothing but time.
 * @typedef {{ scratch: string, data: string, options: readonly string[], epochs: number, device: readonly string[],
 *   signal: AbortSignal, uses(run: string): void, onEpoch(epoch: number): void }} Training
 */

/** The folder of a run. By its name one can tell what it is, and by all that decides what comes out it is found. @param {Pick<Training, "data" | "options" | "epochs">} training */
export function runName({ data, options, epochs }) {
  const words = options.map((option) => option.replace(/^--/, "").replace(/[^\w.]+/g, "-"));
  const name = basename(data); // wherever it lies
  const hash = createHash("sha256")
    .update(JSON.stringify([name, options]))
    .digest("hex")
    .slice(0, 8);
  return `${[name, ...words].join("-").slice(0, 60)}-${hash}-${epochs}`;
}

/** Trains, or goes on, or finds that it was done before. Returns the folder of the run. @param {Training} training */
export async function trained(training) {
  const { scratch, data, options, epochs, device, signal, uses, onEpoch } = training;
  const name = runName(training);
  const out = join(scratch, name);
  uses(name);
  const done = await epochsOf(out);
  if (done === epochs) return out;
  const way = done === undefined ? ["--data", data, ...options, "--out", out] : ["--resume", out];
  await command(["train", ...way, "--epochs", `${epochs}`, ...device, "--json"], signal, (line) => {
    if (typeof line.epoch === "number") onEpoch(line.epoch);
  });
  return out;
}

/** Of a run that may have been interrupted; undefined where there is none. @param {string} dir */
async function epochsOf(dir) {
  if (!existsSync(join(dir, "config.json"))) return undefined;
  const { model, metrics } = await loadRun(dir);
  model.dispose();
  return metrics.length;
}

/**
 * Runs `elbo` with an object a line on stdout. In a group of its own: Ctrl-C in a terminal reaches all of a group, and is then passed on once.
 * @param {readonly string[]} args @param {AbortSignal} signal @param {(line: any) => void} onLine
 */
async function command(args, signal, onLine) {
  signal.throwIfAborted();
  const child = spawn(process.execPath, [script, ...args], { detached: true, stdio: ["ignore", "pipe", "pipe"] });
  const stop = () => child.kill("SIGINT"); // it ends its step and saves
  signal.addEventListener("abort", stop);
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text) => {
    said = (said + text).slice(-2000);
  });
  const ended = new Promise((resolve, reject) => child.on("error", reject).on("close", (code, sign) => resolve(code ?? sign)));
  try {
    for await (const line of createInterface({ input: child.stdout })) onLine(JSON.parse(line));
    const code = await ended;
    signal.throwIfAborted();
    if (code !== 0) throw new Error(`elbo ${args.join(" ")}: ended with ${code}: ${said.trim().split("\n").slice(-3).join("; ")}`);
  } finally {
    signal.removeEventListener("abort", stop);
    if (child.exitCode === null && child.signalCode === null) child.kill(); // the runner failed meanwhile
  }
}
