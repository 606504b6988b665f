// elbo impute: what a trained model makes of images of which a part is hidden, beside the truth.

import { type Images, sliceImages } from "../../data/index.ts";
import {
  countsBits,
  coverage,
  hiddenError,
  type Imputation,
  type ImputeMethod,
  impute as imputeImages,
  imputeMethods,
  masksFor,
  meanImage,
  missingKinds,
  nearestBySeen,
  type Run,
} from "../../vae/index.ts";
import { loadRun } from "../../vae/run.node.ts";
import { busy } from "../codes.ts";
import { deviceOptions, openDevice } from "../device.ts";
import { isAutoencoder, trainingAndTest } from "../examples.ts";
import { checkPicture, writeWhole } from "../files.ts";
import { runDataOption } from "../images.ts";
import { imputedPng } from "../imputed.ts";
import { type Command, choice, columns, command, flag, type Option, real, UsageError, whole } from "../options.ts";
import { pictureOption, valuesIn } from "../pictures.ts";
import { note, print } from "../terminal.ts";

const shareOption: Option<number | undefined> = {
  ...real({ accepts: (x) => x > 0 && x < 1, wanted: "a number between 0 and 1", default: 0.5, help: "share of the pixels that is hidden" }),
  default: undefined,
  shownDefault: "0.5",
};

export const impute: Command = command({
  name: "impute",
  summary: "hides pixels of images and shows what a trained model fills in, and how sure it is",
  operands: { run: "the directory of a run, as elbo train leaves it" },
  options: {
    missing: choice(missingKinds, { default: "random", help: "what is hidden: single pixels, a block, or a half of the image" }),
    share: shareOption,
    count: whole({
      ...{ min: 1, max: 10_000, default: undefined, shownDefault: "64, or all there are" },
      help: "how many of the test images; the first 32 are drawn",
    }),
    method: choice(imputeMethods, {
      default: "resample",
      help: "latents weighed by how well they explain what is seen; or chains of encoding and decoding, plain or with latents refused now and then",
    }),
    samples: whole({ min: 2, max: 100_000, default: 100, help: "completions of each image" }),
    rounds: whole({
      ...{ min: 0, max: 1_000_000, default: undefined, shownDefault: "10; of a run trained with --missing 0" },
      help: "how often what is filled in is encoded and decoded again",
    }),
    data: runDataOption,
    limit: whole({ min: 1, max: 1_000_000, default: undefined, shownDefault: "all", help: "the first N training images, to compare with" }),
    seed: whole({ min: 0, max: 2 ** 32 - 1, default: 1, help: "of what is hidden, and of the completions" }),
    json: flag({ help: "one JSON object instead of text" }),
    out: pictureOption("imputed.png"),
    ...deviceOptions,
  },
  examples: ["elbo impute runs/digits-dense-1 --missing half", "elbo impute runs/digits-dense-1 --share 0.8 --method gibbs"],
  async run({ run, missing, share, count, method, samples, rounds, data, limit, seed, json, out, ...settings }) {
    checkPicture(out);
    if (missing === "half" && share !== undefined) throw new UsageError("--share: of no use to --missing half, which hides one");
    if (method === "metropolis" && rounds !== undefined && rounds < 2) throw new UsageError("--rounds: of metropolis 2 or more");
    const loaded = await loadRun(run);
    if (isAutoencoder(loaded))
      throw new Error(`${run}: was trained without noise, so that there is no telling which latents images with holes may have`);
    const { train, test } = await trainingAndTest(run, loaded, data, limit);
    if (count !== undefined && count > test.count)
      throw new Error(`--count ${count} is more than the ${test.count} test images of ${test.name}`);
    const images = sliceImages(test, 0, Math.min(count ?? FEW, test.count));
    const seen = masksFor(loaded.model.shape, images.count, { missing, share, seed });
    await using _device = await openDevice(settings);
    const options = optionsFor(loaded, train, images, { method, rounds });
    const fill = () => imputeImages(loaded.model, images, seen, { ...options, samples, seed });
    const made = await busy(`filling in ${images.count} images`, fill);
    const figures = await figuresOf(train, images, seen, made, options.fill);
    writeWhole(out, imputedPng(loaded.model, images, seen, made));
    const { method: _, start: __, ...told } = options;
    const report = {
      run,
      missing,
      share: missing === "half" ? null : (share ?? 0.5),
      count: images.count,
      method,
      samples,
      ...told,
      ...figures,
    };
    if (json) return print(JSON.stringify({ ...report, out }));
    print(text(figures, samples, method));
    if (options.fill === "mean") note(MEANS);
    if (method === "resample" && figures.effective < FEW_EFFECTIVE) note(SINGLE);
    note("rows of five: what is seen, what is filled in, one of the completions, the truth, and how far the completions spread");
    print(out);
  },
});

const FEW = 64;

const FEW_EFFECTIVE = 5;
const SINGLE =
  "in most images few latents explain what is seen so much better that all completions come from them: more --samples, or --method gibbs, which weighs none";

const MEANS =
  "a Bernoulli likelihood draws zeros and ones, and the images are grey: completions are means, without the noise of pixels, and have no intervals";

interface Chosen {
  readonly method: ImputeMethod;
  readonly rounds: number;
  readonly fill: "drawn" | "mean";
  readonly start: Float64Array | undefined;
}

/** What suits the run: one that was trained with hidden pixels knows zeros in their place, another does better from the mean image. */
function optionsFor(
  { model, config }: Run,
  train: Images,
  { pixels, white }: Images,
  { method, rounds }: { method: ImputeMethod; rounds: number | undefined },
): Chosen {
  const knowsHoles = typeof config.training?.["missing"] === "number";
  const isGrey = model.likelihood.support === "bits" && !countsBits(model.likelihood, pixels, white);
  return {
    method,
    rounds: rounds ?? (knowsHoles && method !== "metropolis" ? 0 : 10),
    fill: isGrey && method !== "metropolis" ? "mean" : "drawn",
    start: knowsHoles ? undefined : meanImage(train),
  };
}

interface Figures {
  /** The root mean squared error at hidden pixels, where 1 is white: of the model, and of what needs none. */
  readonly error: number;
  readonly errorOfMean: number;
  readonly errorOfNearest: number;
  /** The share of hidden values in the intervals that should hold 90 of 100; null if completions are means. */
  readonly coverage: number | null;
  /** The median over the images. */
  readonly effective: number;
}

async function figuresOf(train: Images, images: Images, seen: Uint8Array, made: Imputation, fill: Chosen["fill"]): Promise<Figures> {
  const truth = valuesIn(images);
  const size = truth.length / images.count;
  const mean = meanImage(train);
  const nearest = await nearestBySeen(train, truth, seen);
  const nearestValue = (at: number) => train.pixels[nearest[Math.floor(at / size)] * size + (at % size)] / train.white;
  const error = (value: (at: number) => number) =>
    hiddenError(
      truth,
      Float64Array.from(truth, (_, at) => value(at)),
      seen,
    );
  return {
    error: hiddenError(truth, made.filled, seen),
    errorOfMean: error((at) => mean[at % size]),
    errorOfNearest: error(nearestValue),
    coverage: fill === "mean" ? null : coverage(truth, made, seen),
    effective: [...made.effective].sort((a, b) => a - b)[Math.floor(images.count / 2)],
  };
}

function text({ error, errorOfMean, errorOfNearest, coverage, effective }: Figures, samples: number, method: ImputeMethod): string {
  const lines = [
    ["the model", error],
    ["the mean training image", errorOfMean],
    ["the training image that is nearest by what is seen", errorOfNearest],
  ] as const;
  return [
    "root mean squared error at hidden pixels, where 1 is white:",
    columns(lines.map(([what, value]) => [what, value.toFixed(4)])),
    ...(coverage === null ? [] : [`intervals that should hold 90 % of the hidden pixels hold ${(100 * coverage).toFixed(1)} %`]),
    ...(method === "resample" ? [`effective completions of an image: ${effective.toFixed(1)} of ${samples} (median)`] : []),
  ].join("\n");
}
