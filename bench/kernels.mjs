// Single kernels of Elbo on each device: verified, then timed, and set beside what the machine could do at most.

import { use } from "../dist/kernels/devices/device.js";
import { LimitError, OutOfMemoryError } from "../dist/kernels/devices/errors.js";
import { cases as allCases } from "./kernels/cases.mjs";
import { opened } from "./kernels/devices.mjs";
import { bytesOf, drawn, generator } from "./kernels/given.mjs";
import { resultOf } from "./kernels/result.mjs";
import { tables } from "./kernels/tables.mjs";
import { expected } from "./kernels/verified.mjs";

export { tables };

/** @typedef {import("./kernels/devices.mjs").Opened} Opened @typedef {import("./kernels/case.mjs").Case} Case @typedef {import("./time.mjs").Times} Times */
/**
 * A kernel on a device: its work by the plan's own count, how it was run, and its times in microseconds.
 * @typedef {{ device: string, kernel: string, flops: number, bytes: number, kernels: number, dispatches: number, copies: number, isCached: boolean, verified: string,
 *   call: Times, repetition: Times, together: number, gpu?: Times, gflops: number, gbps: number, share: number, bound: string }} Entry
 * @typedef {{ devices: Record<string, import("./kernels/devices.mjs").DeviceFacts>, results: Entry[], wrong: { device: string, kernel: string, what: string }[],
 *   leftOut: { device: string, kernel: string, why: string }[] }} Found
 */

export const title = "single kernels on each device, and the share of the machine's limits that they reach";

const DEVICES = "js,wasm,webgpu";
const SIZES = ["auto", "small", "large"];
/** As parseArgs takes them; `auto` is large on a GPU and small elsewhere. @type {import("./run.mjs").Bench["options"]} */
export const options = { device: { type: "string", default: DEVICES }, size: { type: "string", default: "auto" } };

/** What is wrong with the options. @param {{ device: string, size: string }} options */
export function objection({ device, size }) {
  const strange = device.split(",").find((name) => !DEVICES.split(",").includes(name));
  if (strange !== undefined) return `--device "${strange}"; there are ${DEVICES}`;
  return SIZES.includes(size) ? undefined : `--size "${size}"; there are ${SIZES.join(", ")}`;
}

/** Of all work on all devices? @param {Found} found @param {{ filter: string, size: string }} options */
export const isWhole = ({ devices }, { filter, size }) => filter === "" && size === "auto" && Object.keys(devices).join() === DEVICES;

/**
 * Each of the cases on each of the devices; `seconds` for each way of timing. A kernel that is wrong makes the process end with 1.
 * @param {{ device?: string, size?: string, filter: string, cases?: readonly Case[], seconds?: number, log: (line: string) => void }} options
 */
export async function run({ device: list = DEVICES, size = "auto", filter, cases = allCases(), seconds = 0.3, log }) {
  const names = /** @type {import("elbo").DeviceName[]} */ (list.split(","));
  /** @type {Found} */
  const found = { devices: {}, results: [], wrong: [], leftOut: [] };
  /** @type {Opened[]} */
  let all = [];
  for (const name of names) {
    log(`${name}: its limits`);
    const one = await opened(name, { size, enough: 60 * seconds }).catch((error) => {
      if (error.name !== "NoDeviceError") throw error;
      log(`${name} is left out: ${error.message}`);
    });
    if (!one) continue;
    all.push(one);
    found.devices[name] = one.facts;
  }
  for (const one of cases.filter(({ name }) => name.includes(filter))) {
    const [flop, bytes] = [one.flop ?? 0, one.bytes ?? one.given.reduce((sum, g) => sum + bytesOf(g), 0)];
    const able = all.filter(({ most }) => flop <= most.flop && bytes <= most.bytes);
    if (able.length > 0) await measureOn(able, one, seconds, found, log);
    all = all.filter(({ device }) => isUsable(device));
  }
  for (const { device } of all) await device.close();
  const order = Object.keys(found.devices);
  found.results.sort((a, b) => order.indexOf(a.device) - order.indexOf(b.device)); // those of a device in the order of the cases
  if (found.wrong.length > 0) process.exitCode = 1;
  return found;
}

/** @param {readonly Opened[]} devices @param {Case} one @param {number} seconds @param {Found} found @param {(line: string) => void} log */
async function measureOn(devices, one, seconds, found, log) {
  const given = one.given.map((g) => drawn(g, generator(7)));
  const answer = await expected(one, given);
  for (const opened of devices) {
    const { device } = opened;
    const name = { device: device.name, kernel: one.name };
    log(`${device.name}: ${one.name}`);
    use(device);
    try {
      const { what, ...entry } = await resultOf(one, given, answer, opened, seconds);
      if (what) found.wrong.push({ ...name, what });
      else found.results.push(/** @type {Entry} */ ({ ...name, ...entry }));
    } catch (error) {
      const { message } = /** @type {Error} */ (error);
      if (error instanceof LimitError || error instanceof OutOfMemoryError) found.leftOut.push({ ...name, why: message });
      else found.wrong.push({ ...name, what: `it failed: ${message}` });
    }
  }
}

/** A device that was lost, or on which a kernel did not compile, computes nothing any more. @param {import("elbo").Device} device */
function isUsable(device) {
  try {
    device.check();
    return true;
  } catch {
    return false;
  }
}
