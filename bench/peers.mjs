// Elbo beside every peer that runs here, on the same device in one run: single kernels, training steps, the way to the first step, memory,
// and how much is installed and loaded. Processes take turns, and what they compute is compared with float64 before its time counts.
import "../dist/node.js";
import { describe, findAdapter, isSoftware } from "../dist/kernels/devices/webgpu/adapter.js";
import { bundles } from "./compare/bundle.mjs";
import { DEVICES, engines, pythonFor } from "./compare/engines.mjs";
import { installs } from "./compare/install.mjs";
import { askForKernels, KERNELS } from "./compare/kernels.mjs";
import { tables } from "./compare/tables.mjs";
import { pinning } from "./engines/process.mjs";
import { installPeers } from "./engines/programs.mjs";
import { Findings } from "./tasks/findings.mjs";
import { kernelTask, lazily, trainingTask } from "./tasks/task.mjs";
import { askToTrain } from "./tasks/training.mjs";

export { tables };

/**
 * `isSoftware`: a driver that computes on the CPU; `error`: why nothing was measured there.
 * @typedef {{ description?: string, isSoftware?: boolean, error?: string }} DeviceFacts
 * @typedef {import("./tasks/entry.mjs").Entry & { device: string }} Entry
 * @typedef {{ devices: Record<string, DeviceFacts>, versions: Record<string, string>, pinning: string, seconds: number, rounds: number, results: Entry[],
 *   installs: import("./compare/install.mjs").Size[], bundles: import("./compare/install.mjs").Size[] }} Found
 */

export const title = "kernels and training steps beside every peer that runs here; start, memory, sizes";

const DEFAULT = "cpu,webgpu";
/** As parseArgs takes them; `seconds` is the limit for one process. @type {import("./run.mjs").Bench["options"]} */
export const options = {
  device: { type: "string", default: DEFAULT },
  rounds: { type: "string", default: "3" },
  seconds: { type: "string", default: "120" },
};

/** @param {{ device: string, rounds: string, seconds: string }} options */
export function objection({ device, rounds, seconds }) {
  const strange = device.split(",").find((name) => !DEVICES.includes(name));
  if (strange !== undefined) return `--device "${strange}"; there are ${DEVICES.join(", ")}`;
  if (!(Number(seconds) > 0)) return `--seconds ${seconds}; it is more than 0`;
  return Number(rounds) >= 1 ? undefined : `--rounds ${rounds}; it is 1 or more`;
}

/** @param {Found} _ @param {{ device: string, rounds: string, filter: string }} options */
export const isWhole = (_, { device, rounds, filter }) => device === DEFAULT && Number(rounds) >= 3 && filter === "";

export const MODELS = ["dense", "conv28", "conv64"];

/** @param {{ device?: string, rounds?: string, seconds?: string, filter: string, log: (line: string) => void }} options @returns {Promise<Found>} */
export async function run({ device: list = DEFAULT, rounds: count = "3", seconds = "120", filter, log }) {
  /** @type {Record<string, DeviceFacts>} */
  const devices = {};
  /** @type {Record<string, string>} */
  const versions = { Node: process.version };
  /** @type {Entry[]} */
  const results = [];
  installPeers(log);
  const models = MODELS.map((model) => ({ model, task: lazily(() => trainingTask(model)) }));
  /** @type {Map<string, ReturnType<typeof kernelTasks>>} */
  const kernels = new Map();
  try {
    for (const device of list.split(",")) {
      const facts = await factsOf(device);
      devices[device] = facts;
      if (facts.error) {
        log(`${device} is left out: ${facts.error}`);
        continue;
      }
      const kind = facts.isSoftware ? "software" : device === "cpu" ? "cpu" : "gpu";
      const task = kernels.get(kind) ?? kernelTasks(kind);
      kernels.set(kind, task);
      const found = new Findings({ filter, seconds: Number(seconds), log: (line) => log(`${device}: ${line}`) });
      const rounds = kind === "software" ? 1 : Number(count); // where a step takes seconds, it is asked for once
      const all = engines(device, pythonFor(device));
      await askForKernels(found, task, all, rounds);
      for (const { model, task } of models) {
        const isSlow = (/** @type {import("./compare/engines.mjs").Engine} */ one) => kind === "software" || isSlowAt(model, one);
        const trainers = all.filter(({ trains }) => trains);
        await askToTrain(found, model, task, trainers, rounds, /** @type {(one: object) => boolean} */ (isSlow));
      }
      results.push(...found.entries().map((entry) => ({ device, ...entry })));
      Object.assign(versions, found.versions);
    }
  } finally {
    await Promise.all([...models.map(({ task }) => task), ...kernels.values()].map((task) => task.remove()));
  }
  const sizes = { installs: installs(log, filter), bundles: await bundles(log, filter) };
  return { devices, versions, pinning, seconds: Number(seconds), rounds: Number(count), results, ...sizes };
}

/** @param {keyof typeof KERNELS} kind */
const kernelTasks = (kind) => lazily(() => kernelTask(KERNELS[kind]));

/** Who takes seconds for a step on the CPU times those that are judged. @param {string} model @param {import("./compare/engines.mjs").Engine} engine */
const isSlowAt = (model, { engine, runtime, isSlow }) => isSlow || (model !== "dense" && engine === "jax-js" && runtime === "wasm");

/** @param {string} device @returns {Promise<DeviceFacts>} */
async function factsOf(device) {
  if (device === "cpu") return {};
  const adapter = await findAdapter();
  return adapter ? { description: describe(adapter), isSoftware: isSoftware(adapter) } : { error: "there is no WebGPU adapter here" };
}
