// Single kernels of Elbo on each device: verified, then timed, and set beside what the machine could do at most.

import { use } from "../dist/kernels/devices/device.js";
import { LimitError, OutOfMemoryError } from "../dist/kernels/devices/errors.js";
import { cases as allCases } from "./kernels/cases.mjs";
import { copiesOf, firstOf } from "./kernels/copies.mjs";
import { opened } from "./kernels/devices.mjs";
import { bytesOf, drawn, generator } from "./kernels/given.mjs";
import { measured, milliseconds } from "./kernels/measure.mjs";
import { least } from "./kernels/roofline.mjs";
import { tables } from "./kernels/tables.mjs";
import { expected, extent, wrong } from "./kernels/verified.mjs";

export { tables };

/** @typedef {import("./kernels/devices.mjs").Opened} Opened @typedef {import("./time.mjs").Times} Times */
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
 * @param {{ device?: string, size?: string, filter: string, cases?: readonly import("./kernels/case.mjs").Case[], seconds?: number, log: (line: string) => void }} options
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

/** @param {readonly Opened[]} devices @param {import("./kernels/case.mjs").Case} one @param {number} seconds @param {Found} found @param {(line: string) => void} log */
async function measureOn(devices, one, seconds, found, log) {
  const random = generator(7);
  const given = one.given.map((g) => drawn(g, random));
  const answer = await expected(one, given);
  for (const { device, facts, cache } of devices) {
    const name = { device: device.name, kernel: one.name };
    log(`${device.name}: ${one.name}`);
    use(device);
    try {
      const first = firstOf(one, given);
      first.single();
      let what = await wrong(first.results, answer);
      if (!what) {
        const ms = await milliseconds(device, first.single);
        const copies = copiesOf(one, given, first, { cache, isGpu: device.name === "webgpu", ms, random });
        copies.run(1);
        what = copies.last && (await wrong(copies.last, answer));
        if (!what)
          found.results.push({
            ...name,
            verified: extent(answer),
            ...entry(one, first, copies, await measured(device, copies, seconds), facts),
          });
        copies.dispose();
      }
      if (what) found.wrong.push({ ...name, what });
      first.dispose();
    } catch (error) {
      const { message } = /** @type {Error} */ (error);
      if (error instanceof LimitError || error instanceof OutOfMemoryError) found.leftOut.push({ ...name, why: message });
      else found.wrong.push({ ...name, what: `it failed: ${message}` });
    }
  }
}

/** @param {import("./kernels/case.mjs").Case} one @param {import("./kernels/copies.mjs").First} first @param {import("./kernels/copies.mjs").Copies} copies @param {Awaited<ReturnType<typeof measured>>} times @param {import("./kernels/devices.mjs").DeviceFacts} facts */
function entry(one, { kernels, dispatches }, { count, isCached }, times, { limits }) {
  const moved = one.bytes ? [{ flops: kernels.reduce((sum, k) => sum + k.flops, 0), bytes: one.bytes }] : kernels;
  const [flops, bytes] = [moved.reduce((sum, k) => sum + k.flops, 0), moved.reduce((sum, k) => sum + k.bytes, 0)];
  const { us, bound } = least(moved, limits, isCached);
  const { median } = times.gpu ?? times.repetition;
  const work = { flops, bytes, kernels: kernels.length, dispatches, copies: count, isCached };
  return { ...work, ...times, gflops: flops / median / 1e3, gbps: bytes / median / 1e3, share: us / median, bound };
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
