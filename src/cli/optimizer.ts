// The options that say how the loss is made smaller, and the optimizer that they stand for.

import { adam, type Optimizer, type Tensor } from "../index.ts";
import { readRate, type WrittenRate } from "../vae/index.ts";
import { type Option, real, UsageError, type ValuesOf, whole } from "./options.ts";
import { shownDefault } from "./recipe.ts";

const rate = (text: string): WrittenRate => {
  try {
    return readRate("--lr", text);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
};

export const optimizerOptions: {
  readonly lr: Option<WrittenRate | undefined>;
  readonly "adam-eps": Option<number>;
  readonly "freeze-norm": Option<number | undefined>;
} = {
  lr: {
    ...{
      placeholder: "X|SCHEDULE",
      default: undefined,
      shownDefault: shownDefault("lr"),
      wanted: "a number above 0, or a schedule",
      read: rate,
    },
    help:
      "learning rate of Adam; a schedule is cosine:FROM-TO:STEPS or STEPSxCYCLES, linear:FROM-TO:STEPS, or steps:FROM-TO:AT,AT,... with a drop at " +
      "each of these; steps, or with ep behind them epochs",
  },
  "adam-eps": real({ accepts: (x) => x > 0, wanted: "a number above 0", default: 1e-8, help: "what Adam adds to the root of a variance" }),
  "freeze-norm": whole({
    ...{ min: 1, max: 2 ** 24, default: undefined, shownDefault: shownDefault("freeze-norm", "never") },
    help: "with --norm batch: steps after which the averages of batches' statistics stand in for those, which blur what is fine",
  }),
};
export type OptimizerOptions = ValuesOf<typeof optimizerOptions> & { readonly lr: WrittenRate };

/** Of a training whose epochs have so many steps. */
export function optimizerFor(
  { lr, "adam-eps": epsilon }: OptimizerOptions,
  stepsPerEpoch: number,
): (parameters: readonly Tensor[]) => Optimizer {
  const rate = lr.rate(stepsPerEpoch);
  return (parameters) => adam(parameters, { rate, epsilon });
}

/** What the run's config says of them; a constant as a number. */
export const recordedOptimizer = ({ lr, "adam-eps": adamEps, "freeze-norm": freezeNorm }: OptimizerOptions): object => ({
  lr: Number.isFinite(Number(lr.text)) ? Number(lr.text) : lr.text,
  adamEps,
  ...(freezeNorm !== undefined && { freezeNorm }),
});
