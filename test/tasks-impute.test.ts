// Filling in what is hidden: against the closed form of a linear Gaussian model, by definition, and on drawn digits.
import { describe, expect, test } from "vitest";
import { digits, type Images } from "../src/data/index.ts";
import { adam, compile, grad, tensor } from "../src/index.ts";
import { open } from "../src/node.ts";
import { EXACT, linearVae, type Numbers, OFF, SCALE, tensorsOf, X } from "../src/vae/check/linear.ts";
import {
  coverage,
  denseVae,
  elbo,
  hiddenError,
  type ImputeOptions,
  impute,
  iwae,
  masksFor,
  meanImage,
  nearestBySeen,
  train,
  type Vae,
  withMissing,
} from "../src/vae/index.ts";
import { told } from "../src/vae/tasks/impute/summary.ts";
import { importanceWeights, resampled } from "../src/vae/tasks/impute/weights.ts";
import { onEachDevice } from "./setup/each-device.ts";

/** The linear model of these numbers, which goes with all its tensors. */
function linear(numbers: Numbers): Vae {
  const tensors = tensorsOf(numbers);
  const dispose = () => {
    for (const t of tensors) t.dispose();
  };
  return { ...linearVae(tensors), dispose, [Symbol.dispose]: dispose };
}
/** An encoder that is right on average but too wide: drawn from it, no z weighs so much that few decide. */
const WIDE: Numbers = { ...EXACT, v: EXACT.v.map((v) => v + 1.5) };
const DIMS = EXACT.b.length;
const examples = Float32Array.from(X.flat());
/** What is hidden of each of the four examples: one value, two, three, four. */
const seen = Uint8Array.from([1, 1, 0, 1, 1, 0, 1, 1, 1, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 0]);

/** The covariance of x: Wᵀ · W + s². */
const covariance = (i: number, j: number): number => EXACT.W.reduce((sum, row) => sum + row[i] * row[j], i === j ? SCALE ** 2 : 0);

/** The solution of a · y = c, by elimination. */
function solved(a: number[][], c: number[]): number[] {
  const rows = a.map((row, i) => [...row, c[i]]);
  for (const [i, pivot] of rows.entries())
    for (const [j, row] of rows.entries()) {
      const factor = j === i ? 0 : row[i] / pivot[i];
      for (let p = 0; p < row.length; p++) row[p] -= factor * pivot[p];
    }
  return rows.map((row, i) => row[row.length - 1] / row[i]);
}

/** Mean and variance of p(x hidden | x seen) of example i, and log p(x seen), in float64: nothing here knows of latents. */
function conditional(i: number, mask: ArrayLike<number>) {
  const all = Array.from({ length: DIMS }, (_, j) => j);
  const known = all.filter((j) => mask[i * DIMS + j]);
  const among = known.map((a) => known.map((b) => covariance(a, b)));
  const off = known.map((j) => X[i][j] - EXACT.b[j]);
  const hidden = all.filter((j) => !known.includes(j));
  const alpha = solved(among, off);
  const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, v, k) => sum + v * b[k], 0);
  const to = (j: number) => known.map((b) => covariance(j, b));
  const determinant = known.reduce((product, _, k) => {
    const before = known.slice(0, k);
    const own = before.map((b) => covariance(known[k], b));
    const rest =
      before.length === 0
        ? 0
        : dot(
            own,
            solved(
              before.map((a) => before.map((b) => covariance(a, b))),
              own,
            ),
          );
    return product * (covariance(known[k], known[k]) - rest);
  }, 1);
  return {
    hidden,
    mean: hidden.map((j) => EXACT.b[j] + dot(to(j), alpha)),
    deviation: hidden.map((j) => Math.sqrt(covariance(j, j) - dot(to(j), solved(among, to(j))))),
    logEvidence: -0.5 * (dot(off, alpha) + Math.log(determinant) + known.length * Math.log(2 * Math.PI)),
  };
}

/** One of the devices alone, for what is the same on all or takes long. */
const only = (name: "js" | "wasm"): Parameters<typeof onEachDevice>[2] => [[name, () => open(name)]];
const [js, wasm] = [only("js"), only("wasm")];

describe("a linear Gaussian model, of which p(x hidden | x seen) is known", () => {
  const exact = X.map((_, i) => conditional(i, seen));

  /** Mean, spread and interval of each hidden value are the conditional's, as far as so many draws can say. */
  async function agrees(numbers: Numbers, options: ImputeOptions): Promise<void> {
    using model = linear(numbers);
    const made = await impute(model, examples, seen, { samples: 1500, seed: 3, ...options });
    for (const [i, { hidden, mean, deviation }] of exact.entries()) {
      expect(made.effective[i]).toBeGreaterThan(100);
      const error = deviation.map((d) => d / Math.sqrt(made.effective[i])); // of a mean of as many draws
      hidden.forEach((j, k) => {
        const at = i * DIMS + j;
        expect(Math.abs(made.filled[at] - mean[k])).toBeLessThan(4 * error[k]);
        expect(Math.abs(made.spread[at] / deviation[k] - 1)).toBeLessThan(4 / Math.sqrt(2 * made.effective[i]));
        for (const [end, sign] of [
          [made.lower, -1],
          [made.upper, 1],
        ] as const) {
          expect(Math.abs(end[at] - mean[k] - sign * 1.645 * deviation[k])).toBeLessThan(12 * error[k]); // ends of intervals are noisier than means
        }
      });
      for (let at = i * DIMS; at < (i + 1) * DIMS; at++) {
        if (!seen[at]) continue;
        for (const values of [made.filled, made.drawn, made.lower, made.upper]) expect(values[at]).toBe(examples[at]);
        expect(made.spread[at]).toBe(0);
      }
    }
  }

  onEachDevice("weighed latents agree with it, drawn where nothing is filled in yet", () => agrees(WIDE, { rounds: 0 }));
  onEachDevice(
    "weighed latents agree with it, and weigh nearly the same, drawn along chains of an exact encoder",
    async () => {
      await agrees(EXACT, { rounds: 20 });
      using model = linear(EXACT);
      const { effective } = await impute(model, examples, seen, { samples: 500, rounds: 20 });
      for (const n of effective) expect(n).toBeGreaterThan(480);
    },
    js,
  );
  onEachDevice("chains agree with it where the encoder is the exact posterior", () => agrees(EXACT, { method: "gibbs", rounds: 30 }));
  onEachDevice(
    "chains that refuse latents agree with it for an encoder that is off, where plain ones do not",
    async () => {
      await agrees(OFF, { method: "metropolis", rounds: 150 });
      await expect(agrees(OFF, { method: "gibbs", rounds: 20 })).rejects.toThrow();
    },
    wasm,
  );

  onEachDevice(
    "what is hidden is not looked at, and the same seed fills in the same",
    async () => {
      using model = linear(OFF);
      const others = examples.map((v, at) => (seen[at] ? v : 1e6));
      const options = { samples: 20, seed: 5 } as const;
      const one = await impute(model, examples, seen, options);
      const two = await impute(model, others, seen, options);
      expect(two).toEqual(one);
      expect((await impute(model, examples, seen, { ...options, seed: 6 })).filled).not.toEqual(one.filled);
    },
    js,
  );

  onEachDevice(
    "means instead of draws have the same expectation and a smaller spread",
    async () => {
      using model = linear(EXACT);
      const drawn = await impute(model, examples, seen, { samples: 500, rounds: 0 });
      const means = await impute(model, examples, seen, { samples: 500, rounds: 0, fill: "mean" });
      for (const [at, is] of seen.entries()) {
        if (is) continue;
        expect(means.filled[at]).toBeCloseTo(drawn.filled[at], 6);
        expect(means.spread[at]).toBeLessThan(drawn.spread[at]);
      }
    },
    js,
  );
});

describe("weights", () => {
  test("are equal for draws from p(z|x seen) itself, and weigh draws from two Gaussians as from both together", () => {
    const log = (z: number, mean: number) => -0.5 * ((z - mean) ** 2 + Math.log(2 * Math.PI));
    const z = [0.3, -0.7, 2.2];
    const same = { z, qMean: [0, 0, 0], qLogVariance: [0, 0, 0], logJoint: z.map((v) => log(v, 0) - 700) };
    for (const areSame of [true, false]) for (const w of importanceWeights(same, areSame)) expect(w).toBeCloseTo(1 / 3, 12);
    const mixture = (v: number) => Math.log(0.5 * Math.exp(log(v, -1)) + 0.5 * Math.exp(log(v, 2)));
    const two = { z: [-0.5, 1.1], qMean: [-1, 2], qLogVariance: [0, 0], logJoint: [-0.5, 1.1].map(mixture) };
    for (const w of importanceWeights(two)) expect(w).toBeCloseTo(0.5, 12);
    expect(importanceWeights(two, true)[0]).not.toBeCloseTo(0.5, 3);
  });

  test("say how often a draw is taken: k times its weight, rounded up or down", () => {
    const weights = Float64Array.of(0.05, 0.6, 0, 0.15, 0.2);
    for (const u of [0, 0.3, 0.999]) {
      const chosen = resampled(weights, u);
      expect(chosen).toHaveLength(5);
      weights.forEach((w, i) => {
        const times = chosen.filter((j) => j === i).length;
        expect(times).toBeGreaterThanOrEqual(Math.floor(5 * w - 1e-9));
        expect(times).toBeLessThanOrEqual(Math.ceil(5 * w + 1e-9));
      });
    }
  });

  test("gone, completions tell spread and interval as so many equal numbers do", () => {
    const { spread, lower, upper } = told(
      Array.from({ length: 19 }, (_, i) => 100 - i),
      0,
      1,
      19,
    );
    expect(spread).toBeCloseTo(Math.sqrt(((19 ** 2 - 1) / 12) * (19 / 18)), 10);
    expect([lower, upper]).toEqual([82, 100]); // the 1st and the 19th: the 20th falls between them 18 times of 20
    expect(told([7, 0, 9], 0, 2, 2)).toEqual({ spread: Math.SQRT2, lower: 7, upper: 9 });
  });
});

describe("an objective with hidden pixels", () => {
  onEachDevice(
    "is that of the seen ones: log p(x seen), nearly, with many samples",
    async () => {
      using model = linear(WIDE);
      const objective = withMissing(iwae({ samples: 4000 }), 0.4);
      const step = compile(
        (x) => {
          const { loss } = objective.terms(model, x);
          return { loss, slope: grad(loss, [x])[0] };
        },
        { seed: 2 },
      );
      const { loss, slope } = step(tensor(examples, [4, DIMS]));
      const mask = (await slope.data()).map((d) => (d === 0 ? 0 : 1)); // the loss does not depend on what is hidden, and on all else it does
      const hidden = mask.filter((v) => v === 0).length;
      expect(hidden).toBeGreaterThan(2);
      expect(hidden).toBeLessThan(15);
      const exact = X.reduce((sum, _, i) => sum - conditional(i, mask).logEvidence / X.length, 0);
      expect(Math.abs((await loss.item()) - exact)).toBeLessThan(0.05);
      step.dispose();
    },
    js,
  );

  onEachDevice(
    "hides other pixels in each step, the same for the same seed, and of coloured pictures all channels of a pixel",
    async () => {
      using model = denseVae({ input: [3, 5, 3], hidden: 4, latent: 2 });
      const slopes = async (seed: number) => {
        const step = compile((x) => grad(withMissing(elbo(), 0.5).terms(model, x).loss, [x])[0], { seed });
        const x = tensor(new Float32Array(90).fill(0.5), [2, 3, 5, 3]);
        const results = [await step(x).data(), await step(x).data()];
        step.dispose();
        return results.map((slope) => slope.map((d) => (d === 0 ? 0 : 1)));
      };
      const [one, two] = await slopes(1);
      expect(await slopes(1)).toEqual([one, two]);
      expect(two).not.toEqual(one);
      for (let at = 0; at < 90; at++) expect(one[at]).toBe(one[at - (at % 3)]);
    },
    js,
  );

  onEachDevice(
    "teaches a model to fill in what never was shown whole",
    async () => {
      const bars = (count: number): Images => {
        const pixels = Uint8Array.from({ length: count * 36 }, (_, at) => (Math.floor(at / 6) % 6 === Math.floor(at / 36) % 6 ? 1 : 0));
        return { pixels, count, height: 6, width: 6, channels: 1, white: 1, labels: undefined, name: "bars" };
      };
      const images = bars(600);
      using model = denseVae({ input: [6, 6, 1], hidden: 32, latent: 4 });
      const objective = withMissing(elbo(), 0.5);
      await train(model, { train: images }, { epochs: 40, batch: 50, objective, optimizer: (p) => adam(p, { rate: 5e-3 }) });
      const others = bars(30);
      const mask = masksFor([6, 6, 1], 30, { share: 0.5, seed: 2 });
      const truth = Float32Array.from(others.pixels);
      const { filled, spread } = await impute(model, others, mask, { rounds: 0, samples: 50 });
      const mean = meanImage(images);
      const floor = hiddenError(
        truth,
        truth.map((_, at) => mean[at % 36]),
        mask,
      );
      expect(hiddenError(truth, filled, mask)).toBeLessThan(0.4 * floor);
      expect(Math.max(...spread)).toBeGreaterThan(0);
    },
    wasm,
  );

  test.each([0, 1, -0.5, Number.NaN])("refuses a share of %d", (share) => {
    expect(() => withMissing(elbo(), share)).toThrow(/missing: .* is not between 0 and 1/);
  });
});

describe("masks", () => {
  const hiddenIn = (mask: Uint8Array, i: number, size: number) =>
    [...mask.subarray(i * size, (i + 1) * size).keys()].filter((j) => !mask[i * size + j]);

  test("at random hide as many pixels as the share says, all channels of each, other ones in each picture", () => {
    const mask = masksFor([4, 5, 3], 3, { share: 0.3 });
    for (const i of [0, 1, 2]) {
      const hidden = hiddenIn(mask, i, 60);
      expect(hidden).toHaveLength(18);
      for (const j of hidden) expect(mask[i * 60 + j - (j % 3)]).toBe(0);
    }
    expect(hiddenIn(mask, 0, 60)).not.toEqual(hiddenIn(mask, 1, 60));
    expect(masksFor([4, 5, 3], 3, { share: 0.3 })).toEqual(mask);
    expect(masksFor([7], 1, { share: 0.5 }).filter((v) => v === 0)).toHaveLength(4);
  });

  test("of a block hide a rectangle, of a half a half", () => {
    const block = masksFor([8, 8, 1], 20, { missing: "block", share: 0.25 });
    const half = masksFor([6, 4, 1], 20, { missing: "half" });
    for (let i = 0; i < 20; i++) {
      const places = hiddenIn(block, i, 64);
      const [top, left] = [Math.floor(places[0] / 8), places[0] % 8];
      expect(places).toEqual(Array.from({ length: 16 }, (_, k) => (top + Math.floor(k / 4)) * 8 + left + (k % 4)));
      expect(hiddenIn(half, i, 24)).toHaveLength(12);
    }
    expect(new Set(Array.from({ length: 20 }, (_, i) => `${hiddenIn(half, i, 24)}`)).size).toBe(4);
  });

  for (const [name, shape, options, message] of [
    ["a share above 1", [4, 4, 1], { share: 1.5 }, "share: 1.5 is not between 0 and 1"],
    ["a share that hides nothing", [4, 4, 1], { share: 0.01 }, 'share: 0.01 of 4 x 4 pixels, "random", hides nothing'],
    ["a block that hides everything", [4, 4, 1], { missing: "block", share: 0.99 }, "hides everything"],
    ["a half with a share", [4, 4, 1], { missing: "half", share: 0.3 }, 'share: 0.3 is of no use to "half"'],
    ["a block of a vector", [16], { missing: "block" }, '"block" is for pictures, not for values of [16]'],
    ["another kind", [4, 4, 1], { missing: "most" as "half" }, 'missing: "most" is not one of random, block, half'],
  ] as const) {
    test(`refuse ${name}`, () => expect(() => masksFor(shape, 2, options)).toThrow(message));
  }
});

describe("what needs no model", () => {
  onEachDevice("is the mean image, and the training image that is nearest by what is seen", async () => {
    const [images, others] = [digits({ count: 70, size: 6 }), digits({ count: 9, size: 6, start: 100 })];
    const mask = masksFor([6, 6, 1], 9, { share: 0.6 });
    const x = Float32Array.from(others.pixels, (v) => v / 255);
    const found = await nearestBySeen(images, x, mask);
    const distance = (i: number, t: number) =>
      Array.from({ length: 36 }, (_, j) => mask[i * 36 + j] * (x[i * 36 + j] - images.pixels[t * 36 + j] / 255) ** 2).reduce(
        (a, b) => a + b,
      );
    for (const [i, nearest] of found.entries()) {
      const all = Array.from({ length: 70 }, (_, t) => distance(i, t));
      expect(distance(i, nearest)).toBeLessThan(Math.min(...all) + 1e-5);
    }
    const mean = meanImage(images);
    for (const j of [0, 17, 35])
      expect(mean[j]).toBeCloseTo(Array.from({ length: 70 }, (_, t) => images.pixels[t * 36 + j]).reduce((a, b) => a + b) / 70 / 255, 12);
  });

  test("errors and coverage count hidden values alone", () => {
    const [truth, made, mask] = [
      [1, 2, 3, 4],
      [9, 2.3, 3.4, 9],
      [1, 0, 0, 1],
    ];
    expect(hiddenError(truth, made, mask)).toBeCloseTo(Math.sqrt((0.09 + 0.16) / 2), 12);
    expect(coverage(truth, { lower: [9, 1, 3.1, 9], upper: [9, 2, 4, 9] }, mask)).toBe(0.5);
  });
});

describe("what cannot be filled in", () => {
  const model = () => linear(EXACT);
  const all = new Uint8Array(20).fill(1);
  for (const [name, attempt, message] of [
    ["a mask that hides nothing", () => impute(model(), examples, all), "the mask of example 0 hides nothing"],
    [
      "a mask that hides everything",
      () =>
        impute(
          model(),
          examples,
          seen.map((v, at) => (at < 5 ? 0 : v)),
        ),
      "the mask of example 0 hides everything",
    ],
    ["a mask of another size", () => impute(model(), examples, all.subarray(5)), "a mask of 15 values for 4 examples of 5"],
    [
      "a mask of other numbers",
      () =>
        impute(
          model(),
          examples,
          all.map(() => 2),
        ),
      "value 0 of mask 0 is 2",
    ],
    ["half an example", () => impute(model(), examples.subarray(2), all), "18 values do not make examples of [5]"],
    ["no completions", () => impute(model(), examples, seen, { samples: 0 }), "samples: 0 is not a whole number from 2"],
    ["another method", () => impute(model(), examples, seen, { method: "guess" as "gibbs" }), 'method: "guess" is not one of'],
    [
      "means for a chain that weighs draws",
      () => impute(model(), examples, seen, { method: "metropolis", fill: "mean" }),
      "weighs drawn values",
    ],
    [
      "labels for no classes",
      () => impute(model(), examples, seen, { labels: [1, 2, 3, 4] }),
      "labels for a model that is not conditional",
    ],
    [
      "a seen value that is no number",
      () =>
        impute(
          model(),
          examples.map(() => Number.NaN),
          seen,
        ),
      "value 0 of example 0 is NaN",
    ],
  ] as const) {
    test(`${name} [js]`, () => expect(attempt).rejects.toThrow(message));
  }
});
