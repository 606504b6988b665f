// How a command line or a file writes a learning rate: a number, or a schedule over the steps of the optimizer. Where a schedule turns may
// be said in epochs, so what it is in steps is known once the data are.

import { cosineDecay, ramp, type Schedule, stages } from "../index.ts";

/** A learning rate as a text says it. */
export interface WrittenRate {
  readonly text: string;
  /** For epochs of so many steps. */
  rate(stepsPerEpoch: number): number | Schedule;
}

/** How rates are written, for messages. */
export const RATES_WANTED: string =
  "a number above 0; cosine:FROM-TO:STEPS or cosine:FROM-TO:STEPSxCYCLES; linear:FROM-TO:STEPS or linear:FROM-TO:START-END; or steps:FROM-TO:AT,AT,..., which falls by " +
  "equal factors at each of these; STEPS, START, END and AT are steps, or epochs with ep behind the last";

const NUMBER = String.raw`(\d+\.?\d*(?:e[+-]?\d+)?|\.\d+)`;
const CONSTANT = new RegExp(`^${NUMBER}$`, "i");
const SCHEDULE = new RegExp(String.raw`^(cosine|linear|steps):${NUMBER}-${NUMBER}:([\d,.-]+)(?:x(\d+))?(ep)?$`);

/**
 * The rate that a text says:
 * - `1e-3`
 * - `cosine:1e-3-1e-5:37500`: along half a cosine, then constant; `cosine:1e-3-1e-5:37500x2`: and once more from the beginning.
 * - `linear:0-1e-3:500`, `linear:1e-3-0:10-20ep`: a straight line, constant before and after.
 * - `steps:1e-3-1e-4:1,4,13,40,121,364,1093ep`: constant between the drops, each by the same factor, here 10^(1/7): the schedule of "Importance
 *   Weighted Autoencoders" (Burda et al. 2016), which has eight rates 10^(-i/7) · 1e-3, each for 3^i epochs.
 *
 * Throws, with `name`, if it says none.
 */
export function readRate(name: string, text: string): WrittenRate {
  const constant = CONSTANT.exec(text);
  if (constant && Number.isFinite(Number(text)) && Number(text) > 0) return { text, rate: () => Number(text) };
  const [, kind, from, to, when, cycles, epochs] = SCHEDULE.exec(text.toLowerCase()) ?? [];
  const turns = when?.split(kind === "steps" ? "," : "-").map(Number) ?? [];
  const fits = kind === "steps" || turns.length === 1 || (turns.length === 2 && kind === "linear");
  if (!kind || !fits || (cycles !== undefined && !(kind === "cosine" && Number(cycles) >= 1)) || !turns.every((n) => n >= 0))
    throw new Error(`${name} "${text}" is not ${RATES_WANTED}`);
  const written: WrittenRate = {
    text,
    rate: (stepsPerEpoch) => {
      const steps = turns.map((n) => (epochs ? Math.round(n * stepsPerEpoch) : n));
      try {
        return schedules[kind](Number(from), Number(to), steps, Number(cycles ?? 1));
      } catch (error) {
        throw new Error(`${name} "${text}": ${(error as Error).message}`, { cause: error });
      }
    },
  };
  written.rate(1000); // what makes no sense at any length of an epoch is said at once
  return written;
}

type Make = (from: number, to: number, turns: readonly number[], cycles: number) => Schedule;

const schedules: Readonly<Record<string, Make>> = {
  cosine: (from, to, [steps], cycles) => {
    if (!(steps > 0)) throw new Error(`it ends at step ${steps}, where it begins`);
    return cosineDecay(from, steps, to, cycles);
  },
  linear: (from, to, turns) => ramp(from, to, turns[turns.length - 1], turns.length === 2 ? turns[0] : 0),
  steps: (from, to, turns) => {
    if (!(from > 0 && to > 0)) throw new Error("a rate that falls by factors is above 0");
    return stages([from, ...turns.map((_, i) => from * (to / from) ** ((i + 1) / turns.length))], turns);
  },
};
