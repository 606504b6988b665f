// One class against the rest: the usual test of anomaly detectors. A model of one class is shown test images of all.

import { byClass } from "../../../data/classes.ts";
import type { Images } from "../../../data/images.ts";
import type { Vae } from "../../model.ts";
import { auroc } from "../../statistics/roc.ts";
import { type DetectorOptions, detector, type ScoresOf } from "./detector.ts";
import { type ScoreName, scoreNames } from "./scores.ts";

export interface OneClass {
  /** The AUROC of each score. */
  readonly auroc: Readonly<Record<ScoreName, number>>;
  /** The scores of the test images of the class, and of all others. */
  readonly normal: ScoresOf;
  readonly others: ScoresOf;
}

/**
 * How well each score tells the test images of class `label` from all others. The model should be one of `train` images of that class alone, of
 * which only those are looked at. Throws where labels are missing, or where there is one class only.
 */
export async function oneClass(model: Vae, train: Images, test: Images, label: number, options: DetectorOptions = {}): Promise<OneClass> {
  const parts = byClass(test, label);
  if (parts.others.count === 0)
    throw new Error(`oneClass: all images of ${test.name} are of class ${label}; there is nothing to tell it from`);
  const { score } = await detector(model, byClass(train, label).own, options);
  const [normal, others] = [await score(parts.own), await score(parts.others)];
  const areas = Object.fromEntries(scoreNames.map((name) => [name, auroc(normal[name], others[name])])) as Record<ScoreName, number>;
  return { auroc: areas, normal, others };
}
