// @ts-nocheck: what it imports is installed by the bench alone.
// jax-js on its WebAssembly device and on WebGPU. In Node it has one thread; for two it is given the Worker that it has in browsers.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { provideGpu } from "./gpu.mjs";
import { trainingStep } from "./jax-vae.mjs";
import { answer, kernels, layersOf, options, products, read, training, trainingFiles } from "./peer.mjs";
import { provideWorker } from "./web-worker.mjs";

const device = options.backend || "wasm";

async function loaded() {
  if (device === "webgpu") await provideGpu();
  else if (options.threads > 1) provideWorker(options.threads);
  const jax = await import("@jax-js/jax");
  const found = await jax.init(device);
  if (!found.includes(device)) throw new Error(`jax-js has ${found.join(", ")} here, and no ${device}`);
  jax.defaultDevice(device);
  return jax;
}

const WAITS = 8; // steps from one to the next: nothing is computed until somebody waits, and it asks not to let much queue up

const version = () => JSON.parse(readFileSync(new URL("node_modules/@jax-js/jax/package.json", import.meta.url), "utf8")).version;
const versions = { "jax-js": version() };

async function train() {
  const jax = await loaded();
  const { blockUntilReady, numpy: np, random, tree } = jax;
  const { tensors, batch, parameters, noise } = trainingFiles();
  const layers = ["encoder", "decoder"].map((half) => layersOf(parameters, half));
  const array = (name) => np.array(read(name)).reshape(tensors[name]);
  const step = trainingStep(jax, { layers, batch, latent: tensors[noise[0]][1] });

  const saved = savedWeights();
  const weight = (name) => np.array(saved[name].data).reshape(saved[name].shape);
  const layer = (name) => ({ w: weight(`${name}.weight`), b: weight(`${name}.bias`) });
  const p = Object.fromEntries([...layers[0], "mean", "logVariance", ...layers[1]].map((name) => [name, layer(name)]));
  const zeros = () => tree.map((t) => np.zeros(t.shape), p);
  let state = { p, m: zeros(), v: zeros(), t: np.array(0) };
  const x = tensors.x.length === 4 ? array("x").transpose([0, 3, 1, 2]) : array("x");
  const next = (step, last) => {
    const { l, ...rest } = step(state.p, state.m, state.v, state.t, x.ref, last);
    state = rest;
    return l;
  };

  let i = 0;
  const drawn = () => next(step.drawn, random.key(i++));
  const run = async (count) => {
    for (let n = 1; n <= count; n++) {
      const l = drawn();
      if (n % WAITS === 0 || n === count) await blockUntilReady(l);
      l.dispose();
    }
  };
  const given = (name) => next(step.given, array(name)).jsAsync();
  return { versions, ...(await training(noise, given, { run, loss: () => drawn().jsAsync() })) };
}

/** The weights as a saved run has them, in PyTorch's shapes. */
function savedWeights() {
  const file = readFileSync(join(options.folder, "model.safetensors"));
  const start = 8 + Number(file.readBigUInt64LE(0));
  const { __metadata__, ...header } = JSON.parse(file.toString("utf8", 8, start));
  const entries = Object.entries(header).map(([name, { shape, data_offsets }]) => {
    const [from, to] = data_offsets.map((offset) => start + offset);
    return [name, { shape, data: new Float32Array(new Uint8Array(file.subarray(from, to)).buffer) }];
  });
  return Object.fromEntries(entries);
}

/** What runs and reads a function that makes a new array each time. */
function repeated({ blockUntilReady }, f) {
  const run = async (count) => {
    for (let i = 0; i < count; i++) (await blockUntilReady(f())).dispose();
  };
  return { run, data: () => f().data() };
}

async function gemm() {
  const jax = await loaded();
  const { numpy: np } = jax;
  const prepare = (left, right, m, k, n) => {
    const [a, b] = [np.array(left).reshape([m, k]), np.array(right).reshape([k, n])];
    return repeated(jax, () => np.matmul(a.ref, b.ref));
  };
  return { versions, products: await products(prepare) };
}

async function allKernels() {
  const jax = await loaded();
  const { jit, lax, nn, numpy: np } = jax;
  const array = ({ data, shape }) => np.array(data).reshape(shape);
  const given =
    (f, compiled = jit(f)) =>
    (...operands) => {
      const arrays = operands.map(array);
      return repeated(jax, () => compiled(...arrays.map((x) => x.ref)));
    };
  await kernels({
    matmul: given((a, b) => np.matmul(a, b)),
    // Channels first, before and after: what is timed is the convolution alone.
    conv: async (x, w) => {
      const [picture, weight] = [array(x).transpose([0, 3, 1, 2]), array(w).transpose([3, 2, 0, 1])];
      await jax.blockUntilReady([picture, weight]);
      const compiled = jit((x, w) => lax.convGeneralDilated(x, w, [2, 2], [[1, 1], [1, 1]])); // biome-ignore format: one line
      const { run } = repeated(jax, () => compiled(picture.ref, weight.ref));
      return { run, data: () => compiled(picture.ref, weight.ref).transpose([0, 2, 3, 1]).data() };
    },
    chain: given((x, w, b) => x.ref.mul(nn.sigmoid(x.mul(w).add(b)))),
    sum: given((x) => x.sum()),
  });
  return { versions };
}

await answer({ train, gemm, kernels: allKernels });
