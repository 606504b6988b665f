// Learning-rate schedules: rates as functions of the steps done, computed on the device.

import type { Rate } from "./optimizers.ts";

/** From 0 up to `rate` over the first `steps`, then constant. */
export const linearWarmup =
  (rate: number, steps: number): Rate =>
  (step) =>
    step
      .add(1)
      .mul(1 / steps)
      .minimum(1)
      .mul(rate);

/** From `rate` down to `end` along half a cosine, over `steps`; constant after that. */
export const cosineDecay =
  (rate: number, steps: number, end = 0): Rate =>
  (step) =>
    step
      .mul(1 / steps)
      .minimum(1)
      .mul(Math.PI)
      .cos()
      .add(1)
      .mul((rate - end) / 2)
      .add(end);

/** `rate` times `factor` for every `every` steps done. */
export const stepDecay =
  (rate: number, every: number, factor: number): Rate =>
  (step) =>
    step
      .add(0.5) // in the middle of a step, where rounding cannot move a whole number below itself
      .mul(1 / every)
      .floor()
      .mul(Math.log(factor))
      .exp()
      .mul(rate);
