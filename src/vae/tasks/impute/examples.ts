// Examples of which only a part may be looked at, checked and with the rest removed.

import { checkLabels } from "../../condition.ts";
import type { Vae } from "../../model.ts";
import { checkImages } from "../../pictures.ts";
import type { Examples, Labelled } from "../../use.ts";

export interface Blanked {
  readonly count: number;
  readonly size: number;
  /** The examples with 0 at what is hidden; the same with the first guess there; and the mask as numbers. */
  readonly seen: Float32Array;
  readonly guessed: Float32Array;
  readonly mask: Float32Array;
}

/** Throws if the masks do not fit. Nothing that is hidden remains. */
export function blanked(model: Vae, examples: Examples, seen: ArrayLike<number>, start: ArrayLike<number> | undefined): Blanked {
  const size = model.shape.reduce((n, d) => n * d, 1);
  const isImages = !(examples instanceof Float32Array);
  if (isImages) checkImages("impute", model, examples);
  const count = isImages ? examples.count : examples.length / size;
  if (!(count >= 1 && Number.isInteger(count)))
    throw new Error(`impute: ${isImages ? "no images" : `${examples.length} values`} do not make examples of [${model.shape.join(", ")}]`);
  if (seen.length !== count * size) throw new Error(`impute: a mask of ${seen.length} values for ${count} examples of ${size}`);
  if (start && start.length !== size) throw new Error(`impute: start has ${start.length} values, and an example ${size}`);
  const value = isImages ? (at: number) => examples.pixels[at] / examples.white : (at: number) => examples[at];
  const [known, guessed, mask] = [0, 1, 2].map(() => new Float32Array(count * size));
  for (let i = 0; i < count; i++) {
    let shown = 0;
    for (let j = 0, at = i * size; j < size; j++, at++) {
      if (seen[at] !== 0 && seen[at] !== 1) throw new Error(`impute: value ${j} of mask ${i} is ${seen[at]}; 1 is seen, 0 is hidden`);
      shown += seen[at];
      mask[at] = seen[at];
      known[at] = seen[at] ? value(at) : 0;
      guessed[at] = seen[at] ? known[at] : (start?.[j] ?? 0);
    }
    if (shown === 0) throw new Error(`impute: the mask of example ${i} hides everything; that is what sampling is for`);
    if (shown === size) throw new Error(`impute: the mask of example ${i} hides nothing`);
  }
  model.likelihood.check(known, size);
  return { count, size, seen: known, guessed, mask };
}

export function labelsFor({ classes }: Vae, examples: Examples, { labels }: Labelled, count: number): ArrayLike<number> | undefined {
  if (classes === 0) {
    if (labels) throw new Error("impute: labels for a model that is not conditional");
    return undefined;
  }
  const all = labels ?? (examples instanceof Float32Array ? undefined : examples.labels);
  if (all?.length !== count)
    throw new Error(`impute: a conditional model needs a label for each of ${count} examples, not ${all?.length ?? "none"}`);
  checkLabels("impute", all, classes);
  return all;
}
