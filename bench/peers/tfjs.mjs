// @ts-nocheck: what it imports is installed by the bench alone.
// TensorFlow.js with its optimizer, on its backends `cpu` (plain JavaScript) and `wasm` (XNNPACK; no threads in Node). Both compute at once.
import { fileURLToPath } from "node:url";
import { answer, options, products, read, task, training } from "./peer.mjs";

const BATCH = 128;

async function loaded() {
  const { default: tf } = await import("@tensorflow/tfjs");
  if (options.backend === "wasm") {
    const { setWasmPaths } = await import("@tensorflow/tfjs-backend-wasm");
    setWasmPaths(fileURLToPath(new URL("node_modules/@tensorflow/tfjs-backend-wasm/dist/", import.meta.url)));
  }
  if (!(await tf.setBackend(options.backend))) throw new Error(`tfjs has no backend ${options.backend} here`);
  await tf.ready();
  return tf;
}

async function dense() {
  const tf = await loaded();
  const { tensors, noise, parameters } = task();
  const p = Object.fromEntries(parameters.map((name) => [name, tf.variable(tf.tensor(read(name), tensors[name]))]));
  const x = tf.tensor(read("x"), tensors.x);
  const apply = (x, name) => tf.add(tf.matMul(x, p[`${name}.weight`]), p[`${name}.bias`]);
  const loss = (eps) => {
    const h = tf.relu(apply(x, "encoder.0"));
    const mean = apply(h, "mean");
    const logVariance = apply(h, "logVariance");
    const z = tf.add(mean, tf.mul(tf.exp(tf.mul(logVariance, 0.5)), eps));
    const y = apply(tf.relu(apply(z, "decoder.0")), "decoder.2");
    const softplus = tf.add(tf.relu(y), tf.log1p(tf.exp(tf.neg(tf.abs(y)))));
    const reconstruction = tf.sum(tf.sub(softplus, tf.mul(x, y)));
    const kl = tf.mul(0.5, tf.sum(tf.sub(tf.sub(tf.add(tf.square(mean), tf.exp(logVariance)), logVariance), 1)));
    return tf.div(tf.add(reconstruction, kl), BATCH);
  };
  const optimizer = tf.train.adam(1e-3, 0.9, 0.999, 1e-8);
  const step = (eps) => {
    const l = tf.tidy(() => optimizer.minimize(() => loss(eps()), true));
    const [value] = l.dataSync();
    l.dispose();
    return value;
  };
  const losses = noise.map((name) => step(() => tf.tensor(read(name), tensors[name])));
  const drawn = () => step(() => tf.randomNormal([BATCH, 20]));
  return { versions: { tfjs: tf.version_core }, losses, trainings: [await training(drawn)] };
}

async function gemm() {
  const tf = await loaded();
  const prepare = (left, right, m, k, n) => {
    const [a, b] = [tf.tensor(left, [m, k]), tf.tensor(right, [k, n])];
    const run = (count) => {
      for (let i = 0; i < count; i++) tf.matMul(a, b).dispose();
    };
    return { run, data: () => tf.matMul(a, b).dataSync() };
  };
  return { versions: { tfjs: tf.version_core }, products: await products(prepare) };
}

await answer({ dense, gemm });
