// Are the likelihoods distributions? Each sums or integrates to 1 over its values, whatever the decoder says; against their definitions
// in float64; gradients against finite differences; and what they refuse.
import { describe, expect, test } from "vitest";
import { digits, type Images, shapes } from "../src/data/index.ts";
import { adam, checkGradient, grad, seed, type Tensor, tensor } from "../src/index.ts";
import { sample } from "../src/kernels/sample.ts";
import {
  bernoulli,
  bitsPerDimension,
  continuousBernoulli,
  convVae,
  countsBits,
  denseVae,
  discretizedLogistic,
  evaluate,
  gaussianLikelihood,
  type Likelihood,
  type LikelihoodName,
  likelihoodFor,
  likelihoodNames,
  likelihoods,
  type ModelOptions,
  reconstructImages,
  type Scale,
  type Support,
  train,
  type Vae,
} from "../src/vae/index.ts";
import { onEachDevice } from "./setup/each-device.ts";
import { checkModelGradient } from "./setup/model-gradient.ts";

/** Every likelihood in every form that the list has: new ones are tested by being listed. */
const forms = likelihoodNames.flatMap((name) => {
  const scales: (Scale | undefined)[] = likelihoods[name].scales.map((s) => (s === "number" ? 0.3 : s));
  return (scales.length > 0 ? scales : [undefined]).map((scale) => ({
    name,
    scale,
    title: scale === undefined ? name : `${name}, ${scale}`,
  }));
});

const kinds: Readonly<Record<string, (options: ModelOptions) => Vae>> = {
  dense: (options) => denseVae({ input: [8, 8, 1], hidden: 16, latent: 2, ...options }),
  conv: (options) => convVae({ input: [8, 8, 1], channels: [4], latent: 2, ...options }),
};

/** What a decoder may say, from plain to extreme: one number for each value of x, or a location and a log scale. */
const decodedFor = (name: LikelihoodName, { outputs }: Likelihood): number[][] => {
  if (name === "bernoulli") return [-80, -3, 0, 0.5, 12, 80].map((l) => [l]);
  if (name === "continuous-bernoulli") return [-150, -8, -1.01, -0.99, -1e-3, 0, 1e-6, 0.4, 1, 3, 150].map((l) => [l]);
  const locations = name === "gaussian" ? [-3, 0.2, 5] : [-40, -1, -0.2, 0.5, 1, 3];
  if (outputs === 1) return locations.map((l) => [l]);
  return locations.flatMap((l) => [-30, -4, 0, 2].map((logScale) => [l, logScale]));
};

/** The values over which p sums or integrates to 1, each with the width that it stands for. */
function grid(support: Support, around: number): { x: number[]; width: number } {
  if (support === "bits") return { x: [0, 1], width: 1 };
  if (support === "bytes") return { x: Array.from({ length: 256 }, (_, i) => i / 255), width: 1 };
  const [from, to, count] = support === "unit" ? [0, 1, 20_000] : [around - 60, around + 60, 120_000];
  const width = (to - from) / count;
  return { x: Array.from({ length: count }, (_, i) => from + (i + 0.5) * width), width };
}

/** log p of each x by itself, where the decoder says the same of all. */
const logProbs = async (p: Likelihood, x: readonly number[], said: readonly number[]): Promise<number[]> => {
  const decoded = tensor([...said]).broadcastTo([x.length, 1, said.length]);
  const logs = p.logProb(tensor([...x]).reshape([x.length, 1]), p.outputs === 1 ? decoded.reshape([x.length, 1]) : decoded);
  return [...(await logs.data())];
};

const dispose = (p: Likelihood): void => {
  for (const t of p.parameters.values()) t.dispose();
};

describe("each likelihood", () => {
  for (const { name, scale, title } of forms) {
    onEachDevice(`sums to 1 over all values of x: ${title}`, async () => {
      const p = likelihoods[name].of(scale);
      for (const said of decodedFor(name, p)) {
        const { x, width } = grid(p.support, said[0]);
        const total = (await logProbs(p, x, said)).reduce((sum, log) => sum + Math.exp(log) * width, 0);
        expect(Math.abs(total - 1), `decoded ${said}: the sum is ${total}`).toBeLessThan(1e-3);
      }
      dispose(p);
    });

    onEachDevice(`has samples with its mean, among its values: ${title}`, async () => {
      const p = likelihoods[name].of(scale);
      for (const said of p.outputs === 1
        ? [[0.3], [-0.8], [2]]
        : [
            [0.3, -2],
            [-0.8, -1],
          ]) {
        seed(5);
        const count = 20_000;
        const decoded = tensor(said).broadcastTo([count, 1, said.length]);
        const fit = p.outputs === 1 ? decoded.reshape([count, 1]) : decoded;
        const drawn = [...(await p.sample(fit).data())];
        const [mean] = await p.mean(fit).data();
        const average = drawn.reduce((a, b) => a + b, 0) / count;
        const variance = drawn.reduce((a, b) => a + (b - average) ** 2, 0) / count;
        // five standard errors, and half the width of a byte for a mean that is computed as if there were no bytes
        const allowed = 5 * Math.sqrt(variance / count) + (p.support === "bytes" ? 1e-4 : 0);
        expect(Math.abs(average - mean), `decoded ${said}: mean ${mean}, of the samples ${average}`).toBeLessThan(allowed);
        expect(() => p.check(drawn, 1)).not.toThrow();
        if (p.support === "bits") expect(new Set(drawn)).toEqual(new Set([0, 1]));
        if (p.support === "bytes") for (const v of drawn) expect(Math.abs(v * 255 - Math.round(v * 255))).toBeLessThan(1e-4);
      }
      dispose(p);
    });

    test(`has the gradient of finite differences: ${title} [js]`, async () => {
      const p = likelihoods[name].of(scale);
      const x = p.support === "bits" ? tensor([0, 1, 1, 0, 1, 1]) : tensor([0, 1, 51 / 255, 128 / 255, 254 / 255, 1 / 255]);
      const shape = p.outputs === 1 ? [3, 2] : [3, 2, p.outputs];
      for (const size of [0.9, 6]) await checkGradient((d) => p.logProb(x.reshape([3, 2]), d), [sample(shape, -size, size, 4)]);
      dispose(p);
    });

    test(`has a loss whose gradient is right down to every parameter of a model: ${title} [js]`, async () => {
      const make = () => denseVae({ input: [2, 2, 1], hidden: 3, latent: 2, likelihood: name, ...(scale !== undefined && { scale }) });
      const x = tensor([0, 1, 51 / 255, 128 / 255, 254 / 255, 1 / 255, 1, 0]).reshape([2, 4]);
      await checkModelGradient(make, (model) => model.terms(x, { noise: sample([2, 2], -1, 1, 2) }).loss);
    });

    for (const [kind, make] of Object.entries(kinds)) {
      onEachDevice(`is learned by, and evaluated on greys or on black and white: ${title}, ${kind}`, async () => {
        using model = make({ likelihood: name, ...(scale !== undefined && { scale }) });
        const data = { train: digits({ count: 64, size: 8 }), test: digits({ count: 20, start: 64, size: 8 }) };
        const before = await evaluate(model, data.test);
        const options = { batch: 16, epochs: 3, optimizer: (p: readonly Tensor[]) => adam(p, { rate: 1e-2 }) };
        const { epochs } = await train(model, data, options);
        expect(epochs[2].test!.loss).toBeLessThan(before.loss - 1);
        for (const v of await reconstructImages(model, data.test)) expect(name === "gaussian" || (v >= 0 && v <= 1)).toBe(true);
        expect((await evaluate(model, { ...data.test, pixels: data.test.pixels.map((v) => (v > 127 ? 255 : 0)) })).loss).toBeGreaterThan(
          -1e6,
        );
      });
    }

    onEachDevice(`adds up the values of an example, and tells examples apart: ${title}`, async () => {
      const p = likelihoods[name].of(scale);
      const x = [0, 1, 1, 0, 1, 1];
      const said = Array.from({ length: 6 * p.outputs }, (_, i) => Math.sin(i));
      const each = await Promise.all(x.map((v, i) => logProbs(p, [v], said.slice(i * p.outputs, (i + 1) * p.outputs))));
      const decoded = tensor(said).reshape(p.outputs === 1 ? [2, 3, 1] : [2, 3, 1, p.outputs]);
      const both = await p.logProb(tensor(x).reshape([2, 3, 1]), decoded).data();
      expect(both.length).toBe(2);
      for (const n of [0, 1])
        expect(both[n]).toBeCloseTo(
          each.slice(3 * n, 3 * n + 3).reduce((sum, [log]) => sum + log, 0),
          3,
        );
      dispose(p);
    });
  }
});

/** log ∫₀¹ e^(t·l) dt in float64; near 0 by the sum Σ lⁿ / (n + 1)!, which has nothing to cancel. */
function exactNormalizer(l: number): number {
  if (Math.abs(l) > 3) return Math.max(l, 0) + Math.log(-Math.expm1(-Math.abs(l)) / Math.abs(l));
  let [sum, term] = [0, 1];
  for (let n = 0; n < 40; n++) {
    sum += term;
    term *= l / (n + 2);
  }
  return Math.log(sum);
}

/** ∫₀¹ t · e^(t·l) dt / ∫₀¹ e^(t·l) dt in float64. */
function exactMean(l: number): number {
  if (Math.abs(l) > 3) return 1 / -Math.expm1(-l) - 1 / l;
  let [sum, term] = [0, 1]; // ∫ t · e^(t·l) = Σ lⁿ / n! / (n + 2)
  for (let n = 0; n < 40; n++) {
    sum += term / (n + 2);
    term *= l / (n + 1);
  }
  return sum / Math.exp(exactNormalizer(l));
}

describe("the continuous Bernoulli", () => {
  const logits = [-300, -87, -20, -3, -1.0001, -1, -0.9999, -0.1, -1e-3, -1e-9, 0, 1e-20, 1e-4, 0.5, 0.9999, 1, 1.0001, 2, 17, 88, 300];

  onEachDevice("has the right normalizer and mean at every logit, also near ½ where the formulas are 0/0", async () => {
    const p = continuousBernoulli();
    const l = tensor(logits).reshape([logits.length, 1]);
    const logs = await p.logProb(tensor(new Float32Array(logits.length), [logits.length, 1]), l).data(); // at x = 0 it is -A(l)
    const means = await p.mean(l).data();
    logits.forEach((at, i) => {
      const exact = exactNormalizer(Math.fround(at));
      expect(Math.abs(-logs[i] - exact), `A(${at}) is ${exact}, not ${-logs[i]}`).toBeLessThan(3e-7 * Math.max(1, Math.abs(exact)));
      expect(Math.abs(means[i] - exactMean(Math.fround(at))), `the mean at ${at} is ${means[i]}`).toBeLessThan(4e-7);
    });
  });

  onEachDevice("has a slope without gaps: x less the mean, at every logit", async () => {
    const l = tensor(logits).reshape([logits.length, 1]);
    const x = tensor(logits.map(() => [0.25]));
    const [slope] = grad(continuousBernoulli().logProb(x, l).sum(), [l]);
    const got = await slope.data();
    logits.forEach((at, i) => {
      const exact = 0.25 - exactMean(Math.fround(at));
      expect(Math.abs(got[i] - exact), `the slope at ${at} is ${exact}, not ${got[i]}`).toBeLessThan(2e-6);
    });
  });

  test("is the Bernoulli's cross-entropy and the constant that this leaves out", async () => {
    // log C(λ) = log(2 · artanh(1 - 2λ) / (1 - 2λ)), as the article has it
    for (const lambda of [0.02, 0.3, 0.6, 0.95]) {
      const [x, l] = [tensor([[0.4]]), tensor([[Math.log(lambda / (1 - lambda))]])];
      const difference = (await continuousBernoulli().logProb(x, l).item()) - (await bernoulli().logProb(x, l).item());
      expect(difference).toBeCloseTo(Math.log((2 * Math.atanh(1 - 2 * lambda)) / (1 - 2 * lambda)), 5);
    }
  });
});

describe("the discretized logistic", () => {
  const sigmoid = (v: number): number => 1 / (1 + Math.exp(-v));
  /** As it is defined, in float64, where the difference of two sigmoids is good to 1e-16. */
  const exact = (byte: number, [location, logScale]: readonly [number, number]): number => {
    const held = -7 + Math.log1p(Math.exp(logScale + 7));
    const [x, s] = [(2 * byte) / 255 - 1, Math.exp(held)];
    const upper = byte === 255 ? 1 : sigmoid((x + 1 / 255 - location) / s);
    return Math.log(upper - (byte === 0 ? 0 : sigmoid((x - 1 / 255 - location) / s)));
  };

  onEachDevice("gives every byte its part of the logistic, the first and the last with their tails", async () => {
    const p = discretizedLogistic();
    const bytes = [0, 1, 100, 128, 254, 255];
    for (const said of [
      [-0.3, -2],
      [0.9, -1],
      [-1.2, 0.5],
      [0.01, -4],
    ] as const) {
      const got = await logProbs(
        p,
        bytes.map((b) => b / 255),
        said,
      );
      bytes.forEach((byte, i) => {
        const expected = exact(byte, said);
        if (expected > -25)
          expect(Math.abs(got[i] / expected - 1), `byte ${byte}, decoded ${said}: ${got[i]}, not ${expected}`).toBeLessThan(1e-3);
      });
    }
  });

  onEachDevice("is a number with a slope however far a byte is from what was said, where a difference of sigmoids is 0", async () => {
    const said = tensor([[[30, -30]], [[-30, -30]], [[30, -5]], [[-30, 400]]]);
    const x = tensor([[0], [1], [0.2], [0.2]]);
    const p = discretizedLogistic();
    const logs = p.logProb(x, said);
    const [slope] = grad(logs.sum(), [said]);
    for (const log of await logs.data()) expect(log > -1e6 && log < 0).toBe(true);
    const slopes = await slope.data();
    expect([...slopes].every(Number.isFinite)).toBe(true);
    expect([slopes[0] < 0, slopes[2] > 0, slopes[4] < 0]).toEqual([true, true, true]); // towards x
  });

  onEachDevice("costs 8 bits for a byte of which nothing is known", async () => {
    // of a logistic as wide as this, all bytes between the first and the last are alike; those two take the rest
    const logs = await logProbs(discretizedLogistic(), [10 / 255, 200 / 255], [0, 12]);
    const uniform = Math.log(2 / 255 / 4) - 12; // the density at the centre, 1/4s, times the width of a byte
    for (const log of logs) expect(log).toBeCloseTo(uniform, 3);
  });
});

describe("a Gaussian", () => {
  onEachDevice("whose scale is the decoder's has the density of each value's own", async () => {
    const p = gaussianLikelihood("pixel");
    const log = (x: number, m: number, l: number) => {
      const held = -6 + Math.log1p(Math.exp(l + 6));
      return -0.5 * ((x - m) / Math.exp(held)) ** 2 - held - 0.5 * Math.log(2 * Math.PI);
    };
    const [got] = await p
      .logProb(
        tensor([[0.2, 0.9]]),
        tensor([
          [
            [0.5, -1],
            [1.1, 0.7],
          ],
        ]),
      )
      .data();
    expect(got).toBeCloseTo(log(0.2, 0.5, -1) + log(0.9, 1.1, 0.7), 4);
    const [narrow] = await p.logProb(tensor([[0.5]]), tensor([[[0.5, -1000]]])).data();
    expect(narrow).toBeCloseTo(6 - 0.5 * Math.log(2 * Math.PI), 3); // no narrower than e⁻⁶
  });
});

describe("likelihood and data", () => {
  const grey = digits({ count: 3, size: 8 });
  const binary: Images = { ...grey, pixels: grey.pixels.map((v) => (v > 127 ? 1 : 0)), white: 1 };

  test("the one that fits is chosen by what the data are", () => {
    expect(likelihoodFor(grey.pixels, grey.white)).toEqual({ name: "discretized-logistic", why: "the data are bytes" });
    expect(likelihoodFor(binary.pixels, 1).name).toBe("bernoulli");
    expect(likelihoodFor(shapes({ count: 2 }).pixels, 255).name).toBe("bernoulli"); // black and white
    expect(likelihoodFor(Uint8Array.of(0, 3, 15), 15).name).toBe("continuous-bernoulli");
    expect(likelihoodFor(Float32Array.of(0.5, -2, 7)).name).toBe("gaussian");
    for (const [values, white] of [
      [grey.pixels, 255],
      [binary.pixels, 1],
      [Float32Array.of(0.5, -2), 1],
    ] as const) {
      likelihoods[likelihoodFor(values, white).name].of().check(values, 1, white); // and it takes them
    }
  });

  test("bits are counted of probabilities only", () => {
    expect(bitsPerDimension(784 * Math.LN2, 784)).toBeCloseTo(1, 12);
    expect(countsBits(bernoulli(), binary.pixels, 1)).toBe(true);
    expect(countsBits(bernoulli(), grey.pixels, 255)).toBe(false);
    expect(countsBits(continuousBernoulli(), grey.pixels, 255)).toBe(false);
    expect(countsBits(discretizedLogistic(), grey.pixels, 255)).toBe(true);
    expect(countsBits(gaussianLikelihood(1), grey.pixels, 255)).toBe(false);
  });

  test("what has no density is refused, with the place", () => {
    expect(() => continuousBernoulli().check([0, 0.5, 1.2, 0], 2)).toThrow(
      /continuous-bernoulli: value 0 of example 1 is 1.2, outside \[0, 1\]/,
    );
    expect(() => discretizedLogistic().check([0, 0.3], 2)).toThrow(
      /discretized-logistic: value 1 of example 0 is 0.3, no byte of 0 to 255/,
    );
    expect(() => discretizedLogistic().check([Number.NaN], 1)).toThrow(/is NaN/);
    expect(() => discretizedLogistic().check(Uint8Array.of(0, 3), 2, 100)).toThrow(/is 3, no byte of 0 to 255, as a part of 100/);
    discretizedLogistic().check([0, 51 / 255, Math.fround(1 / 255), 1], 2);
  });

  for (const [likelihood, images, message] of [
    [
      "continuous-bernoulli",
      binary,
      /"continuous-bernoulli" does not fit digits: only 0 and 1, at which its density has no bound; choose "bernoulli"/,
    ],
    ["discretized-logistic", binary, /"discretized-logistic" does not fit digits: only 0 and 1; choose "bernoulli"/],
  ] as const) {
    test(`training refuses data that do not fit as a whole: ${likelihood}`, () => {
      using model = denseVae({ input: [8, 8, 1], likelihood });
      expect(() => train(model, { train: images })).toThrow(message);
    });
  }

  for (const [options, message] of [
    [{ likelihood: "continuous-bernoulli", scale: 1 }, /scale: 1 is of no use to a continuous-bernoulli likelihood/],
    [{ likelihood: "discretized-logistic", scale: 0.5 }, /scale: 0.5; a discretized-logistic likelihood takes "pixel", "learned"/],
    [{ likelihood: "gaussian", scale: "wide" }, /scale: "wide"; a gaussian likelihood takes "learned", "pixel", a number/],
    [{ likelihood: "gaussian", scale: -1 }, /scale: -1 is not a number above 0/],
  ] as const) {
    test(`a model refuses ${JSON.stringify(options)}`, () => {
      expect(() => denseVae({ input: 4, ...(options as object) })).toThrow(message);
    });
  }
});
