// The options that say how the loss is made smaller, and the optimizer that they stand for.

import { adam, type Optimizer, type Tensor } from "../index.ts";
import { readRate, type WrittenRate } from "../vae/index.ts";
import { type Option, real, UsageError, type ValuesOf } from "./options.ts";

const rate = (text: string): WrittenRate => {
  try {
    return readRate("--lr", text);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
};

export const optimizerOptions: { readonly lr: Option<WrittenRate>; readonly "adam-eps": Option<number> } = {
  lr: {
    ...{ placeholder: "X|SCHEDULE", default: rate("0.001"), shownDefault: "0.001", wanted: "a number above 0, or a schedule", read: rate },
    help:
      "learning rate of Adam; a schedule is cosine:FROM-TO:STEPS, linear:FROM-TO:STEPS, or steps:FROM-TO:AT,AT,... with a drop at " +
      "each of these; steps, or with ep behind them epochs",
  },
  "adam-eps": real({ accepts: (x) => x > 0, wanted: "a number above 0", default: 1e-8, help: "what Adam adds to the root of a variance" }),
};
export type OptimizerOptions = ValuesOf<typeof optimizerOptions>;

/** Of a training whose epochs have so many steps. */
export function optimizerFor(
  { lr, "adam-eps": epsilon }: OptimizerOptions,
  stepsPerEpoch: number,
): (parameters: readonly Tensor[]) => Optimizer {
  const rate = lr.rate(stepsPerEpoch);
  return (parameters) => adam(parameters, { rate, epsilon });
}

/** What the run's config says of them; a constant as a number. */
export const recordedOptimizer = ({ lr, "adam-eps": adamEps }: OptimizerOptions): object => ({
  lr: Number.isFinite(Number(lr.text)) ? Number(lr.text) : lr.text,
  adamEps,
});
