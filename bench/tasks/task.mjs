// The tasks that all engines are given, in files: raw float32 in a folder, with task.json to say what there is. And their answers, in
// float64: the losses of the first steps with noise that is given, which are right only if gradients and Adam are; products; convolutions.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { adam, compile, open, tensor } from "elbo";
import { modelToSafetensors } from "elbo/vae";
import { form } from "../../dist/kernels/conv/conv.js";
import { geometryOf } from "../../dist/kernels/conv/geometry.js";
import { sizes } from "./judge.mjs";
import { kernelOf } from "./kernels.mjs";
import { LAYERS, OPTIONS, roles, shapesOf } from "./layers.mjs";
import { models } from "./models.mjs";

/** @typedef {import("elbo").Tensor} Tensor */

export const RATE = 1e-3;
const STEPS = 3;
/** m × k × n of the products. The last is the largest of the dense VAE. */
export const PRODUCTS = ["256x256x256", "512x512x512", "1024x1024x1024", "128x784x400"];

/**
 * What task.json says: the shapes of the files, and of training the model, its batch, and the names of its parameters and of the noise.
 * @typedef {{ tensors: Record<string, number[]>, model?: string, batch?: number, parameters?: string[], noise?: string[], products?: string[], layers?: string[], kernels?: string[] }} Files
 */

/** A folder to be filled. @param {Files} files */
function folderFor(files) {
  const folder = mkdtempSync(join(tmpdir(), "elbo-bench-"));
  /** @param {string} name @param {Float32Array} data @param {readonly number[]} shape */
  const write = (name, data, shape) => {
    writeFileSync(join(folder, `${name}.f32`), data);
    files.tensors[name] = [...shape];
    return name;
  };
  const close = () => writeFileSync(join(folder, "task.json"), JSON.stringify(files));
  return { folder, write, close };
}

/** Three training steps of a model: its weights, also as a saved run has them, which is PyTorch's way; pictures; noise. @param {string} name */
export async function trainingTask(name) {
  const { batch, make } = models[name];
  /** @type {Files & { parameters: string[], noise: string[] }} */
  const files = { tensors: {}, model: name, batch, parameters: [], noise: [] };
  const { folder, write, close } = folderFor(files);
  const vae = make();
  for (const [name, p] of vae.parameters) files.parameters.push(write(name, Float32Array.from(await p.data()), p.shape));
  writeFileSync(join(folder, "model.safetensors"), await modelToSafetensors(vae));
  const { x, noise } = givenSteps(name, batch, STEPS);
  write("x", x, [batch, ...vae.shape]);
  for (const [i, data] of noise.entries()) files.noise.push(write(`noise.${i}`, data, [batch, vae.latent]));
  close();
  return { folder, losses: await expectedLosses(name, batch, { x, noise }) };
}

/** What the first steps of a model are given. @param {string} name @param {number} batch @param {number} steps */
export function givenSteps(name, batch, steps) {
  const { make, pictures } = models[name];
  const x = Float32Array.from(pictures(batch).pixels, (byte) => byte / 255);
  const values = random(7);
  const { latent } = make();
  const noise = Array.from({ length: steps }, () => Float32Array.from({ length: batch * latent }, () => normal(values)));
  return { x, noise };
}

/** The losses of those steps in float64, by `js`. @param {string} name @param {number} batch @param {ReturnType<typeof givenSteps>} given */
export async function expectedLosses(name, batch, given) {
  const device = await open("js", { precision: "f64" });
  const losses = await lossesOf(name, batch, given);
  await device.close();
  return losses;
}

/** The losses of those steps on the device that is open. @param {string} name @param {number} batch @param {ReturnType<typeof givenSteps>} given */
export async function lossesOf(name, batch, { x, noise }) {
  const vae = models[name].make();
  const step = givenNoise(vae);
  /** @type {number[]} */
  const losses = [];
  for (const eps of noise) losses.push(await step(tensor(x, [batch, ...vae.shape]), tensor(eps, [batch, vae.latent])).item());
  step.dispose();
  vae.dispose();
  return losses;
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

/** The operands of single products; the judge computes what it wants to see. */
export async function productTask() {
  const { folder, write, close } = folderFor({ tensors: {}, products: PRODUCTS });
  const values = random(7);
  for (const product of PRODUCTS) {
    const [m, k, n] = sizes(product);
    write(`${product}.a`, uniform(values, m * k), [m, k]);
    write(`${product}.b`, uniform(values, k * n), [k, n]);
  }
  close();
  return { folder };
}

/** What single kernels are given; they judge answers themselves. @param {readonly string[]} names */
export async function kernelTask(names) {
  const { folder, write, close } = folderFor({ tensors: {}, kernels: [...names] });
  const values = random(7);
  for (const name of names) {
    const { given, isHalf } = kernelOf(name);
    for (const [operand, shape] of Object.entries(given)) {
      const data = uniform(values, size(shape));
      write(`${name}.${operand}`, isHalf ? data.map((x) => Math.round(x * 1024) / 1024) : data, shape);
    }
  }
  close();
  return { folder };
}

/** What single convolutions are given, and what is expected of them, by the loops of `js`. */
export async function layerTask() {
  const { folder, write, close } = folderFor({ tensors: {}, layers: LAYERS });
  const values = random(7);
  const device = await open("js", { precision: "f64" });
  for (const layer of LAYERS) {
    const shapes = shapesOf(layer);
    const given = /** @type {const} */ (["x", "w", "dy"]).map((name) => {
      const shape = shapes[name];
      const data = uniform(values, size(shape));
      write(`${layer}.${name}`, data, shape);
      return tensor(data, shape);
    });
    const [x, w, dy] = given;
    for (const role of roles) write(`${layer}.${role}.expected`, Float32Array.from(await passes[role](x, w, dy).data()), shapes[role]);
  }
  close();
  await device.close();
  return { folder };
}

/**
 * The three of a layer. The weight gradient is the op itself: `grad` needs a loss, and the way from there would be timed as well.
 * @type {Record<import("./layers.mjs").Role, (x: Tensor, w: Tensor, dy: Tensor) => Tensor>}
 */
export const passes = {
  y: (x, w) => x.conv2d(w, OPTIONS),
  dx: (_, w, dy) => dy.convTranspose2d(w, OPTIONS),
  dw: (x, w, dy) => form("w", { x, y: dy }, geometryOf(x.conv2d(w, OPTIONS))),
};

/** A task that is prepared when it is first wanted. @template {{ folder: string }} T @param {() => Promise<T>} prepare */
export function lazily(prepare) {
  /** @type {Promise<T> | undefined} */
  let made;
  return {
    get: () => (made ??= prepare()),
    remove: async () => {
      if (made) rmSync((await made).folder, { recursive: true, force: true });
    },
  };
}

/** @param {readonly number[]} shape */
const size = (shape) => shape.reduce((a, b) => a * b);

/** Numbers in [-1, 1). @param {() => number} values @param {number} length */
const uniform = (values, length) => Float32Array.from({ length }, () => 2 * values() - 1);

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
