// The task that all engines are given, in files: raw float32 in a folder, with task.json to say what there is. And its answers, in
// float64: the losses of the first steps with noise that is given, which are right only if gradients and Adam are; and products.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { adam, compile, open, tensor } from "elbo";
import { digits } from "elbo/data";
import { denseVae } from "elbo/vae";
import { sizes } from "./judge.mjs";

export const BATCH = 128;
export const RATE = 1e-3;
const STEPS = 3;
/** m × k × n of the products. The last is the largest of the dense VAE. */
export const PRODUCTS = ["256x256x256", "512x512x512", "1024x1024x1024", "128x784x400"];

/** @typedef {{ tensors: Record<string, number[]>, parameters: string[], noise: string[], products: string[] }} Files */

export const model = () => denseVae({ input: 784, hidden: 400, latent: 20, seed: 1 });
export const examples = () => Float32Array.from(digits({ count: BATCH }).pixels, (byte) => byte / 255);

/** Writes everything, and computes what is expected. */
export async function prepared() {
  const folder = mkdtempSync(join(tmpdir(), "elbo-bench-"));
  const values = random(7);
  /** @type {Files} */
  const task = { tensors: {}, parameters: [], noise: [], products: PRODUCTS };
  const write = (/** @type {string} */ name, /** @type {Float32Array} */ data, /** @type {number[]} */ shape) => {
    writeFileSync(join(folder, `${name}.f32`), data);
    task.tensors[name] = shape;
    return name;
  };

  const device = await open("js", { precision: "f64" });
  const vae = model();
  for (const [name, p] of vae.parameters) task.parameters.push(write(name, Float32Array.from(await p.data()), [...p.shape]));
  const x = examples();
  write("x", x, [BATCH, 784]);
  const noise = Array.from({ length: STEPS }, () => Float32Array.from({ length: BATCH * vae.latent }, () => normal(values)));
  noise.forEach((data, i) => {
    task.noise.push(write(`noise.${i}`, data, [BATCH, vae.latent]));
  });
  for (const product of PRODUCTS) {
    const [m, k, n] = sizes(product);
    for (const [operand, shape] of /** @type {const} */ ([
      ["a", [m, k]],
      ["b", [k, n]],
    ]))
      write(
        `${product}.${operand}`,
        Float32Array.from({ length: shape[0] * shape[1] }, () => 2 * values() - 1),
        [...shape],
      );
  }
  writeFileSync(join(folder, "task.json"), JSON.stringify(task));

  const step = givenNoise(vae);
  const losses = [];
  for (const eps of noise) losses.push(await step(tensor(x, [BATCH, 784]), tensor(eps, [BATCH, vae.latent])).item());
  await device.close();
  return { folder, losses, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** A training step whose noise is an argument. @param {import("elbo/vae").Vae} vae */
export function givenNoise(vae) {
  const optimizer = adam([...vae.parameters.values()], { rate: RATE });
  return compile((/** @type {import("elbo").Tensor} */ x, /** @type {import("elbo").Tensor} */ noise) => {
    const { loss } = vae.terms(x, { noise });
    optimizer.step(loss);
    return loss;
  });
}

/** Numbers in [0, 1), the same at every run (mulberry32). @param {number} state */
function random(state) {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Standard normal (Box and Muller). @param {() => number} uniform */
const normal = (uniform) => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
