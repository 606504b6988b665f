// Figures of trained models, against what is known: the exact evidence of a linear VAE, information and distances of numbers that are drawn
// for it, and codes that stand for factors, or do not.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { digits, shapeFactors, shapeSizes, sliceImages } from "../src/data/index.ts";
import { readImages } from "../src/data/node.ts";
import { open } from "../src/node.ts";
import { EXACT, klToPosterior, linearVae, logEvidence, type Numbers, OFF, tensorsOf, X } from "../src/vae/check/linear.ts";
import {
  type AssessOptions,
  assess,
  autoencoder,
  type Codes,
  convVae,
  denseVae,
  evaluate,
  type Factors,
  factorScore,
  iwae,
  likelihoodNames,
  medianDistance,
  mmd,
  mutualInformation,
  mutualInformationGap,
  negativeLogLikelihood,
  seenImages,
  train,
  type Vae,
} from "../src/vae/index.ts";
import { stream } from "../src/vae/statistics/random.ts";
import { type Rows, rowsOf } from "../src/vae/statistics/rows.ts";
import { onEachDevice } from "./setup/each-device.ts";

const average = (values: ArrayLike<number>): number => Array.from(values).reduce((sum, v) => sum + v, 0) / values.length;
const images = digits({ count: 20, size: 8 });
const input = [8, 8, 1] as const;

describe("-log p(x) by importance sampling", () => {
  async function withLinear<T>(n: Numbers, f: (model: Vae) => Promise<T>): Promise<T> {
    const parameters = tensorsOf(n);
    try {
      return await f(linearVae(parameters));
    } finally {
      for (const t of parameters) t.dispose();
    }
  }
  const examples = (times: number): Float32Array => Float32Array.from(Array.from({ length: times }, () => X.flat()).flat());

  onEachDevice("is exact, whatever is drawn, where q(z|x) is the posterior: all weights are equal", async () => {
    const { each, effective, bias, few } = await withLinear(EXACT, (model) =>
      negativeLogLikelihood(model, examples(1), { samples: 20, chunk: 8 }),
    );
    for (const [i, x] of X.entries()) {
      expect(each[i]).toBeCloseTo(-logEvidence(x), 4);
      expect(effective[i]).toBeCloseTo(20, 3);
    }
    expect([bias, few]).toEqual([expect.closeTo(0, 5), 0]);
  });

  onEachDevice("comes to the exact evidence of a linear VAE with another encoder, in one chunk or many", async () => {
    for (const chunk of [4000, 333]) {
      const { each, effective } = await withLinear(OFF, (model) =>
        negativeLogLikelihood(model, examples(1), { samples: 4000, chunk, seed: 3 }),
      );
      for (const [i, x] of X.entries()) {
        expect(effective[i]).toBeGreaterThan(100);
        expect(effective[i]).toBeLessThan(3900);
        const error = Math.sqrt(1 / effective[i] - 1 / 4000); // by the delta method
        expect(Math.abs(each[i] + logEvidence(x)), `example ${i}, chunks of ${chunk}`).toBeLessThan(4 * error + 1e-4);
      }
    }
  });

  onEachDevice("with one sample is the negative ELBO on average, and one weight is worth one sample", async () => {
    const { mean, standardError, effective } = await withLinear(OFF, (model) =>
      negativeLogLikelihood(model, examples(500), { samples: 1, chunk: 800 }),
    );
    const bound = average(X.map((x) => klToPosterior(OFF, x) - logEvidence(x)));
    expect(Math.abs(mean - bound)).toBeLessThan(4 * standardError);
    expect(standardError).toBeLessThan(0.1);
    expect(new Set(effective)).toEqual(new Set([1]));
  });

  const small = { input, latent: 3 };
  for (const likelihood of likelihoodNames) {
    for (const [name, make] of Object.entries({
      dense: () => denseVae({ ...small, hidden: 12, likelihood }),
      "dense, conditional": () => denseVae({ ...small, hidden: 12, likelihood, classes: 10 }),
      conv: () => convVae({ ...small, channels: [2, 3], likelihood }),
      "conv, conditional": () => convVae({ ...small, channels: [2, 3], likelihood, classes: 10 }),
    })) {
      test(`${name}, ${likelihood}: is the loss of iwae with as many samples [js]`, async () => {
        using model = make();
        const samples = 30;
        const { mean, each, effective } = await negativeLogLikelihood(model, images, { samples, chunk: 50 });
        const { loss } = await evaluate(model, images, { objective: iwae({ samples }) });
        // both are drawn: their difference has twice the variance that the weights of an example leave to the logarithm of their average
        const error = Math.sqrt((2 * average(effective.map((n) => 1 / n - 1 / samples))) / images.count);
        expect(Math.abs(mean - loss)).toBeLessThan(5 * error + 1e-5 * Math.abs(loss));
        expect(mean).toBeCloseTo(average(each), 8);
      });
    }
  }

  test("its standard error is that of an average over the images, and the same seed gives the same numbers [js]", async () => {
    using model = denseVae({ input, hidden: 12, latent: 3 });
    const options = { samples: 7, chunk: 21 };
    const all = await negativeLogLikelihood(model, images, options);
    const variance = all.each.reduce((sum, v) => sum + (v - all.mean) ** 2, 0) / 19;
    expect(all.standardError).toBeCloseTo(Math.sqrt(variance / 20), 10);
    expect((await negativeLogLikelihood(model, images, options)).each).toEqual(all.each);
    expect((await negativeLogLikelihood(model, images, { ...options, seed: 2 })).each).not.toEqual(all.each);
  });

  test("warns where single weights decide, and says how far it is off at least [js]", async () => {
    const far = { ...OFF, a: OFF.a.map((v) => v + 3) }; // codes that explain the examples badly
    const { few, bias, warning } = await withLinear(far, (model) => negativeLogLikelihood(model, examples(1), { samples: 200 }));
    expect(few).toBe(1);
    expect(bias).toBeGreaterThan(0.05);
    expect(warning).toMatch(
      /^100 % of the examples have an effective sample size below 10 of 200: -log p\(x\) is too high, by \d\.\d\d nats/,
    );
    const { warning: none } = await withLinear(EXACT, (model) => negativeLogLikelihood(model, examples(1), { samples: 200 }));
    expect(none).toBeUndefined();
  });

  test("tells how far it is, and ends when it is told to [js]", async () => {
    using model = denseVae({ input, hidden: 12, latent: 3 });
    const told: number[] = [];
    const stop = new AbortController();
    const onProgress = (done: number, total: number) => {
      expect(total).toBe(200);
      told.push(done);
    };
    await negativeLogLikelihood(model, images, { samples: 10, chunk: 100, onProgress });
    expect(told).toEqual([100, 200]);
    const ended = negativeLogLikelihood(model, images, { samples: 10, chunk: 10, signal: stop.signal, onProgress: () => stop.abort() });
    await expect(ended).rejects.toThrow(/aborted/);
  });

  for (const [what, attempt, message] of [
    ["no samples", (model: Vae) => negativeLogLikelihood(model, images, { samples: 0 }), /samples: 0 is not a whole number/],
    ["half a chunk", (model: Vae) => negativeLogLikelihood(model, images, { chunk: 0.5 }), /chunk: 0.5 is not a whole number/],
    ["images of another size", (model: Vae) => negativeLogLikelihood(model, digits({ count: 2 })), /images of digits are 28 x 28 x 1/],
    [
      "labels for nobody",
      (model: Vae) => negativeLogLikelihood(model, images, { labels: [1] }),
      /labels for a model that is not conditional/,
    ],
  ] as const) {
    test(`refuses ${what} [js]`, async () => {
      using model = denseVae({ input, hidden: 12, latent: 3 });
      await expect(attempt(model)).rejects.toThrow(message);
    });
  }
});

describe("images made zeros and ones", () => {
  for (const binarize of ["static", "dynamic"] as const) {
    onEachDevice(`${binarize}: are those of evaluations`, async () => {
      using model = denseVae({ input, hidden: 12, latent: 3 });
      const options = { objective: autoencoder(), seed: 5 }; // which draws nothing of its own
      const own = await evaluate(model, images, { ...options, binarize, batch: 16 });
      const seen = seenImages(images, binarize, 5, 16);
      expect(new Set(seen.pixels)).toEqual(new Set([0, 1]));
      expect((await evaluate(model, seen, { ...options, batch: 16 })).loss).toBeCloseTo(own.loss, 4);
      expect((await evaluate(model, seenImages(images, binarize, 6, 16), options)).loss).not.toBeCloseTo(own.loss, 4);
    });
  }
});

describe("mutual information", () => {
  /** Posteriors of given means, all with one variance. */
  const codes = (mean: Float32Array, variance: number): Codes => ({
    mean,
    logVariance: new Float32Array(mean.length).fill(Math.log(variance)),
  });

  onEachDevice("is 0 of posteriors that are all one, and the logarithm of their number where they are far apart", async () => {
    const alike = await mutualInformation(codes(new Float32Array(100).fill(0.5), 0.3), 2);
    expect(alike.total).toBeCloseTo(0, 4);
    for (const v of alike.perLatent) expect(v).toBeCloseTo(0, 4);
    expect(alike.marginal).toBeCloseTo(0.25 + 0.3 - 1 - Math.log(0.3), 4); // all of the KL, of two latents
    const apart = await mutualInformation(
      codes(
        Float32Array.from({ length: 100 }, (_, i) => 10 * i),
        0.1,
      ),
      2,
    );
    expect(apart.total).toBeCloseTo(Math.log(50), 4);
    expect(apart.most).toBe(Math.log(50));
  });

  onEachDevice("of Gaussian means is ½ log(1 + s²/σ²), and the codes as a whole are Gaussian, too", async () => {
    const draw = stream(4);
    const [wide, narrow] = [1.5, 0.2];
    const [variance, count] = [0.5, 500];
    const mean = Float32Array.from({ length: 2 * count }, (_, i) => (i % 2 === 0 ? wide : narrow) * draw.normal());
    const { total, perLatent, marginal } = await mutualInformation(codes(mean, variance), 2);
    const known = [wide, narrow].map((s) => 0.5 * Math.log1p(s ** 2 / variance));
    // the deviation of a term is below 1 nat: of the average 0.045
    for (const [j, v] of known.entries()) expect(Math.abs(perLatent[j] - v)).toBeLessThan(0.18);
    expect(Math.abs(total - known[0] - known[1])).toBeLessThan(0.2);
    const whole = [wide, narrow].reduce((sum, s) => sum + 0.5 * (s ** 2 + variance - 1 - Math.log(s ** 2 + variance)), 0);
    expect(Math.abs(marginal - whole)).toBeLessThan(0.2);
  });

  test("latents that say the same are counted once in the total [js]", async () => {
    const draw = stream(5);
    const mean = Float32Array.from(Array.from({ length: 200 }, () => draw.normal()).flatMap((v) => [v, v]));
    const { total, perLatent } = await mutualInformation(codes(mean, 0.01), 2);
    expect(perLatent[0] + perLatent[1]).toBeGreaterThan(1.5 * total);
    expect(total).toBeGreaterThan(perLatent[0] - 0.1);
  });
});

describe("maximum mean discrepancy", () => {
  const normals = (count: number, columns: number, seed: number, shift = 0): Rows => {
    const draw = stream(seed);
    return rowsOf(
      Float32Array.from({ length: count * columns }, () => shift + draw.normal()),
      columns,
    );
  };
  const kernel = (a: ArrayLike<number>, b: ArrayLike<number>, width: number): number => {
    const square = Array.from(a).reduce((sum, v, i) => sum + (v - b[i]) ** 2, 0);
    return average([0.25, 0.5, 1, 2, 4].map((s) => Math.exp(-square / (2 * (s * width) ** 2))));
  };

  onEachDevice("is what its formula says", async () => {
    const [n, d, width] = [7, 3, 1.3];
    const [x, y] = [normals(n, d, 1), normals(n, d, 2, 0.7)];
    const row = ({ values }: Rows, i: number) => values.subarray(i * d, (i + 1) * d);
    const h = (i: number, j: number) =>
      kernel(row(x, i), row(x, j), width) +
      kernel(row(y, i), row(y, j), width) -
      kernel(row(x, i), row(y, j), width) -
      kernel(row(x, j), row(y, i), width);
    const means = Array.from({ length: n }, (_, i) =>
      average(Array.from({ length: n }, (_, j) => j).flatMap((j) => (j === i ? [] : [h(i, j)]))),
    );
    const found = await mmd(x, y, width);
    expect(found.squared).toBeCloseTo(average(means), 5);
    const variance = means.reduce((sum, v) => sum + (v - average(means)) ** 2, 0) / (n - 1);
    expect(found.standardError).toBeCloseTo(2 * Math.sqrt(variance / n), 5);
  });

  test("of two Gaussians is the closed form; of one and the same 0 on average, half of the time below [js]", async () => {
    const [d, width] = [4, 2];
    const known = (shift: number): number => {
      const of = (s: number) => (s ** 2 / (s ** 2 + 2)) ** (d / 2) * 2 * (1 - Math.exp((-d * shift ** 2) / (2 * (s ** 2 + 2))));
      return average([0.25, 0.5, 1, 2, 4].map((s) => of(s * width)));
    };
    const apart = await mmd(normals(400, d, 3), normals(400, d, 4, 0.5), width);
    expect(Math.abs(apart.squared - known(0.5))).toBeLessThan(4 * apart.standardError);
    expect(apart.squared).toBeGreaterThan(8 * apart.standardError);
    const alike: number[] = [];
    for (let i = 0; i < 16; i++) alike.push((await mmd(normals(60, d, 10 + i), normals(60, d, 50 + i), width)).squared);
    const deviation = Math.sqrt(average(alike.map((v) => v ** 2)));
    expect(Math.abs(average(alike))).toBeLessThan((4 * deviation) / Math.sqrt(16));
    expect(alike.filter((v) => v < 0).length).toBeGreaterThan(2);
  });

  test("the median distance is that of all pairs [js]", async () => {
    expect(await medianDistance(rowsOf(Float32Array.of(0, 1, 3, 10), 1))).toBeCloseTo(7, 4); // 1 2 3 7 9 10
  });

  for (const [what, attempt, message] of [
    ["rows of other sizes", () => mmd(normals(4, 2, 1), normals(4, 3, 1), 1), /mmd: rows of 2 columns, and of 3/],
    ["fewer rows on one side", () => mmd(normals(4, 2, 1), normals(5, 2, 1), 1), /mmd: 4 rows and 5; it takes as many of both/],
    ["no width", () => mmd(normals(4, 2, 1), normals(4, 2, 2), 0), /mmd: width 0 is not a number above 0/],
  ] as const) {
    test(`refuses ${what} [js]`, () => expect(attempt()).rejects.toThrow(message));
  }
});

describe("scores of latents and factors", () => {
  const count = 4000;
  const sizes = [3, 4, 5];
  const draw = stream(8);
  const values = Uint8Array.from({ length: count * 3 }, (_, i) => draw.below(sizes[i % 3]));
  const factors: Factors = { names: ["a", "b", "c"], sizes, values };
  /** Codes that f makes of each example's factors. */
  const codesOf = (f: (own: Uint8Array) => readonly number[], columns = 3): Rows =>
    rowsOf(Float32Array.from(Array.from({ length: count }, (_, i) => f(values.subarray(3 * i, 3 * i + 3))).flat()), columns);
  const own = codesOf(([a, b, c]) => [b + 0.01 * draw.normal(), c + 0.01 * draw.normal(), a + 0.01 * draw.normal()]);
  const none = codesOf(() => [draw.normal(), draw.normal(), draw.normal()]);
  const turned = codesOf(([a, b, c]) => [b + c, b - c, a].map((v) => v + 0.01 * draw.normal()));
  const fewer = { votes: 500, tested: 500 };

  test("a latent of its own for each factor: gaps near 1, no vote wrong", () => {
    const { score, each, latents } = mutualInformationGap(own, factors);
    expect(score).toBeGreaterThan(0.97);
    expect(score).toBeCloseTo(average(each), 10);
    expect(latents).toEqual([2, 0, 1]);
    expect(factorScore(own, factors, fewer)).toEqual({ score: 1, tested: 500, active: [0, 1, 2] });
  });

  test("codes that know nothing: no gap, and votes that are guesses", () => {
    expect(mutualInformationGap(none, factors).score).toBeLessThan(0.02);
    expect(Math.abs(factorScore(none, factors, fewer).score - 1 / 3)).toBeLessThan(0.12); // four standard errors are 0.08, and it takes the best of three
  });

  test("two factors turned into each other: lower", () => {
    const { score, each } = mutualInformationGap(turned, factors);
    expect(each[0]).toBeGreaterThan(0.97);
    expect(each[1]).toBeLessThan(0.5);
    expect(each[2]).toBeLessThan(0.5);
    expect(score).toBeLessThan(0.7);
  });

  test("a latent that hardly varies has no vote, and where none does there is no score", () => {
    const with4 = codesOf(([a, b, c]) => [a, b, c, 1e-4 * draw.normal()], 4);
    expect(factorScore(with4, factors, fewer)).toMatchObject({ score: 1, active: [0, 1, 2] });
    expect(mutualInformationGap(with4, factors).score).toBeGreaterThan(0.95);
    const still = codesOf(() => [0.5, 0.5, 0.5]);
    expect(factorScore(still, factors, fewer)).toMatchObject({ score: 0, active: [] });
    expect(mutualInformationGap(still, factors).score).toBe(0);
  });

  test("of shapes: their factors themselves, of as many test images as are scored, are told apart", () => {
    const all = Array.from({ length: 10_000 }, (_, i) => shapeFactors(700_000 + i));
    const known: Factors = { names: ["shape", "scale", "orientation", "x", "y"], sizes: shapeSizes, values: Uint8Array.from(all.flat()) };
    const codes = rowsOf(Float32Array.from(all.flat()), 5);
    expect(factorScore(codes, known, fewer).score).toBe(1);
    const { each } = mutualInformationGap(codes, known);
    for (const [f, size] of shapeSizes.entries()) {
      const most = Math.min(1, Math.log(20) / Math.log(size)); // 20 bins tell no more of it
      expect(each[f]).toBeLessThan(most + 0.01);
      expect(each[f]).toBeGreaterThan(most - 0.06);
    }
  });

  for (const [what, attempt, message] of [
    [
      "a factor with one value",
      () => mutualInformationGap(own, { ...factors, values: values.map(() => 0) }),
      /all 4000 examples have one value of a/,
    ],
    [
      "a value that is none",
      () => mutualInformationGap(own, { ...factors, sizes: [2, 4, 5] }),
      /a of example \d+: 2 is not a whole number/,
    ],
    ["factors of others", () => factorScore(own, { ...factors, values: values.slice(3) }), /11997 values of 3 factors, for codes of 4000/],
    ["too few examples", () => factorScore(own, factors, { batch: 2000 }), /examples have a 0, fewer than a batch of 2000/],
    ["one latent", () => mutualInformationGap(rowsOf(new Float32Array(count), 1), factors), /one latent has no other/],
  ] as const) {
    test(`refuses ${what}`, () => expect(attempt).toThrow(message));
  }
});

const NO_FACTORS = { absent: "not known" };
const few: AssessOptions = { images: 16, samples: 40 };

describe("an assessment", () => {
  const data = { test: images, train: digits({ count: 60, start: 100, size: 8 }), factors: NO_FACTORS };

  onEachDevice("has figures that agree with each other", async () => {
    using model = denseVae({ input, hidden: 12, latent: 3 });
    const told = new Set<string>();
    const all = await assess(model, data, { ...few, binarize: "dynamic", trainingSeed: 3, onProgress: (what) => told.add(what) });
    const { losses, bound, nll, kl, information, bitsPerDimension: bits, distances, counts } = all;
    if (typeof bound !== "number" || "absent" in nll || "absent" in kl || "absent" in information || "absent" in bits)
      throw new Error("absent");
    expect(counts).toEqual({ losses: 20, images: 16 });
    expect(losses).toEqual(await evaluate(model, images, { binarize: "dynamic", seed: 3 }));
    expect(bound).toBe(losses.reconstruction + losses.kl);
    expect(nll.mean).toBeLessThan(bound + 3 * nll.standardError);
    expect(nll.each).toHaveLength(16);
    expect(average(kl) * 3).toBeCloseTo(information.total + information.marginal, 6);
    expect(bits.nll).toBeCloseTo(nll.mean / 64 / Math.LN2, 10);
    expect(distances.count).toBe(16);
    expect(distances.pixels.train.squared).toBeLessThan(distances.pixels.samples.squared); // of a model that knows nothing yet
    expect(all.factors).toBe(NO_FACTORS);
    expect([...told]).toEqual(["losses", "log-likelihood", "latents", "samples", "factors"]);
  });

  test("says why a figure is absent [js]", async () => {
    using model = denseVae({ input, hidden: 12, latent: 3 });
    const grey = await assess(model, data, few);
    expect(grey.bitsPerDimension).toEqual({ absent: expect.stringContaining(`"bernoulli" likelihood is no log of a probability`) });
    const plain = await assess(model, data, { ...few, objective: autoencoder() });
    for (const part of [plain.bound, plain.nll, plain.kl, plain.information, plain.bitsPerDimension])
      expect(part).toEqual({ absent: "a plain autoencoder has no q(z|x), and so no bound" });
    expect(plain.activeUnits).toBeGreaterThanOrEqual(0);
    expect(plain.distances.codes.squared).toBeGreaterThan(0);
  });

  test("refuses what it cannot score [js]", async () => {
    using model = denseVae({ input, hidden: 12, latent: 3 });
    await expect(assess(model, { ...data, test: sliceImages(images, 0, 1) })).rejects.toThrow(/1 test images; two or more are needed/);
    await expect(assess(model, { ...data, test: digits({ count: 4 }) })).rejects.toThrow(/images of digits are 28 x 28 x 1/);
    await expect(assess(model, data, { images: 1 })).rejects.toThrow(/images: 1 is not a whole number of 2 or more/);
  });
});

const mnist = join(process.env["ELBO_DATA"] ?? "", "mnist");
describe.skipIf(!process.env["ELBO_DATA"] || !existsSync(mnist))("on MNIST, if ELBO_DATA names the data", () => {
  test("training brings -log p(x) below the bound, samples towards the images, and information into the latents [wasm]", async () => {
    await using _device = await open("wasm", { threads: 1 });
    const split = readImages(mnist);
    const data = { train: sliceImages(split.train, 0, 600), test: sliceImages(split.test ?? split.train, 0, 60), factors: NO_FACTORS };
    using model = denseVae({ input: [28, 28, 1], hidden: 64, latent: 8 });
    const scored = async () => {
      const { bound, nll, information, distances } = await assess(model, data, { samples: 50 });
      if (typeof bound !== "number" || "absent" in nll || "absent" in information) throw new Error("absent");
      expect(information.total).toBeLessThanOrEqual(information.most + 1e-4);
      return { bound, nll: nll.mean, information: information.total, ...distances };
    };
    const before = await scored();
    await train(model, data, { epochs: 8, batch: 50 });
    const after = await scored();
    expect(after.nll).toBeLessThan(after.bound);
    expect(after.nll).toBeLessThan(before.nll - 200);
    expect(after.information).toBeGreaterThan(before.information + 0.5);
    for (const of of ["pixels", "features"] as const) {
      expect(after[of].samples.squared).toBeLessThan(before[of].samples.squared);
      expect(after[of].train.squared).toBeLessThan(before[of].samples.squared);
    }
  });
});
