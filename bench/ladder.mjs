// The ladder: the same product by kernels each of which changes one thing with respect to the one before, up to the library's own.
// Every rung is compared with float64 before it is timed; a rung that is wrong has no time, and the bench fails.
import { readFile } from "node:fs/promises";
import "../dist/node.js";
import { findAdapter } from "../dist/kernels/devices/webgpu/adapter.js";
import { climb, table } from "./ladder/climb.mjs";
import { openGpu } from "./ladder/gpu.mjs";
import { gpuJsRungs } from "./ladder/gpu-js.mjs";
import { ladders } from "./ladder/rungs.mjs";
import { usual, workOf } from "./ladder/work.mjs";
import { time } from "./time.mjs";

export const title = "kernels that change one thing at a time, up to the library's own";

const DEVICES = "js,wasm,webgpu";
/** As parseArgs takes them; `size` is that of the matrix products. @type {import("./run.mjs").Bench["options"]} */
export const options = { device: { type: "string", default: DEVICES }, size: { type: "string", default: "" } };

/** @param {{ device: string, size: string }} options */
export function objection({ device, size }) {
  const strange = device.split(",").find((name) => !DEVICES.split(",").includes(name));
  if (strange !== undefined) return `--device "${strange}"; there are ${DEVICES}`;
  try {
    if (size) workOf("matmul", size);
    return undefined;
  } catch (error) {
    return `--${/** @type {Error} */ (error).message}`;
  }
}

/** @param {unknown} _ @param {{ device: string, size: string, filter: string }} options */
export const isWhole = (_, { device, size, filter }) => device === DEVICES && size === "" && filter === "";

/** @typedef {{ name: string, title: string, work: string, unit: string, on: string, entries: import("./ladder/climb.mjs").Entry[] }} Climbed */

/** @param {{ device: string, size: string, filter: string, log(line: string): void }} options */
export async function run({ device, size, filter, log }) {
  const gpu = device.includes("webgpu") && (await findAdapter()) ? await openGpu() : undefined;
  if (device.includes("webgpu") && !gpu) log("webgpu is left out: there is no adapter here");
  const context = { gpu, read: (/** @type {URL} */ url) => readFile(url, "utf8") };
  /** @type {Climbed[]} */
  const found = [];
  for (const [name, ladder] of Object.entries(ladders)) {
    const all = name === "cpu" ? [...ladder.rungs, ...(await gpuJsRungs())] : ladder.rungs;
    const isWanted = (/** @type {import("./ladder/rungs.mjs").Rung} */ rung) =>
      device.split(",").includes(rung.device) && (rung.device !== "webgpu" || gpu) && `${ladder.title}, ${rung.name}`.includes(filter);
    const rungs = all.filter(isWanted);
    if (rungs.length === 0) continue;
    const own = ladder.size ?? usual[ladder.work][gpu?.isSoftware ? "software" : "hardware"];
    const work = workOf(ladder.work, ladder.work === "matmul" && size ? size : own);
    const entries = [];
    for await (const entry of climb(rungs, work, context, time)) {
      entries.push(entry);
      log(entry.wrong ? `WRONG ${entry.wrong}` : `${entry.rung}: right, ${entry.perSecond?.toPrecision(3)} ${work.unit}`);
      if (entry.wrong) process.exitCode = 1;
    }
    const library = entries.findLast(({ description }) => description)?.description;
    const on = rungs[0].device === "webgpu" ? (gpu?.description ?? "") : `the processor${library ? `; the library's: ${library}` : ""}`;
    found.push({ name, title: ladder.title, work: work.title, unit: work.unit, on, entries });
  }
  gpu?.close();
  return { ladders: found };
}

/** @param {{ ladders: Climbed[], machine: import("./report.mjs").Machine }} file */
export function tables({ ladders, machine }) {
  return Object.fromEntries(
    ladders.map(({ name, title, work, unit, on, entries }) => {
      const where = `${machine.cpu}, ${machine.cores} cores, ${machine.os}, Node ${machine.node}`;
      const wrong = entries.flatMap(({ wrong }) => (wrong ? [`Refused: ${wrong}\n`] : [])).join("\n");
      return [
        `ladder-${name}`,
        `${title[0].toUpperCase()}${title.slice(1)}: ${work}, on ${on}.\n\n${table(entries, unit)}\n\n${wrong}${where}.\n`,
      ];
    }),
  );
}
