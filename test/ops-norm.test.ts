// Normalization and dropout: values against loops from their definitions and against PyTorch, what layers remember, and how a model
// trains, evaluates and saves with them.
import { describe, expect, test } from "vitest";
import { adam, compile, grad, scalar, set, type Tensor, tensor } from "../src/index.ts";
import { sample } from "../src/kernels/sample.ts";
import { digits, open } from "../src/node.ts";
import { gaussianPosterior, standardNormal } from "../src/vae/gaussian.ts";
import { denseVae, evaluate, sampleImages, train, type Vae, vae } from "../src/vae/index.ts";
import { initializer } from "../src/vae/initial.ts";
import { activations, batchNorm, dropout, groupNorm, type Layer, layerNorm, linear, sequential } from "../src/vae/layers.ts";
import { bernoulli } from "../src/vae/likelihoods.ts";
import { fill, modelToSafetensors } from "../src/vae/run.ts";
import { readSafetensors, type StoredTensor } from "../src/vae/safetensors.ts";
import { onEachDevice, onEachFamily } from "./setup/each-device.ts";
import { expectClose, expectPyTorch, fixture, restored } from "./setup/pytorch-layers.ts";

const values = async (t: Tensor): Promise<number[]> => [...(await t.data())];
const disposeAll = (...layers: readonly Layer[]) => {
  for (const layer of layers) for (const t of [...layer.parameters.values(), ...(layer.state ?? new Map()).values()]) t.dispose();
};

/** (x - mean) / √(variance + ε) among all x with the same key. */
function plain(x: readonly number[], keyOf: (i: number) => number, epsilon = 1e-5): number[] {
  const groups = new Map<number, number[]>();
  for (const i of x.keys()) groups.set(keyOf(i), [...(groups.get(keyOf(i)) ?? []), i]);
  const y = new Array<number>(x.length);
  for (const places of groups.values()) {
    const mean = places.reduce((sum, i) => sum + x[i], 0) / places.length;
    const variance = places.reduce((sum, i) => sum + (x[i] - mean) ** 2, 0) / places.length;
    for (const i of places) y[i] = (x[i] - mean) / Math.sqrt(variance + epsilon);
  }
  return y;
}

function expectNear(got: readonly number[], expected: readonly number[], tolerance: number): void {
  expect(got.length).toBe(expected.length);
  const wrong = got.findIndex((v, i) => !(Math.abs(v - expected[i]) <= tolerance));
  if (wrong >= 0) throw new Error(`element ${wrong}: ${got[wrong]}, expected ${expected[wrong]} ± ${tolerance}`);
}

describe("normalization", () => {
  for (const [n, h, w, c] of [
    [1, 1, 1, 6],
    [2, 5, 7, 6],
    [5, 1, 65, 12],
  ]) {
    const shape = [n, h, w, c];
    onEachFamily(`[${shape}] is what the definitions give`, async () => {
      const x = sample(shape);
      const data = await values(x);
      const pixel = (i: number) => Math.floor(i / c);
      const example = (i: number) => Math.floor(i / (h * w * c));
      expectNear(await values(x.layerNorm()), plain(data, pixel), 1e-5);
      expectNear(await values(x.layerNorm(3)), plain(data, example), 1e-5);
      expectNear(
        await values(x.layerNorm([1, 2], { epsilon: 0.5 })),
        plain(data, (i) => example(i) * c + (i % c), 0.5),
        1e-5,
      );
      for (const groups of [1, 3, 6]) {
        const group = (i: number) => example(i) * groups + Math.floor((i % c) / (c / groups));
        expectNear(await values(x.groupNorm(groups)), plain(data, group), 1e-5);
      }
    });
  }

  onEachFamily("does not lose what varies little around a large mean", async () => {
    const shape = [2, 7, 65, 4];
    const x = tensor(
      (await values(sample(shape, -0.1, 0.1))).map((v) => 1000 + v),
      shape,
    );
    const data = await values(x); // as f32 holds them, in steps of 6e-5
    // The mean of the squares, 1e6, is known to 0.06 at best; the variance is 0.0033. Here an error of the mean remains, of a few steps.
    expectNear(
      await values(x.groupNorm(2)),
      plain(data, (i) => Math.floor(i / 1820) * 2 + Math.floor((i % 4) / 2)),
      0.02,
    );
    expectNear(
      await values(x.layerNorm(3)),
      plain(data, (i) => Math.floor(i / 1820)),
      0.02,
    );
    const layer = batchNorm(4);
    expectNear(
      await values(layer.forward(x, { training: true })),
      plain(data, (i) => i % 4),
      0.02,
    );
    disposeAll(layer);
  });

  onEachDevice("one value alone becomes the bias", async () => {
    const bias = tensor([3, 4, 5]);
    expect(await values(tensor([7, -1, 1e6], [1, 3]).groupNorm(3, { bias }))).toEqual([3, 4, 5]);
    expect(await values(tensor([7, -1, 1e6], [3, 1]).layerNorm(1, { bias: tensor([2]) }))).toEqual([2, 2, 2]);
  });

  for (const [i, example] of fixture.cases.entries()) {
    if (!example.op.includes("Norm")) continue;
    onEachDevice(`PyTorch gives the same values and gradients, case ${i}: ${example.op}(${JSON.stringify(example.args)})`, () =>
      expectPyTorch(example),
    );
  }
});

describe("the batchNorm layer", () => {
  const { batches, trained, other, evaluated, state } = fixture.batchNorm;
  /** With the weight and bias of the fixture. */
  const layerOfFixture = (): Layer => {
    const layer = batchNorm(3);
    for (const name of ["weight", "bias"]) layer.parameters.get(name)!.storage!.block.host!.set(state[name].values);
    return layer;
  };

  for (const how of ["eagerly", "compiled"] as const) {
    onEachDevice(`trains, remembers and evaluates as PyTorch does, ${how}`, async () => {
      const layer = layerOfFixture();
      const step = compile((x: Tensor) => layer.forward(x, { training: true }));
      const evaluation = compile((x: Tensor) => layer.forward(x));
      for (const [i, batch] of batches.entries()) {
        const y = how === "compiled" ? step(restored(batch)) : layer.forward(restored(batch), { training: true });
        await expectClose(y, trained[i], 1e-5);
      }
      for (const [name, t] of [...layer.parameters, ...layer.state!]) {
        expect(t.shape).toEqual(state[name].shape);
        await expectClose(t, state[name], 1e-6);
      }
      const y = how === "compiled" ? evaluation(restored(other)) : layer.forward(restored(other));
      await expectClose(y, evaluated, 1e-5);
      step.dispose();
      evaluation.dispose();
      disposeAll(layer);
    });
  }

  test("has PyTorch's names, and no optimizer sees the running ones", () => {
    const layer = sequential(linear(2, 3), batchNorm(3), sequential(batchNorm(3)));
    const running = (prefix: string) => ["running_mean", "running_var", "num_batches_tracked"].map((name) => `${prefix}.${name}`);
    expect([...layer.parameters.keys()]).toEqual(["0.weight", "0.bias", "1.weight", "1.bias", "2.0.weight", "2.0.bias"]);
    expect([...layer.state!.keys()]).toEqual([...running("1"), ...running("2.0")]);
    expect(Object.keys(state).sort()).toEqual(["weight", "bias", ...running("x").map((name) => name.slice(2))].sort());
  });

  onEachDevice("remembers nothing where nobody says that it trains", async () => {
    const layer = batchNorm(3);
    await layer.forward(sample([5, 3])).data();
    await layer.forward(sample([5, 3]), { training: false }).data();
    const [mean, variance, count] = await Promise.all([...layer.state!.values()].map(values));
    expect([mean, variance, count]).toEqual([[0, 0, 0], [1, 1, 1], [0]]);
    disposeAll(layer);
  });

  onEachDevice("keeps its averages from a batch that is no number", async () => {
    const layer = batchNorm(2, { momentum: 0.5 });
    await layer.forward(tensor([1, 1, 3, 5], [2, 2]), { training: true }).data();
    await layer.forward(tensor([Number.NaN, 2, 1, Number.POSITIVE_INFINITY], [2, 2]), { training: true }).data();
    expect(await values(layer.state!.get("running_mean")!)).toEqual([1, 1.5]);
    expect(await values(layer.state!.get("running_var")!)).toEqual([1.5, 4.5]);
    disposeAll(layer);
  });

  onEachDevice("frozen, it goes by what it remembers, in values and gradients, and remembers no more", async () => {
    const layer = layerOfFixture();
    const [dy, x] = [sample([2, 3, 4, 3], -1, 1, 1), sample([2, 3, 4, 3], -2, 3, 2)]; // x as large as a batch of the fixture
    const frozen = scalar(0);
    const step = compile((given: Tensor) => {
      const y = layer.forward(given, { training: true, frozen });
      return [y, ...grad(y.mul(dy).sum(), [given, ...layer.parameters.values()])];
    });
    await expectClose(step(restored(batches[0]))[0], trained[0], 1e-5);
    const averages = await Promise.all([...layer.state!.values()].map(values));
    expect(averages[2]).toEqual([1]);
    set(frozen, 1);
    const evaluation = compile((given: Tensor) => {
      const y = layer.forward(given);
      return [y, ...grad(y.mul(dy).sum(), [given, ...layer.parameters.values()])];
    });
    const [got, wanted] = await Promise.all([step(x), evaluation(x)].map((all) => Promise.all(all.map(values))));
    for (const i of got.keys()) expectNear(got[i], wanted[i], 1e-5);
    expect(await Promise.all([...layer.state!.values()].map(values))).toEqual(averages);
    for (const held of [step, evaluation, dy, frozen]) held.dispose();
    disposeAll(layer);
  });

  test("refuses a batch without a variance, and other channels than its own", () => {
    const layer = batchNorm(3);
    expect(() => layer.forward(sample([1, 1, 1, 3]), { training: true })).toThrow(/tensor \[1, 1, 1, 3\].* has 1 values per channel/);
    expect(() => layer.forward(sample([5, 4]), { training: true })).toThrow(/batchNorm: takes \[n, …, 3\], not tensor \[5, 4\]/);
    expect(() => layer.forward(sample([5, 4]))).toThrow(/batchNorm: the mean is \[3\], it must be \[4\]/);
    expect(() => batchNorm(3, { momentum: 2 })).toThrow(/batchNorm: momentum 2; it is from 0 to 1/);
    disposeAll(layer);
  });
});

describe("dropout", () => {
  onEachDevice("drops as many as it should, and scales the others", async () => {
    const n = 10_000;
    const step = compile((x: Tensor) => x.dropout(0.25, { training: true }), { seed: 1 });
    const x = tensor(new Array(n).fill(3));
    const [first, second] = [await values(step(x)), await values(step(x))];
    for (const y of [first, second]) {
      expect(new Set(y)).toEqual(new Set([0, 4]));
      const dropped = y.filter((v) => v === 0).length;
      expect(Math.abs(dropped / n - 0.25)).toBeLessThan(0.018); // four standard errors
    }
    const both = first.filter((v, i) => v === 0 && second[i] === 0).length;
    expect(Math.abs(both / n - 0.0625)).toBeLessThan(0.01); // another draw in each step: they drop the same ones by chance only
    step.dispose();
  });

  onEachDevice("has a gradient where it did not drop", async () => {
    const step = compile((x: Tensor) => {
      const y = x.dropout(0.5, { training: true });
      return [y, grad(y.sum(), [x])[0]];
    });
    const [y, dx] = step(tensor(new Array(65).fill(1)));
    expect(await values(dx)).toEqual(await values(y));
    step.dispose();
  });

  test("is x itself outside of training, and at a rate of 0", () => {
    const x = sample([5]);
    expect(x.dropout(0.5)).toBe(x);
    expect(x.dropout(0.5, { training: false })).toBe(x);
    expect(x.dropout(0, { training: true })).toBe(x);
    expect(dropout(0.5).forward(x)).toBe(x);
    expect(dropout(0.5).forward(x, { training: true })).not.toBe(x);
  });
});

/** Fully connected, with every layer of this file. */
function model(seed = 1): Vae {
  const draw = initializer(seed);
  const encoder = sequential(linear(36, 12, draw), batchNorm(12), activations.relu, dropout(0.2), linear(12, 9, draw), layerNorm(9));
  const decoder = sequential(linear(3, 12, draw), groupNorm(2, 12), activations.relu, linear(12, 36, draw), batchNorm(36));
  return vae(
    { model: "by hand" },
    {
      ...{ shape: [36], latent: 3, encoder, decoder, beta: 1 },
      ...{ posterior: gaussianPosterior(9, 3, draw), prior: standardNormal(3), likelihood: bernoulli() },
    },
  );
}

const states = (name: string) => ["running_mean", "running_var", "num_batches_tracked"].map((state) => `${name}.${state}`);

describe("a model with states", () => {
  const data = { train: digits({ count: 80, size: 6 }), test: digits({ count: 20, start: 80, size: 6 }) };

  test.each(["js", "wasm", "webgpu"] as const)("learns, and evaluation neither changes it nor draws for dropout [%s]", async (name) => {
    await using _ = await open(name);
    using vae = model();
    expect([...vae.state.keys()]).toEqual([...states("encoder.1"), ...states("decoder.4")]);
    expect([...vae.parameters.keys()].filter((key) => vae.state.has(key))).toEqual([]);
    const { epochs } = await train(vae, data, { batch: 16, epochs: 3, optimizer: (ps) => adam(ps, { rate: 1e-2 }) });
    expect(epochs[2].train.loss).toBeLessThan(epochs[0].train.loss);
    const kept = await Promise.all([...vae.state.values()].map(values));
    expect(kept[2]).toEqual([15]); // three epochs of five batches
    expect(await evaluate(vae, data.test)).toEqual(epochs[2].test);
    expect(await evaluate(vae, data.test)).toEqual(epochs[2].test);
    expect(await sampleImages(vae, { count: 2 })).toEqual(await sampleImages(vae, { count: 2 }));
    expect(await Promise.all([...vae.state.values()].map(values))).toEqual(kept);
  });

  test("learns on by its averages once they are frozen, in the middle of an epoch too [js]", async () => {
    await using _ = await open("js");
    const trained = async (options: object) => {
      using vae = model();
      const { epochs } = await train(vae, data, { batch: 16, epochs: 2, ...options });
      return { losses: epochs.map((epoch) => epoch.train.loss), states: await Promise.all([...vae.state.values()].map(values)) };
    };
    const [never, late, early] = [await trained({}), await trained({ freezeNorm: 10 }), await trained({ freezeNorm: 7 })];
    expectNear(late.losses, never.losses, 1e-5); // which has ten steps; the same sums, rounded in another order
    expect(late.states[2]).toEqual([10]);
    expectNear(early.losses.slice(0, 1), never.losses.slice(0, 1), 1e-5);
    expect(Math.abs(early.losses[1] - never.losses[1])).toBeGreaterThan(1e-3);
    expect(early.states[2]).toEqual([7]);
    const short = await trained({ freezeNorm: 7, epochs: 3 });
    expect(short.states).toEqual(early.states);
    expect(short.losses[2]).toBeLessThan(short.losses[1]);
    using vae = model();
    expect(() => train(vae, data, { freezeNorm: 0 })).toThrow("freezeNorm: 0 is not a whole number");
    using without = denseVae({ input: [6, 6, 1], hidden: 4, latent: 2 });
    expect(() => train(without, data, { freezeNorm: 7 })).toThrow("train: freezeNorm 7: this dense model has no batchNorm");
  });

  test("terms differ between training and evaluation, by the argument alone [js]", async () => {
    await using _ = await open("js");
    using vae = model();
    const [x, noise] = [sample([16, 36], 0, 1), sample([16, 3], -1, 1, 1)];
    const terms = async (options: { training?: boolean }) => vae.terms(x, { noise, ...options }).loss.item();
    const before = await terms({});
    expect(await terms({ training: true })).not.toBe(before);
    expect(await terms({})).not.toBe(before); // the averages have moved
    expect(await terms({ training: false })).toBe(await terms({}));
  });

  test("is saved with its states, counts as I64, and restored [js]", async () => {
    await using _ = await open("js");
    using first = model();
    const { epochs } = await train(first, data, { batch: 16, epochs: 2 });
    const { tensors } = readSafetensors(await modelToSafetensors(first), "the file");
    expect([...tensors.keys()].sort()).toEqual([...first.parameters.keys(), ...first.state.keys()].sort());
    expect(tensors.get("encoder.1.num_batches_tracked")).toEqual({ dtype: "I64", shape: [], data: BigInt64Array.of(10n) });
    expect(fixture.batchNorm.state["num_batches_tracked"].dtype).toBe("torch.int64"); // what PyTorch itself has there

    using second = model(2);
    fill(second, tensors, "the file");
    expect(await evaluate(second, data.test)).toEqual(epochs[1].test);

    const without = new Map([...tensors].filter(([key]) => key !== "decoder.4.running_var"));
    using third = model();
    expect(() => fill(third, without, "the file")).toThrow("the file: has no decoder.4.running_var, which the model of the config needs");
    const withCount = (count: StoredTensor) => new Map(tensors).set("encoder.1.num_batches_tracked", count);
    expect(() => fill(third, withCount({ dtype: "I64", shape: [], data: BigInt64Array.of(-1n) }), "the file")).toThrow(
      "encoder.1.num_batches_tracked is -1; Elbo counts from 0 to 4294967295",
    );
    expect(() => fill(third, withCount({ dtype: "F32", shape: [], data: Float32Array.of(1) }), "the file")).toThrow(
      "encoder.1.num_batches_tracked is F32 [], but the model needs I64 []",
    );
  });
});
