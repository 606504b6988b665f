// Whole training steps of Elbo alone, on every device there is: three models, the dense one at several batch sizes, and what a kernel costs
// that has next to nothing to do. The first steps are compared with float64 before any is timed. Peers stand beside it in peers.mjs.
import { open } from "elbo";
import { findAdapter, isSoftware, registerGpu } from "../dist/kernels/devices/webgpu/adapter.js";
import { exactClock } from "./kernels/devices.mjs";
import { models } from "./tasks/models.mjs";
import { expectedLosses, givenSteps } from "./tasks/task.mjs";
import { chainCosts } from "./training/chain.mjs";
import { encodings } from "./training/encoding.mjs";
import { timedStep, workOf } from "./training/steps.mjs";
import { tables } from "./training/tables.mjs";

export { tables };

/**
 * @typedef {import("./training/steps.mjs").Step & { device: string }} Step @typedef {import("./training/chain.mjs").Cost & { device: string }} Cost
 * @typedef {{ description: string, isSoftware: boolean }} DeviceFacts
 * @typedef {{ devices: Record<string, DeviceFacts>, steps: Step[], costs: Cost[], wrong: { device: string, work: string, what: string }[],
 *   leftOut: { device: string, work: string, why: string }[], encoding?: import("./training/encoding.mjs").Encoding[] }} Found
 */

export const title = "whole training steps on each device, by model and by batch size, and the cost of a dispatch";

const DEVICES = ["js", "wasm", "webgpu"];
const BATCHES = "32,64,128,256";
/** As parseArgs takes them; `batches` are those of the dense model. @type {import("./run.mjs").Bench["options"]} */
export const options = { device: { type: "string", default: "auto" }, batches: { type: "string", default: BATCHES } };

/** What is wrong with the options. @param {{ device: string, batches: string }} options */
export function objection({ device, batches }) {
  const strange = listOf(device).find((name) => !DEVICES.includes(name));
  if (strange !== undefined) return `--device "${strange}"; there are auto, ${DEVICES.join(", ")}`;
  const wrong = batches.split(",").find((batch) => !(Number.isInteger(Number(batch)) && Number(batch) >= 1));
  return wrong === undefined ? undefined : `--batches "${wrong}"; they are whole numbers from 1`;
}

/** @param {string} device */
const listOf = (device) => (device === "auto" ? DEVICES : device.split(","));

/** Of all work on all devices? @param {Found} found @param {{ filter: string, batches: string }} options */
export const isWhole = ({ devices }, { filter, batches }) =>
  filter === "" && batches === BATCHES && Object.keys(devices).join() === DEVICES.join();

const STEPS = 2; // that are judged
/** Operations of a step beyond which the bench would take more than some minutes. */
const MOST = { js: 1e9, software: 4e9 };

/** @param {{ device?: string, batches?: string, filter: string, seconds?: number, log: (line: string) => void }} options @returns {Promise<Found>} */
export async function run({ device: list = "auto", batches = BATCHES, filter, seconds = 1, log }) {
  /** @type {Found} */
  const found = { devices: {}, steps: [], costs: [], wrong: [], leftOut: [] };
  const works = worksOf(batches).filter(({ name }) => name.includes(filter));
  /** By the work, since all devices are compared with the same. @type {Map<string, Promise<number[]>>} */
  const expected = new Map();
  for (const name of /** @type {import("elbo").DeviceName[]} */ (listOf(list))) {
    for (const { model, batch, name: work } of works) {
      const given = givenSteps(model, batch, STEPS);
      expected.set(work, expected.get(work) ?? Promise.resolve(await expectedLosses(model, batch, given))); // it opens a device of its own
    }
    if (name === "webgpu") registerGpu(exactClock);
    const device = await open(name).catch((error) => {
      if (error.name !== "NoDeviceError") throw error;
      log(`${name} is left out: ${error.message}`);
    });
    if (!device) continue;
    const adapter = name === "webgpu" ? await findAdapter() : undefined;
    const facts = { description: device.description, isSoftware: adapter !== undefined && isSoftware(adapter) };
    found.devices[name] = facts;
    const most = facts.isSoftware ? MOST.software : name === "js" ? MOST.js : Number.POSITIVE_INFINITY;
    for (const { model, batch, name: what } of works) {
      const given = givenSteps(model, batch, STEPS);
      const work = workOf(device, model, given, batch);
      const reference = { device: name, work: what };
      if (work.flops > most) {
        found.leftOut.push({ ...reference, why: `${(work.flops / 1e9).toPrecision(2)} Gflop a step would take long here` });
        continue;
      }
      log(`${name}: ${what}`);
      const timed = await timedStep(device, work, given, (await expected.get(what)) ?? [], seconds);
      if (typeof timed === "string") found.wrong.push({ ...reference, what: timed });
      else found.steps.push({ device: name, ...timed });
    }
    if ("cost of a dispatch".includes(filter)) {
      log(`${name}: cost of a dispatch`);
      for await (const cost of chainCosts(device, seconds / 3)) found.costs.push({ device: name, ...cost });
    }
    await device.close();
  }
  if (found.devices["webgpu"] && "encoding alone".includes(filter)) {
    log("webgpu: encoding alone");
    found.encoding = await encodings(Object.entries(models).map(([model, { batch }]) => [model, batch]));
  }
  if (found.wrong.length > 0) process.exitCode = 1;
  return found;
}

/** Each model, and the dense one at all the batch sizes. @param {string} batches */
function worksOf(batches) {
  const dense = [...new Set([...batches.split(",").map(Number), models["dense"].batch])].sort((a, b) => a - b);
  const all = [
    ...dense.map((batch) => ({ model: "dense", batch })),
    ...["conv28", "conv64"].map((model) => ({ model, batch: models[model].batch })),
  ];
  return all.map(({ model, batch }) => ({ model, batch, name: `${model}, batch ${batch}` }));
}
