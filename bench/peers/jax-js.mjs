// @ts-nocheck: what it imports is installed by the bench alone.
// jax-js on its WebAssembly device: the whole step in one jit. Weights lie as PyTorch has them, [outputs, inputs], and softplus is its own,
// log(1 + eˣ): both are the faster way here. Its convolutions take pictures with channels first, and no others.
// In Node it has one thread; for two it is given the Worker that it has in browsers.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { answer, layersOf, options, products, read, training, trainingFiles } from "./peer.mjs";
import { provideWorker } from "./web-worker.mjs";

const [STRIDES, PADDING] = [
  [2, 2],
  [
    [1, 1],
    [1, 1],
  ],
]; // of all convolutions

async function loaded() {
  if (options.threads > 1) provideWorker(options.threads);
  const jax = await import("@jax-js/jax");
  await jax.init("wasm");
  jax.defaultDevice("wasm");
  return jax;
}

const version = () => JSON.parse(readFileSync(new URL("node_modules/@jax-js/jax/package.json", import.meta.url), "utf8")).version;

async function train() {
  const { blockUntilReady, jit, lax, nn, numpy: np, random, tree, valueAndGrad } = await loaded();
  const { tensors, batch, parameters, noise } = trainingFiles();
  const [encoder, decoder] = ["encoder", "decoder"].map((half) => layersOf(parameters, half));
  const isConv = (name) => tensors[`${name}.weight`].length === 4;
  const array = (name) => np.array(read(name)).reshape(tensors[name]);

  // A function takes its arguments for good; what is used again is passed as `.ref`.
  const linear = (x, { w, b }) => np.matmul(x.reshape([batch, -1]), w.transpose()).add(b);
  const conv = (x, { w, b }) => lax.convGeneralDilated(x, w, STRIDES, PADDING).add(b.reshape([1, -1, 1, 1]));
  /** From a picture, or from the values of one: a square of as many channels as the weight takes. */
  const convTranspose = (x, { w, b }) => {
    const inputs = w.shape[0];
    const side = Math.sqrt(x.size / batch / inputs);
    const picture = x.reshape([batch, inputs, side, side]);
    return lax.convTranspose(picture, w, STRIDES, PADDING, { transposeKernel: true }).add(b.reshape([1, -1, 1, 1]));
  };
  const loss = (p, x, eps) => {
    const h = encoder.reduce((x, name) => nn.relu((isConv(name) ? conv : linear)(x, p[name])), x.ref);
    const mean = linear(h.ref, p.mean);
    const logVariance = linear(h, p.logVariance);
    const z = mean.ref.add(np.exp(logVariance.ref.mul(0.5)).mul(eps));
    const y = decoder.reduce((x, name, i) => (isConv(name) ? convTranspose : linear)(i > 0 ? nn.relu(x) : x, p[name]), z);
    const reconstruction = nn.softplus(y.ref).sub(x.mul(y)).sum();
    const kl = np.square(mean).add(np.exp(logVariance.ref)).sub(logVariance).sub(1).sum().mul(0.5);
    return reconstruction.add(kl).div(batch);
  };
  const update = (p, m, v, t, x, eps) => {
    const [l, g] = valueAndGrad(loss)(tree.ref(p), x, eps);
    t = t.add(1);
    const correction = np.sqrt(np.subtract(1, np.exp(t.ref.mul(Math.log(0.999)))));
    const pace = correction.ref.mul(1e-3).div(np.subtract(1, np.exp(t.ref.mul(Math.log(0.9)))));
    const floor = correction.mul(1e-8);
    m = tree.map((m, g) => m.mul(0.9).add(g.mul(0.1)), m, tree.ref(g));
    v = tree.map((v, g) => v.mul(0.999).add(np.square(g).mul(0.001)), v, g);
    p = tree.map((p, m, v) => p.sub(m.mul(pace.ref).div(np.sqrt(v).add(floor.ref))), p, tree.ref(m), tree.ref(v));
    for (const used of [pace, floor]) used.dispose();
    return { p, m, v, t, l };
  };
  const given = jit(update);
  const drawn = jit((p, m, v, t, x, key) => update(p, m, v, t, x, random.normal(key, tensors[noise[0]])));

  const saved = savedWeights();
  const weight = (name) => np.array(saved[name].data).reshape(saved[name].shape);
  const layer = (name) => ({ w: weight(`${name}.weight`), b: weight(`${name}.bias`) });
  const p = Object.fromEntries([...encoder, "mean", "logVariance", ...decoder].map((name) => [name, layer(name)]));
  const zeros = () => tree.map((t) => np.zeros(t.shape), p);
  let state = { p, m: zeros(), v: zeros(), t: np.array(0) };
  const x = tensors.x.length === 4 ? array("x").transpose([0, 3, 1, 2]) : array("x");
  const next = async (step, last) => {
    const { l, ...rest } = step(state.p, state.m, state.v, state.t, x.ref, last);
    state = rest;
    await blockUntilReady([state, l]); // nothing was computed until somebody waits
    return l;
  };

  const judged = async (name) => (await next(given, array(name))).jsAsync();
  let i = 0;
  const step = async (wantsLoss) => {
    const l = await next(drawn, random.key(i++));
    return wantsLoss ? l.jsAsync() : void l.dispose();
  };
  return { versions: { "jax-js": version() }, ...(await training(noise, judged, step)) };
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

async function gemm() {
  const { blockUntilReady, numpy: np } = await loaded();
  const prepare = (left, right, m, k, n) => {
    const [a, b] = [np.array(left).reshape([m, k]), np.array(right).reshape([k, n])];
    const product = () => np.matmul(a.ref, b.ref);
    const run = async (count) => {
      for (let i = 0; i < count; i++) (await blockUntilReady(product())).dispose();
    };
    return { run, data: () => product().data() };
  };
  return { versions: { "jax-js": version() }, products: await products(prepare) };
}

await answer({ train, gemm });
