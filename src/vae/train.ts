// Training: a step is compiled once and replayed, the data set stays on the device as bytes, and the loop only starts steps and
// looks at the results of earlier ones. It knows nothing of the model but its loss.

import type { Images } from "../data/images.ts";
import { adam, batchOrder, compile, type Optimizer, type Precision, sync, type Tensor } from "../index.ts";
import { type Binarize, binarizeImages } from "./binarize.ts";
import { batchOf, type Evaluator, evaluator, objectiveIn } from "./evaluate.ts";
import type { Vae } from "./model.ts";
import type { Objective, Terms } from "./objectives/objective.ts";
import type { Weight } from "./objectives/weights.ts";
import { checkBinarize, checkFit, checkImages, resident } from "./pictures.ts";
import { average, inFlight, read } from "./pipeline.ts";
import { seedOf, whole } from "./settings.ts";

export interface TrainData {
  readonly train: Images;
  readonly test?: Images | undefined;
}

export interface TrainOptions {
  readonly epochs?: number;
  /** Images that do not fill the last batch of an epoch are left out of it; in the next epoch they are others. */
  readonly batch?: number;
  /** Adam at 1e-3 if left out: `optimizer: (parameters) => adamW(parameters, { rate: cosineDecay(1e-3, 10_000) })`. */
  readonly optimizer?: (parameters: readonly Tensor[]) => Optimizer;
  /** Of the order of the images and of all noise. */
  readonly seed?: number;
  /** `f16`: mixed precision in the steps, on a GPU that has it; losses on the test set are computed in f32 all the same. */
  readonly precision?: Precision;
  /** What is made smaller: `iwae({ samples: 5 })`; the ELBO with `beta` if left out. */
  readonly objective?: Objective | undefined;
  /** The weight of the KL; the model's own if left out. A state (`scalar(0)`) may be set while the training runs. Short for an objective. */
  readonly beta?: Weight | undefined;
  /** Grey images as zeros and ones, drawn once by the seed or anew in each step; also those to test on. */
  readonly binarize?: Binarize | undefined;
  /** Ends the training after the running step. The model stays what it has become by then. */
  readonly signal?: AbortSignal | undefined;
  /** Steps handed to the device at once: worth more than 1 where a step is shorter than the way to the device and back. */
  readonly stepsPerSubmit?: number;
  readonly onStep?: ((event: StepEvent) => void) | undefined;
  /** Waited for: the model does not change while it is saved or looked at here. */
  readonly onEpoch?: ((event: EpochEvent) => void | Promise<void>) | undefined;
}

/** One step of gradient descent. Its loss is known when the next steps have already begun. */
export interface StepEvent extends Terms<number> {
  readonly type: "step";
  /** From 1. */
  readonly epoch: number;
  readonly step: number;
  readonly stepsPerEpoch: number;
  /** Seen since the training began. */
  readonly images: number;
}

export interface EpochEvent {
  readonly type: "epoch";
  readonly epoch: number;
  /** Averages over the steps of the epoch, each with the parameters of its time. */
  readonly train: Terms<number>;
  /** With the parameters at the end of the epoch; absent without a test set, or if the training was aborted meanwhile. */
  readonly test?: Terms<number>;
  /** Of training; the evaluation is not counted. */
  readonly seconds: number;
  readonly imagesPerSecond: number;
}

export interface EndEvent {
  readonly type: "end";
  readonly reason: "done" | "aborted";
  /** Steps done in all. */
  readonly steps: number;
  readonly epochs: readonly EpochEvent[];
}

export type TrainEvent = StepEvent | EpochEvent | EndEvent;

/** Runs when it is awaited, for its last event, or iterated, for all of them. Leaving the iteration ends the training. */
export interface Training extends AsyncIterable<TrainEvent>, PromiseLike<EndEvent> {}

/** Trains the model on the device that was opened last. Nothing runs before the result is awaited or iterated. */
export function train(model: Vae, data: TrainData, options: TrainOptions = {}): Training {
  const { epochs = 1, batch = 128, stepsPerSubmit = 1, seed = 1, precision = "f32", binarize } = options;
  for (const [name, value] of Object.entries({ epochs, batch, stepsPerSubmit })) whole(name, value);
  seedOf(seed);
  const objective = objectiveIn("train", options);
  for (const images of [data.train, data.test]) if (images) checkImages("train", model, images);
  checkBinarize("train", model, binarize);
  if (binarize === undefined) checkFit("train", model, data.train);
  const { count, name } = data.train;
  if (batch > count) throw new Error(`train: a batch of ${batch} is more than the ${count} images of ${name}`);

  const events = run(model, data, { ...options, epochs, batch, stepsPerSubmit, seed, precision, objective });
  let end: EndEvent | undefined;
  async function* each(): AsyncGenerator<TrainEvent, void> {
    for await (const event of events) {
      if (event.type === "end") end = event;
      yield event;
    }
  }
  const ended = async (): Promise<EndEvent> => {
    for await (const _ of each());
    if (!end) throw new Error("train: it has no end to wait for, because its iteration was left or failed");
    return end;
  };
  return {
    [Symbol.asyncIterator]: each,
    // biome-ignore lint/suspicious/noThenProperty: it is meant to be awaited
    then: (onEnd, onError) => ended().then(onEnd, onError),
  };
}

type Settings = TrainOptions &
  Required<Pick<TrainOptions, "epochs" | "batch" | "stepsPerSubmit" | "seed" | "precision">> & { readonly objective: Objective };

async function* run(model: Vae, { train, test }: TrainData, settings: Settings): AsyncGenerator<TrainEvent, void> {
  const { epochs, batch, stepsPerSubmit, seed, precision, objective, binarize, signal, onStep, onEpoch } = settings;
  const parameters = [...model.parameters.values()];
  const optimizer = (settings.optimizer ?? adam)(parameters);
  const data = resident(binarize === "static" ? binarizeImages(train, seed) : train, model);
  let evaluation: Evaluator | undefined;

  const step = compile(
    (): Terms<Tensor> & { readonly [name: string]: Tensor } => {
      const [x, given] = batchOf(data, batchOrder(data.count, batch), binarize);
      const done = step.clock.cast("f32"); // as a tensor: it goes on while the step is replayed
      const terms = objective.terms(model, x, { ...given, step: done, training: true });
      optimizer.step(terms.loss); // a loss that is no number changes nothing: the parameters of the step before remain
      return { ...terms };
    },
    { seed, precision },
  );
  const stepsPerEpoch = Math.floor(data.count / batch);

  function* steps(): Iterable<Promise<Terms<number>[]>> {
    for (let done = 0; done < stepsPerEpoch && !signal?.aborted; done += stepsPerSubmit) {
      const times = Math.min(stepsPerSubmit, stepsPerEpoch - done);
      yield read(times === 1 ? step() : step.repeat(times));
    }
  }

  try {
    const finished: EpochEvent[] = [];
    let images = 0;
    for (let epoch = 1; epoch <= epochs && !signal?.aborted; epoch++) {
      const start = performance.now();
      const { add, mean } = average();
      let at = 0;
      for await (const results of inFlight(steps())) {
        for (const terms of results) {
          checkFinite(terms, epoch, ++at);
          add(terms);
          images += batch;
          const event: StepEvent = { type: "step", epoch, step: at, stepsPerEpoch, ...terms, images };
          onStep?.(event);
          yield event;
        }
      }
      if (at < stepsPerEpoch) break; // aborted
      const seconds = (performance.now() - start) / 1000;
      if (test) evaluation ??= evaluator(model, test, { seed, objective, binarize });
      const tested = await evaluation?.run(signal);
      const speed = { seconds, imagesPerSecond: (stepsPerEpoch * batch) / seconds };
      const event: EpochEvent = { type: "epoch", epoch, train: mean(), ...(tested ? { test: tested } : {}), ...speed };
      finished.push(event);
      await onEpoch?.(event);
      yield event;
    }
    await sync();
    const isWhole = finished.length === epochs && (!test || finished[epochs - 1].test);
    yield { type: "end", reason: isWhole ? "done" : "aborted", steps: images / batch, epochs: finished };
  } finally {
    step.dispose();
    evaluation?.dispose();
    data.dispose();
    optimizer.dispose();
  }
}

function checkFinite(terms: Terms<number>, epoch: number, step: number): void {
  if (Number.isFinite(terms.loss)) return;
  const parts = `reconstruction ${terms.reconstruction}, KL ${terms.kl}`;
  throw new Error(`train: the loss is ${terms.loss} in epoch ${epoch}, step ${step} (${parts}); a lower learning rate may help`);
}
