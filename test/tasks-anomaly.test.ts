// Scores of anomalies by closed forms and definitions, what a threshold promises, and one class of digits against the rest.
import { describe, expect, test } from "vitest";
import { byClass, labelNamed } from "../src/data/classes.ts";
import { digits } from "../src/data/index.ts";
import { adam } from "../src/index.ts";
import { open } from "../src/node.ts";
import { EXACT, linearVae, logEvidence, OFF, SCALE, tensorsOf, X } from "../src/vae/check/linear.ts";
import {
  auroc,
  blame,
  denseVae,
  detector,
  halves,
  judge,
  oneClass,
  rocPoints,
  scoreNames,
  simplified,
  thresholdAt,
  train,
} from "../src/vae/index.ts";
import { betaCdf, betaQuantile, logGamma, shareInterval } from "../src/vae/statistics/beta.ts";
import { stream } from "../src/vae/statistics/random.ts";
import { evidenceOf } from "../src/vae/tasks/anomaly/evidence.ts";
import { divergence, entropies, entropy } from "../src/vae/tasks/anomaly/floor.ts";
import { distances, normalOf } from "../src/vae/tasks/anomaly/normal.ts";
import { onEachDevice } from "./setup/each-device.ts";

/** One of the devices alone, for what is the same on all or takes long. */
const only = (name: "js" | "wasm"): Parameters<typeof onEachDevice>[2] => [[name, () => open(name)]];
const [js, wasm] = [only("js"), only("wasm")];

describe("the area under the curve", () => {
  const random = stream(4);
  const [normal, anomalous] = [37, 23].map((n, which) => Array.from({ length: n }, () => Math.round(3 * random.normal()) + which)); // many are equal

  test("is the share of pairs in the right order, ties counting half", () => {
    let sum = 0;
    for (const a of anomalous) for (const n of normal) sum += a > n ? 1 : a === n ? 0.5 : 0;
    expect(auroc(normal, anomalous)).toBeCloseTo(sum / normal.length / anomalous.length, 12);
    expect(auroc(anomalous, normal)).toBeCloseTo(1 - sum / normal.length / anomalous.length, 12);
    expect([auroc([1, 2], [3]), auroc([3], [1, 2]), auroc([1, 1], [1])]).toEqual([1, 0, 0.5]);
  });

  test("is what lies under the points of the curve, and under few of them nearly", () => {
    const under = (points: ReturnType<typeof rocPoints>) =>
      points.slice(1).reduce((sum, p, i) => sum + ((p.falseAlarms - points[i].falseAlarms) * (p.found + points[i].found)) / 2, 0);
    const points = rocPoints(normal, anomalous);
    expect(points[0]).toMatchObject({ falseAlarms: 0, found: 0 });
    expect(points.at(-1)).toMatchObject({ falseAlarms: 1, found: 1 });
    expect(under(points)).toBeCloseTo(auroc(normal, anomalous), 12);
    const few = simplified(points, 0.1);
    expect(few.length).toBeLessThan(points.length);
    expect(Math.abs(under(few) - under(points))).toBeLessThan(0.1);
  });

  test("is refused of nothing, and of what is no number", () => {
    expect(() => auroc([], [1])).toThrow("there are no normal ones");
    expect(() => auroc([1], [Number.NaN])).toThrow("the one of anomalous example 0 is no number");
  });
});

describe("a threshold", () => {
  test("lets through the wanted share on average, and its interval holds the true share 90 times of 100", () => {
    const random = stream(9);
    const times = 2000;
    let [sum, held] = [0, 0];
    for (let i = 0; i < times; i++) {
      const { value, rate } = thresholdAt(0.05, Array.from({ length: 99 }, random.uniform)); // the share of uniform numbers above t is 1 - t
      sum += 1 - value;
      if (1 - value >= rate.low && 1 - value <= rate.high) held++;
    }
    expect(Math.abs(sum / times - 0.05)).toBeLessThan((4 * 0.0217) / Math.sqrt(times)); // the deviation of Beta(5, 95)
    expect(Math.abs(held / times - 0.9)).toBeLessThan(0.03);
  });

  test("is refused where so few examples cannot place it, with the rate that they can", () => {
    expect(() =>
      thresholdAt(
        0.01,
        Array.from({ length: 98 }, (_, i) => i),
      ),
    ).toThrow("needs 99 normal examples to place the threshold, and there are 98; ask for 0.011");
    expect(
      thresholdAt(
        0.01,
        Array.from({ length: 99 }, (_, i) => i),
      ).value,
    ).toBe(98);
    expect(
      thresholdAt(
        0.011,
        Array.from({ length: 98 }, (_, i) => i),
      ).value,
    ).toBe(97);
    expect(() => thresholdAt(0, [1])).toThrow("false-alarm rate: 0 is not between 0 and 1");
  });

  test("is placed by one half of the normal scores and judged by the other", () => {
    const { placing, judged } = halves(11);
    expect([placing.length, judged.length]).toEqual([6, 5]);
    expect([...placing, ...judged].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    const normal = Float64Array.from({ length: 400 }, (_, i) => i / 400);
    const result = judge(normal, Float64Array.of(0.1, 0.99, 2, 3), 0.1);
    expect(result.threshold.from).toBe(200);
    expect(result.falseAlarms).toMatchObject({ of: 200 });
    expect(result.falseAlarms.low).toBeLessThan(0.1);
    expect(result.falseAlarms.high).toBeGreaterThan(0.1);
    expect(result.found).toMatchObject({ count: 3, of: 4 });
    expect(judge(normal, undefined, 0.1)).not.toHaveProperty("auroc");
    expect(() => judge(Float64Array.of(1), undefined, 0.1)).toThrow("1 normal images to place a threshold and to judge it");
  });
});

describe("the beta distribution", () => {
  test("is a sum of binomial probabilities for whole numbers", () => {
    const choose = (n: number, k: number): number => Array.from({ length: k }, (_, i) => (n - i) / (i + 1)).reduce((a, b) => a * b, 1);
    for (const [n, k] of [
      [5, 2],
      [40, 1],
      [40, 39],
      [300, 120],
    ])
      for (const x of [0.02, 0.3, 0.41, 0.98]) {
        let sum = 0; // P(at least k of n)
        for (let i = k; i <= n; i++) sum += choose(n, i) * x ** i * (1 - x) ** (n - i);
        expect(Math.abs(betaCdf(x, k, n - k + 1) - sum)).toBeLessThan(1e-11);
        if (sum > 1e-6 && sum < 1 - 1e-6) expect(betaQuantile(sum, k, n - k + 1)).toBeCloseTo(x, 8);
      }
    for (const [x, y] of [
      [0.5, Math.log(Math.PI) / 2],
      [5, Math.log(24)],
      [101, 363.73937555556347],
    ])
      expect(logGamma(x)).toBeCloseTo(y, 10);
  });

  test("gives the interval of a share: exact where nothing was seen, within 0 and 1", () => {
    expect(shareInterval(0, 50).low).toBe(0);
    expect(shareInterval(0, 50).high).toBeCloseTo(1 - 0.05 ** (1 / 50), 10);
    expect(shareInterval(50, 50).high).toBe(1);
    expect(() => shareInterval(3, 2)).toThrow("3 of 2 is no share");
  });
});

describe("what a model says of an image", () => {
  const examples = Float32Array.from(X.flat());

  onEachDevice("is -log p(x) of a linear model whose encoder is exact: as bound and as likelihood, with any latents", async () => {
    const tensors = tensorsOf(EXACT);
    const { likelihood } = await evidenceOf(linearVae(tensors), examples, { samples: 3 });
    for (const [i, x] of X.entries()) expect(Math.abs(likelihood[i] + logEvidence(x))).toBeLessThan(1e-3);
    for (const t of tensors) t.dispose();
  });

  onEachDevice(
    "is, of any encoder, its bound by the formula, for the same noise in float64",
    async () => {
      const tensors = tensorsOf(OFF);
      const { bound, squared, reconstruction, kl } = await evidenceOf(linearVae(tensors), examples, { samples: 3, seed: 7 });
      for (const t of tensors) t.dispose();
      const random = stream(7);
      const noises = [1, 2, 3].map(() => OFF.v.map(() => random.normal()));
      const nats = (squares: number) => squares / 2 / SCALE ** 2 + 5 * Math.log(SCALE) + 2.5 * Math.log(2 * Math.PI);
      X.forEach((x, i) => {
        const mean = OFF.a.map((a, j) => a + x.reduce((sum, v, d) => sum + v * OFF.A[d][j], 0));
        const off = (z: readonly number[]) =>
          x.reduce((sum, v, d) => sum + (v - OFF.b[d] - z.reduce((s, zj, j) => s + zj * OFF.W[j][d], 0)) ** 2, 0);
        const divergence = mean.reduce((sum, m, j) => sum + 0.5 * (m ** 2 + Math.exp(OFF.v[j]) - 1 - OFF.v[j]), 0);
        const each = noises.map((noise) => nats(off(mean.map((m, j) => m + Math.exp(OFF.v[j] / 2) * noise[j]))) + divergence);
        expect(bound[i]).toBeCloseTo((each[0] + each[1] + each[2]) / 3, 4);
        expect(squared[i]).toBeCloseTo(off(mean), 4);
        expect(reconstruction[i]).toBeCloseTo(nats(off(mean)), 4);
        expect(kl[i]).toBeCloseTo(divergence, 4);
      });
    },
    js,
  );

  onEachDevice(
    "has a floor under a Bernoulli likelihood of greys: the entropy, above which the divergence lies",
    async () => {
      using model = denseVae({ input: [4, 4, 1], hidden: 3, latent: 2 });
      const images = digits({ count: 3, size: 4 });
      const { reconstruction, floor } = await evidenceOf(model, images, { samples: 1 });
      const { pixels } = await blame(model, images, "excess");
      for (const i of [0, 1, 2]) {
        const nats = pixels.subarray(16 * i, 16 * i + 16).reduce((a, b) => a + b);
        expect(Math.abs(reconstruction[i] - floor![i] - nats)).toBeLessThan(1e-4);
        expect(nats).toBeGreaterThan(0);
      }
      expect(floor).toEqual(entropies(images, 3));
      expect(entropies(Float32Array.of(0, 1, 1, 0), 2)).toEqual(Float64Array.of(0, 0));
      expect([entropy(0.5), divergence(0.3, 0.3), divergence(1, 0.5)].map((v) => v.toFixed(9))).toEqual(
        [Math.LN2, 0, Math.LN2].map((v) => v.toFixed(9)),
      );
      expect(divergence(1, 0)).toBeLessThan(20);
    },
    js,
  );
});

onEachDevice(
  "codes are as far away as their covariance says, whatever their axes",
  async () => {
    using model = denseVae({ input: [6, 6, 1], hidden: 5, latent: 2 });
    const images = digits({ count: 50, size: 6 });
    const { codes } = await normalOf(model, images);
    const evidence = await evidenceOf(model, images, { samples: 1 });
    const squared = distances(codes, evidence.codes);
    // Σ over the codes that made it of dᵀ C⁻¹ d = (count - 1) · trace(C⁻¹ C)
    expect(squared.reduce((a, b) => a + b)).toBeCloseTo(49 * 2, 6);
    const [[a, b], [c, d]] = [codes.mean, codes.mean.map((m, j) => m + 2 * Math.sqrt(codes.variances[0]) * codes.axes[j])];
    expect(distances(codes, Float64Array.of(a, b))[0]).toBeCloseTo(0, 12);
    expect(distances(codes, Float64Array.of(c, d))[0]).toBeCloseTo(4, 9);
  },
  js,
);

describe("one class of digits", () => {
  const images = digits({ count: 4000, size: 14 });
  const tests = digits({ count: 600, size: 14, start: 9000 });

  onEachDevice(
    "is told from the others by a model of it alone, by every score but perhaps the KL",
    async () => {
      using model = denseVae({ input: [14, 14, 1], hidden: 64, latent: 8 });
      const { own } = byClass(images, 3);
      await train(model, { train: own }, { epochs: 15, batch: 40, optimizer: (p) => adam(p, { rate: 2e-3 }) });
      const result = await oneClass(model, images, tests, 3, { samples: 4 });
      expect(Object.keys(result.auroc)).toEqual([...scoreNames]);
      for (const name of scoreNames) if (name !== "kl") expect(result.auroc[name], name).toBeGreaterThan(0.75);
      expect(result.auroc.squared).toBe(auroc(result.normal.squared, result.others.squared));
      expect(result.normal.squared.length + result.others.squared.length).toBe(600);
      const { score } = await detector(model, own, { samples: 4 });
      expect(await score(byClass(tests, 3).own)).toEqual(result.normal);
    },
    wasm,
  );

  onEachDevice(
    "is named by its number or its name, and refused where it is not there",
    async () => {
      using model = denseVae({ input: [14, 14, 1], hidden: 4, latent: 2 });
      const three = byClass(tests, 3).own;
      const unlabelled = { ...tests, labels: undefined };
      await expect(oneClass(model, images, three, 3)).rejects.toThrow(
        "all images of digits are of class 3; there is nothing to tell it from",
      );
      await expect(oneClass(model, images, tests, 11)).rejects.toThrow(
        "class 11: none of the 600 images of digits is of it; there are classes 0, 1, 2",
      );
      await expect(oneClass(model, images, unlabelled, 3)).rejects.toThrow("class 3: the images of digits have no labels");
      expect(labelNamed({ ...tests, classes: ["cat", "dog"] }, "dog")).toBe(1);
      expect(labelNamed(tests, "7")).toBe(7);
      expect(() => labelNamed(tests, "seven")).toThrow('class "seven": digits has classes 0, 1');
    },
    js,
  );
});
