// Objectives in use: schedules that go on in a compiled step, bounds of many samples, models that are told a class, binarized data. That each
// loss and each gradient is what its formula says is the business of the self-check, whose test is vae-check.test.ts.
import { describe, expect, test } from "vitest";
import { digits, type Images } from "../src/data/index.ts";
import { adam, compile, concat, cyclical, grad, ramp, randomUniform, type Schedule, type Tensor, tensor } from "../src/index.ts";
import { sample } from "../src/kernels/sample.ts";
import { binarized } from "../src/vae/binarize.ts";
import { ENCODER, linearVae, OFF, tensorsOf, X } from "../src/vae/check/linear.ts";
import {
  autoencoder,
  binarizeImages,
  type ConvVaeOptions,
  convVae,
  type DenseOptions,
  decodeLatents,
  denseVae,
  dreg,
  type EpochEvent,
  elbo,
  encodeImages,
  evaluate,
  iwae,
  modelFromSafetensors,
  modelToSafetensors,
  type Objective,
  objectiveOf,
  readWeight,
  reconstructImages,
  type StepEvent,
  sampleImages,
  type Terms,
  type TrainEvent,
  type TrainOptions,
  train,
  traverseLatents,
  type Vae,
} from "../src/vae/index.ts";
import { onEachDevice } from "./setup/each-device.ts";
import { checkModelGradient } from "./setup/model-gradient.ts";

const data = { train: digits({ count: 64, size: 8 }), test: digits({ count: 20, start: 64, size: 8 }) };
const small = (options: Partial<DenseOptions> = {}): Vae => denseVae({ input: [8, 8, 1], hidden: 12, latent: 3, ...options });
const smallConv = (options: ConvVaeOptions = {}): Vae => convVae({ input: [8, 8, 1], channels: [3, 4], latent: 3, ...options });
const kinds = { dense: small, conv: smallConv };

const events = async (training: AsyncIterable<TrainEvent>): Promise<TrainEvent[]> => {
  const list: TrainEvent[] = [];
  for await (const event of training) list.push(event);
  return list;
};
const steps = (list: readonly TrainEvent[]): StepEvent[] => list.filter((e) => e.type === "step");
const epochs = (list: readonly TrainEvent[]): EpochEvent[] => list.filter((e) => e.type === "epoch");

const numbers = async ({ loss, reconstruction, kl }: Terms<Tensor>): Promise<number[]> =>
  (await Promise.all([loss, reconstruction, kl].map((t) => t.data()))).map(([v]) => v);

/** The largest difference between two arrays. */
const distance = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  a.length === b.length ? Math.max(...Array.from(a, (v, i) => Math.abs(v - b[i]))) : Number.POSITIVE_INFINITY;

/** As formulas over numbers. */
const warmed = (step: number, from: number, to: number, start: number, end: number): number =>
  from + (to - from) * Math.min(Math.max((step - start) / (end - start), 0), 1);
const cycled = (step: number, from: number, to: number, period: number, cycles = 4, rising = 0.5): number =>
  step >= cycles * period ? to : from + (to - from) * Math.min((step % period) / period / rising, 1);

describe("schedules", () => {
  const schedules: [string, Schedule, (step: number) => number][] = [
    ["ramp", ramp(0.5, 3, 10, 4), (step) => warmed(step, 0.5, 3, 4, 10)],
    ["ramp from the start, downwards", ramp(2, 0, 6), (step) => warmed(step, 2, 0, 0, 6)],
    ["cyclical", cyclical(0.25, 2, 5, { cycles: 3 }), (step) => cycled(step, 0.25, 2, 5, 3)],
    ["cyclical, rising all the time", cyclical(0, 1, 7, { cycles: 2, rising: 1 }), (step) => cycled(step, 0, 1, 7, 2, 1)],
    ["written as warmup", readWeight("beta", "warmup:0-1:20").weight as Schedule, (step) => warmed(step, 0, 1, 0, 20)],
    [
      "written as warmup with a start",
      readWeight("beta", "warmup:1e-1-2.5:5-9").weight as Schedule,
      (step) => warmed(step, 0.1, 2.5, 5, 9),
    ],
    ["written as cyclic", readWeight("beta", "cyclic:0-4:6x2").weight as Schedule, (step) => cycled(step, 0, 4, 6, 2)],
  ];
  for (const [name, schedule, plain] of schedules) {
    onEachDevice(`go on in a compiled step: ${name}`, async () => {
      const step = compile((): Tensor => {
        const drawn = randomUniform([]).mul(0); // the clock counts steps that draw
        return schedule(step.clock.cast("f32")).add(drawn);
      });
      for (const [i, value] of (await step.repeat(25).data()).entries()) expect(value, `step ${i}`).toBeCloseTo(plain(i), 5);
      step.dispose();
    });
  }

  test("are found at their end after as many steps as f32 counts [js]", async () => {
    const last = tensor(2 ** 24);
    for (const [, schedule, plain] of schedules) expect(await schedule(last).item()).toBeCloseTo(plain(2 ** 24), 5);
    // far on, whole periods are still whole: the first step of a cycle is a first step
    const far = await cyclical(0, 1, 1000, { cycles: 4000 })(tensor([3_999_000, 3_999_499, 3_999_999])).data();
    for (const [i, v] of [0, 0.998, 1].entries()) expect(far[i]).toBeCloseTo(v, 2);
  });

  for (const [what, attempt, message] of [
    ["ends before it begins", () => ramp(0, 1, 100, 200), /ramp: ends at step 100, but begins at step 200/],
    ["ends where it begins", () => ramp(0, 1, 0), /ramp: ends at step 0, but begins at step 0/],
    ["has half a step", () => ramp(0, 1, 10.5), /ramp: step 10.5 is not a whole number/],
    ["goes nowhere", () => ramp(0, Number.NaN, 10), /ramp: to NaN is no number/],
    ["has no period", () => cyclical(0, 1, 0), /cyclical: ends at step 0/],
    ["has no cycles", () => cyclical(0, 1, 10, { cycles: 0 }), /cyclical: 0 cycles/],
    ["never rises", () => cyclical(0, 1, 10, { rising: 0 }), /cyclical: rising 0/],
    [
      "is written the wrong way round",
      () => readWeight("beta", "warmup:0-1:200-100"),
      /beta "warmup:0-1:200-100": ramp: ends at step 100, but begins/,
    ],
    [
      "is written without steps",
      () => readWeight("beta", "warmup:0-1"),
      /beta "warmup:0-1" is not a number of 0 or more; warmup:FROM-TO:STEPS/,
    ],
    ["is a negative number", () => readWeight("beta", "-1"), /beta "-1" is not a number of 0 or more/],
    ["is no weight", () => elbo({ beta: Number.NaN }), /beta: NaN is not a number of 0 or more/],
    ["is a text", () => elbo({ beta: "warmup:0-1:10" as never }), /beta: "warmup:0-1:10" is not a number of 0 or more, a scalar tensor/],
  ] as const) {
    test(`refused is one that ${what}`, () => expect(attempt).toThrow(message));
  }

  test("written numbers are what they say", () => {
    expect(readWeight("beta", "4")).toEqual({ text: "4", weight: 4, end: 4 });
    expect(readWeight("beta", ".5").weight).toBe(0.5);
    expect(readWeight("beta", "cyclic:0-1:50").end).toBe(1);
  });
});

describe("training with an objective", () => {
  onEachDevice("follows a schedule of beta, and says at each step what it was", async () => {
    using model = small();
    const objective = elbo({ beta: ramp(0.5, 4, 6) });
    const list = await events(train(model, data, { batch: 16, epochs: 2, objective }));
    const all = steps(list);
    all.forEach((e, i) => {
      expect(e.beta).toBeCloseTo(warmed(i, 0.5, 4, 0, 6), 5);
      expect(e.loss).toBeCloseTo(e.reconstruction + e.beta! * e.kl, 3);
    });
    expect(all.length).toBe(8);
    const [first, second] = epochs(list);
    expect(first.train.beta).toBeCloseTo(
      all.slice(0, 4).reduce((sum, e) => sum + e.beta! / 4, 0),
      5,
    );
    for (const { test } of [first, second]) expect(test!.loss).toBeCloseTo(test!.reconstruction + 4 * test!.kl, 3); // as at the end
    expect((await evaluate(model, data.test, { objective })).loss).toBe(second.test!.loss);
  });

  onEachDevice("follows a schedule of the capacity", async () => {
    using model = small();
    const list = await events(
      train(model, { train: data.train }, { batch: 16, epochs: 2, objective: elbo({ beta: 10, capacity: ramp(0, 5, 4) }) }),
    );
    steps(list).forEach((e, i) => {
      expect(e.capacity).toBeCloseTo(warmed(i, 0, 5, 0, 4), 5);
      expect(e.loss / (e.reconstruction + 10 * Math.abs(e.kl - e.capacity!))).toBeCloseTo(1, 4);
    });
  });

  for (const [name, objective] of Object.entries({
    "the ELBO": elbo(),
    "free bits": elbo({ freeBits: 0.5 }),
    "an autoencoder": autoencoder(),
    IWAE: iwae({ samples: 4 }),
    DReG: dreg({ samples: 4 }),
  })) {
    for (const [kind, make] of Object.entries(kinds)) {
      onEachDevice(`lowers the loss: ${name}, ${kind}`, async () => {
        using model = make();
        const before = await evaluate(model, data.test, { objective });
        const optimizer = (parameters: readonly Tensor[]) => adam(parameters, { rate: 1e-2 });
        const list = await events(train(model, data, { batch: 16, epochs: 2, objective, optimizer }));
        const last = epochs(list)[1];
        expect(last.test!.loss).toBeLessThan(before.loss - 1);
        for (const e of steps(list)) expect([e.loss, e.reconstruction, e.kl].every(Number.isFinite)).toBe(true);
        if (objective.name === "ae") expect([last.test!.kl, last.test!.loss]).toEqual([0, last.test!.reconstruction]);
        if (name === "free bits") expect(last.test!.loss).toBeGreaterThanOrEqual(last.test!.reconstruction + 1.5 - 1e-3); // 3 latents of ½ nat
        // a bound of several samples is a better one than the ELBO, whose two parts are reported
        if (objective.name === "iwae" || objective.name === "dreg")
          expect(last.test!.loss).toBeLessThan(last.test!.reconstruction + last.test!.kl);
      });
    }
  }

  onEachDevice("is the same for the same seed, bit for bit, however many steps are handed over at once", async () => {
    const run = async (options: TrainOptions) => {
      using model = small();
      const objective = dreg({ samples: 3 });
      return steps(
        await events(train(model, { train: data.train }, { batch: 16, epochs: 2, objective, binarize: "dynamic", ...options })),
      ).map((e) => e.loss);
    };
    const first = await run({ seed: 1 });
    expect(await run({ seed: 1, stepsPerSubmit: 3 })).toEqual(first);
    expect(await run({ seed: 2 })).not.toEqual(first);
  });
});

describe("importance-weighted bounds", () => {
  for (const [kind, make] of Object.entries(kinds)) {
    onEachDevice(`are those of their formula, from one pass for each sample: ${kind}`, async () => {
      using model = make();
      const x = sample([4, 64], 0, 1);
      const k = 3;
      const noise = sample([k, 4, 3], -2, 2, 7);
      const q = model.encode(x);
      const logWeights: number[][] = [];
      let reconstruction = 0;
      for (let i = 0; i < k; i++) {
        const z = q.sample(noise.slice([[i, i + 1]]).reshape([4, 3]));
        const log = model.likelihood.logProb(model.examples(x), model.decode(z));
        logWeights.push([...(await log.add(model.prior.logDensity(z)).sub(q.logDensity(z)).data())]);
        for (const v of await log.data()) reconstruction -= v / (4 * k);
      }
      const bounds = [0, 1, 2, 3].map(
        (n) => Math.log(logWeights.reduce((sum, logs) => sum + Math.exp(logs[n] - logs0(logWeights, n)), 0) / k) + logs0(logWeights, n),
      );
      const expected = -bounds.reduce((a, b) => a + b) / 4;
      const [loss, rec, kl] = await numbers(iwae({ samples: k }).terms(model, x, { noise }));
      expect(loss / expected).toBeCloseTo(1, 5);
      expect(rec / reconstruction).toBeCloseTo(1, 5);
      expect(kl).toBeCloseTo((await numbers(model.terms(x)))[2], 4);
      expect((await numbers(dreg({ samples: k }).terms(model, x, { noise })))[0] / expected).toBeCloseTo(1, 5);
    });
  }
  /** The largest log weight of an example, so that the exponentials stay in range. */
  const logs0 = (logWeights: readonly number[][], n: number): number => Math.max(...logWeights.map((logs) => logs[n]));

  test("have the gradient of finite differences, to every parameter of a dense model [js]", () =>
    checkModelGradient(
      () => denseVae({ input: [2, 3, 1], hidden: 4, latent: 2, activation: "tanh" }),
      (model) => iwae({ samples: 3 }).terms(model, sample([3, 6], 0, 1), { noise: sample([3, 3, 2], -1, 1, 1) }).loss,
    ));

  test("have the gradient of finite differences, to every parameter of a model of convolutions [js]", () =>
    checkModelGradient(
      () => convVae({ input: [4, 4, 1], channels: [2], latent: 2, activation: "tanh" }),
      (model) => iwae({ samples: 3 }).terms(model, sample([2, 16], 0, 1), { noise: sample([3, 2, 2], -1, 1, 1) }).loss,
    ));

  /** Mean and total variance of an objective's gradient of the encoder of the linear model, over draws with a fixed seed. */
  async function encoderGradient(objective: Objective, draws: number): Promise<{ mean: number[]; variance: number; errors: number[] }> {
    const parameters = tensorsOf(OFF);
    const x = tensor(X.map((row) => [...row]));
    const step = compile(
      () => {
        const { loss } = objective.terms(linearVae(parameters), x);
        return concat(grad(loss, parameters.slice(0, ENCODER)).map((t) => t.reshape([-1])));
      },
      { seed: 1 },
    );
    const rows = (await step.repeat(draws).array()) as number[][];
    step.dispose();
    for (const t of [...parameters, x]) t.dispose();
    const mean = rows[0].map((_, j) => rows.reduce((sum, row) => sum + row[j], 0) / draws);
    const variances = mean.map((m, j) => rows.reduce((sum, row) => sum + (row[j] - m) ** 2, 0) / (draws - 1));
    return { mean, variance: variances.reduce((a, b) => a + b), errors: variances.map((v) => Math.sqrt(v / draws)) };
  }

  onEachDevice("have two gradients of the encoder: the same on average, but that of DReG varies much less", async () => {
    const plain = await encoderGradient(iwae({ samples: 64 }), 400);
    const double = await encoderGradient(dreg({ samples: 64 }), 400);
    expect(double.variance).toBeLessThan(plain.variance / 5);
    // two averages of 400 draws: none of the 21 slopes differs by more than 4.5 standard errors of the difference
    for (const [j, m] of plain.mean.entries()) {
      expect(Math.abs(m - double.mean[j])).toBeLessThan(4.5 * Math.hypot(plain.errors[j], double.errors[j]));
    }
  });

  for (const [what, attempt, message] of [
    ["no samples", () => iwae({ samples: 0 }), /samples: 0 is not a whole number from 1 to 10000/],
    ["half a sample", () => dreg({ samples: 2.5 }), /samples: 2.5/],
    [
      "samples of an ELBO",
      () => objectiveOf("vae", { samples: 5 }),
      /objective: samples is of no use to "vae", which takes beta, freeBits, capacity/,
    ],
    ["a beta", () => objectiveOf("iwae", { beta: 2 }), /objective: beta is of no use to "iwae", which takes samples/],
    [
      "free bits of an autoencoder",
      () => objectiveOf("ae", { freeBits: 1 }),
      /objective: freeBits is of no use to "ae", which takes nothing/,
    ],
    ["an unknown name", () => objectiveOf("wae"), /objective: "wae" is not one of vae, ae, iwae, dreg/],
    ["two ways to bend the KL", () => elbo({ freeBits: 1, capacity: 5 }), /freeBits and capacity both bend the KL/],
    ["negative free bits", () => elbo({ freeBits: -1 }), /freeBits: -1 is not a number of 0 or more/],
    [
      "a model with a beta",
      () => iwae().terms(small({ beta: 4 }), sample([1, 64], 0, 1)),
      /beta 4 has no place in an importance-weighted bound/,
    ],
    [
      "noise for other samples",
      () => iwae({ samples: 2 }).terms(small(), sample([1, 64], 0, 1), { noise: sample([3, 1, 3]) }),
      /noise for 2 samples is \[2, 1, 3\]/,
    ],
    ["an objective and a beta", () => train(small(), data, { objective: elbo(), beta: 2 }), /train: beta is a part of the objective/],
  ] as const) {
    test(`refused: ${what}`, () => expect(attempt).toThrow(message));
  }
});

describe("the weights of the KL", () => {
  onEachDevice(
    "with free bits that nobody reaches the loss is a constant more than the reconstruction, and so is its gradient",
    async () => {
      using model = small();
      const [x, noise] = [sample([5, 64], 0, 1), sample([5, 3], -1, 1, 3)];
      const free = elbo({ freeBits: 100 }).terms(model, x, { noise });
      const none = elbo({ beta: 0 }).terms(model, x, { noise });
      const [[loss, reconstruction], [bare]] = await Promise.all([numbers(free), numbers(none)]);
      expect(loss).toBeCloseTo(reconstruction + 300, 3);
      expect(bare).toBeCloseTo(reconstruction, 4);
      const parameters = ["mean.weight", "logVariance.weight"].map((name) => model.parameters.get(name)!);
      const [a, b] = await Promise.all([free, none].map(async (t) => Promise.all(grad(t.loss, parameters).map((g) => g.data()))));
      for (const [i, g] of a.entries()) expect(Math.max(...g.map((v, j) => Math.abs(v - b[i][j])))).toBeLessThan(1e-6);
      const zero = await numbers(elbo({ freeBits: 0 }).terms(model, x, { noise }));
      expect(zero[0]).toBeCloseTo((await numbers(elbo().terms(model, x, { noise })))[0], 4);
    },
  );

  onEachDevice("an autoencoder decodes the mean, without noise, and knows no KL", async () => {
    using model = small();
    const x = sample([5, 64], 0, 1);
    const [loss, reconstruction, kl] = await numbers(autoencoder().terms(model, x));
    const direct = await model.likelihood
      .logProb(model.examples(x), model.decode(model.encode(x).mean))
      .neg()
      .mean()
      .item();
    expect([loss, kl]).toEqual([reconstruction, 0]);
    expect(loss).toBeCloseTo(direct, 4);
  });
});

describe("a conditional model", () => {
  const labels = (...list: number[]): Tensor => tensor(Uint32Array.from(list));

  for (const [kind, make] of Object.entries(kinds)) {
    onEachDevice(`tells encoder and decoder the class: ${kind}`, async () => {
      using model = make({ classes: 10 });
      const x = sample([2, 64], 0, 1);
      const both = async (...list: number[]) => {
        const given = { labels: labels(...list) };
        return [...(await model.encode(x, given).mean.data()), ...(await model.decode(sample([2, 3]), given).data())];
      };
      const [one, other] = [await both(3, 5), await both(3, 6)];
      const half = (list: number[], row: number) => [...list.slice(3 * row, 3 * row + 3), ...list.slice(6 + 64 * row, 70 + 64 * row)];
      expect(half(one, 0)).toEqual(half(other, 0));
      for (const [i, v] of half(one, 1).entries()) expect(v).not.toBe(half(other, 1)[i]);
      expect(model.sample(2, { labels: labels(0, 9) }).shape).toEqual([2, 8, 8, 1]);
      expect(model.reconstruct(x, { labels: labels(0, 9) }).shape).toEqual([2, 8, 8, 1]);
    });

    onEachDevice(`trains, with importance weights too: ${kind}`, async () => {
      using model = make({ classes: 10 });
      for (const objective of [elbo(), iwae({ samples: 2 })]) {
        const before = await evaluate(model, data.test, { objective });
        const list = await events(train(model, data, { batch: 16, epochs: 2, objective, optimizer: (p) => adam(p, { rate: 1e-2 }) }));
        expect(epochs(list)[1].test!.loss).toBeLessThan(before.loss);
      }
    });

    test(`has the gradient of finite differences, to every parameter: ${kind} [js]`, () =>
      checkModelGradient(
        () =>
          kind === "dense"
            ? denseVae({ input: [2, 2, 1], hidden: 3, latent: 2, classes: 3, activation: "tanh" })
            : convVae({ input: [4, 4, 1], channels: [2], latent: 2, classes: 3, activation: "tanh" }),
        (model) => {
          const x = sample([3, kind === "dense" ? 4 : 16], 0, 1);
          return model.terms(x, { noise: sample([3, 2], -1, 1, 1), labels: labels(2, 0, 1) }).loss;
        },
      ));
  }

  onEachDevice("says with the class what the latents then need not: pictures that are their class", async () => {
    // a picture is a bright row, and which one is its label
    const count = 60;
    const pixels = Uint8Array.from({ length: count * 16 }, (_, i) => (Math.floor((i % 16) / 4) === Math.floor(i / 16) % 4 ? 255 : 0));
    const rows: Images = {
      ...data.train,
      name: "rows",
      pixels,
      labels: Uint8Array.from({ length: count }, (_, i) => i % 4),
      count,
      height: 4,
      width: 4,
    };
    using model = denseVae({ input: [4, 4, 1], hidden: 16, latent: 2, classes: 4 });
    const { epochs } = await train(
      model,
      { train: rows, test: rows },
      { batch: 20, epochs: 60, optimizer: (p) => adam(p, { rate: 2e-2 }) },
    );
    expect(epochs.at(-1)!.test!.loss).toBeLessThan(0.7); // without the class no model is below log 4 = 1.39
    const pictures = await sampleImages(model, { count: 8, label: 2 });
    const brightest = Array.from({ length: 8 }, (_, i) => {
      const sums = [0, 1, 2, 3].map((row) => pictures.subarray(16 * i + 4 * row, 16 * i + 4 * row + 4).reduce((a, b) => a + b));
      return sums.indexOf(Math.max(...sums));
    });
    expect(brightest).toEqual(new Array(8).fill(2));
  });

  onEachDevice("is used with labels, given or those of the images; sampled classes take turns", async () => {
    using model = small({ classes: 10 });
    const { labels } = data.test;
    const { mean } = await encodeImages(model, data.test);
    const values = Float32Array.from(data.test.pixels, (v) => v / 255);
    expect(distance((await encodeImages(model, values, { labels: labels! })).mean, mean)).toBeLessThan(1e-6);
    const reconstructed = await reconstructImages(model, data.test);
    expect(distance(await decodeLatents(model, mean, { labels: labels! }), reconstructed)).toBeLessThan(1e-6);
    const others = labels!.map((label) => (label + 1) % 10);
    expect(distance(await decodeLatents(model, mean, { labels: others }), reconstructed)).toBeGreaterThan(1e-3);

    const turns = await sampleImages(model, { count: 21, seed: 4 });
    const picture = (pictures: Float32Array, i: number) => pictures.subarray(64 * i, 64 * i + 64);
    for (const label of [0, 7]) {
      const same = await sampleImages(model, { count: 21, seed: 4, label });
      for (const i of [label, label + 10]) expect(distance(picture(same, i), picture(turns, i))).toBeLessThan(1e-6);
      expect(distance(picture(same, label + 1), picture(turns, label + 1))).toBeGreaterThan(1e-3);
    }

    // a picture of the traversal is decoded with the class of the example that it goes through
    const { pictures, latents } = await traverseLatents(model, data.test, { columns: 3, around: 1 });
    const z = mean.slice(3, 6);
    z[latents[0]] = 0;
    expect(distance(picture(pictures, 1), await decodeLatents(model, z, { labels: [labels![1]] }))).toBeLessThan(1e-6);
  });

  test("comes back from its config and its file, which an unconditional one does not fit", async () => {
    using model = small({ classes: 10, likelihood: "discretized-logistic" });
    expect(model.config).toMatchObject({ classes: 10, scale: "pixel" });
    const bytes = await modelToSafetensors(model);
    using again = modelFromSafetensors(JSON.parse(JSON.stringify(model.config)), bytes, "file");
    for (const [name, t] of model.parameters) expect(await again.parameters.get(name)!.data()).toEqual(await t.data());
    expect(model.parameters.get("encoder.0.weight")!.shape).toEqual([74, 12]);
    expect(() => modelFromSafetensors({ ...model.config, classes: 9 }, bytes, "file")).toThrow(
      /file: encoder.0.weight is F32 \[12, 74\], but the model needs/,
    );
    expect(small().config).not.toHaveProperty("classes"); // as in runs from before there were classes
  });

  const x = sample([2, 64], 0, 1);
  const { labels: _, ...unlabelled } = data.train;
  for (const [what, attempt, message] of [
    [
      "labels for a model without classes",
      () => small().terms(x, { labels: labels(1, 2) }),
      /vae: labels for a model that is not conditional/,
    ],
    ["no labels", () => small({ classes: 10 }).encode(x), /vae: a conditional model of 10 classes needs labels/],
    ["too few labels", () => small({ classes: 10 }).encode(x, { labels: labels(1) }), /vae: labels are u32 \[2\], one for each example/],
    ["labels as numbers", () => small({ classes: 10 }).encode(x, { labels: tensor([1, 2]) }), /vae: labels are u32 \[2\].*not f32/],
    [
      "a class too many",
      () => small({ classes: 3 }).encode(x, { labels: labels(1, 3) }),
      /vae: label 3 of example 1; the model knows classes 0 to 2/,
    ],
    [
      "data without labels",
      () => train(small({ classes: 10 }), { train: { ...unlabelled, labels: undefined } }),
      /needs a label for each image; digits has none/,
    ],
    [
      "data with other classes",
      () => train(small({ classes: 3 }), data),
      /train: digits: label \d of example \d+; the model knows classes 0 to 2/,
    ],
    ["one class", () => small({ classes: 1 }), /classes: 1 is not a whole number from 2 to 256/],
  ] as const) {
    test(`refused: ${what}`, () => expect(attempt).toThrow(message));
  }
  for (const [what, attempt, message] of [
    [
      "a label for samples of a model without classes",
      () => sampleImages(small(), { label: 1 }),
      /sampleImages: label 1 for a model that is not conditional/,
    ],
    ["a class that is none", () => sampleImages(small({ classes: 3 }), { label: 3 }), /label: 3 is not a whole number from 0 to 2/],
    [
      "values without labels",
      () => encodeImages(small({ classes: 3 }), new Float32Array(64)),
      /encodeImages: a conditional model of 3 classes needs labels/,
    ],
    [
      "labels of values for a model without classes",
      () => encodeImages(small(), new Float32Array(64), { labels: [1] }),
      /encodeImages: labels for a model that is not conditional/,
    ],
    [
      "half the labels",
      () => decodeLatents(small({ classes: 3 }), new Float32Array(6), { labels: [1] }),
      /decodeLatents: 1 labels for 2 examples/,
    ],
  ] as const) {
    test(`refused: ${what} [js]`, () => expect(attempt).rejects.toThrow(message));
  }
});

describe("binarization", () => {
  const grey: Images = { ...data.train, name: "grey", pixels: Uint8Array.from({ length: 64 * 64 }, (_, i) => (i % 4) * 85) };

  test("static draws each pixel once, by the seed, with the grey as probability", () => {
    const drawn = binarizeImages(grey, 7);
    expect([drawn.white, drawn.name]).toEqual([1, "grey, binarized"]);
    expect(binarizeImages(grey, 7).pixels).toEqual(drawn.pixels);
    expect(binarizeImages(grey, 8).pixels).not.toEqual(drawn.pixels);
    expect(new Set(drawn.pixels)).toEqual(new Set([0, 1]));
    for (const level of [0, 1, 2, 3]) {
      const of = drawn.pixels.filter((_, i) => i % 4 === level);
      const part = of.reduce((a, b) => a + b, 0) / of.length;
      const p = level / 3;
      expect(Math.abs(part - p)).toBeLessThanOrEqual(5 * Math.sqrt((p * (1 - p)) / of.length)); // five standard errors; none for black and white
    }
  });

  onEachDevice("dynamic draws anew in each step, with the grey as probability", async () => {
    const x = tensor(Float32Array.from({ length: 4000 }, (_, i) => (i % 4) / 3));
    const step = compile(() => binarized(x), { seed: 3 });
    const [first, second] = (await step.repeat(2).array()) as number[][];
    step.dispose();
    x.dispose();
    expect(first).not.toEqual(second);
    for (const drawn of [first, second]) {
      for (const level of [0, 1, 2, 3]) {
        const part = drawn.filter((_, i) => i % 4 === level).reduce((a, b) => a + b) / 1000;
        const p = level / 3;
        expect(Math.abs(part - p)).toBeLessThanOrEqual(5 * Math.sqrt((p * (1 - p)) / 1000));
      }
    }
  });

  onEachDevice("is a part of training and of evaluation, which repeats itself", async () => {
    for (const binarize of ["static", "dynamic"] as const) {
      using model = small();
      const list = await events(train(model, data, { batch: 16, epochs: 1, binarize }));
      const [tested] = epochs(list);
      const again = await evaluate(model, data.test, { binarize });
      expect(again).toEqual(tested.test);
      expect(again.loss).not.toBe((await evaluate(model, data.test)).loss);
    }
  });

  test("of data for which it is not is refused", () => {
    using model = small({ likelihood: "gaussian" });
    expect(() => train(model, data, { binarize: "dynamic" })).toThrow(
      /train: binarize makes zeros and ones, for a "bernoulli" likelihood and not "gaussian"/,
    );
    expect(() => train(small(), data, { binarize: "often" as "static" })).toThrow(/binarize: "often" is not one of static, dynamic/);
  });
});
