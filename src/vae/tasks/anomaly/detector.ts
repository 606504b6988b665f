// A model as a detector of anomalies: what it has learned is normal, and what differs from that scores high.

import type { Images } from "../../../data/images.ts";
import type { Vae } from "../../model.ts";
import { evidenceOf } from "./evidence.ts";
import { normalOf } from "./normal.ts";
import { type ScoreName, scoreNames, scores } from "./scores.ts";

export interface DetectorOptions {
  /** Latents of each image for its bound and its likelihood; 16 if left out. */
  readonly samples?: number;
  readonly seed?: number;
}

/** Of each image, by the names of the scores: larger is more anomalous. */
export type ScoresOf = Readonly<Record<ScoreName, Float64Array>>;

export interface Detector {
  score(images: Images): Promise<ScoresOf>;
}

/** A detector that knows the model, and normal images: best those that the model was trained on. */
export async function detector(model: Vae, normal: Images, options: DetectorOptions = {}): Promise<Detector> {
  const known = await normalOf(model, normal);
  return {
    score: async (images) => {
      const evidence = await evidenceOf(model, images, options);
      const all: Partial<Record<ScoreName, Float64Array>> = {};
      for (const name of scoreNames) all[name] = await scores[name].of(evidence, known, images);
      return all as ScoresOf; // each name has been given one
    },
  };
}
