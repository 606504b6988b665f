// What the engine costs besides the arithmetic: microseconds per op where there is next to no arithmetic, on [8, 8] matrices.
// It says nothing of how fast a kernel is. The dense VAE, at the end, shows what such costs are a share of.
import { adam, compile, keep, open, tensor } from "elbo";
import { digits } from "elbo/data";
import { denseVae } from "elbo/vae";
import { gpuJsProducts } from "./gpu-js.mjs";
import { time, timed } from "./time.mjs";
import { difference } from "./verify.mjs";

/** @typedef {import("elbo").Tensor} Tensor @typedef {import("elbo").Device} Device @typedef {import("elbo").DeviceName} DeviceName */
/**
 * What is timed: `body` whole, or what `timing` measures itself. The time of a call is divided by `count` to be per `per`.
 * @typedef {{ how: string, per: string, count?: number, ops?: number, kernels?: number }} Row
 * @typedef {Row & { body: () => Promise<unknown> } | Row & { timing: () => Promise<number>, samples?: number }} Case
 */

export const title = "microseconds per op, eager and replayed";

const DEVICES = "js,wasm,webgpu";
/** As parseArgs takes them. @type {import("./run.mjs").Bench["options"]} */
export const options = { device: { type: "string", default: DEVICES } };

/** What is wrong with the options. @param {{ device: string }} options */
export function objection({ device }) {
  const strange = device.split(",").find((name) => !DEVICES.split(",").includes(name));
  return strange === undefined ? undefined : `--device "${strange}"; there are ${DEVICES}`;
}

/** Of all work on all devices? @param {Awaited<ReturnType<typeof run>>} found @param {{ filter: string }} options */
export const isWhole = ({ devices }, { filter }) => filter === "" && Object.keys(devices).join() === DEVICES;

/** @param {{ device?: string, filter: string, log: (line: string) => void }} options */
export async function run({ device: list = DEVICES, filter, log }) {
  const expected = await reference();
  /** @type {Record<string, string>} */
  const devices = {};
  /** @type {import("./report.mjs").Result[]} */
  const results = [];
  for (const name of /** @type {DeviceName[]} */ (list.split(","))) {
    const device = await open(name).catch((error) => {
      if (error.name !== "NoDeviceError") throw error;
      log(`${name} is left out: ${error.message}`);
    });
    if (!device) continue;
    devices[name] = device.description;
    for (const [work, cases] of Object.entries(WORK)) {
      if (!work.includes(filter)) continue;
      for await (const one of cases(device, expected)) {
        const { how, per, ops, kernels, count = 1 } = one;
        log(`${name}: ${work}, ${how}`);
        const times = "body" in one ? await time(one.body, count) : await timed(one.timing, count, one.samples);
        results.push({ work, how, device: name, per, ...(ops && { ops }), ...(kernels && { kernels }), ...times });
      }
    }
    await device.close();
  }
  return { devices, results };
}

const LENGTH = 100;
const REPLAYS = 20; // in a row, before the device is waited for

/** @type {Record<string, (device: Device, expected: Reference) => AsyncGenerator<Case>>} */
const WORK = {
  [`${LENGTH} elementwise ops`]: (device, expected) => chainCases(device, elementwise, expected.elementwise),
  [`${LENGTH} matmuls`]: (device, expected) => chainCases(device, matmuls, expected.matmuls),
  "one matmul": matmulCases,
  "one number": numberCases,
  "dense VAE": denseCases,
};

/** @param {(i: number) => number} value */
const matrix = (value) =>
  tensor(
    Float32Array.from({ length: 64 }, (_, i) => value(i)),
    [8, 8],
  );
const x = matrix(Math.sin);
const w = matrix((i) => (i % 9 === 0 ? 0.75 : -0.25)); // a reflection: products with it neither grow nor vanish
const half = matrix(() => 0.5);

/** @typedef {(x: Tensor, w: Tensor, half: Tensor) => Tensor} Chain */
/** x ← w · x + ½, element by element: on a GPU all of it is one kernel. @type {Chain} */
const elementwise = (x, w, half) => repeated(LENGTH / 2, x, (y) => y.mul(w).add(half));
/** x ← x w: each product reads all of the one before it, so each is a kernel. @type {Chain} */
const matmuls = (x, w) => repeated(LENGTH, x, (y) => y.matmul(w));

/** @param {number} times @param {Tensor} x @param {(x: Tensor) => Tensor} f */
function repeated(times, x, f) {
  for (let i = 0; i < times; i++) x = f(x);
  return x;
}

/** A dense VAE 784-400-20, a batch of 128 digits, and what compiles its step with Adam. */
function denseStep() {
  const model = denseVae({ input: 784, hidden: 400, latent: 20 });
  const optimizer = adam([...model.parameters.values()]);
  const batch = keep(
    tensor(
      Float32Array.from(digits({ count: 128 }).pixels, (byte) => byte / 255),
      [128, 784],
    ),
  );
  const compiled = () =>
    compile((/** @type {Tensor} */ x) => {
      const { loss } = model.terms(x);
      optimizer.step(loss);
      return loss;
    });
  return { batch, compiled };
}

/**
 * What `js` computes, where every op is a kernel of its own. All devices are compared with it before they are timed.
 * @typedef {Awaited<ReturnType<typeof reference>>} Reference
 */
async function reference() {
  const device = await open("js");
  const { batch, compiled } = denseStep();
  const step = compiled();
  const values = {
    elementwise: await elementwise(x, w, half).data(),
    matmuls: await matmuls(x, w, half).data(),
    product: await x.matmul(w).data(),
    losses: [await step(batch).item(), await step(batch).item()],
    denseOps: step.explain(batch).kernels.length,
  };
  await device.close();
  return values;
}

/** @param {string} what @param {ArrayLike<number>} got @param {ArrayLike<number>} expected */
function verify(what, got, expected) {
  const wrong = difference(got, expected);
  if (wrong) throw new Error(`${what} is wrong, so it is not timed: ${wrong}`);
}

/** @param {Device} device @param {Chain} chain @param {ArrayLike<number>} expected @returns {AsyncGenerator<Case>} */
async function* chainCases(device, chain, expected) {
  const args = /** @type {const} */ ([keep(x), keep(w), keep(half)]);
  const compiled = compile(chain);
  const eager = () => chain(...args).data();
  const replayed = () => compiled(...args).data();
  /** The milliseconds that the calls take, which do not wait for the device; the promise does. */
  const queued = async () => {
    const start = performance.now();
    for (let i = 0; i < REPLAYS; i++) compiled(...args);
    const ms = performance.now() - start;
    await device.idle();
    return ms;
  };
  verify(`the chain, eager on ${device.name},`, await eager(), expected);
  verify(`the chain, replayed on ${device.name},`, await replayed(), expected);

  const kernels = compiled.explain(...args).kernels.length;
  const row = { per: "op", count: LENGTH, ops: LENGTH, kernels };
  yield { how: "recorded, not run", per: "op", count: LENGTH, ops: LENGTH, body: async () => chain(...args) };
  yield { ...row, how: "eager, read", body: eager };
  yield { ...row, how: "replayed, read", body: replayed };
  yield { ...row, how: `replayed ${REPLAYS} times, idle`, count: LENGTH * REPLAYS, body: queued };
  // On js and wasm the call is the computation, and a single kernel says more of the submission than of encoding.
  if (device.name !== "webgpu" || kernels === 1) return;
  yield { ...row, how: "encoded and submitted", per: "kernel", count: kernels * REPLAYS, timing: queued };
}

/** One product, and for context the same by a kernel that gpu.js generates. @param {Device} device @param {Reference} expected @returns {AsyncGenerator<Case>} */
async function* matmulCases(device, expected) {
  const [a, b] = [keep(x), keep(w)];
  verify(`matmul on ${device.name}`, await a.matmul(b).data(), expected.product);
  yield { how: "eager, read", per: "call", ops: 1, kernels: 1, body: () => a.matmul(b).data() };
  if (device.name !== "js") return;
  for (const { mode, product } of await gpuJsProducts(await x.data(), await w.data())) {
    verify(
      `gpu.js (${mode})`,
      product().flatMap((row) => [...row]),
      expected.product,
    );
    yield { how: `by gpu.js (${mode})`, per: "call", body: async () => product() };
  }
}

/** Four bytes: the way to the device and back. @param {Device} device @returns {AsyncGenerator<Case>} */
async function* numberCases(device) {
  const zero = keep(tensor(0));
  const next = compile((/** @type {Tensor} */ n) => n.add(1));
  verify(`add on ${device.name}`, await next(zero).data(), [1]);
  yield { how: "replayed, read", per: "call", ops: 1, kernels: 1, body: () => next(zero).data() };
}

/** @param {Device} device @param {Reference} expected @returns {AsyncGenerator<Case>} */
async function* denseCases(device, expected) {
  const { batch, compiled } = denseStep();
  const step = compiled();
  verify(`the dense VAE on ${device.name}`, [await step(batch).item(), await step(batch).item()], expected.losses);
  const row = { per: "call", ops: expected.denseOps, kernels: step.explain(batch).kernels.length };
  yield { ...row, how: "one training step, read", body: () => step(batch).data() };
  const planned = async () => {
    const again = compiled();
    again.explain(batch);
    again.dispose();
  };
  yield { ...row, how: "planned and prepared again", body: planned };
  /** On a device that is new each time, for a device compiles a kernel once. */
  const first = async () => {
    const fresh = await open(/** @type {DeviceName} */ (device.name));
    const { batch, compiled } = denseStep();
    const start = performance.now();
    compiled().explain(batch);
    const ms = performance.now() - start;
    await fresh.close();
    return ms;
  };
  yield { ...row, how: "planned and prepared the first time", timing: first, samples: 5 };
}
