// The loss of a model on data that it does not learn from. Its noise is a function of the seed and the batch, so
// the same model and images give the same number, whether it is asked for during training or after it.

import type { Images } from "../data/images.ts";
import { compile, set, type Tensor, tensor } from "../index.ts";
import { type Binarize, binarized, binarizeImages } from "./binarize.ts";
import type { Given, Vae } from "./model.ts";
import { elbo } from "./objectives/elbo.ts";
import type { Objective, Terms } from "./objectives/objective.ts";
import type { Weight } from "./objectives/weights.ts";
import { checkBinarize, checkImages, type Resident, resident } from "./pictures.ts";
import { average, inFlight, read } from "./pipeline.ts";
import { seedOf, whole } from "./settings.ts";

export interface EvaluateOptions {
  readonly batch?: number;
  readonly seed?: number;
  /** The loss, in which schedules stand where they end; the ELBO with `beta` if left out. */
  readonly objective?: Objective | undefined;
  /** Short for `objective: elbo({ beta })`; the model's own if left out. */
  readonly beta?: Weight | undefined;
  /** As in training: the images as zeros and ones. The same ones in each evaluation with the same seed. */
  readonly binarize?: Binarize | undefined;
  /** Ends the evaluation after the running batch; there is no result then. */
  readonly signal?: AbortSignal | undefined;
}

/** Average loss, reconstruction and KL over all images, in nats per image. */
export async function evaluate(model: Vae, images: Images, options: EvaluateOptions = {}): Promise<Terms<number>> {
  const { signal } = options;
  const evaluation = evaluator(model, images, options);
  try {
    const terms = await evaluation.run(signal);
    if (!terms) throw signal?.reason;
    return terms;
  } finally {
    evaluation.dispose();
  }
}

/** An evaluation that can be repeated. */
export interface Evaluator {
  /** Undefined if the signal ended it. */
  run(signal?: AbortSignal): Promise<Terms<number> | undefined>;
  dispose(): void;
}

export function evaluator(model: Vae, images: Images, options: EvaluateOptions = {}): Evaluator {
  const { batch = 128, seed = 1, binarize } = options;
  const objective = objectiveIn("evaluate", options);
  whole("batch", batch);
  seedOf(seed);
  checkImages("evaluate", model, images);
  checkBinarize("evaluate", model, binarize);
  if (images.count === 0) throw new Error(`evaluate: there are no images in ${images.name}`);
  const data = resident(binarize === "static" ? binarizeImages(images, seed) : images, model);
  const terms = compile(
    (rows: Tensor) => {
      const [x, given] = batchOf(data, rows, binarize);
      return { ...objective.terms(model, x, { ...given, valuesOnly: true }) };
    },
    { seed },
  );

  function* batches(signal: AbortSignal | undefined): Iterable<Promise<readonly [Terms<number>, number]>> {
    set(terms.clock, 0); // the same noise every time
    for (let start = 0; start < images.count && !signal?.aborted; start += batch) {
      const rows = Uint32Array.from({ length: Math.min(batch, images.count - start) }, (_, i) => start + i);
      yield read(terms(tensor(rows))).then(([of]) => [of, rows.length]);
    }
  }
  return {
    run: async (signal) => {
      const { add, mean } = average();
      for await (const [of, count] of inFlight(batches(signal))) add(of, count); // the last batch may be a smaller one
      return signal?.aborted ? undefined : mean();
    },
    dispose: () => {
      terms.dispose();
      data.dispose();
    },
  };
}

/** The objective that options name, in one way or the other. */
export function objectiveIn(caller: string, { objective, beta }: Pick<EvaluateOptions, "objective" | "beta">): Objective {
  if (objective && beta !== undefined) throw new Error(`${caller}: beta is a part of the objective; give it there`);
  return objective ?? elbo({ beta });
}

/** What an objective is given of the images with these numbers: x, and the classes if the model is told them. */
export function batchOf(data: Resident, rows: Tensor, binarize: Binarize | undefined): [Tensor, Given] {
  const x = data.rows(rows);
  return [binarize === "dynamic" ? binarized(x) : x, { labels: data.labels(rows) }];
}
