// How near what a model draws comes to what it was to draw: samples to test images, and the codes of test images to the prior that samples
// are drawn from.

import { type Images, sliceImages } from "../../../data/images.ts";
import { compile } from "../../../index.ts";
import type { Vae } from "../../model.ts";
import { valuesOf } from "../../pictures.ts";
import { pca, projected } from "../../statistics/pca.ts";
import { stream } from "../../statistics/random.ts";
import { type Rows, rowsOf } from "../../statistics/rows.ts";
import { sampleImages } from "../../use.ts";
import { type Mmd, medianDistance, mmd } from "./mmd.ts";

/** MMD² with test images, as many of both. */
export interface Between {
  /** Of mean pictures at latents from the prior. */
  readonly samples: Mmd;
  /** Of training images: what nobody comes below who does not copy them. */
  readonly train: Mmd;
  /** The kernel's width: the median distance between test images, so that it is the same for all models of these data. */
  readonly width: number;
}

export interface Distances {
  /** Rows of each side. */
  readonly count: number;
  readonly pixels: Between;
  /** The same of coordinates along the first principal components of training images: `components` of them. */
  readonly features: Between & { readonly components: number };
  /** MMD² of one z from each q(z|x) with as many from the prior. */
  readonly codes: Mmd;
}

interface Compared {
  readonly test: Images;
  readonly train: Images;
  /** Of the first test images. Without log variances z is the mean. */
  readonly posterior: { readonly mean: Float32Array; readonly logVariance?: Float32Array };
}

const COMPONENTS = 20;
const LEARNED = 2000; // training images that the principal components are of

/** Grey pictures are compared with the images before any are made zeros and ones, because samples are mean pictures: grey as well. */
export async function sampleDistances(model: Vae, { test, train, posterior }: Compared, most: number, seed: number): Promise<Distances> {
  const count = Math.min(most, test.count, train.count);
  const tested = imageRows(test, count);
  const learned = imageRows(train, Math.min(LEARNED, train.count));
  const trained = imageRows(train, count);
  const samples = rowsOf(await sampleImages(model, { count, seed }), tested.columns);
  const between = async (of: readonly [samples: Rows, train: Rows, test: Rows]): Promise<Between> => {
    const width = (await medianDistance(of[2])) || 1; // of images that are all alike any will do
    return { samples: await mmd(of[0], of[2], width), train: await mmd(of[1], of[2], width), width };
  };
  const components = Math.min(COMPONENTS, learned.count, learned.columns);
  const axes = await pca(learned, components);
  const features = async (rows: Rows): Promise<Rows> => rowsOf(await projected(axes, rows), components);
  return {
    count,
    pixels: await between([samples, trained, tested]),
    features: { ...(await between([await features(samples), await features(trained), await features(tested)])), components },
    codes: await codeDistance(model, posterior, seed),
  };
}

function imageRows(images: Images, count: number): Rows {
  const { pixels, white } = sliceImages(images, 0, count);
  const values = new Float32Array(pixels.length);
  for (let i = 0; i < pixels.length; i++) values[i] = pixels[i] / white;
  return rowsOf(values, valuesOf(images));
}

async function codeDistance(model: Vae, { mean, logVariance }: Compared["posterior"], seed: number): Promise<Mmd> {
  const draw = stream(seed);
  const z = mean.map((m, i) => (logVariance ? m + Math.exp(logVariance[i] / 2) * draw.normal() : m));
  const sample = compile(() => model.prior.sample(mean.length / model.latent), { seed });
  try {
    const prior = rowsOf((await sample().data()) as Float32Array, model.latent);
    return await mmd(rowsOf(z, model.latent), prior, await medianDistance(prior));
  } finally {
    sample.dispose();
  }
}
