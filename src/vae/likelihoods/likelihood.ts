// What all likelihoods have in common. Each stands in a file of its own beside this one, and in the list of ../likelihoods.ts.

import { parameter, type Tensor } from "../../index.ts";
import { positive } from "../settings.ts";

export interface Likelihood {
  readonly name: string;
  readonly parameters: ReadonlyMap<string, Tensor>;
  /** Numbers that the decoder gives for each value of x. Where they are several, they are the last axis of what is decoded. */
  readonly outputs: number;
  /** The values that x can have, over which p(x) sums or integrates to 1. */
  readonly support: Support;
  /** log p(x | decoded) for each example, in nats, summed over all its values. */
  logProb(x: Tensor, decoded: Tensor): Tensor;
  /** The same before the sum, in the shape of x: given z the values are independent, so that some of them may be left out. */
  logProbEach(x: Tensor, decoded: Tensor): Tensor;
  mean(decoded: Tensor): Tensor;
  sample(decoded: Tensor): Tensor;
  /** Throws if a value of the data (value / white is what a model sees) has no density; `size` values make an example. */
  check(values: ArrayLike<number>, size: number, white?: number): void;
  /** Why a whole data set does not fit, though each of its values would; undefined if it does. */
  objection?(values: ArrayLike<number>, white: number): string | undefined;
}

/** 0 and 1; the 256 numbers byte / 255; all numbers from 0 to 1; all numbers. Of the first two log p is a probability's, so bits. */
export type Support = "bits" | "bytes" | "unit" | "reals";

/** How wide a likelihood is: a fixed number, one learned number, or a number that the decoder gives for each value. */
export type Scale = number | "learned" | "pixel";

/** A likelihood as the list has it. */
export interface LikelihoodKind {
  of(scale?: Scale): Likelihood;
  /** The scales that it takes, the default first. "number" stands for any fixed one. */
  readonly scales: readonly ("learned" | "pixel" | "number")[];
}

/** The scale that a config asks for, or the default; undefined for a likelihood that has none. */
export function scaleOf(name: string, { scales }: LikelihoodKind, scale: unknown): Scale | undefined {
  if (scales.length === 0) {
    if (scale === undefined) return undefined;
    throw new Error(`scale: ${scale} is of no use to a ${name} likelihood`);
  }
  if (scale === undefined) return scales[0] as Scale; // no default is a number
  const named = scales.find((s) => s === scale && s !== "number");
  if (named) return named as Scale;
  if (typeof scale === "number" && scales.includes("number")) return positive("scale", scale);
  const choices = scales.map((s) => (s === "number" ? "a number" : `"${s}"`));
  throw new Error(`scale: ${JSON.stringify(scale)}; a ${name} likelihood takes ${choices.join(", ")}`);
}

/** What a scale comes to: its own parameters, how many outputs the decoder has, and (location, log scale) of what it gives. */
export function located(scale: Scale, start: number): Pick<Likelihood, "parameters" | "outputs"> & { of(decoded: Tensor): Located } {
  if (scale === "pixel") {
    return {
      parameters: new Map(),
      outputs: 2,
      of: (decoded) => {
        const [location, logScale] = decoded.split(2, -1).map((t) => t.reshape(decoded.shape.slice(0, -1)));
        return { location, logScale };
      },
    };
  }
  if (scale !== "learned") return { parameters: new Map(), outputs: 1, of: (location) => ({ location, logScale: Math.log(scale) }) };
  const logScale = parameter(start);
  return { parameters: new Map([["logScale", logScale]]), outputs: 1, of: (location) => ({ location, logScale }) };
}

export interface Located {
  readonly location: Tensor;
  readonly logScale: Tensor | number;
}

/** x, held above `low` smoothly, so that a gradient remains: low + softplus(x - low), which is x from a few above it on. */
export const above = (low: number, x: Tensor): Tensor => x.sub(low).softplus().add(low);

export const perExample = (t: Tensor): Tensor => t.reshape([t.shape[0], -1]).sum(1);

/** Both forms of log p, from that of single values. */
export const logProbs = (each: Likelihood["logProbEach"]): Pick<Likelihood, "logProb" | "logProbEach"> => ({
  logProb: (x, decoded) => perExample(each(x, decoded)),
  logProbEach: each,
});

export function refuse(name: string, values: ArrayLike<number>, size: number, fits: (v: number) => boolean, why: string): void {
  for (let i = 0; i < values.length; i++) {
    if (fits(values[i])) continue;
    throw new Error(`${name}: value ${i % size} of example ${Math.floor(i / size)} is ${values[i]}, ${why}`);
  }
}

/** Whether data hold nothing but 0 and 1. */
export function isBinary(values: ArrayLike<number>, white: number): boolean {
  for (let i = 0; i < values.length; i++) if (values[i] !== 0 && values[i] !== white) return false;
  return true;
}
