// A kernel of one's own among the rungs: npm run bench -- mine KERNEL.wgsl --as matmul. It is verified as they are, and timed beside them.
import { existsSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import "../dist/node.js";
import { climb, table } from "./ladder/climb.mjs";
import { openGpu } from "./ladder/gpu.mjs";
import { own, rungsFor } from "./ladder/rungs.mjs";
import { names, usual, workOf } from "./ladder/work.mjs";
import { time } from "./time.mjs";

export const title = "a WGSL kernel of your own, verified and timed between the rungs";
export const argument = "KERNEL.wgsl";
/** As parseArgs takes them. @type {import("./run.mjs").Bench["options"]} */
export const options = {
  as: { type: "string", default: "" },
  size: { type: "string", default: "" },
  groups: { type: "string", default: "" },
};

/** @typedef {{ argument: string[], as: string, size: string, groups: string, filter: string }} Options */

/** @param {Options} options */
export function objection({ argument: files, as, size, groups }) {
  if (files.length !== 1) return `mine takes one file, ${argument}${files.length > 1 ? `, not ${files.join(" ")}` : ""}`;
  if (!existsSync(files[0])) return `there is no file ${files[0]}`;
  if (!names.includes(as)) return `--as "${as}"; what the kernel claims to be is one of ${names.join(", ")}`;
  if (groups && !(groups.split(",").length <= 3 && groupsOf(groups).every((n) => Number.isInteger(n) && n >= 1)))
    return `--groups "${groups}"; it is the workgroups to start, x,y,z`;
  try {
    workOf(as, size || usual[as].software);
  } catch (error) {
    return `--${/** @type {Error} */ (error).message}`;
  }
  return undefined;
}

/** @param {string} text @returns {import("./ladder/declared.mjs").Groups} */
function groupsOf(text) {
  const [x, y = 1, z = 1] = text.split(",").map(Number);
  return [x, y, z];
}

export const isWhole = () => false; // what is found of somebody's file is no result of ours

/** @param {Options & { log(line: string): void }} options */
export async function run({ argument: [file], as, size, groups, filter, log }) {
  const gpu = await openGpu();
  const context = { gpu, read: (/** @type {URL} */ url) => readFile(url, "utf8") };
  const work = workOf(as, size || usual[as][gpu.isSoftware ? "software" : "hardware"]);
  const mine = own({ file, text: readFileSync(file, "utf8") }, groups ? groupsOf(groups) : undefined);
  const others = rungsFor(as).filter(({ name, device }) => device === "webgpu" && name.includes(filter));
  const entries = [];
  for await (const entry of climb([mine, ...others], work, context, time)) {
    entries.push(entry);
    log(entry.wrong ? `REFUSED ${entry.wrong}` : `${entry.rung}: right, ${entry.perSecond?.toPrecision(3)} ${work.unit}`);
    if (entry.wrong) process.exitCode = 1;
    if (entry.wrong && entries.length === 1) break; // there is nothing to compare
  }
  gpu.close();
  return { work: work.title, unit: work.unit, on: gpu.description, entries };
}

/** @param {Awaited<ReturnType<typeof run>>} file */
export function tables({ work, unit, on, entries }) {
  if (entries[0].wrong) return {};
  const sorted = entries.toSorted((a, b) => (a.perSecond ?? 0) - (b.perSecond ?? 0)).map((entry) => ({ ...entry, beside: false }));
  return { mine: `${work}, on ${on}, the slowest first.\n\n${table(sorted, unit, "kernel")}\n` };
}
