// @ts-nocheck: what it imports is installed by the bench alone.
// TensorFlow.js with its optimizer, on its backends `cpu` (plain JavaScript), `wasm` (XNNPACK; no threads in Node) and `webgpu`. The first
// two compute at once; on `webgpu` what was asked for is done when something is read.
import { fileURLToPath } from "node:url";
import tf from "@tensorflow/tfjs";
import { provideGpu } from "./gpu.mjs";
import { answer, kernels, layersOf, options, products, read, training, trainingFiles } from "./peer.mjs";
import { trainingStep } from "./tfjs-vae.mjs";

const versions = { tfjs: tf.version_core };

async function loaded() {
  if (options.backend === "webgpu") await provideGpu();
  await import(`@tensorflow/tfjs-backend-${options.backend}`).then(({ setWasmPaths }) =>
    setWasmPaths?.(fileURLToPath(new URL("node_modules/@tensorflow/tfjs-backend-wasm/dist/", import.meta.url))),
  );
  if (!(await tf.setBackend(options.backend))) throw new Error(`tfjs has no backend ${options.backend} here`);
  await tf.ready();
}

async function train() {
  await loaded();
  const { tensors, batch, noise, parameters } = trainingFiles();
  const p = Object.fromEntries(parameters.map((name) => [name, tf.variable(tf.tensor(read(name), tensors[name]))]));
  const layers = ["encoder", "decoder"].map((half) => layersOf(parameters, half));
  const step = trainingStep(tf, { p, layers, x: tf.tensor(read("x"), tensors.x), batch });
  const valueOf = async (l) => {
    const [value] = await l.data();
    l.dispose();
    return value;
  };
  const given = (name) => valueOf(step(() => tf.tensor(read(name), tensors[name])));
  const drawn = () => step(() => tf.randomNormal(tensors[noise[0]]));
  const run = async (count) => {
    for (let i = 1; i < count; i++) drawn().dispose();
    await valueOf(drawn());
  };
  return { versions, ...(await training(noise, given, { run, loss: () => valueOf(drawn()) })) };
}

/** Reading would copy the result. What was asked for last may not have been submitted yet. */
async function gpuIdle(backend) {
  if (backend.commandEncoder) {
    backend.endComputePassEncoder();
    backend.submitQueue();
  }
  await backend.queue.onSubmittedWorkDone();
}

/** What runs and reads a function of tensors that are made once. */
function repeated(f) {
  const run = async (count) => {
    for (let i = 1; i < count; i++) f().dispose();
    f().dispose();
    if (options.backend === "webgpu") await gpuIdle(tf.backend());
  };
  const data = async () => {
    const y = f();
    const values = await y.data();
    y.dispose();
    return values;
  };
  return { run, data };
}

async function gemm() {
  await loaded();
  const prepare = (left, right, m, k, n) => {
    const [a, b] = [tf.tensor(left, [m, k]), tf.tensor(right, [k, n])];
    return repeated(() => tf.matMul(a, b));
  };
  return { versions, products: await products(prepare) };
}

async function allKernels() {
  await loaded();
  const given =
    (f) =>
    (...operands) => {
      const tensors = operands.map(({ data, shape }) => tf.tensor(data, shape));
      return repeated(() => tf.tidy(() => f(...tensors)));
    };
  await kernels({
    matmul: given((a, b) => tf.matMul(a, b)),
    conv: given((x, w) => tf.conv2d(x, w, 2, 1)),
    chain: given((x, w, b) => tf.mul(x, tf.sigmoid(tf.add(tf.mul(x, w), b)))),
    sum: given((x) => tf.sum(x)),
  });
  return { versions };
}

await answer({ train, gemm, kernels: allKernels });
