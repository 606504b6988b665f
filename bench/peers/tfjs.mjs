// @ts-nocheck: what it imports is installed by the bench alone.
// TensorFlow.js with its optimizer, on its backends `cpu` (plain JavaScript) and `wasm` (XNNPACK; no threads in Node). Both compute at once.
import { fileURLToPath } from "node:url";
import { answer, layersOf, options, products, read, training, trainingFiles } from "./peer.mjs";

const [STRIDE, PADDING] = [2, 1]; // of all convolutions

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

async function train() {
  const tf = await loaded();
  const { tensors, batch, noise, parameters } = trainingFiles();
  const p = Object.fromEntries(parameters.map((name) => [name, tf.variable(tf.tensor(read(name), tensors[name]))]));
  const [encoder, decoder] = ["encoder", "decoder"].map((half) => layersOf(parameters, half));
  const x = tf.tensor(read("x"), tensors.x);
  const isConv = (name) => tensors[`${name}.weight`].length === 4;
  const linear = (x, name) => tf.add(tf.matMul(x.reshape([batch, -1]), p[`${name}.weight`]), p[`${name}.bias`]);
  const conv = (x, name) => tf.add(tf.conv2d(x, p[`${name}.weight`], STRIDE, PADDING), p[`${name}.bias`]);
  /** From a picture, or from the values of one: a square of as many channels as the weight takes. */
  const convTranspose = (x, name) => {
    const [, , outputs, inputs] = tensors[`${name}.weight`];
    const side = Math.sqrt(x.size / batch / inputs);
    const shape = [batch, STRIDE * side, STRIDE * side, outputs];
    const y = tf.conv2dTranspose(x.reshape([batch, side, side, inputs]), p[`${name}.weight`], shape, STRIDE, PADDING);
    return tf.add(y, p[`${name}.bias`]);
  };
  const loss = (eps) => {
    const h = encoder.reduce((x, name) => tf.relu(isConv(name) ? conv(x, name) : linear(x, name)), x);
    const mean = linear(h, "mean");
    const logVariance = linear(h, "logVariance");
    const z = tf.add(mean, tf.mul(tf.exp(tf.mul(logVariance, 0.5)), eps));
    const y = decoder.reduce((x, name, i) => (isConv(name) ? convTranspose : linear)(i > 0 ? tf.relu(x) : x, name), z);
    const softplus = tf.add(tf.relu(y), tf.log1p(tf.exp(tf.neg(tf.abs(y)))));
    const reconstruction = tf.sum(tf.sub(softplus, tf.mul(x, y)));
    const kl = tf.mul(0.5, tf.sum(tf.sub(tf.sub(tf.add(tf.square(mean), tf.exp(logVariance)), logVariance), 1)));
    return tf.div(tf.add(reconstruction, kl), batch);
  };
  const optimizer = tf.train.adam(1e-3, 0.9, 0.999, 1e-8);
  const step = (eps) => {
    const l = tf.tidy(() => optimizer.minimize(() => loss(eps()), true));
    const [value] = l.dataSync();
    l.dispose();
    return value;
  };
  const given = (name) => step(() => tf.tensor(read(name), tensors[name]));
  const drawn = () => step(() => tf.randomNormal(tensors[noise[0]]));
  return { versions: { tfjs: tf.version_core }, ...(await training(noise, given, drawn)) };
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

await answer({ train, gemm });
