// Attributes as directions: what labels tell apart, added to the codes of other examples, or taken from them.

import type { Images } from "../../data/images.ts";
import type { Vae } from "../model.ts";
import { whole } from "../settings.ts";
import { decodeLatents, type Examples, encodeImages, type Labelled } from "../use.ts";

/** A direction in the space of codes, from a model and labelled examples. */
export interface Attribute {
  /** [latent]: the mean code with the attribute minus the mean code without. */
  readonly direction: Float64Array;
  /** How many examples the two means are of. */
  readonly with: number;
  readonly without: number;
}

export interface AttributeOptions {
  /** The class that has the attribute. */
  readonly label: number;
  /** The class that has it not; all others if left out. */
  readonly against?: number | undefined;
}

/**
 * The way from one class to another: mean of μ(x) over the examples of `label` minus mean of μ(x) over those of `against`, where μ(x) is the
 * mean of q(z|x) ("Autoencoding beyond pixels using a learned similarity metric", Larsen et al. 2016). Means of float64 sums.
 */
export async function attributeDirection(model: Vae, images: Images, { label, against }: AttributeOptions): Promise<Attribute> {
  const { labels, name, count } = images;
  whole("label", label, 0);
  if (against !== undefined) whole("against", against, 0);
  if (label === against)
    throw new Error(`attribute: label ${label} against itself; name two classes, or leave the second out for the rest`);
  if (!labels) throw new Error(`attribute: ${name} has no labels, by which an attribute is found`);
  const numbers = Array.from(labels);
  const present = [...new Set(numbers)].sort((a, b) => a - b);
  for (const wanted of [label, against]) {
    if (wanted === undefined || present.includes(wanted)) continue;
    throw new Error(`attribute: none of the ${count} images of ${name} is of class ${wanted}; there are ${present.join(", ")}`);
  }
  if (present.length < 2) throw new Error(`attribute: all ${count} images of ${name} are of class ${label}; a direction needs two`);

  const { mean } = await encodeImages(model, images);
  const sums = [new Float64Array(model.latent), new Float64Array(model.latent)];
  const counts = [0, 0];
  numbers.forEach((of, i) => {
    if (of !== label && against !== undefined && of !== against) return;
    const side = of === label ? 0 : 1;
    counts[side]++;
    for (let j = 0; j < model.latent; j++) sums[side][j] += mean[i * model.latent + j];
  });
  const direction = sums[0].map((sum, j) => sum / counts[0] - sums[1][j] / counts[1]);
  return { direction, with: counts[0], without: counts[1] };
}

/**
 * The examples with so much of the attribute added: mean pictures at μ(x) + s · direction for each strength s, [examples, strengths, ...shape].
 * 0 is the reconstruction, and 1 as far as from the mean of the one class to that of the other.
 */
export async function withAttribute(
  model: Vae,
  examples: Examples,
  { direction }: Pick<Attribute, "direction">,
  strengths: readonly number[],
  labelled?: Labelled,
): Promise<Float32Array> {
  const { latent, classes } = model;
  if (direction.length !== latent) throw new Error(`attribute: a direction of ${direction.length} latents for a model of ${latent}`);
  const bad = strengths.findIndex((s) => !Number.isFinite(s));
  if (strengths.length === 0 || bad >= 0) {
    throw new Error(`attribute: ${bad >= 0 ? `strength ${strengths[bad]} is no finite number` : "no strengths to add it with"}`);
  }
  const { mean } = await encodeImages(model, examples, labelled);
  const count = mean.length / latent;
  const z = new Float32Array(count * strengths.length * latent);
  for (let i = 0, at = 0; i < count; i++)
    for (const s of strengths) for (let j = 0; j < latent; j++) z[at++] = mean[i * latent + j] + s * direction[j];
  const own = labelled?.labels ?? (examples instanceof Float32Array ? undefined : examples.labels);
  const told = classes > 0 && own ? { labels: repeated(own, strengths.length) } : {};
  return await decodeLatents(model, z, told);
}

/** Each label so many times. */
const repeated = (labels: ArrayLike<number>, times: number): number[] =>
  Array.from(labels).flatMap((label) => new Array(times).fill(label));
