// A training that was interrupted: what comes of it when it is resumed is what would have come of it, bit for bit; also of one that
// met losses which are no numbers.
import { describe, expect, test } from "vitest";
import { digits } from "../src/data/index.ts";
import { adam, cosineDecay, type Optimizer, sgd, type Tensor } from "../src/index.ts";
import {
  convVae,
  denseVae,
  type EpochEvent,
  elbo,
  modelFromSafetensors,
  modelToSafetensors,
  NotFiniteError,
  type Objective,
  type RecoveryEvent,
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
        freezeNorm: 6,
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

/** The ELBO with a loss, or only a gradient, that is no number at one step. */
const spoiled = (at: number, what: "loss" | "gradient"): Objective => ({
  ...elbo(),
  terms: (model, x, now = {}) => {
    const terms = elbo().terms(model, x, now);
    if (!now.step) return terms;
    const distance = now.step.sub(at).square(); // 0 at that step, where the logarithm is -∞ and the root has no slope
    const term = what === "loss" ? distance.log().mul(0) : terms.kl.mul(0).add(distance).sqrt().mul(1e-20);
    return { ...terms, loss: terms.loss.add(term) };
  },
});

describe("a loss that is no number", () => {
  const recovered = async (options: TrainOptions, make = dense) => {
    using model = make();
    const events: TrainEvent[] = [];
    const training = train(model, data, { ...plain, diagnose: false, epochs: 3, ...options });
    let state: TrainState | undefined;
    for await (const event of training) {
      events.push(event);
      if (event.type === "end") state = await training.state();
    }
    const recoveries = events.filter((e): e is RecoveryEvent => e.type === "recovery");
    return { events, recoveries, state: state as TrainState, weights: await modelToSafetensors(model) };
  };

  onEachDevice("is left out with its batch, at half the learning rate; and what made it is named", async () => {
    const { events, recoveries, state } = await recovered({ objective: spoiled(5, "loss") });
    expect(recoveries).toEqual([
      {
        ...{ type: "recovery", epoch: 2, step: 2, loss: "NaN", rows: expect.any(Array), action: "skipped", pace: 0.5 },
        op: expect.stringMatching(/^log \[\].*, made -Infinity of values up to 0$/),
      },
    ]);
    expect(new Set(recoveries[0].rows).size).toBe(16);
    expect(events.flatMap((e) => (e.type === "step" && e.epoch === 2 ? [e.step] : []))).toEqual([1, 3, 4]);
    const epochs = events.filter((e): e is EpochEvent => e.type === "epoch");
    expect(epochs.map((e) => e.recoveries)).toEqual([undefined, recoveries, undefined]);
    expect(state.tensors.get("optimizer.pace")).toEqual(Float32Array.of(0.5));
    expect(state.tensors.get("optimizer.steps")).toEqual(Uint32Array.of(11));
  });

  test("is resumed like any other training, also in the epoch where it was [js]", async () => {
    for (const abortAt of [undefined, { epoch: 2, step: 4 }])
      await check(dense, { ...plain, epochs: 3, objective: spoiled(5, "loss") }, abortAt ? {} : { epochs: 2 }, abortAt);
  });

  test("leaves batch norm's averages out of what it refuses [js]", async () => {
    const normed = () => convVae({ input: [8, 8, 1], channels: [2], latent: 2, norm: "batch" });
    const one = await recovered({ epochs: 2, objective: spoiled(2, "loss") }, normed);
    const three = await recovered({ epochs: 2, objective: spoiled(2, "loss"), stepsPerSubmit: 2 }, normed); // other steps are on their way then
    expect(three.recoveries).toEqual(one.recoveries);
    expect(Buffer.from(three.weights).equals(one.weights)).toBe(true);
  });

  test.each([
    ["spoils the parameters, which go back to what they were", {}, /^\w+ \[.*\], near \w+, made (NaN|-?Infinity) of/],
    [
      "is seen by the norm of the gradients",
      { optimizer: (ps: readonly Tensor[]) => adam(ps, { clipNorm: 1 }) },
      /, made (NaN|-?Infinity) of/,
    ],
  ])("in a gradient %s [js]", async (_, options, op) => {
    for (const at of [5, 7]) {
      const { recoveries, state } = await recovered({ ...options, objective: spoiled(at, "gradient") }); // 7 is the last of its epoch
      expect(recoveries).toEqual([
        expect.objectContaining({ epoch: 2, step: at - 3, loss: "a number", op: expect.stringMatching(op), action: "skipped", pace: 0.5 }),
      ]);
      for (const values of state.tensors.values()) expect(values.every(Number.isFinite)).toBe(true);
    }
  });

  test("in a gradient is an error at the end of the epoch, if nothing is to be done about it [js]", async () => {
    using model = dense();
    const optimizer = (parameters: readonly Tensor[]) => adam(parameters, { clipNorm: 1 });
    const training = train(model, data, { ...plain, retries: 0, objective: spoiled(5, "gradient"), optimizer });
    await expect(async () => await training).rejects.toThrow(
      /^train: a gradient is no number in one of the steps of epoch 2; a lower learning rate may help/,
    );
  });

  test("twice in a row comes of the parameters: the epoch is begun again, until the rate is low enough [js]", async () => {
    const make = () => denseVae({ input: [8, 8, 1], hidden: 16, latent: 3, likelihood: "gaussian", scale: 0.1 });
    const { events, recoveries } = await recovered({ optimizer: (ps) => sgd(ps, { rate: 0.1 }) }, make);
    expect(recoveries.map(({ action, pace }) => [action, pace])).toEqual([
      ["skipped", 1 / 2],
      ["returned", 1 / 4],
      ["skipped", 1 / 8],
      ["returned", 1 / 16],
    ]);
    const [first, last] = [0, 2].map((i) => events.filter((e): e is EpochEvent => e.type === "epoch")[i].test!.loss);
    expect(last).toBeLessThan(first);
  });

  test("ends a training when it does not help, with all that is known [js]", async () => {
    const always: Objective = {
      ...elbo(),
      terms: (model, x, now) => {
        const terms = elbo().terms(model, x, now);
        return { ...terms, loss: terms.kl.sub(terms.kl).log().mul(0).add(terms.loss) };
      },
    };
    using model = dense();
    const before = await modelToSafetensors(model);
    const error: unknown = await Promise.resolve(train(model, data, { ...plain, objective: always, retries: 2 })).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(NotFiniteError);
    expect(error).toMatchObject({
      message: expect.stringMatching(
        /^train: the loss is NaN in epoch 1, step 1 \(images .*\); log \[\], near .*; the learning rate was halved 2 times/,
      ),
      failure: { epoch: 1, step: 1, loss: "NaN", op: expect.stringContaining("log []") },
    });
    expect(Buffer.from(await modelToSafetensors(model)).equals(before)).toBe(true);
  });
});
