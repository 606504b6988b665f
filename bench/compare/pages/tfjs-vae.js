// @ts-nocheck: what it is given is installed by the bench alone.
// What the pages of TensorFlow.js share: a dense VAE, trained.
import { trainingStep } from "../../peers/tfjs-vae.mjs";

const layers = [["encoder.0"], ["decoder.0", "decoder.2"]];
const SIZES = { "encoder.0": [784, 400], mean: [400, 20], logVariance: [400, 20], "decoder.0": [20, 400], "decoder.2": [400, 784] };

export async function train(tf, device, batches, batch) {
  await tf.setBackend(device);
  const layer = ([name, [from, to]]) => [
    [`${name}.weight`, tf.variable(tf.mul(tf.randomNormal([from, to]), 1 / Math.sqrt(from)))],
    [`${name}.bias`, tf.variable(tf.zeros([to]))],
  ];
  const p = Object.fromEntries(Object.entries(SIZES).flatMap(layer));
  for await (const pixels of batches) {
    const step = trainingStep(tf, { p, layers, x: tf.tensor(pixels, [batch, 784]), batch });
    const [loss] = await step(() => tf.randomNormal([batch, 20])).data();
    console.log(loss);
  }
}
