// @ts-nocheck: what it imports is installed by the bench alone.
// jax-js on its WebAssembly device: the whole step in one jit. Weights lie as PyTorch has them, [outputs, inputs], and softplus is its own,
// log(1 + eˣ): both are the faster way here. In Node it has one thread; for two it is given the Worker that it has in browsers.
import { readFileSync } from "node:fs";
import { answer, options, products, read, task, training } from "./peer.mjs";
import { provideWorker } from "./web-worker.mjs";

const BATCH = 128;

async function loaded() {
  if (options.threads > 1) provideWorker(options.threads);
  const jax = await import("@jax-js/jax");
  await jax.init("wasm");
  jax.defaultDevice("wasm");
  return jax;
}

const version = () => JSON.parse(readFileSync(new URL("node_modules/@jax-js/jax/package.json", import.meta.url), "utf8")).version;

async function dense() {
  const { blockUntilReady, jit, nn, numpy: np, random, tree, valueAndGrad } = await loaded();
  const { tensors, noise } = task();
  const array = (name) => np.array(read(name)).reshape(tensors[name]);
  const linear = (name) => ({ w: np.array(transposed(read(`${name}.weight`), tensors[`${name}.weight`])), b: array(`${name}.bias`) });

  // A function takes its arguments for good; what is used again is passed as `.ref`.
  const apply = (x, { w, b }) => np.matmul(x, w.transpose()).add(b);
  const loss = (p, x, eps) => {
    const h = nn.relu(apply(x.ref, p.encoder));
    const mean = apply(h.ref, p.mean);
    const logVariance = apply(h, p.logVariance);
    const z = mean.ref.add(np.exp(logVariance.ref.mul(0.5)).mul(eps));
    const y = apply(nn.relu(apply(z, p.decoder)), p.out);
    const reconstruction = nn.softplus(y.ref).sub(x.mul(y)).sum();
    const kl = np.square(mean).add(np.exp(logVariance.ref)).sub(logVariance).sub(1).sum().mul(0.5);
    return reconstruction.add(kl).div(BATCH);
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
  const drawn = jit((p, m, v, t, x, key) => update(p, m, v, t, x, random.normal(key, [BATCH, 20])));

  const names = { encoder: "encoder.0", mean: "mean", logVariance: "logVariance", decoder: "decoder.0", out: "decoder.2" };
  const p = Object.fromEntries(Object.entries(names).map(([key, name]) => [key, linear(name)]));
  const zeros = () => tree.map((t) => np.zeros(t.shape), p);
  let state = { p, m: zeros(), v: zeros(), t: np.array(0) };
  const x = array("x");
  const next = async (step, last) => {
    const { l, ...rest } = step(state.p, state.m, state.v, state.t, x.ref, last);
    state = rest;
    await blockUntilReady([state, l]); // nothing was computed until somebody waits
    return l;
  };

  const losses = [];
  for (const name of noise) losses.push(await (await next(given, array(name))).jsAsync());
  let i = 0;
  const step = async (wantsLoss) => {
    const l = await next(drawn, random.key(i++));
    return wantsLoss ? l.jsAsync() : void l.dispose();
  };
  return { versions: { "jax-js": version() }, losses, trainings: [await training(step)] };
}

/** The transpose of values [rows, columns], as rows. */
function transposed(values, [rows, columns]) {
  return Array.from({ length: columns }, (_, j) => Array.from({ length: rows }, (_, i) => values[i * columns + j]));
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

await answer({ dense, gemm });
