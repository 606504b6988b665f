// A training that was interrupted: what comes of it when it is resumed is what would have come of it, bit for bit; also of one that
// met losses which are no numbers.
import { describe, expect, test } from "vitest";
import { digits } from "../src/data/index.ts";
import { adam, cosineDecay, type Optimizer, sgd, type Tensor } from "../src/index.ts";
import {
  convVae,
  denseVae,
  type EpochEvent,
  modelFromSafetensors,
  modelToSafetensors,
  readWeight,
  stateFromSafetensors,
  stateToSafetensors,
  type TrainEvent,
  type TrainOptions,
  type TrainState,
  train,
  type Vae,
} from "../src/vae/index.ts";
import { onEachDevice } from "./setup/each-device.ts";

const data = { train: digits({ count: 70, size: 8 }), test: digits({ count: 25, start: 70, size: 8 }) };
const dense = (): Vae => denseVae({ input: [8, 8, 1], hidden: 12, latent: 3 });
const plain = { batch: 16, epochs: 4, diagnose: true } satisfies TrainOptions; // 4 steps an epoch

/** Everything that a training leaves, apart from times. */
interface Left {
  readonly weights: Uint8Array;
  readonly state: Uint8Array;
  readonly epochs: readonly unknown[];
}
const timeless = ({ seconds: _, imagesPerSecond: __, ...rest }: EpochEvent): object => rest;
const bytesOf = async (model: Vae, state: TrainState): Promise<Uint8Array> =>
  stateToSafetensors(model, { ...state, running: { ...state.running, seconds: 0 } });

/** Trains to the end, or until the step after which it is aborted. */
async function left(model: Vae, options: TrainOptions, abortAt?: { epoch: number; step: number }): Promise<Left & { resume: TrainState }> {
  const stop = new AbortController();
  const training = train(model, data, { ...options, signal: stop.signal });
  const epochs: object[] = [];
  for await (const event of training) {
    if (event.type === "step" && event.epoch === abortAt?.epoch && event.step === abortAt.step) stop.abort();
    if (event.type === "epoch") epochs.push(timeless(event));
    if (event.type !== "end") continue;
    const state = await training.state();
    return { weights: await modelToSafetensors(model), state: await bytesOf(model, state), epochs, resume: state };
  }
  throw new Error("it has no end");
}

/** The same in two parts, of which the second knows nothing but what the first wrote down. */
async function leftInParts(
  make: () => Vae,
  options: TrainOptions,
  first: TrainOptions,
  abortAt?: { epoch: number; step: number },
): Promise<Left> {
  using model = make();
  const before = await left(model, { ...options, ...first }, abortAt);
  expect([before.resume.epoch < (options.epochs ?? 1), before.resume.step > 0]).toEqual([true, abortAt !== undefined]);
  using again = modelFromSafetensors(model.config, before.weights, "weights");
  const resume = stateFromSafetensors(again, stateToSafetensors(model, before.resume), "state");
  const after = await left(again, { ...options, resume });
  return { ...after, epochs: [...before.epochs.slice(0, resume.epoch), ...after.epochs] };
}

async function check(
  make: () => Vae,
  options: TrainOptions,
  first: TrainOptions,
  abortAt?: { epoch: number; step: number },
): Promise<void> {
  using model = make();
  const { weights, state, epochs } = await left(model, options);
  const parts = await leftInParts(make, options, first, abortAt);
  expect(parts.epochs).toEqual(epochs);
  expect(Buffer.from(parts.weights).equals(weights)).toBe(true);
  expect(Buffer.from(parts.state).equals(state)).toBe(true);
}

describe("a resumed training", () => {
  onEachDevice("gives the weights, the moments and the losses of one that was never interrupted", () => check(dense, plain, { epochs: 2 }));

  test("also with schedules, dynamic binarization and another optimizer's rate [js]", () =>
    check(
      dense,
      {
        ...plain,
        binarize: "dynamic",
        beta: readWeight("beta", "warmup:0-2:3-13").weight,
        optimizer: (parameters) => adam(parameters, { rate: cosineDecay(1e-2, 14, 1e-4), epsilon: 1e-4 }),
      },
      { epochs: 3 },
    ));

  test("also with batch norm's averages and dropout's noise, static binarization, momentum and several steps at once [js]", () =>
    check(
      () => convVae({ input: [8, 8, 1], channels: [3], latent: 2, norm: "batch", dropout: 0.2 }),
      {
        ...plain,
        epochs: 2,
        binarize: "static",
        stepsPerSubmit: 3,
        optimizer: (parameters) => sgd(parameters, { rate: 1e-3, momentum: 0.9 }),
      },
      { epochs: 1 },
    ));

  test("goes on in the middle of an epoch where it was aborted there [wasm]", () => check(dense, plain, {}, { epoch: 2, step: 1 }), 20_000);

  test("evaluates first what it had no time to evaluate [js]", async () => {
    using model = dense();
    const stop = new AbortController();
    const training = train(model, data, { ...plain, signal: stop.signal, onStep: (e) => e.step === 4 && stop.abort() });
    let resume: TrainState | undefined;
    for await (const event of training) if (event.type === "end") resume = await training.state();
    expect(resume).toMatchObject({ epoch: 0, step: 4 });
    const { epochs } = await train(model, data, { ...plain, epochs: 1, resume });
    using other = dense();
    const { epochs: expected } = await train(other, data, { ...plain, epochs: 1 });
    expect(epochs.map(timeless)).toEqual(expected.map(timeless));
  });

  test("counts on: epochs, steps and images [js]", async () => {
    using model = dense();
    const { resume } = await left(model, { ...plain, epochs: 2 });
    const seen: TrainEvent[] = [];
    for await (const event of train(model, data, { ...plain, epochs: 3, resume })) seen.push(event);
    expect(seen[0]).toMatchObject({ type: "step", epoch: 3, step: 1, images: 9 * 16 });
    expect(seen.at(-1)).toMatchObject({ type: "end", reason: "done", steps: 12 });
  });

  test("is refused with data, settings or an optimizer that the state does not fit, and then changes nothing [js]", async () => {
    using model = dense();
    const { resume, weights } = await left(model, { ...plain, epochs: 2 });
    const refused = (options: TrainOptions, message: string, images = data.train) =>
      expect(async () => await train(model, { train: images }, { ...plain, resume, ...options })).rejects.toThrow(message);
    await refused({ batch: 8 }, "train: the state to resume is of a training with batch 16 and not 8");
    await refused({ seed: 2 }, "with seed 1 and not 2");
    await refused({ binarize: "static" }, "with binarize none and not static");
    await refused({}, "with other pixels", digits({ count: 70, start: 1, size: 8 }));
    await refused({}, "with images 70 and not 69", digits({ count: 69, size: 8 }));
    await refused({ epochs: 2 }, "train: 2 epochs are done, and 2 are asked for in all");
    const momentum = (parameters: readonly Tensor[]): Optimizer => sgd(parameters, { momentum: 0.9 });
    await refused({ optimizer: momentum }, "has no encoder.0.weight.velocity, which the optimizer needs");
    await refused({ optimizer: (parameters) => sgd(parameters) }, "has encoder.0.weight.mean, which the optimizer does not know");
    expect(Buffer.from(await modelToSafetensors(model)).equals(weights)).toBe(true);
  });

  test("has no state between two steps of an epoch, or before it began [js]", async () => {
    using model = dense();
    const training = train(model, data, plain);
    await expect(training.state()).rejects.toThrow("train: its state is known at the end of an epoch");
    for await (const event of training) {
      if (event.type === "step") await expect(training.state()).rejects.toThrow("at the end of an epoch");
      else break;
    }
  });

  test("in a callback is told its state as well [js]", async () => {
    using model = dense();
    const states: TrainState[] = [];
    const training = train(model, data, {
      ...plain,
      onEpoch: async () => {
        states.push(await training.state());
      },
    });
    await training;
    expect(states.map(({ epoch, step }) => [epoch, step])).toEqual([1, 2, 3, 4].map((epoch) => [epoch, 0]));
  });
});
