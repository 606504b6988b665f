// The --model option and those that go with it, and the model that they stand for. Each model knows which options it takes and what
// they are if they are not given; here is only how they are called on a command line.

import type { Images } from "../data/images.ts";
import {
  activations,
  build,
  initializations,
  likelihoodFor,
  likelihoodNames,
  modelNames,
  models,
  UnfitSizeError,
  type Vae,
  type VaeConfig,
} from "../vae/index.ts";
import { choice, flag, type Option, real, sizes, UsageError, type ValuesOf, whole } from "./options.ts";
import { note } from "./terminal.ts";

/** Not given, it is the model's own; `name` is what the model calls it. */
type Own<T> = Option<T | undefined> & { readonly name: string };

const optional = <T>(name: string, { default: _, ...option }: Option<T>): Own<T> => ({
  ...option,
  name,
  default: undefined,
  shownDefault: defaultOf(name),
});

const LIKELIHOOD = `what the decoder says of a pixel: ${likelihoodNames.join(", ")}; or auto, which goes by what the data are`;
const none = { default: 0, help: "" };
const own: {
  readonly filters: Own<readonly number[]>;
  readonly hidden: Own<readonly number[]>;
  readonly latent: Own<number>;
  readonly norm: Own<string>;
  readonly residual: Own<number>;
  readonly decoder: Own<string>;
  readonly dropout: Own<number>;
  readonly activation: Own<string>;
  readonly init: Own<string>;
  readonly likelihood: Own<string>;
  readonly scale: Own<number | "learned" | "pixel">;
} = {
  filters: optional("channels", sizes({ default: [], help: "conv: channels of each convolution of the encoder, which halves the size" })),
  hidden: optional("hidden", sizes({ default: [], help: "widths of the encoder's dense layers; the decoder has all in reverse" })),
  latent: optional("latent", whole({ ...none, min: 1, max: 10_000, help: "numbers that an image is squeezed into" })),
  norm: optional("norm", choice(["none", "batch", "group", "layer"], { default: "none", help: "conv: normalization behind each layer" })),
  residual: optional("residual", whole({ ...none, min: 0, max: 64, help: "conv: residual blocks at each size" })),
  decoder: optional("decoder", choice(["transposed", "upsample"], { default: "transposed", help: "conv: how images grow again" })),
  dropout: optional(
    "dropout",
    real({
      ...none,
      accepts: (x) => x >= 0 && x < 1,
      wanted: "a number from 0, below 1",
      help: "conv: part of the values dropped in training",
    }),
  ),
  activation: {
    ...optional("activation", choice(Object.keys(activations), { default: "relu", help: "what follows each layer but the last" })),
    help: `what follows each layer but the last: ${Object.keys(activations).join(", ")}`,
    placeholder: "NAME",
  },
  init: optional(
    "init",
    choice([...initializations], { default: "pytorch", help: "first weights: PyTorch's, larger ones that suit many layers, or for tanh" }),
  ),
  likelihood: {
    ...optional("likelihood", choice([...likelihoodNames, "auto"], { default: "bernoulli", help: LIKELIHOOD })),
    placeholder: "NAME", // the list would make the column of all options wide
  },
  scale: {
    ...{ name: "scale", placeholder: "X|learned|pixel", default: undefined, shownDefault: "learned; pixel for discretized-logistic" },
    wanted: "a number above 0, learned or pixel",
    help: "gaussian, discretized-logistic: how wide; one learned number, or one that the decoder gives for each pixel",
    read: (text) => (text === "learned" || text === "pixel" ? text : real({ ...none, accepts: (x) => x > 0, wanted: "" }).read(text)),
  },
};

export const modelOptions: { readonly model: Option<string>; readonly conditional: Option<boolean> } & typeof own = {
  model: choice(modelNames, { default: "dense", help: "what kind of VAE" }),
  ...own,
  conditional: flag({ help: "tell the model each image's class, so that it can be asked for one" }),
};
export type ModelSettings = ValuesOf<typeof modelOptions>;

/** The defaults of the models that have it: "20 for dense, 10 for conv64". */
function defaultOf(name: string): string {
  const taking = modelNames.filter((model) => name in models[model].defaults);
  const byText = new Map<string, string[]>();
  for (const model of taking) {
    const text = `${models[model].defaults[name]}`;
    if (text !== "") byText.set(text, [...(byText.get(text) ?? []), model]);
  }
  if (byText.size === 1) return [...byText.keys()][0];
  return Array.from(byText, ([text, names]) => `${text} for ${names.join(" and ")}`).join("; ");
}

/** Throws if an option was given that the model does not have. */
export function checkModelOptions(settings: ModelSettings): void {
  const { defaults } = models[settings.model];
  const names = Object.keys(own) as (keyof typeof own)[];
  const useless = names.find((key) => settings[key] !== undefined && !(own[key].name in defaults));
  if (!useless) return;
  const useful = names.filter((key) => own[key].name in defaults).map((key) => `--${key}`);
  throw new UsageError(`--${useless}: of no use to --model ${settings.model}, which takes ${useful.join(", ")}`);
}

interface Trained {
  readonly beta: number;
  readonly seed: number;
  /** Whether the model will see zeros and ones, whatever the images are. */
  readonly binarize: unknown;
}

/** The model for images like these. */
export function modelFor(images: Images, settings: ModelSettings & Trained): Vae {
  const { name, height, width, channels } = images;
  const { model, conditional, beta, seed } = settings;
  const given = Object.entries(own).flatMap(([key, option]) => {
    const value = settings[key as keyof typeof own];
    return value === undefined ? [] : [[option.name, value] as const];
  });
  const config: VaeConfig = {
    ...{ model, input: [height, width, channels], ...Object.fromEntries(given), beta, seed },
    ...(settings.likelihood === "auto" && { likelihood: chosenFor(images, settings) }),
    ...(conditional && { classes: classesOf(images) }),
  };
  try {
    return build(config);
  } catch (error) {
    if (!(error instanceof UnfitSizeError)) throw error;
    const advice = error.nearest === undefined ? "" : `; --size ${error.nearest} resizes them`;
    throw new Error(`${name}: ${error.message.replace(/^convVae: /, "")}${advice}`, { cause: error });
  }
}

/** What --likelihood auto comes to, which is said. */
function chosenFor({ pixels, white }: Images, { binarize }: Trained): string {
  const { name, why } = binarize ? { name: "bernoulli", why: "the data are made 0 and 1" } : likelihoodFor(pixels, white);
  note(`likelihood: ${name}, because ${why}`);
  return name;
}

/** How many classes the labels tell apart. */
function classesOf({ labels, classes, name }: Images): number {
  if (!labels) throw new Error(`--conditional: the images of ${name} have no labels`);
  const count = classes?.length ?? labels.reduce((most, label) => Math.max(most, label + 1), 0);
  if (count < 2) throw new Error(`--conditional: all images of ${name} are of one class`);
  return count;
}
