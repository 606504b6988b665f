// The weights of a loss: numbers, states that may be set meanwhile, or schedules; and how a command line or a file writes them.

import { cyclical, full, ramp, type Schedule, Tensor } from "../../index.ts";

export type Weight = number | Tensor | Schedule;

const FAR = 2 ** 24; // steps; every schedule has ended

/** What a weight is at a step, or at the end of its schedule. */
export function weightAt(weight: Weight, step: Tensor | undefined): number | Tensor {
  return typeof weight === "function" ? weight(step ?? full([], FAR)) : weight;
}

/** A weight as a text says it. */
export interface WrittenWeight {
  readonly text: string;
  readonly weight: number | Schedule;
  /** What it comes to in the end. */
  readonly end: number;
}

/** How weights are written, for messages. */
export const WEIGHTS_WANTED: string =
  "a number of 0 or more; warmup:FROM-TO:STEPS or warmup:FROM-TO:START-END, a straight line; " +
  "or cyclic:FROM-TO:STEPS or cyclic:FROM-TO:STEPSxCYCLES, which rises in the first half of each cycle";

const NUMBER = String.raw`(\d+\.?\d*(?:e[+-]?\d+)?|\.\d+)`;
const WARMUP = new RegExp(`^warmup:${NUMBER}-${NUMBER}:(?:(\\d+)-)?(\\d+)$`, "i");
const CYCLIC = new RegExp(`^cyclic:${NUMBER}-${NUMBER}:(\\d+)(?:x(\\d+))?$`, "i");

/** The weight that a text says: `4`, `warmup:0-1:2000`, `warmup:0-25:1000-20000`, `cyclic:0-1:500x4`. Throws, with `name`, if it says none. */
export function readWeight(name: string, text: string): WrittenWeight {
  const constant = new RegExp(`^${NUMBER}$`, "i").exec(text);
  if (constant && Number.isFinite(Number(text))) return { text, weight: Number(text), end: Number(text) };
  const warmup = WARMUP.exec(text);
  const cyclic = CYCLIC.exec(text);
  try {
    if (warmup) {
      const [from, to, start, end] = [warmup[1], warmup[2], warmup[3] ?? 0, warmup[4]].map(Number);
      return { text, weight: ramp(from, to, end, start), end: to };
    }
    if (cyclic) {
      const [from, to, period] = cyclic.slice(1, 4).map(Number);
      const options = cyclic[4] === undefined ? {} : { cycles: Number(cyclic[4]) };
      return { text, weight: cyclical(from, to, period, options), end: to };
    }
  } catch (error) {
    throw new Error(`${name} "${text}": ${(error as Error).message}`, { cause: error });
  }
  throw new Error(`${name} "${text}" is not ${WEIGHTS_WANTED}`);
}

export function checkWeight(name: string, weight: unknown): void {
  if (weight === undefined || typeof weight === "function" || (weight instanceof Tensor && weight.size === 1)) return;
  if (typeof weight === "number" && weight >= 0 && Number.isFinite(weight)) return;
  const written = weight instanceof Tensor ? `${weight}` : typeof weight === "number" ? `${weight}` : JSON.stringify(weight);
  throw new Error(`${name}: ${written} is not a number of 0 or more, a scalar tensor, or a function of the step`);
}
