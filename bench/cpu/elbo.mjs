// Elbo itself, as peers/peer.mjs says; it stands here, where "elbo" can be imported. Beside the common work it has its own:
//   node bench/cpu/elbo.mjs --work layers|startup|replay|profile --folder DIR --backend wasm [--threads 2] [--turbo]
import { adam, compile, keep, open, tensor } from "elbo";
import { answer, convolutions, options, products, read, sampled, training, trainingFiles } from "../peers/peer.mjs";
import { shapesOf } from "./layers.mjs";
import { models } from "./models.mjs";
import { givenNoise, passes, RATE } from "./task.mjs";

/** @typedef {import("elbo").Tensor} Tensor @typedef {import("elbo").DeviceName} DeviceName */

const opened = () => {
  const { backend, threads, turbo } = options;
  /** @type {object} */
  const settings = backend === "wasm" ? { threads, turbo } : {};
  return open(/** @type {DeviceName} */ (backend), settings);
};

/** The step as a user writes it, with noise of its own. @param {import("elbo/vae").Vae} vae */
function drawnNoise(vae) {
  const optimizer = adam([...vae.parameters.values()], { rate: RATE });
  return compile((/** @type {Tensor} */ x) => {
    const { loss } = vae.terms(x);
    optimizer.step(loss);
    return loss;
  });
}

/** The model of the task, with the values that its files have, and the pictures. */
function given() {
  const { model, tensors } = trainingFiles();
  return { make: models[model].make, x: tensor(read("x"), tensors["x"]) };
}

async function train() {
  const device = await opened();
  const { noise, tensors } = trainingFiles();
  const { make, x: pictures } = given();
  const x = keep(pictures);
  const judged = givenNoise(make());
  /** @type {ReturnType<typeof drawnNoise> | undefined} */
  let step;
  const found = await training(
    noise,
    (name) => judged(x, tensor(read(name), tensors[name])).item(),
    async (wantsLoss) => {
      step ??= drawnNoise(make());
      const loss = step(x);
      return wantsLoss ? loss.item() : void (await device.idle());
    },
  );
  return { ...found, description: device.description };
}

async function gemm() {
  const device = await opened();
  const product = compile((/** @type {Tensor} */ a, /** @type {Tensor} */ b) => a.matmul(b));
  return {
    products: await products((left, right, m, k, n) => {
      const [a, b] = [keep(tensor(left, [m, k])), keep(tensor(right, [k, n]))];
      const run = async (/** @type {number} */ count) => {
        for (let i = 0; i < count; i++) product(a, b);
        await device.idle();
      };
      return { run, data: () => product(a, b).data() };
    }),
  };
}

/** Single convolutions, each compiled. */
async function layers() {
  const device = await opened();
  return {
    layers: await convolutions((layer) => {
      const shapes = shapesOf(layer);
      const [x, w, dy] = /** @type {const} */ (["x", "w", "dy"]).map((name) => keep(tensor(read(`${layer}.${name}`), shapes[name])));
      const compiled = Object.entries(passes).map(([role, pass]) => {
        const computed = compile(pass);
        const run = async (/** @type {number} */ count) => {
          for (let i = 0; i < count; i++) computed(x, w, dy);
          await device.idle();
        };
        return [role, { run, data: () => computed(x, w, dy).data() }];
      });
      return Object.fromEntries(compiled);
    }),
  };
}

/** From open to the end of the first step, in a process that did nothing before but make the model's first values. */
async function startup() {
  const { make, x } = given();
  const vae = make();
  const start = performance.now();
  await opened();
  const loss = await drawnNoise(vae)(x).item();
  const ms = performance.now() - start;
  if (!Number.isFinite(loss)) throw new Error(`the first loss is ${loss}`);
  return { ms: [ms] };
}

const KERNELS = 100;
const REPLAYS = 20; // in a row, before the device is waited for

/** What a replay costs for each kernel, where a kernel has next to nothing to do: products of [8, 8]. */
async function replay() {
  const device = await opened();
  const matrix = (/** @type {(i: number) => number} */ value) =>
    keep(
      tensor(
        Float32Array.from({ length: 64 }, (_, i) => value(i)),
        [8, 8],
      ),
    );
  const [x, w] = [matrix(Math.sin), matrix((i) => (i % 9 === 0 ? 0.75 : -0.25))]; // w is a reflection: x w w = x
  const chain = compile((/** @type {Tensor} */ x, /** @type {Tensor} */ w) => {
    for (let i = 0; i < KERNELS; i++) x = x.matmul(w);
    return x;
  });
  const wrong = (await chain(x, w).data()).findIndex((value, i) => Math.abs(value - Math.sin(i)) > 1e-4);
  if (wrong >= 0) throw new Error(`element ${wrong} of the chain of products is wrong`);
  const kernels = chain.explain(x, w).kernels.length;
  const ms = await sampled(async () => {
    for (let i = 0; i < REPLAYS; i++) chain(x, w);
    await device.idle();
  }, 0.3);
  return { ms: ms.map((t) => t / (REPLAYS * kernels)), kernels };
}

/** Where the time of a step goes: each phase of its program, from one barrier to the next, on one thread. */
async function profile() {
  const device = /** @type {import("../../src/kernels/devices/wasm/device.ts").WasmDevice} */ (await opened());
  const { threads, prepare } = device;
  /** @type {number[][]} */
  let samples = [];
  /** @type {readonly import("../../src/kernels/devices/wasm/program.ts").PhaseFacts[]} */
  let facts = [];
  const load = threads.load.bind(threads);
  threads.load = (...args) => {
    const loaded = load(...args);
    /** @type {number[][]} */
    const own = loaded.phases.map(() => []);
    if (own.length > 1) samples = own; // the step's; setting up takes one phase
    const phases = loaded.phases.map((phase, i) => (/** @type {number} */ thread, /** @type {number} */ count) => {
      const start = performance.now();
      phase(thread, count);
      own[i].push(performance.now() - start);
    });
    return { ...loaded, phases };
  };
  device.prepare = (plan) => {
    const made = prepare.call(device, plan);
    const { phases } = /** @type {ReturnType<typeof import("../../src/kernels/devices/wasm/program.ts").prepare>} */ (made);
    if (phases.length > 1) facts = phases;
    return made;
  };
  const { make, x: pictures } = given();
  const step = drawnNoise(make());
  const x = keep(pictures);
  const { length } = await sampled(() => step(x).item(), 1.5);
  return { phases: facts.map(({ steps, flops }, i) => ({ what: steps.join("; "), flop: flops, ms: samples[i].slice(-length) })) };
}

await answer({ train, gemm, layers, startup, replay, profile });
