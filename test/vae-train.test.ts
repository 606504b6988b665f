// Training: that it learns, that it repeats, that it ends when and how it should, and that it leaves nothing behind.
import { describe, expect, test } from "vitest";
import { digits, type Images } from "../src/data/index.ts";
import { open, scalar, set, sgd, sync, tensor } from "../src/index.ts";
import { use } from "../src/kernels/devices/device.ts";
import {
  type DenseOptions,
  denseVae,
  type EpochEvent,
  evaluate,
  type StepEvent,
  type TrainEvent,
  type TrainOptions,
  train,
  type Vae,
} from "../src/vae/index.ts";
import { onEachDevice } from "./setup/each-device.ts";

const data = { train: digits({ count: 70, size: 8 }), test: digits({ count: 25, start: 70, size: 8 }) };
const small = (options: Partial<DenseOptions> = {}): Vae => denseVae({ input: [8, 8, 1], hidden: 16, latent: 3, ...options });
const settings = { batch: 16, epochs: 3 } satisfies TrainOptions; // 70 images: 4 steps an epoch, and 6 images left over

const all = async (training: AsyncIterable<TrainEvent>): Promise<TrainEvent[]> => {
  const events: TrainEvent[] = [];
  for await (const event of training) events.push(event);
  return events;
};
const steps = (events: readonly TrainEvent[]): StepEvent[] => events.filter((e) => e.type === "step");
const epochs = (events: readonly TrainEvent[]): EpochEvent[] => events.filter((e) => e.type === "epoch");
const losses = (events: readonly TrainEvent[]): number[] => steps(events).map((e) => e.loss);

const isFinite = async (model: Vae): Promise<boolean> => {
  const values = await Promise.all([...model.parameters.values()].map((t) => t.data()));
  return values.every((v) => [...v].every(Number.isFinite));
};

describe("training", () => {
  onEachDevice("lowers the loss, in nats, and tells of every step and epoch", async () => {
    using model = small();
    const before = await evaluate(model, data.test);
    const training = train(model, data, settings);
    const events = await all(training);
    expect(steps(events).map((e) => [e.epoch, e.step, e.stepsPerEpoch, e.images])).toEqual(
      Array.from({ length: 12 }, (_, i) => [1 + Math.floor(i / 4), 1 + (i % 4), 4, 16 * (i + 1)]),
    );
    expect(epochs(events).map((e) => e.epoch)).toEqual([1, 2, 3]);
    expect(events.at(-1)).toEqual({ type: "end", reason: "done", steps: 12, epochs: epochs(events) });
    expect(await training).toBe(events.at(-1));

    const last = epochs(events)[2];
    expect(last.test!.loss).toBeLessThan(before.loss - 1);
    expect(before.loss).toBeGreaterThan(0.6 * 64); // 64 pixels at about log 2 each
    expect(last.train.loss).toBeCloseTo(
      losses(events)
        .slice(8)
        .reduce((a, b) => a + b) / 4,
      8,
    );
    for (const e of [...steps(events), last.train, last.test!, before]) expect(e.loss).toBeCloseTo(e.reconstruction + e.kl, 3);
    expect(last.imagesPerSecond).toBeCloseTo(64 / last.seconds, 6);
  });

  onEachDevice("is the same for the same seed, bit for bit, and another for another", async () => {
    const run = async (options: TrainOptions, seed = 1) => {
      using model = small({ seed });
      return losses(await all(train(model, { train: data.train }, { ...settings, ...options })));
    };
    const first = await run({ seed: 1 });
    expect(await run({ seed: 1 })).toEqual(first);
    expect(await run({ seed: 1, stepsPerSubmit: 3 })).toEqual(first);
    expect(await run({ seed: 2 })).not.toEqual(first);
    expect(await run({ seed: 1 }, 2)).not.toEqual(first);
  });

  onEachDevice("is not changed by being evaluated", async () => {
    const run = async (test: Images | undefined) => {
      using model = small();
      return losses(await all(train(model, { train: data.train, test }, settings)));
    };
    expect(await run(data.test)).toEqual(await run(undefined));
  });

  onEachDevice("may be awaited instead, and calls back meanwhile", async () => {
    using model = small();
    const seen: TrainEvent[] = [];
    let inside = 0;
    const end = await train(model, data, {
      ...settings,
      onStep: (e) => seen.push(e),
      onEpoch: async (e) => {
        seen.push(e);
        const [a] = await model.parameters.get("mean.bias")!.data();
        await new Promise((resolve) => setTimeout(resolve, 5));
        await sync();
        if ((await model.parameters.get("mean.bias")!.data())[0] === a) inside++; // nothing is trained meanwhile
      },
    });
    expect([end.reason, end.steps, seen.length, inside]).toEqual(["done", 12, 15, 3]);
    expect(end.epochs).toEqual(epochs(seen));
  });

  onEachDevice("with beta 0 leaves the KL out of the loss; a state may change it meanwhile", async () => {
    using model = small();
    using beta = scalar(0);
    const events = await all(train(model, { train: data.train }, { ...settings, beta, onEpoch: (e) => set(beta, e.epoch) }));
    for (const e of steps(events)) expect(e.loss).toBeCloseTo(e.reconstruction + (e.epoch - 1) * e.kl, 3);
    expect(epochs(events)[0].train.kl).toBeGreaterThan(0);
  });

  onEachDevice("learns the scale of a Gaussian", async () => {
    using model = small({ likelihood: "gaussian" });
    const logScale = model.parameters.get("likelihood.logScale")!;
    const before = await logScale.item();
    const { epochs } = await train(model, data, settings);
    expect(await logScale.item()).not.toBe(before);
    expect(epochs[2].test!.loss).toBeLessThan(epochs[0].test!.loss);
  });

  onEachDevice("takes images of zeros and ones", async () => {
    const binary = { ...data.train, pixels: data.train.pixels.map((v) => (v > 127 ? 1 : 0)), white: 1 };
    using model = small();
    const { epochs } = await train(model, { train: binary }, settings);
    expect(epochs[2].train.loss).toBeLessThan(epochs[0].train.loss);
  });

  onEachDevice("follows js step by step", async (device) => {
    const run = async () => {
      using model = denseVae({ input: [8, 8, 1], hidden: 40, latent: 5 });
      return losses(await all(train(model, { train: data.train }, { ...settings, epochs: 5 })));
    };
    const here = await run();
    await using _ = await open("js");
    const there = await run();
    use(device);
    expect(there.length).toBe(20);
    for (let i = 0; i < 20; i++) expect(Math.abs(here[i] / there[i] - 1)).toBeLessThan(1e-4);
  });

  test("lets other tasks in [js]", async () => {
    using model = denseVae({ input: [8, 8, 1], hidden: 400 });
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    await train(model, { train: data.train }, { batch: 64, epochs: 15 });
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(3);
  });
});

describe("the end of training", () => {
  onEachDevice("comes at a step boundary when the signal says so", async () => {
    using model = small();
    const stop = new AbortController();
    const events: TrainEvent[] = [];
    for await (const event of train(model, data, { ...settings, signal: stop.signal })) {
      events.push(event);
      if (event.type === "step" && event.epoch === 2 && event.step === 1) stop.abort();
    }
    const end = events.at(-1)!;
    expect(end).toMatchObject({ type: "end", reason: "aborted", steps: steps(events).length });
    expect(epochs(events).length).toBe(1);
    expect(steps(events).length).toBeLessThan(12);

    // The model is what as many steps make of it.
    using same = small();
    const other: TrainEvent[] = [];
    for await (const event of train(same, { train: data.train }, settings)) other.push(event);
    expect(losses(events)).toEqual(losses(other).slice(0, steps(events).length));
    expect(await isFinite(model)).toBe(true);
  });

  onEachDevice("lets timers and signals in, however short its epochs are", async () => {
    using model = small();
    const tiny = { train: digits({ count: 16, size: 8 }) };
    const { reason, steps } = await train(model, tiny, { batch: 16, epochs: 1_000_000, signal: AbortSignal.timeout(100) });
    expect(reason).toBe("aborted");
    expect(steps).toBeGreaterThan(0);
  });

  onEachDevice("comes before the first step, or in an evaluation", async () => {
    using model = small();
    expect(await train(model, data, { ...settings, signal: AbortSignal.abort() })).toEqual({
      type: "end",
      reason: "aborted",
      steps: 0,
      epochs: [],
    });
    const stop = new AbortController();
    const large = digits({ count: 700, start: 70, size: 8 });
    const end = await train(
      model,
      { train: data.train, test: large },
      {
        ...settings,
        signal: stop.signal,
        onStep: (e) => e.step === 4 && stop.abort(),
      },
    );
    expect(end).toMatchObject({ reason: "aborted", steps: 4, epochs: [{ epoch: 1 }] });
    expect(end.epochs[0].test).toBeUndefined();
    await expect(evaluate(model, large, { signal: AbortSignal.abort() })).rejects.toThrow(/abort/);
  });

  onEachDevice("comes when its iteration is left", async () => {
    using model = small();
    const before = await model.parameters.get("mean.weight")!.data();
    const training = train(model, data, settings);
    for await (const event of training) if (event.type === "step" && event.step === 2) break;
    await expect(async () => await training).rejects.toThrow(/no end to wait for/);
    expect(await model.parameters.get("mean.weight")!.data()).not.toEqual(before);
    expect(await isFinite(model)).toBe(true);
  });

  onEachDevice("is an error if the loss is not finite, and the parameters stay what they were", async () => {
    using model = small({ likelihood: "gaussian", scale: 1 });
    const training = train(model, data, { ...settings, retries: 0, optimizer: (parameters) => sgd(parameters, { rate: 1e15 }) });
    await expect(async () => await training).rejects.toThrow(
      /train: the loss is (NaN|Infinity) in epoch 1, step 2 \(images (\d+, ){8}…\); \w+ \[.*\], near \w.*; reconstruction .*, KL .*; a lower learning rate may help/,
    );
    expect(await isFinite(model)).toBe(true);
  });

  onEachDevice("leaves on the device what was there before", async (device) => {
    using model = small();
    const trainings = async () => {
      await train(model, data, settings);
      await train(model, data, { ...settings, stepsPerSubmit: 2 });
      await train(model, data, { ...settings, optimizer: (parameters) => sgd(parameters, { momentum: 0.9 }) });
      return device.bytes;
    };
    const bytes = await trainings();
    expect(await trainings()).toBeLessThanOrEqual(bytes); // less, if garbage of other tests was collected
  });
});

describe("evaluation", () => {
  onEachDevice("during training and after it gives the same numbers", async () => {
    using model = small();
    const { epochs } = await train(model, data, settings);
    const after = await evaluate(model, data.test);
    expect(after).toEqual(epochs[2].test);
    expect(await evaluate(model, data.test, { seed: 2 })).not.toEqual(after);
  });

  onEachDevice("weighs a last smaller batch by its size", async () => {
    using model = small();
    const x = tensor(
      Float32Array.from(data.test.pixels, (v) => v / 255),
      [25, 64],
    );
    const { kl } = model.elbo(x);
    const expected = [...(await kl.data())].reduce((a, b) => a + b) / 25;
    expect((await evaluate(model, data.test, { batch: 7 })).kl / expected).toBeCloseTo(1, 5);
  });
});

describe("what cannot be trained on", () => {
  const bad: [string, () => unknown, RegExp][] = [
    ["a batch larger than the set", () => train(small(), data, { batch: 71 }), /train: a batch of 71 is more than the 70 images of digits/],
    ["no epochs", () => train(small(), data, { epochs: 0 }), /epochs: 0 is not a whole number/],
    ["half a batch", () => train(small(), data, { batch: 0.5 }), /batch: 0.5/],
    ["images of another size", () => train(small({ input: 784 }), data), /images of digits are 8 x 8 x 1, but the model takes \[784\]/],
    ["a test set of another size", () => train(small(), { ...data, test: digits({ count: 3 }) }), /28 x 28 x 1/],
    ["a white that is none", () => train(small(), { train: { ...data.train, white: 0 } }), /white 0; it is a byte from 1 to 255/],
    [
      "bytes above white",
      () => train(small(), { train: { ...data.train, white: 1 } }),
      /bernoulli: value \d+ of example 0 is \d+, outside \[0, 1\]/,
    ],
    ["too few pixels", () => train(small(), { train: { ...data.train, count: 71 } }), /4480 pixels do not make 71 images of 64/],
  ];
  for (const [name, attempt, message] of bad) test(name, () => expect(attempt).toThrow(message));
  test("an empty test set", async () => {
    await expect(evaluate(small(), digits({ count: 0, size: 8 }))).rejects.toThrow(/there are no images in digits/);
  });
});
