// Training steps of one model with one batch size on the device that is open: judged, then timed.
import { adam, compile, keep, tensor } from "elbo";
import { kernelCode } from "../../dist/kernels/devices/webgpu/kernel.js";
import { wrongLoss, wrongTraining } from "../tasks/judge.mjs";
import { leastBytes, models } from "../tasks/models.mjs";
import { lossesOf, RATE } from "../tasks/task.mjs";
import { summary, time, timed } from "../time.mjs";

/** @typedef {import("elbo").Tensor} Tensor @typedef {import("../time.mjs").Times} Times */
/**
 * In microseconds: `call` from the host until the loss is read; `step` one of as many as were started together, until the device is idle;
 * `encode` until the call returns, on a GPU; `gpu` the sum of its dispatches by the GPU's own clock. `least` is the least of bytes;
 * `onGpu` counts the dispatches that the plan has on a GPU, whatever the adapter.
 * @typedef {{ model: string, batch: number, kernels: number, dispatches: number, onGpu?: number, flops: number, bytes: number, least: number,
 *   call: Times, step: Times, together: number, encode?: Times, gpu?: Times }} Step
 */

const TOGETHER = 5e3; // microseconds that steps started together should take
const SLOW = 5e5; // microseconds for a step, beside which waiting is nothing
const CLOCKED = 5; // steps that are timed by the GPU's clock
const TICK = 65_536; // nanoseconds, to which Dawn rounds that clock unless it is told not to

/** The step as a user writes it, with noise of its own. @param {string} name @param {ReturnType<typeof import("../tasks/task.mjs").givenSteps>} given @param {number} batch */
export function made(name, { x: pixels }, batch) {
  const vae = models[name].make();
  const optimizer = adam([...vae.parameters.values()], { rate: RATE });
  const step = compile((/** @type {Tensor} */ x) => {
    const { loss } = vae.terms(x);
    optimizer.step(loss);
    return loss;
  });
  const x = keep(tensor(pixels, [batch, ...vae.shape]));
  const dispose = () => {
    step.dispose();
    vae.dispose();
    for (const t of [x, ...optimizer.state.values()]) t.dispose();
  };
  return { vae, step, x, dispose };
}

/**
 * What a step does, without running it.
 * @param {import("elbo").Device} device @param {string} name @param {ReturnType<typeof import("../tasks/task.mjs").givenSteps>} given @param {number} batch
 */
export function workOf(device, name, given, batch) {
  const { vae, step, x, dispose } = made(name, given, batch);
  const { prepare } = device;
  let onGpu = 0;
  device.prepare = (plan) => {
    onGpu = plan.kernels.flatMap((kernel) => kernelCode(plan, kernel, GPU)).length; // of the step, which is prepared last
    return prepare.call(device, plan);
  };
  const { kernels, dispatches, flops, bytes } = step.explain(x);
  device.prepare = prepare;
  const least = leastBytes(models[name], vae, batch);
  dispose();
  return { model: name, batch, kernels: kernels.length, dispatches, flops, bytes, least, ...(device.name === "webgpu" && { onGpu }) };
}

/** Whose kernels sum long sums in parts, in a second dispatch; a driver in software has other kernels. */
const GPU = /** @type {const} */ ({ family: "tiled", buffers: 8, parts: undefined });

/**
 * Its times, or what is wrong with it in words.
 * @param {import("elbo").Device} device @param {ReturnType<typeof workOf>} work @param {ReturnType<typeof import("../tasks/task.mjs").givenSteps>} given
 * @param {readonly number[]} expected @param {number} seconds @returns {Promise<Step | string>}
 */
export async function timedStep(device, work, given, expected, seconds) {
  const { model, batch, dispatches } = work;
  const wrong = wrongLoss(await lossesOf(model, batch, given), expected);
  if (wrong) return wrong;
  const { step, x, dispose } = made(model, given, batch);
  const first = await step(x).item();
  const call = await time(() => step(x).data(), 1, seconds);
  const together = call.median > SLOW ? 1 : Math.max(1, Math.min(100, Math.ceil(TOGETHER / call.median)));
  const started = () => {
    const start = performance.now();
    for (let i = 0; i < together; i++) step(x);
    return performance.now() - start;
  };
  const all = call.median > SLOW ? call : await time(() => Promise.resolve(started()).then(() => device.idle()), together, seconds);
  const onGpu = device.name === "webgpu" ? await gpuTimes(device, () => step(x), started, together, dispatches) : {};
  const trained = wrongTraining(first, await step(x).item());
  dispose();
  return trained ?? { ...work, call, step: all, together, ...onGpu };
}

/**
 * What only a GPU has: how long encoding takes, and its own clock.
 * @param {import("elbo").Device} device @param {() => unknown} step @param {() => number} started @param {number} together @param {number} dispatches
 */
async function gpuTimes(device, step, started, together, dispatches) {
  const { gpu, profile } = /** @type {import("elbo").WebGpuDevice} */ (device);
  const encode = await timed(
    async () => {
      const ms = started();
      await device.idle();
      return ms;
    },
    together,
    10,
  );
  if (!gpu.features.has("timestamp-query")) return { encode };
  const profiled = () => {
    for (let i = 0; i < CLOCKED; i++) step();
  };
  const ns = (await profile.call(device, profiled)).map((t) => t.ns);
  if (ns.every((t) => t % TICK === 0)) return { encode };
  const sums = Array.from({ length: CLOCKED }, (_, i) => ns.slice(i * dispatches, (i + 1) * dispatches).reduce((a, b) => a + b, 0));
  return { encode, gpu: summary(sums.map((sum) => sum / 1e3)) };
}
