// Schedules: learning rates and the weights of a loss as functions of the steps done. They are computed on the device from a step count
// that is a tensor, because a number that a compiled step had seen once would stay what it was then.

import { fullOf } from "../kernels/layout/full.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** The value for a step, f32 and counted from 0. A `Rate` may be one. */
export type Schedule = (step: Tensor) => Tensor;

/** From 0 up to `rate` over the first `steps`, then constant. */
export const linearWarmup =
  (rate: number, steps: number): Schedule =>
  (step) =>
    step
      .add(1)
      .mul(1 / steps)
      .minimum(1)
      .mul(rate);

/**
 * From `rate` down to `end` along half a cosine, over `steps`; so often as `cycles` says, each time from `rate` on ("SGDR: Stochastic
 * Gradient Descent with Warm Restarts", Loshchilov and Hutter 2017); constant after that.
 */
export const cosineDecay =
  (rate: number, steps: number, end = 0, cycles = 1): Schedule =>
  (step) =>
    step
      .sub(startOfCycle(step, steps, cycles))
      .mul(1 / steps)
      .minimum(1)
      .mul(Math.PI)
      .cos()
      .add(1)
      .mul((rate - end) / 2)
      .add(end);

/** The step at which the cycle began that this step is in; the last cycle does not end. */
const startOfCycle = (step: Tensor, steps: number, cycles: number): Tensor | number =>
  cycles === 1
    ? 0
    : periodsDone(step, steps)
        .minimum(cycles - 1)
        .mul(steps);

/** How often `every` steps are done. */
const periodsDone = (step: Tensor, every: number): Tensor =>
  step
    .add(0.5) // in the middle of a step, where rounding cannot move a whole number below itself
    .mul(1 / every)
    .floor();

/** `rate` times `factor` for every `every` steps done. */
export const stepDecay =
  (rate: number, every: number, factor: number): Schedule =>
  (step) =>
    periodsDone(step, every).mul(Math.log(factor)).exp().mul(rate);

/** values[0] until step at[0], then values[1] until at[1], and so on; the last one for good. */
export function stages(values: readonly number[], at: readonly number[]): Schedule {
  values.forEach((value, i) => {
    checkNumbers("stages", { [`value ${i}`]: value });
  });
  if (values.length !== at.length + 1) throw new Error(`stages: ${at.length} steps divide ${at.length + 1} values, not ${values.length}`);
  at.forEach((end, i) => {
    checkSteps("stages", at[i - 1] ?? 0, end);
  });
  return (step) => at.reduce<Tensor>((value, end, i) => step.greaterEqual(end).where(values[i + 1], value), fullOf([], values[0]));
}

/** `from` until step `start`, `to` from step `end` on, and a straight line between. */
export function ramp(from: number, to: number, end: number, start = 0): Schedule {
  checkNumbers("ramp", { from, to });
  checkSteps("ramp", start, end);
  return (step) =>
    step
      .sub(start)
      .mul(1 / (end - start))
      .clip(0, 1)
      .mul(to - from)
      .add(from);
}

/**
 * From `from` to `to` along a straight line in the first `rising` part of each period, `to` in the rest of it, and after all cycles
 * ("Cyclical Annealing Schedule: A Simple Approach to Mitigating KL Vanishing", Fu et al. 2019; cycles and rising part are theirs).
 */
export function cyclical(from: number, to: number, period: number, { cycles = 4, rising = 0.5 }: CyclicalOptions = {}): Schedule {
  checkNumbers("cyclical", { from, to });
  checkSteps("cyclical", 0, period);
  if (!(Number.isInteger(cycles) && cycles >= 1)) throw new Error(`cyclical: ${cycles} cycles; it is a whole number from 1`);
  if (!(rising > 0 && rising <= 1)) throw new Error(`cyclical: rising ${rising}; it is the part of a period from above 0 to 1`);
  return (step) => {
    const done = step.add(0.5).mul(1 / period); // in the middle of a step, where rounding cannot move a whole number below itself
    const within = done.sub(done.floor()).sub(0.5 / period); // from 0 up to, but not including, 1
    const risen = within.mul(1 / rising).clip(0, 1);
    return step
      .greaterEqual(cycles * period)
      .where(1, risen)
      .mul(to - from)
      .add(from);
  };
}

export interface CyclicalOptions {
  readonly cycles?: number;
  /** The part of each period in which the value rises. */
  readonly rising?: number;
}

function checkNumbers(caller: string, values: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(values))
    if (!Number.isFinite(value)) throw new Error(`${caller}: ${name} ${value} is no number`);
}

const MOST = 2 ** 24; // steps: as far as f32 counts

function checkSteps(caller: string, start: number, end: number): void {
  for (const step of [start, end]) {
    if (!(Number.isInteger(step) && step >= 0 && step <= MOST))
      throw new Error(`${caller}: step ${step} is not a whole number from 0 to ${MOST}`);
  }
  if (start >= end) throw new Error(`${caller}: ends at step ${end}, but begins at step ${start}`);
}
