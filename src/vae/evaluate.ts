// The loss of a model on data that it does not learn from: one z per image. Its noise is a function of the seed and the batch, so
// the same model and images give the same number, whether it is asked for during training or after it.

import type { Images } from "../data/images.ts";
import { compile, set, type Tensor, tensor } from "../index.ts";
import type { Terms, Vae } from "./model.ts";
import { checkImages, resident } from "./pictures.ts";
import { average, inFlight, read } from "./pipeline.ts";
import { seedOf, whole } from "./settings.ts";

export interface EvaluateOptions {
  readonly batch?: number;
  readonly seed?: number;
  /** Of the loss; the model's own if left out. */
  readonly beta?: number | Tensor;
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

export function evaluator(model: Vae, images: Images, { batch = 128, seed = 1, beta = model.beta }: EvaluateOptions = {}): Evaluator {
  whole("batch", batch);
  seedOf(seed);
  checkImages("evaluate", model, images);
  if (images.count === 0) throw new Error(`evaluate: there are no images in ${images.name}`);
  const data = resident(images);
  const terms = compile((rows: Tensor) => ({ ...model.terms(data.rows(rows), { beta }) }), { seed });

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
