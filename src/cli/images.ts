// The test images that a trained model is shown: those of the data it was trained on, or others.

import { existsSync } from "node:fs";
import type { Images } from "../data/images.ts";
import type { Run } from "../vae/index.ts";
import { isDrawn, readTestImages } from "./data.ts";
import { type Option, text } from "./options.ts";

export const runDataOption: Option<string | undefined> = text("digits|shapes|DIR", {
  default: undefined,
  shownDefault: "what the run was trained on",
  help: "where the images come from",
});

/** The first `count` test images of `data`, or of what the run was trained on; some if no count is given. */
export async function imagesFor(run: string, { model, config }: Run, data: string | undefined, count: number | undefined): Promise<Images> {
  const source = data ?? config.training?.["data"];
  if (typeof source !== "string") throw new Error(`${run}: does not say what it was trained on; name it with --data`);
  if (data === undefined && !isDrawn(source) && !existsSync(source)) {
    throw new Error(`${source}: the data of the run is there no longer; name it with --data`);
  }
  const [height, width, channels] = model.shape;
  // As the model takes them: what it was trained on comes out as it was then, and other pictures are resized and recoloured.
  const fit = { size: height === width ? height : undefined, channels: channels === 1 || channels === 3 ? channels : undefined } as const;
  return await readTestImages(source, count, fit);
}
