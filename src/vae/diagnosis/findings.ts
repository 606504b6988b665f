// What figures of a model point to, each with a line of advice. The limits are rules of thumb: they are far from what models that learn
// well were seen to have, and say nothing about those in between.

import type { Diagnosis } from "./diagnose.ts";

export interface DiagnosisFinding {
  readonly kind: "collapsed" | "ignored" | "scales" | "overfitting";
  /** What is the matter and what helps, in a line. */
  readonly advice: string;
}

/** The losses of an epoch, as they are made smaller. */
export interface EpochLosses {
  readonly epoch: number;
  readonly train: number;
  readonly test: number;
}

/** How the training went: the epoch that did best on the test images, and the last one. */
export interface Course {
  readonly best: EpochLosses;
  readonly now: EpochLosses;
}

type Figures = Omit<Diagnosis, "findings"> & { readonly latent: number };

/** Hardly any KL: nats, of all latents together. One of them that tells two halves of the data apart carries 0.7. */
const LITTLE = 0.5;
/** Few latents at work: a part of them. */
const FEW = 0.1;
/** Nats per image by which a decoder that listens does better with the right code. */
const HEARD = 0.1;
/** log σ² above which a posterior is wider than any prior could want, and means further from 0 than any. */
const WIDE = 10;
const FAR = 1000;

export function findings(figures: Figures, course: Course | undefined): DiagnosisFinding[] {
  return [scales(figures), collapsed(figures), ignored(figures), overfitting(course)].flatMap((advice, i) =>
    advice === undefined ? [] : [{ kind: KINDS[i], advice }],
  );
}
const KINDS = ["scales", "collapsed", "ignored", "overfitting"] as const;

function collapsed({ activeUnits, klPerLatent, latent }: Figures): string | undefined {
  if (!klPerLatent) return undefined;
  const kl = klPerLatent.reduce((a, b) => a + b, 0);
  if (!(kl < LITTLE || activeUnits < FEW * latent)) return undefined;
  return (
    `the posterior has collapsed: ${activeUnits} of ${latent} latents are active, with a KL of ${kl.toFixed(2)} nats; ` +
    "a weight of the KL that grows from 0 (warm-up), free bits, or a smaller beta helps"
  );
}

/** Where nothing is said, there is nothing to be ignored: that is a collapse. */
function ignored({ klPerLatent, reconstruction, shuffled }: Figures): string | undefined {
  const kl = klPerLatent?.reduce((a, b) => a + b, 0) ?? LITTLE;
  if (kl < LITTLE || !(shuffled - reconstruction < HEARD)) return undefined;
  return (
    `the decoder ignores the latents: with the codes of other images it does as well (${shuffled.toFixed(2)} nats, and ` +
    `${reconstruction.toFixed(2)} with their own); train longer, or make the decoder weaker or the latents fewer`
  );
}

function scales({ logVariance, largestMean }: Figures): string | undefined {
  if (!logVariance) return undefined;
  if (logVariance[1] <= WIDE && largestMean <= FAR) return undefined;
  return (
    `the posteriors explode: log variances up to ${logVariance[1].toFixed(1)}, means up to ${largestMean.toFixed(1)}; ` +
    "a lower learning rate, or normalization helps"
  );
}

const PATIENCE = 3; // epochs
const WORSE = 0.01; // of the best loss

/** The test loss has risen for some epochs while the loss in training fell, and is behind it. */
function overfitting(course: Course | undefined): string | undefined {
  if (!course) return undefined;
  const { best, now } = course;
  const isWorse = now.test - best.test > WORSE * Math.abs(best.test);
  if (now.epoch - best.epoch < PATIENCE || !isWorse || now.train >= best.train || now.train >= now.test) return undefined;
  return (
    `overfitting: the test loss was lowest after epoch ${best.epoch} (${best.test.toFixed(2)}) and is ${now.test.toFixed(2)}, ` +
    `while that of training fell to ${now.train.toFixed(2)}; stop there, train on more images, or take a smaller model or dropout`
  );
}
