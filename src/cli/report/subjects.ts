// What a run is scored on: the images it was trained and tested on, or others; the objective and the zeros and ones of its training; and,
// for `shapes`, images whose factors are known.

import { shapeFactors, shapeSizes } from "../../data/index.ts";
import { type Assessed, type Binarize, type Objective, objectiveOf, type Run, readWeight } from "../../vae/index.ts";
import { drawnTestStart } from "../data.ts";
import { imagesFor } from "../images.ts";

/** What config.json says of how the run was trained, as far as figures depend on it. */
export interface Trained {
  readonly objective: Objective | undefined;
  readonly binarize: Binarize | undefined;
  readonly trainingSeed: number;
}

export function trainedAs(run: string, { config }: Run): Trained {
  const { objective, beta, capacity, freeBits, samples, binarize, seed } = config.training ?? {};
  return {
    objective: typeof objective === "string" ? objectiveIn(run, { objective, beta, capacity, freeBits, samples }) : undefined,
    binarize: binarize === "static" || binarize === "dynamic" ? binarize : undefined,
    trainingSeed: typeof seed === "number" ? seed : 1,
  };
}

function objectiveIn(
  run: string,
  { objective, ...written }: Readonly<Record<string, unknown>> & { readonly objective: string },
): Objective {
  const weight = (name: "beta" | "capacity") => (typeof written[name] === "string" ? readWeight(name, written[name]).weight : undefined);
  const number = (name: string) => (typeof written[name] === "number" ? written[name] : undefined);
  const isElbo = objective === "vae"; // of the others config.json names a beta that they do not take
  const settings = isElbo
    ? { beta: weight("beta"), capacity: weight("capacity"), freeBits: number("freeBits") }
    : { samples: number("samples") };
  try {
    return objectiveOf(objective, settings);
  } catch (error) {
    throw new Error(`${run}: its objective cannot be told from config.json: ${(error as Error).message}`, { cause: error });
  }
}

const NAMES = ["shape", "scale", "orientation", "x", "y"];
/** Images whose factors are known, as many as in disentanglement_lib. */
export const FACTOR_IMAGES = 10_000;

/** Test images with known factors, if the data are drawn from such. The run was not trained on any of them. */
export async function factorImages(run: string, loaded: Run, data: string | undefined): Promise<Assessed["factors"]> {
  const { data: own, only } = loaded.config.training ?? {};
  if (data === undefined && typeof only === "string") return { absent: "trained on one class: its images do not differ in all factors" };
  const source = data ?? own;
  const start = source === "shapes" ? drawnTestStart("shapes") : undefined;
  if (start === undefined) return { absent: "the factors of the images are known for the data set shapes only" };
  const images = await imagesFor(run, loaded, data, FACTOR_IMAGES);
  const values = Array.from({ length: images.count }, (_, i) => shapeFactors(start + i));
  const other = values.findIndex(([shape], i) => shape !== images.labels?.[i]); // labels are drawn with the pixels, numbers are only counted
  if (other >= 0) throw new Error(`${run}: test image ${other} of shapes is not number ${start + other}, so its factors are not known`);
  return { images, factors: { names: NAMES, sizes: shapeSizes, values: Uint8Array.from(values.flat()) } };
}
