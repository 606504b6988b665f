// Training: a step is compiled once and replayed, the data set stays on the device as bytes, and the loop only starts steps and
// looks at the results of earlier ones. It knows nothing of the model but its loss. What it is between two steps is a session
// (training/session.ts); what happens when a loss is no number is said in training/recovery.ts.

import type { Images } from "../data/images.ts";
import { type Optimizer, type Precision, sync, type Tensor } from "../index.ts";
import { type Binarize, binarizeImages } from "./binarize.ts";
import { type Diagnoser, diagnoser } from "./diagnosis/diagnose.ts";
import { type Evaluator, evaluator, objectiveIn } from "./evaluate.ts";
import type { Vae } from "./model.ts";
import type { Objective, Terms } from "./objectives/objective.ts";
import type { Weight } from "./objectives/weights.ts";
import { checkBinarize, checkFit, checkImages, resident } from "./pictures.ts";
import { inFlight } from "./pipeline.ts";
import { seedOf, whole } from "./settings.ts";
import type { EndEvent, EpochEvent, StepEvent, TrainEvent } from "./training/events.ts";
import { type Recovery, recovery } from "./training/recovery.ts";
import { type Session, session } from "./training/session.ts";
import { basisOf, checkState, type TrainState } from "./training/state.ts";

export interface TrainData {
  readonly train: Images;
  readonly test?: Images | undefined;
}

export interface TrainOptions {
  /** In all, with those before it was resumed. */
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
  /**
   * Steps after which batchNorm goes by its running averages, which then stay as they are ("Rethinking 'Batch' in BatchNorm", Wu and Johnson
   * 2021). What the statistics of small batches blur is learned from there on. Never, if left out; the model is to have a batchNorm.
   */
  readonly freezeNorm?: number | undefined;
  /**
   * Goes on where another training was: what its `state()` gave. The model is to be as it was then, the data the same ones, and the options
   * as well, but for `epochs`. What comes of it is what would have come of the other one, bit for bit on the same device.
   */
  readonly resume?: TrainState | undefined;
  /**
   * How often a step whose loss is no number is left out, and the learning rate halved, before that is an error. If the optimizer is
   * another than Elbo's it always is. Above 0 a copy of the model and the optimizer's state is read at the end of each epoch.
   */
  readonly retries?: number;
  /** Looks at the latents at the end of each epoch, of a thousand test images or else training images. */
  readonly diagnose?: boolean;
  /** Ends the training after the running step. The model stays what it has become by then. */
  readonly signal?: AbortSignal | undefined;
  /** Steps handed to the device at once: worth more than 1 where a step is shorter than the way to the device and back. */
  readonly stepsPerSubmit?: number;
  readonly onStep?: ((event: StepEvent) => void) | undefined;
  /** Waited for: the model does not change while it is saved or looked at here. */
  readonly onEpoch?: ((event: EpochEvent) => void | Promise<void>) | undefined;
}

/** Runs when it is awaited, for its last event, or iterated, for all of them. Leaving the iteration ends the training. */
export interface Training extends AsyncIterable<TrainEvent>, PromiseLike<EndEvent> {
  /** What is to be saved with the model to resume. It is known in `onEpoch`, and in the body of an iteration at an epoch and at the end. */
  state(): Promise<TrainState>;
}

const RETRIES = 6;

/** Trains the model on the device that was opened last. Nothing runs before the result is awaited or iterated. */
export function train(model: Vae, data: TrainData, options: TrainOptions = {}): Training {
  const { epochs = 1, batch = 128, stepsPerSubmit = 1, seed = 1, precision = "f32", binarize, retries = RETRIES, resume } = options;
  for (const [name, value] of Object.entries({ epochs, batch, stepsPerSubmit })) whole(name, value);
  whole("retries", retries, 0);
  seedOf(seed);
  if (options.freezeNorm !== undefined) checkFreeze(model, options.freezeNorm);
  const objective = objectiveIn("train", options);
  for (const images of [data.train, data.test]) if (images) checkImages("train", model, images);
  checkBinarize("train", model, binarize);
  if (binarize === undefined) checkFit("train", model, data.train);
  const { count, name } = data.train;
  if (batch > count) throw new Error(`train: a batch of ${batch} is more than the ${count} images of ${name}`);
  const basis = () => basisOf(data.train, { batch, seed, precision, binarize });
  if (resume) checkState(resume, basis(), epochs);

  const settings = { ...options, epochs, batch, stepsPerSubmit, seed, precision, objective, retries };
  let paused: Session | undefined; // between two steps, where there is a state
  const events = run(model, data, settings, (now) => {
    paused = now;
  });
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
    state: async () => {
      if (!paused) throw new Error("train: its state is known at the end of an epoch, in onEpoch or while its event is handled");
      return { ...paused.position(), basis: basis(), tensors: await paused.tensors() };
    },
  };
}

function checkFreeze({ state, config }: Vae, steps: number): void {
  whole("freezeNorm", steps);
  const remembers = [...state.keys()].some((name) => name.endsWith(".running_mean"));
  if (!remembers) throw new Error(`train: freezeNorm ${steps}: this ${config.model} model has no batchNorm, whose averages could stay`);
}

type Settings = TrainOptions &
  Required<Pick<TrainOptions, "epochs" | "batch" | "stepsPerSubmit" | "seed" | "precision" | "retries">> & {
    readonly objective: Objective;
  };
type Pause = (session: Session | undefined) => void;

async function* run(model: Vae, { train, test }: TrainData, settings: Settings, pause: Pause): AsyncGenerator<TrainEvent, void> {
  const { epochs, batch, seed, objective, binarize, signal, retries, resume, onEpoch } = settings;
  const data = resident(binarize === "static" ? binarizeImages(train, seed) : train, model);
  const training = session(model, data, settings);
  const { at, stepsPerEpoch } = training;
  const rescue = recovery(training, retries);
  let evaluation: Evaluator | undefined;
  let examination: Diagnoser | undefined;
  try {
    if (resume) training.load(resume);
    const finished: EpochEvent[] = [];
    while (at.epoch < epochs && !signal?.aborted) {
      await rescue.mark();
      yield* restOfEpoch(training, rescue, settings);
      if (at.step < stepsPerEpoch) break; // aborted
      const epoch = at.epoch + 1;
      const { seconds, recoveries } = at;
      if (test) evaluation ??= evaluator(model, test, { seed, objective, binarize });
      const tested = await evaluation?.run(signal);
      const losses = { epoch, train: at.averages.mean(), ...(tested && { test: tested }) };
      const isWhole = tested !== undefined || !test; // else it was aborted, and whoever resumes it begins with the evaluation
      const now = tested && { epoch, train: losses.train.loss, test: tested.loss };
      if (now && !(at.best && at.best.test <= now.test)) at.best = now;
      if (settings.diagnose && isWhole) examination ??= diagnoser(model, test ?? train, { seed, objective, binarize });
      const diagnosis = isWhole ? await examination?.run(now && at.best && { best: at.best, now }) : undefined;
      const event: EpochEvent = {
        type: "epoch",
        ...losses,
        ...(diagnosis && { diagnosis }),
        ...(recoveries.length > 0 && { recoveries }),
        ...{ seconds, imagesPerSecond: (stepsPerEpoch * batch) / seconds },
      };
      if (isWhole) training.turnPage();
      finished.push(event);
      pause(training);
      await onEpoch?.(event);
      yield event;
      pause(undefined);
    }
    await sync();
    pause(training);
    yield { type: "end", reason: at.epoch === epochs ? "done" : "aborted", steps: training.clock(), epochs: finished };
  } finally {
    pause(undefined);
    training.dispose();
    evaluation?.dispose();
    examination?.dispose();
    data.dispose();
  }
}

/** The steps that are left of the epoch, and what has to be done about those that fail. */
async function* restOfEpoch(training: Session, rescue: Recovery, settings: Settings): AsyncGenerator<TrainEvent, void> {
  const { batch, stepsPerSubmit, signal, onStep } = settings;
  const { at, stepsPerEpoch } = training;
  const start = performance.now();
  const before = at.seconds;

  function* submissions(): Iterable<Promise<Terms<number>[]>> {
    for (let done = at.step; done < stepsPerEpoch && !signal?.aborted; done += stepsPerSubmit) {
      yield training.start(Math.min(stepsPerSubmit, stepsPerEpoch - done));
    }
  }
  const refused: Terms<number>[] = [];
  async function* steps(): AsyncGenerator<StepEvent, void> {
    for await (const results of inFlight(submissions())) {
      for (const terms of results) {
        if (!Number.isFinite(terms.loss)) return void refused.push(terms); // so were all that have been started since
        at.averages.add(terms);
        at.step++;
        const [epoch, images] = [at.epoch + 1, training.clock() * batch];
        yield { type: "step", epoch, step: at.step, stepsPerEpoch, ...terms, images };
      }
    }
  }
  for (;;) {
    for await (const event of steps()) {
      onStep?.(event);
      yield event;
    }
    at.seconds = before + (performance.now() - start) / 1000;
    const terms = refused.pop();
    if (!terms && (at.step < stepsPerEpoch || (await rescue.isSound()))) return;
    yield await rescue.recover({ clock: training.clock() - (terms ? 0 : 1), ...(terms && { terms }) }, signal);
  }
}
