// What a trained model is for: pictures to latents, latents to pictures, pictures to what remains of them, pictures out of nothing.
// Plain arrays in and out, in batches, so that a large set takes no more of the device's memory than a small one.

import type { Images } from "../data/images.ts";
import { arange, compile, full, type Tensor, tensor } from "../index.ts";
import { checkLabels } from "./condition.ts";
import type { Given, Vae } from "./model.ts";
import { checkImages, shade } from "./pictures.ts";
import { positive, seedOf, whole } from "./settings.ts";

/** Images; or their values as a model sees them, one example after the other. */
export type Examples = Images | Float32Array;

/** What a conditional model is told, one class for each example; `Images` have labels of their own. */
export interface Labelled {
  readonly labels?: ArrayLike<number> | undefined;
}

/** Mean and log variance of q(z|x) for every example, each [count, latent]. */
export async function encodeImages(
  model: Vae,
  examples: Examples,
  labelled?: Labelled,
): Promise<{ mean: Float32Array; logVariance: Float32Array }> {
  const [mean, logVariance] = await overExamples("encodeImages", model, examples, labelled, (x, given) => {
    const q = model.encode(x, given);
    return [q.mean, q.logVariance];
  });
  return { mean, logVariance };
}

/** The mean pictures for latents [count, latent], as [count, ...shape]. */
export async function decodeLatents(model: Vae, latents: Float32Array, labelled?: Labelled): Promise<Float32Array> {
  const { latent, likelihood } = model;
  const count = latents.length / latent;
  if (!Number.isInteger(count)) throw new Error(`decodeLatents: ${latents.length} numbers do not make latents of ${latent}`);
  const z = (start: number, end: number) => tensor(latents.subarray(start * latent, end * latent), [end - start, latent]);
  const given = givenOf("decodeLatents", model, count, labelled);
  const [pictures] = await inBatches(count, (start, end) => [likelihood.mean(model.decode(z(start, end), given(start, end)))]);
  return pictures;
}

/** What remains of the examples: the mean pictures at the means of their latents, [count, ...shape]. */
export async function reconstructImages(model: Vae, examples: Examples, labelled?: Labelled): Promise<Float32Array> {
  const [pictures] = await overExamples("reconstructImages", model, examples, labelled, (x, given) => [model.reconstruct(x, given)]);
  return pictures;
}

/** What f makes of all examples, batch by batch, joined. f is given x, and what a conditional model is told of it. */
export async function overExamples(
  caller: string,
  model: Vae,
  examples: Examples,
  labelled: Labelled | undefined,
  f: (x: Tensor, given: Given) => readonly Tensor[],
): Promise<Float32Array[]> {
  const count = countOf(model, examples, caller);
  const given = givenOf(caller, model, count, labelled, examples);
  return await inBatches(count, (start, end) => f(batchOf(model, examples, start, end), given(start, end)));
}

export interface SampleOptions {
  readonly count?: number;
  readonly seed?: number;
  /** The class of all pictures, for a conditional model; if left out, its classes take turns. */
  readonly label?: number | undefined;
  /** What the prior's latents are multiplied by: the standard deviation of those of a standard normal. Below 1 they stay nearer to 0. */
  readonly temperature?: number;
  /** Values drawn from p(x|z) instead of their means. The latents of a seed are the same. */
  readonly values?: boolean;
}

/** Pictures of latents drawn from the prior, [count, ...shape]. The first ten of a hundred are the ten of the same seed. */
export async function sampleImages(model: Vae, options: SampleOptions = {}): Promise<Float32Array> {
  const { count = 64, seed = 1, label, temperature = 1, values = false } = options;
  const { classes, likelihood, prior } = model;
  whole("count", count);
  seedOf(seed);
  positive("temperature", temperature);
  checkLabel("sampleImages", model, label);
  const pictures = (z: Tensor, given: Given) => likelihood[values ? "sample" : "mean"](model.decode(z.mul(temperature), given));
  const draw = compile(
    (first: Tensor) => {
      if (classes === 0) return pictures(prior.sample(BATCH), {});
      const turns = arange(0, BATCH, 1, "u32").add(first).mod(classes);
      return pictures(prior.sample(BATCH), { labels: label === undefined ? turns : full([BATCH], label, "u32") });
    },
    { seed },
  );
  try {
    const [drawn] = await inBatches(count, (start) => [draw(tensor(start, [], "u32"))]);
    return drawn;
  } finally {
    draw.dispose();
  }
}

/** Throws if a label is no class of the model; undefined is none. */
export function checkLabel(caller: string, { classes }: Vae, label: number | undefined): void {
  if (label === undefined) return;
  if (classes === 0) throw new Error(`${caller}: label ${label} for a model that is not conditional`);
  whole("label", label, 0, classes - 1);
}

const BATCH = 64;

/** The results of f for all batches, joined; a result may have more rows than were asked for. */
export async function inBatches(count: number, f: (start: number, end: number) => readonly Tensor[]): Promise<Float32Array[]> {
  const all: Float32Array[] = [];
  for (let start = 0; start < count; start += BATCH) {
    const end = Math.min(start + BATCH, count);
    const results = f(start, end);
    const values = await Promise.all(results.map((t) => t.data())); // one program
    results.forEach((t, i) => {
      const row = t.size / t.shape[0];
      all[i] ??= new Float32Array(count * row);
      all[i].set(values[i].subarray(0, (end - start) * row), start * row);
    });
  }
  return all;
}

const sizeOf = ({ shape }: Vae): number => shape.reduce((n, d) => n * d, 1);

function countOf(model: Vae, examples: Examples, caller: string): number {
  if (!(examples instanceof Float32Array)) checkImages(caller, model, examples);
  const count = examples instanceof Float32Array ? examples.length / sizeOf(model) : examples.count;
  if (count >= 1 && Number.isInteger(count)) return count;
  throw new Error(`${caller}: ${count * sizeOf(model)} values do not make examples of [${model.shape.join(", ")}]`);
}

function batchOf(model: Vae, examples: Examples, start: number, end: number): Tensor {
  const size = sizeOf(model);
  const shape = [end - start, size];
  if (examples instanceof Float32Array) return tensor(examples.subarray(start * size, end * size), shape);
  return shade(tensor(examples.pixels.subarray(start * size, end * size), shape), examples.white);
}

type PartOf<T> = (start: number, end: number) => T;

/** What the model is told of the examples from start to end. Labels that come with images are nothing to a model without classes. */
function givenOf(caller: string, { classes }: Vae, count: number, { labels }: Labelled = {}, examples?: Examples): PartOf<Given> {
  if (classes === 0 && labels) throw new Error(`${caller}: labels for a model that is not conditional`);
  if (classes === 0) return () => ({});
  const own = examples instanceof Float32Array ? undefined : examples?.labels;
  const all = labels ?? own;
  if (!all) throw new Error(`${caller}: a conditional model of ${classes} classes needs labels`);
  if (all.length !== count) throw new Error(`${caller}: ${all.length} labels for ${count} examples`);
  checkLabels(caller, all, classes);
  return (start, end) => ({ labels: tensor(Uint32Array.from({ length: end - start }, (_, i) => all[start + i])) });
}
