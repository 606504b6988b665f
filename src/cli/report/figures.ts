// The figures of a report, in order: what each is called, how it is found in an assessment, and what it says. The page, the table in the
// terminal and --json go by this list.

import type { Absent, Assessment } from "../../vae/index.ts";

export interface Figure {
  /** With --json. */
  readonly key: string;
  readonly name: string;
  readonly unit: string;
  /** One sentence: how it is to be read. */
  readonly says: string;
  readonly source?: string;
  readonly digits: number;
  of(a: Assessment): number | Value | Absent;
}

export interface Value {
  readonly value: number;
  /** Standard error. */
  readonly error?: number;
  /** Where the figure is a bound and no estimate. */
  readonly relation?: "at least" | "at most";
}

export interface Group {
  readonly title: string;
  readonly figures: readonly Figure[];
}

const BURDA = "Burda et al. 2016, Importance Weighted Autoencoders";
const GRETTON = "Gretton et al. 2012, A Kernel Two-Sample Test";
const SURGERY = "Hoffman and Johnson 2016, ELBO surgery";

/** A figure of what may be absent as a whole. */
const within =
  <T extends object>(part: (a: Assessment) => T | Absent, of: (part: T) => number | Value): Figure["of"] =>
  (a) => {
    const found = part(a);
    return "absent" in found ? found : of(found as T);
  };
const nll = (a: Assessment) => a.nll;
const information = (a: Assessment) => a.information;
/** From here on images are told apart so well that more of them would tell more. */
const isFull = ({ total, most }: { total: number; most: number }): boolean => total > 0.8 * most;
const bits = (a: Assessment) => a.bitsPerDimension;
const factors = (a: Assessment) => a.factors;
const distance = ({ squared, standardError }: { squared: number; standardError: number }): Value => ({
  value: squared,
  error: standardError,
});

export const groups: readonly Group[] = [
  {
    title: "How well the images are explained",
    figures: [
      {
        ...{ key: "loss", name: "test loss", unit: "nats per image", digits: 2 },
        says: "What the training made smaller, over all test images; with another objective or beta it is another quantity and compares with nothing here.",
        of: (a) => a.losses.loss,
      },
      {
        ...{ key: "bound", name: "negative ELBO", unit: "nats per image", digits: 2, source: "Kingma and Welling 2014" },
        says: "Reconstruction plus KL, an upper bound on -log p(x): less is better.",
        of: (a) => a.bound,
      },
      {
        ...{ key: "reconstruction", name: "reconstruction", unit: "nats per image", digits: 2 },
        says: "-log p(x|z) on average over z from q(z|x): what the latents leave unsaid of an image.",
        of: (a) => a.losses.reconstruction,
      },
      {
        ...{ key: "kl", name: "KL", unit: "nats per image", digits: 2 },
        says: "KL(q(z|x) ‖ p(z)): what it costs to say the latents of an image.",
        of: (a) => (typeof a.bound === "number" ? a.losses.kl : a.bound),
      },
      {
        ...{ key: "nll", name: "-log p(x)", unit: "nats per image", digits: 2, source: BURDA },
        says: "By importance sampling from q(z|x), ± the standard error over images: less is better, and models compare whatever their bounds are like.",
        of: within(nll, ({ mean, standardError }) => ({ value: mean, error: standardError })),
      },
      {
        ...{ key: "effective", name: "effective sample size", unit: "of all samples, median", digits: 0, source: "Kong 1992" },
        says: "As many equal weights would tell as much of -log p(x); where it is a few, the figure above is too high.",
        of: within(nll, ({ effective }) => effective.toSorted()[Math.floor(effective.length / 2)]),
      },
      {
        ...{ key: "fewEffective", name: "images below 10 effective samples", unit: "%", digits: 1 },
        says: "Of these -log p(x) is too high by more than about 0.05 nats each.",
        of: within(nll, ({ few }) => 100 * few),
      },
      {
        ...{ key: "nllBias", name: "-log p(x) is too high by about", unit: "nats per image", digits: 3 },
        says: "½ (1/effective - 1/samples) on average: the logarithm of an average is too low by half its relative variance.",
        of: within(nll, ({ bias }) => bias),
      },
      {
        ...{ key: "bitsBound", name: "bits per value, by the bound", unit: "bits", digits: 4 },
        says: "The negative ELBO as the length of a lossless code, per pixel and channel.",
        of: within(bits, ({ bound }) => bound),
      },
      {
        ...{ key: "bits", name: "bits per value, by -log p(x)", unit: "bits", digits: 4 },
        says: "The shortest such code by this model, which a code by way of latents does not reach.",
        of: within(bits, (b) => b.nll),
      },
    ],
  },
  {
    title: "What the latents do",
    figures: [
      {
        ...{ key: "active", name: "active units", unit: "latents", digits: 0, source: BURDA },
        says: "Latents whose posterior means vary over the images, with a variance above 0.01.",
        of: (a) => a.activeUnits,
      },
      {
        ...{ key: "information", name: "mutual information I(x; z)", unit: "nats", digits: 2, source: SURGERY },
        says: "What z tells of which image it came from, by all pairs of images: at most the logarithm of their number, and only a lower bound near it.",
        of: within(information, (i) => ({ value: i.total, ...(isFull(i) && { relation: "at least" as const }) })),
      },
      {
        ...{ key: "mostInformation", name: "the most it could be", unit: "nats", digits: 2 },
        says: "The logarithm of the number of images: more images let more be seen.",
        of: within(information, ({ most }) => most),
      },
      {
        ...{ key: "marginal", name: "KL(q(z) ‖ p(z))", unit: "nats", digits: 2, source: SURGERY },
        says: "The KL less the mutual information: how far codes as a whole lie from the prior that samples are drawn from; at most that, where information is at least something.",
        of: within(information, (i) => ({ value: i.marginal, ...(isFull(i) && { relation: "at most" as const }) })),
      },
      {
        ...{ key: "codes", name: "MMD² of codes and prior", unit: "", digits: 5, source: GRETTON },
        says: "One z of each image beside as many from the prior: 0 on average if they are alike.",
        of: (a) => distance(a.distances.codes),
      },
    ],
  },
  {
    title: "How like the data samples are",
    figures: [
      {
        ...{ key: "pixels", name: "MMD² of samples, pixels", unit: "", digits: 5, source: GRETTON },
        says: "Mean pictures at latents from the prior beside test images, by Gaussian kernels of ¼ to 4 median distances: 0 if they are alike; unbiased, so it may fall below.",
        of: (a) => distance(a.distances.pixels.samples),
      },
      {
        ...{ key: "pixelsFloor", name: "the same of training images", unit: "", digits: 5 },
        says: "The floor: as near as other images of these data come, by the same kernel.",
        of: (a) => distance(a.distances.pixels.train),
      },
      {
        ...{ key: "features", name: "MMD² of samples, principal components", unit: "", digits: 5, source: GRETTON },
        says: "The same of coordinates along the first 20 principal components of training images, which pass over noise of single pixels.",
        of: (a) => distance(a.distances.features.samples),
      },
      {
        ...{ key: "featuresFloor", name: "the same of training images", unit: "", digits: 5 },
        says: "The floor of the line above.",
        of: (a) => distance(a.distances.features.train),
      },
    ],
  },
  {
    title: "Whether latents stand for factors",
    figures: [
      {
        ...{
          key: "mig",
          name: "mutual information gap",
          unit: "0 to 1",
          digits: 3,
          source: "Chen et al. 2018, Isolating Sources of Disentanglement",
        },
        says: "By how much the latent that knows most of a factor is ahead of the next, averaged over factors: 1 if each factor has a latent of its own.",
        of: within(factors, ({ gap }) => gap.score),
      },
      {
        ...{
          key: "factorVae",
          name: "FactorVAE score",
          unit: "0 to 1",
          digits: 3,
          source: "Kim and Mnih 2018, Disentangling by Factorising",
        },
        says: "How often the latent that varies least tells which factor was held: 1 at best; guessing gets 1 of as many as there are factors.",
        of: within(factors, ({ score }) => score.score),
      },
    ],
  },
];

export const figures: readonly Figure[] = groups.flatMap((group) => group.figures);

/** A figure as it is shown: the number, with its standard error if it has one; "-" where it is absent. */
export function shown({ digits, of }: Figure, a: Assessment): string {
  const found = of(a);
  if (typeof found === "number") return rounded(found, digits);
  if ("absent" in found) return "-";
  const { value, error, relation } = found;
  const number =
    error !== undefined && Number.isFinite(error) ? `${rounded(value, digits)} ± ${rounded(error, digits)}` : rounded(value, digits);
  return relation ? `${relation === "at least" ? "≥" : "≤"} ${number}` : number;
}

/** Never "-0.00". */
const rounded = (value: number, digits: number): string => value.toFixed(digits).replace(/^-(0(\.0*)?)$/, "$1");
