// The options that say what a training makes smaller, and what they stand for: an objective, and how its loss is shown.

import {
  type Binarize,
  bitsPerDimension,
  countsBits,
  type Objective,
  type ObjectiveName,
  type ObjectiveSettings,
  objectiveNames,
  objectiveOf,
  objectives,
  readWeight,
  SAMPLES,
  type Terms,
  type Vae,
  type WrittenWeight,
  withMissing,
} from "../vae/index.ts";
import type { Split } from "./data.ts";
import { choice, type Option, real, UsageError, type ValuesOf, whole } from "./options.ts";
import { forStdout } from "./terminal.ts";

const weight = (name: string, help: string, shownDefault: string | undefined): Option<WrittenWeight | undefined> => ({
  ...{ help, placeholder: "X|SCHEDULE", default: undefined, wanted: "a number of 0 or more, or a schedule" },
  ...(shownDefault !== undefined && { shownDefault }),
  read: (text) => {
    try {
      return readWeight(`--${name}`, text);
    } catch (error) {
      throw new UsageError((error as Error).message);
    }
  },
});

const optional = <T>({ default: _, ...option }: Option<T>, shownDefault?: string): Option<T | undefined> => ({
  ...option,
  default: undefined,
  ...(shownDefault !== undefined && { shownDefault }),
});

export const objectiveOptions: {
  readonly objective: Option<ObjectiveName>;
  readonly samples: Option<number | undefined>;
  readonly beta: Option<WrittenWeight | undefined>;
  readonly capacity: Option<WrittenWeight | undefined>;
  readonly "free-bits": Option<number | undefined>;
  readonly binarize: Option<Binarize | undefined>;
  readonly missing: Option<number | undefined>;
} = {
  objective: choice(objectiveNames, {
    default: "vae",
    help: "what is made smaller: the negative ELBO; without noise and KL (ae); or a bound of several samples, with either of two gradients",
  }),
  samples: whole({ min: 1, max: 10_000, default: undefined, shownDefault: `${SAMPLES}`, help: "iwae and dreg: latents for each image" }),
  beta: weight(
    "beta",
    "weight of the KL in the loss; a schedule is warmup:FROM-TO:STEPS or cyclic:FROM-TO:STEPS, of so many steps each cycle",
    "1",
  ),
  capacity: weight("capacity", "nats: instead of the KL, its distance from this is weighed; may be a schedule", undefined),
  "free-bits": optional(
    real({ accepts: (x) => x >= 0, wanted: "a number of 0 or more", default: 0, help: "nats that each latent may carry for nothing" }),
  ),
  binarize: optional(
    choice(["static", "dynamic"], { default: "static", help: "make grey pixels 0 or 1 by chance: once, or anew in each step" }),
  ),
  missing: optional(
    real({
      ...{ accepts: (x) => x > 0 && x < 1, wanted: "a number between 0 and 1", default: 0.5 },
      help: "share of the pixels to hide, others in each step, so that the model learns to fill them in; losses are of those that are seen",
    }),
  ),
};
export type ObjectiveOptions = ValuesOf<typeof objectiveOptions>;

const CALLED: Readonly<Record<keyof ObjectiveSettings, string>> = {
  ...{ samples: "--samples", beta: "--beta", capacity: "--capacity", freeBits: "--free-bits" },
};

/** The objective that was asked for. An option that it has no use for is an error. */
export function objectiveFor(options: ObjectiveOptions): Objective {
  const { objective, samples, beta, capacity, "free-bits": freeBits, missing } = options;
  const settings: ObjectiveSettings = { samples, beta: beta?.weight, capacity: capacity?.weight, freeBits };
  const { takes } = objectives[objective];
  const names = Object.keys(CALLED) as (keyof ObjectiveSettings)[];
  const useless = names.find((name) => settings[name] !== undefined && !takes.includes(name));
  if (useless) {
    const others = takes.length > 0 ? takes.map((name) => CALLED[name]).join(", ") : "none of these options";
    throw new UsageError(`${CALLED[useless]}: of no use to --objective ${objective}, which takes ${others}`);
  }
  if (freeBits !== undefined && capacity !== undefined)
    throw new UsageError("--free-bits and --capacity both bend the KL; give one of them");
  const made = objectiveOf(objective, settings);
  return missing === undefined ? made : withMissing(made, missing);
}

/** What the run's config says of them. */
export const recorded = ({ objective, samples, beta, capacity, "free-bits": freeBits, binarize, missing }: ObjectiveOptions): object => ({
  ...{ objective, beta: beta?.text ?? "1", capacity: capacity?.text ?? null, freeBits: freeBits ?? null },
  ...{ samples: objectives[objective].takes.includes("samples") ? (samples ?? SAMPLES) : null, binarize: binarize ?? null },
  ...(missing !== undefined && { missing }),
});

/** A loss with its parts: as a sum where it is one. */
export function shownLoss({ loss, reconstruction, kl, beta }: Terms<number>, options: ObjectiveOptions): string {
  const { objective, capacity, "free-bits": freeBits } = options;
  const total = forStdout("bold", loss.toFixed(2));
  if (objective === "ae") return `${total}, all reconstruction`;
  const parts = [`reconstruction ${reconstruction.toFixed(2)}`, `KL ${kl.toFixed(2)}`];
  const isSum = objective === "vae" && freeBits === undefined && !capacity && beta === undefined; // of a beta that moves there is an average
  if (!isSum) return `${total} (${parts.join(", ")})`;
  const weight = options.beta?.end ?? 1;
  return `${total} = ${parts[0]} + ${weight === 1 ? "" : `${weight} x `}${parts[1]}`;
}

/** How a loss is told in bits per value: undefined where it is no log of a probability, of an autoencoder, which has no bound, and of images with holes. */
export function bitsOf(
  model: Vae,
  { train }: Split,
  { objective, binarize, missing }: ObjectiveOptions,
): ((terms: Terms<number>) => number) | undefined {
  if (objective === "ae" || missing !== undefined || !(binarize || countsBits(model.likelihood, train.pixels, train.white)))
    return undefined;
  const size = model.shape.reduce((n, d) => n * d, 1);
  // with another beta the loss is no bound; its parts are
  return ({ loss, reconstruction, kl }) => bitsPerDimension(objective === "vae" ? reconstruction + kl : loss, size);
}
