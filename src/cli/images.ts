// The images that a trained model is shown: those of the data it was trained on, or others.

import { existsSync } from "node:fs";
import type { Images } from "../data/images.ts";
import type { Run } from "../vae/index.ts";
import { type Fit, isDrawn, readData, readTestImages, type Split } from "./data.ts";
import { type Option, text } from "./options.ts";

export const runDataOption: Option<string | undefined> = text("digits|shapes|DIR", {
  default: undefined,
  shownDefault: "what the run was trained on",
  help: "where the images come from",
});

/** Where the images come from; how many; and the option that asks for so many, for the message where there are fewer. */
export type WhichImages = readonly [data: string | undefined, count: number | undefined, option?: string];

/** The first `count` test images of `data`, or of what the run was trained on; some if no count is given. */
export async function imagesFor(run: string, loaded: Run, ...[data, count, option]: WhichImages): Promise<Images> {
  const fit = { ...fitOf(loaded), only: data === undefined ? onlyOf(loaded) : undefined };
  return await readTestImages(sourceOf(run, loaded, data), count, fit, option);
}

/** Where the images come from; how many at most to train on; of which classes. */
export type WhichSplit = readonly [data: string | undefined, limit?: number, classes?: "own" | "all"];

/**
 * All images of `data`, or of what the run was trained on: then the same ones in the same parts, those to train on and those to test. Of a run
 * of one class its images alone, unless all classes are asked for.
 */
export async function splitFor(run: string, loaded: Run, ...[data, limit, classes = "own"]: WhichSplit): Promise<Split> {
  const known = loaded.config.training?.["limit"];
  const own = data === undefined && typeof known === "number" ? known : undefined;
  const only = data === undefined && classes === "own" ? onlyOf(loaded) : undefined;
  return await readData(sourceOf(run, loaded, data), limit ?? own, { ...fitOf(loaded), only });
}

/** The one class that a run was trained on, as `--only` named it; undefined if it was trained on all. */
export function onlyOf({ config }: Run): string | undefined {
  const only = config.training?.["only"];
  return typeof only === "string" ? only : undefined;
}

function sourceOf(run: string, { config }: Run, data: string | undefined): string {
  const source = data ?? config.training?.["data"];
  if (typeof source !== "string") throw new Error(`${run}: does not say what it was trained on; name it with --data`);
  if (data === undefined && !isDrawn(source) && !existsSync(source)) {
    throw new Error(`${source}: the data of the run is there no longer; name it with --data`);
  }
  return source;
}

/** As the model takes them: what it was trained on comes out as it was then, and other pictures are resized and recoloured. */
function fitOf({ model }: Run): Fit {
  const [height, width, channels] = model.shape;
  return { size: height === width ? height : undefined, channels: channels === 1 || channels === 3 ? channels : undefined };
}
