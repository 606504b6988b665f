// What a training is told where its user says nothing: for each model, and for a model and data that are known to go together.

import { readRate, readWeight, type WrittenRate, type WrittenWeight } from "../vae/index.ts";

/** Options by their names on the command line. */
interface Recipe {
  readonly limit?: number;
  readonly epochs?: number;
  readonly batch?: number;
  readonly lr: string;
  readonly norm?: string;
  readonly "freeze-norm"?: number;
  readonly init?: string;
  readonly beta?: string;
  readonly capacity?: string;
}

const plain: Recipe = { lr: "0.001" };

/** Images are shown so often and at so many a step, … */
const usual = { epochs: 10, batch: 128 };
/** … but those of small sets more often, as many in all as of the digits, and about a tenth of them a step, or a model would hardly move. */
const SHOWN = 100_000;
const MOST_EPOCHS = 1000;
const LEAST_BATCH = 16;

const usually: Readonly<Partial<Record<keyof Recipe, string>>> = {
  epochs: `${usual.epochs}, more of few images`,
  batch: `${usual.batch}, less of few images`,
  lr: plain.lr,
};

const recipes: Readonly<Record<string, Recipe>> = {
  // The nats that latents may carry grow slowly, so that they are spent on one factor after the other, the one that is worth most first:
  // "Understanding disentangling in β-VAE" (Burgess et al. 2018). There it takes some hundred thousand steps. Batch norm makes it tens of
  // thousands, and keeps latents from falling asleep while the weight of the KL is high; but the chance in the statistics of 32 images blurs
  // what is fine, so it freezes when the factors have been found, and corners come out. The weight falls while the capacity grows, so that
  // in the end the loss is nearly the ELBO; it begins high enough that the place, the first factor, takes no more than two latents.
  "conv64 on shapes": {
    ...{ limit: 80_000, epochs: 30, batch: 32, lr: "cosine:1e-3-1e-4:37500x2", norm: "batch", "freeze-norm": 22_500, init: "he" },
    ...{ beta: "warmup:100-1:15000", capacity: "warmup:0-25:15000" },
  },
};

/** What `--help` shows for an option: "10, more of few images; 30 for conv64 on shapes". */
export function shownDefault(name: "limit" | "epochs" | "batch" | "lr" | "freeze-norm", otherwise?: string): string {
  const others = Object.entries(recipes).map(([which, recipe]) => `${recipe[name]} for ${which}`);
  return [usually[name] ?? otherwise, ...others].join("; ");
}

interface Asked {
  readonly data: string;
  readonly model: string;
  readonly limit: number | undefined;
  readonly epochs: number | undefined;
  readonly batch: number | undefined;
  readonly lr: WrittenRate | undefined;
  readonly norm: string | undefined;
  readonly "freeze-norm": number | undefined;
  readonly init: string | undefined;
  readonly objective: string;
  readonly beta: WrittenWeight | undefined;
  readonly capacity: WrittenWeight | undefined;
  readonly "free-bits": number | undefined;
}

/** What is known after that, … */
type Complete = { readonly lr: WrittenRate };
/** … and when the images are there. */
type Sized = { readonly epochs: number; readonly batch: number };

/** The settings with what was left out; and a line that says what that is, where it is more than usual. */
export function completedBy<S extends Asked>(settings: S): { settings: S & Complete; line?: string } {
  const name = `${settings.model} on ${settings.data}`;
  const known = recipes[name];
  const { limit, epochs, batch, lr, norm, "freeze-norm": freeze, init, beta, capacity } = known ?? plain;
  // The weights of the loss go together: whoever gives one of them, or wants another loss, gives all.
  const { objective, beta: ownBeta, capacity: ownCapacity, "free-bits": freeBits } = settings;
  const isOwn = objective !== "vae" || ownBeta !== undefined || ownCapacity !== undefined || freeBits !== undefined;
  const filled: Record<string, unknown> = {
    limit: settings.limit ?? limit,
    epochs: settings.epochs ?? epochs,
    batch: settings.batch ?? batch,
    lr: settings.lr ?? readRate("--lr", lr),
    norm: settings.norm ?? norm,
    "freeze-norm": settings["freeze-norm"] ?? (settings.norm === undefined ? freeze : undefined), // it is for that norm
    init: settings.init ?? init,
    beta: isOwn || beta === undefined ? ownBeta : readWeight("--beta", beta),
    capacity: isOwn || capacity === undefined ? ownCapacity : readWeight("--capacity", capacity),
  };
  const taken = Object.entries(known ?? {}).filter(
    ([option]) => settings[option as keyof Asked] === undefined && filled[option] !== undefined,
  );
  const complete = { ...settings, ...filled } as S & Complete; // what is filled in has the options' types
  return { settings: complete, ...told(name, taken) };
}

/** The line that says which options were taken. */
function told(what: string, taken: readonly (readonly [option: string, value: unknown])[]): { line?: string } {
  const options = taken.map(([option, value]) => `--${option} ${value}`).join(" ");
  return taken.length > 0 ? { line: `${what}, where nothing else is said: ${options}` } : {};
}

/** The settings for so many images; and a line that says what was left out, where it is not as usual. */
export function sizedFor<S extends Pick<Asked, "epochs" | "batch">>(settings: S, count: number): { settings: S & Sized; line?: string } {
  const { epochs = Math.max(usual.epochs, Math.min(MOST_EPOCHS, Math.ceil(SHOWN / count))), batch = batchFor(count) } = settings;
  const sized = { epochs, batch };
  const taken = (["epochs", "batch"] as const).filter((name) => settings[name] === undefined && sized[name] !== usual[name]);
  const options = taken.map((name) => [name, sized[name]] as const);
  return { settings: { ...settings, ...sized }, ...told(`${count} images`, options) };
}

/** A power of two, unless there are hardly any images. */
const batchFor = (count: number): number => Math.min(count, usual.batch, Math.max(LEAST_BATCH, 2 ** Math.floor(Math.log2(count / 10))));
