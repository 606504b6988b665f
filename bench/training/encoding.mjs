// What it costs to encode a step, by itself: on Dawn's null backend, which takes whatever a GPU would be given and runs nothing, so that no
// driver's threads stand in the way. Kernels are those of a GPU.
import { create, globals } from "webgpu";
import { use } from "../../dist/kernels/devices/device.js";
import { WebGpuDevice } from "../../dist/kernels/devices/webgpu/device.js";
import { givenSteps } from "../tasks/task.mjs";
import { timed } from "../time.mjs";
import { made } from "./steps.mjs";

/** In microseconds a step: `encode` of one step for each submit, `repeated` of `together`. @typedef {{ model: string, dispatches: number, together: number, encode: import("../time.mjs").Times, repeated: import("../time.mjs").Times }} Encoding */

const REPEATED = 20; // steps in a submit
const TOGETHER = 60; // steps in a sample
const SAMPLES = 40;

/** @type {GPU | undefined} */
let nothing;

/** @param {readonly (readonly [model: string, batch: number])[]} works @returns {Promise<Encoding[]>} */
export async function encodings(works) {
  Object.assign(globalThis, globals);
  nothing ??= create(["backend=null", "enable-dawn-features=allow_unsafe_apis"]);
  Object.assign(globalThis, { nothing }); // Node crashes if the instance is collected while a device lives
  const adapter = await nothing.requestAdapter();
  if (!adapter) throw new Error("Dawn's null backend has no adapter");
  const device = await WebGpuDevice.open(adapter, { tiles: {} });
  use(device);
  const found = [];
  for (const [model, batch] of works) found.push(await encoding(device, model, batch));
  await device.close();
  return found;
}

/** @param {import("elbo").WebGpuDevice} device @param {string} model @param {number} batch @returns {Promise<Encoding>} */
async function encoding(device, model, batch) {
  const { step, x, dispose } = made(model, givenSteps(model, batch, 1), batch);
  const { dispatches } = step.explain(x);
  /** @param {() => unknown} run @param {number} steps that it takes */
  const each = (run, steps) =>
    timed(
      async () => {
        const start = performance.now();
        for (let i = 0; i < TOGETHER; i += steps) run();
        const ms = performance.now() - start;
        await device.idle();
        return ms;
      },
      TOGETHER,
      SAMPLES,
    );
  const encode = await each(() => step(x), 1);
  const repeated = await each(() => step.repeat(REPEATED, x), REPEATED);
  dispose();
  return { model, dispatches, together: REPEATED, encode, repeated };
}
