// @ts-nocheck: what it imports is installed by the bench alone.
// A page that trains a dense VAE with jax-js.

import { trainingStep } from "../../peers/jax-vae.mjs";
import { defaultDevice, init, jit, lax, nn, numpy, random, tree, valueAndGrad } from "../../peers/node_modules/@jax-js/jax/dist/index.js";

const layers = [["encoder.0"], ["decoder.0", "decoder.2"]];
const SIZES = { "encoder.0": [784, 400], mean: [400, 20], logVariance: [400, 20], "decoder.0": [20, 400], "decoder.2": [400, 784] };

export async function train(batches, batch) {
  const [device] = (await init()).toReversed();
  defaultDevice(device);
  const { drawn } = trainingStep({ jit, lax, nn, numpy, random, tree, valueAndGrad }, { layers, batch, latent: 20 });
  const layer = ([from, to], i) => ({ w: random.normal(random.key(i), [to, from]).mul(1 / Math.sqrt(from)), b: numpy.zeros([to]) });
  const p = Object.fromEntries(Object.entries(SIZES).map(([name, sizes], i) => [name, layer(sizes, i)]));
  const zeros = () => tree.map((t) => numpy.zeros(t.shape), p);
  let state = { p, m: zeros(), v: zeros(), t: numpy.array(0) };
  let i = 0;
  for await (const pixels of batches) {
    const { l, ...rest } = drawn(state.p, state.m, state.v, state.t, numpy.array(pixels).reshape([batch, 784]), random.key(i++));
    state = rest;
    console.log(await l.jsAsync());
  }
}
