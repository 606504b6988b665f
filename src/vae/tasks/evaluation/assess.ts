// All figures of one trained model, for a report or a comparison. Each is a function in a file beside this one; here is only what they are
// computed from, and why some are absent. An absent figure says why, so that nobody takes it for forgotten.

import type { Images } from "../../../data/images.ts";
import { sliceImages } from "../../../data/images.ts";
import type { Binarize } from "../../binarize.ts";
import { evaluate } from "../../evaluate.ts";
import { activeUnits, klPerLatent } from "../../latents.ts";
import { bitsPerDimension, countsBits } from "../../likelihoods.ts";
import type { Vae } from "../../model.ts";
import type { Objective, Terms } from "../../objectives/objective.ts";
import { checkBinarize, checkImages } from "../../pictures.ts";
import { whole } from "../../settings.ts";
import { rowsOf } from "../../statistics/rows.ts";
import { encodeImages } from "../../use.ts";
import { type Distances, sampleDistances } from "./distances.ts";
import { type FactorScore, factorScore } from "./factor-score.ts";
import type { Factors } from "./factors.ts";
import { type Gap, mutualInformationGap } from "./gap.ts";
import { type Information, mutualInformation } from "./information.ts";
import type { Estimate } from "./log-mean.ts";
import { NLL_SAMPLES, negativeLogLikelihood } from "./nll.ts";
import { seenImages } from "./seen.ts";

/** A figure that there is not, with the reason. */
export interface Absent {
  readonly absent: string;
}

export interface Assessed {
  readonly test: Images;
  /** What the model was trained on: the measure of how near samples can come to the test images. */
  readonly train: Images;
  /** Images made from known factors, if there are such, as for `shapes`; else why not. */
  readonly factors: { readonly images: Images; readonly factors: Factors } | Absent;
}

export interface AssessOptions {
  /** At most so many of the test images for all but the losses, which are of all. */
  readonly images?: number;
  /** Latents for each image in -log p(x). */
  readonly samples?: number;
  /** Of what is drawn here. */
  readonly seed?: number;
  /** What the model was trained to make smaller, by which its loss is told; the ELBO if left out. */
  readonly objective?: Objective | undefined;
  /** As in training, with the seed of the training: then the images are those of its evaluations. */
  readonly binarize?: Binarize | undefined;
  readonly trainingSeed?: number;
  readonly signal?: AbortSignal | undefined;
  /** Told what is going on, and which part of it is done, from 0 to 1. */
  readonly onProgress?: ((what: string, part: number) => void) | undefined;
}

export interface Assessment {
  /** Images that the losses are averages of, and that the rest is computed from. */
  readonly counts: { readonly losses: number; readonly images: number };
  /** In nats per image, over all test images. */
  readonly losses: Terms<number>;
  /** reconstruction + KL: the negative ELBO, whatever the loss is. */
  readonly bound: number | Absent;
  readonly bitsPerDimension: { readonly bound: number; readonly nll: number } | Absent;
  readonly nll: Estimate | Absent;
  readonly activeUnits: number;
  readonly latents: number;
  /** Of each latent, averaged over the images. */
  readonly kl: Float64Array | Absent;
  readonly information: Information | Absent;
  readonly distances: Distances;
  readonly factors: { readonly count: number; readonly gap: Gap; readonly score: FactorScore } | Absent;
}

const IMAGES = 1000;
const NO_POSTERIOR = "a plain autoencoder has no q(z|x), and so no bound";

/** All figures of a model, on the device that was opened last. */
export async function assess(model: Vae, { test, train, factors }: Assessed, options: AssessOptions = {}): Promise<Assessment> {
  const { images: most = IMAGES, samples = NLL_SAMPLES, seed = 1, objective, binarize, trainingSeed = 1, signal, onProgress } = options;
  whole("images", most, 2);
  for (const images of [test, train]) checkImages("assess", model, images);
  checkBinarize("assess", model, binarize);
  if (test.count < 2) throw new Error(`assess: ${test.count} test images; two or more are needed`);
  const count = Math.min(most, test.count);
  const hasPosterior = objective?.name !== "ae";
  const { latent } = model;
  const tell = (what: string, part = 0): void => {
    signal?.throwIfAborted();
    onProgress?.(what, part);
  };

  tell("losses");
  const losses = await evaluate(model, test, { objective, binarize, seed: trainingSeed, signal });
  const bound = hasPosterior ? losses.reconstruction + losses.kl : { absent: NO_POSTERIOR };

  const seen = sliceImages(seenImages(test, binarize, trainingSeed), 0, count);
  tell("log-likelihood");
  const onChunk = (done: number, total: number): void => tell("log-likelihood", done / total);
  const nll = hasPosterior
    ? await negativeLogLikelihood(model, seen, { samples, seed, signal, onProgress: onChunk })
    : { absent: NO_POSTERIOR };

  tell("latents");
  const codes = await encodeImages(model, seen);
  const kl = hasPosterior ? klPerLatent(codes.mean, codes.logVariance, latent) : { absent: NO_POSTERIOR };
  const information = hasPosterior ? await mutualInformation(codes, latent, seed) : { absent: NO_POSTERIOR };

  tell("samples");
  const posterior = hasPosterior ? codes : { mean: codes.mean };
  const distances = await sampleDistances(model, { test, train, posterior }, count, seed);

  tell("factors");
  const size = model.shape.reduce((n, d) => n * d, 1);
  return {
    counts: { losses: test.count, images: count },
    ...{ losses, bound, nll, kl, information, distances, latents: latent },
    bitsPerDimension: bitsOf(model, seen, bound, nll, size),
    activeUnits: activeUnits(codes.mean, latent),
    factors: "absent" in factors ? factors : await factorsOf(model, factors.images, factors.factors, seed),
  };
}

function bitsOf(
  model: Vae,
  { pixels, white }: Images,
  bound: number | Absent,
  nll: Estimate | Absent,
  size: number,
): Assessment["bitsPerDimension"] {
  if (typeof bound !== "number" || "absent" in nll) return { absent: NO_POSTERIOR };
  if (!countsBits(model.likelihood, pixels, white))
    return { absent: `-log p(x|z) of a "${model.likelihood.name}" likelihood is no log of a probability of these data` };
  return { bound: bitsPerDimension(bound, size), nll: bitsPerDimension(nll.mean, size) };
}

async function factorsOf(model: Vae, images: Images, factors: Factors, seed: number): Promise<Assessment["factors"]> {
  if (model.latent < 2) return { absent: "one latent has no other to be compared with" };
  const { mean } = await encodeImages(model, images);
  const codes = rowsOf(mean, model.latent);
  return { count: images.count, gap: mutualInformationGap(codes, factors), score: factorScore(codes, factors, { seed }) };
}
