// Is the model well? A few figures of its latents on some images: how many are active, what each carries, how wide the posteriors are,
// and whether the decoder listens to them. What they mean, in a line of advice each, is said in findings.ts.

import { type Images, sliceImages } from "../../data/images.ts";
import { arange, compile, set, type Tensor, tensor } from "../../index.ts";
import { type Binarize, binarizeImages } from "../binarize.ts";
import { batchOf } from "../evaluate.ts";
import { activeUnits, klPerLatent } from "../latents.ts";
import type { Vae } from "../model.ts";
import { elbo } from "../objectives/elbo.ts";
import type { Objective } from "../objectives/objective.ts";
import { checkBinarize, checkImages, resident } from "../pictures.ts";
import { inFlight } from "../pipeline.ts";
import { seedOf } from "../settings.ts";
import { type Course, type DiagnosisFinding, findings } from "./findings.ts";

export interface DiagnoseOptions {
  /** What was made smaller. An autoencoder has no posterior, so less is said of it; the ELBO if left out. */
  readonly objective?: Objective | undefined;
  /** As in training. */
  readonly binarize?: Binarize | undefined;
  readonly seed?: number;
  /** How the training went, for a word on overfitting. */
  readonly course?: Course | undefined;
}

export interface Diagnosis {
  /** Latents whose posterior mean varies over the images by more than 0.01. */
  readonly activeUnits: number;
  /** Nats that each latent carries, on average over the images; of an autoencoder there are none. */
  readonly klPerLatent?: readonly number[];
  /** The smallest and the largest log σ² of the posteriors. */
  readonly logVariance?: readonly [number, number];
  /** The largest absolute posterior mean. */
  readonly largestMean: number;
  /** -log p(x|z) in nats per image with z the posterior mean of x itself, and with z that of another image. */
  readonly reconstruction: number;
  readonly shuffled: number;
  readonly findings: readonly DiagnosisFinding[];
}

export const MOST_DIAGNOSED = 1000; // images: a sample tells as much as all
const BATCH = 100;

/** The figures of a model on the first thousand of the images, and what they point to. */
export async function diagnose(model: Vae, images: Images, { course, ...options }: DiagnoseOptions = {}): Promise<Diagnosis> {
  const examination = diagnoser(model, images, options);
  try {
    return await examination.run(course);
  } finally {
    examination.dispose();
  }
}

/** A diagnosis that can be repeated. */
export interface Diagnoser {
  run(course?: Course): Promise<Diagnosis>;
  dispose(): void;
}

export function diagnoser(model: Vae, images: Images, options: Omit<DiagnoseOptions, "course"> = {}): Diagnoser {
  const { objective = elbo(), binarize, seed = 1 } = options;
  seedOf(seed);
  checkImages("diagnose", model, images);
  checkBinarize("diagnose", model, binarize);
  const count = Math.min(images.count, MOST_DIAGNOSED);
  if (count < 2) throw new Error(`diagnose: ${count} images of ${images.name}; it takes two to tell them apart`);
  const some = sliceImages(images, 0, count);
  const data = resident(binarize === "static" ? binarizeImages(some, seed) : some, model);
  const { latent, likelihood } = model;

  const look = compile(
    (rows: Tensor) => {
      const [x, given] = batchOf(data, rows, binarize);
      const { mean, logVariance } = model.encode(x, given);
      const n = rows.size;
      const next = arange(1, n + 1, 1, "u32").mod(n); // every code goes to the image before its own
      const cost = (z: Tensor) => likelihood.logProb(model.examples(x), model.decode(z, given)).neg();
      return { mean, logVariance, own: cost(mean), other: cost(mean.take(next)) };
    },
    { seed },
  );
  function* batches() {
    set(look.clock, 0); // what is drawn is the same every time
    for (let start = 0; start < count; start += BATCH) {
      const end = count - start - BATCH === 1 ? count : Math.min(start + BATCH, count); // no batch of one, which has no other image
      const { mean, logVariance, own, other } = look(tensor(Uint32Array.from({ length: end - start }, (_, i) => start + i)));
      yield Promise.all([mean, logVariance, own, other].map((t) => t.data()));
      if (end === count) return;
    }
  }
  return {
    run: async (course) => {
      const means = new Float32Array(count * latent);
      const logVariances = new Float32Array(count * latent);
      let [at, reconstruction, shuffled] = [0, 0, 0];
      for await (const [mean, logVariance, own, other] of inFlight(batches())) {
        means.set(mean, at);
        logVariances.set(logVariance, at);
        at += mean.length;
        for (const cost of own) reconstruction += cost / count;
        for (const cost of other) shuffled += cost / count;
      }
      const figures = {
        activeUnits: activeUnits(means, latent),
        ...(objective.name !== "ae" && {
          klPerLatent: Array.from(klPerLatent(means, logVariances, latent), short),
          logVariance: [short(least(logVariances)), short(-least(logVariances.map((v) => -v)))] as const,
        }),
        largestMean: short(-least(means.map((v) => -Math.abs(v)))),
        ...{ reconstruction: short(reconstruction), shuffled: short(shuffled) },
      };
      return { ...figures, findings: findings({ ...figures, latent }, course) };
    },
    dispose: () => {
      look.dispose();
      data.dispose();
    },
  };
}

/** NaN if there is one. */
const least = (values: Float32Array): number => values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);

/** Six digits: these are figures to look at, and a line of them is kept for every epoch. */
const short = (x: number): number => Number(x.toPrecision(6));
