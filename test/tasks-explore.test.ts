// What is done with trained models, to generate and to explore: each function against what it is by definition, on small models.
import { describe, expect, test } from "vitest";
import { digits, heat, type Images } from "../src/data/index.ts";
import {
  attributeDirection,
  codeBetween,
  convVae,
  decodeLatents,
  denseVae,
  encodeImages,
  fitLatents,
  interpolateImages,
  klPerLatent,
  latentManifold,
  nearestImages,
  nearestRows,
  reconstructImages,
  reconstructions,
  sampleImages,
  sampleMixtures,
  type Vae,
  withAttribute,
} from "../src/vae/index.ts";
import { normalQuantile } from "../src/vae/statistics/quantile.ts";
import { onEachDevice } from "./setup/each-device.ts";

const images = digits({ count: 40, size: 6 });
const dense = (options = {}): Vae => denseVae({ input: [6, 6, 1], hidden: 9, latent: 3, ...options });
const colour: Images = { ...images, count: 10, height: 6, width: 8, channels: 3, labels: images.labels!.subarray(0, 10) };

/** The largest difference between two arrays. */
const distance = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  a.length === b.length ? Math.max(...Array.from(a, (v, i) => Math.abs(v - b[i]))) : Number.POSITIVE_INFINITY;
const close = 1e-5;

describe("samples", () => {
  onEachDevice("of a temperature near 0 are all the picture at 0, and of two are those of one, farther out", async () => {
    using model = dense();
    const middle = await decodeLatents(model, new Float32Array(3));
    const cold = await sampleImages(model, { count: 3, temperature: 1e-9 });
    for (const i of [0, 1, 2]) expect(distance(cold.subarray(i * 36, (i + 1) * 36), middle)).toBeLessThan(close);
    expect(await sampleImages(model, { count: 3, temperature: 1 })).toEqual(await sampleImages(model, { count: 3 }));
    const away = (pictures: Float32Array) => pictures.reduce((sum, v, i) => sum + Math.abs(v - middle[i % 36]), 0);
    expect(away(await sampleImages(model, { count: 30, temperature: 2 }))).toBeGreaterThan(away(await sampleImages(model, { count: 30 })));
  });

  onEachDevice("of values are zeros and ones of a Bernoulli, as often as the mean pictures say", async () => {
    using model = dense();
    const count = 2000;
    const drawn = await sampleImages(model, { count, values: true, temperature: 1e-9 });
    expect(drawn.every((v) => v === 0 || v === 1)).toBe(true);
    const p = await decodeLatents(model, new Float32Array(3));
    const often = p.map((_, j) => Array.from({ length: count }, (_, i) => drawn[i * 36 + j]).reduce((a, b) => a + b, 0) / count);
    expect(distance(often, p)).toBeLessThan((5 * 0.5) / Math.sqrt(count)); // five standard errors
    expect(await sampleImages(model, { count: 9, values: true })).toEqual(
      (await sampleImages(model, { count: 20, values: true })).slice(0, 9 * 36),
    );
  });
});

describe("a mixture fitted to codes", () => {
  test("of one component has the mean and the covariance of the means, if those are asked for [js]", async () => {
    using model = dense();
    const { mean } = await encodeImages(model, images);
    const mixtures = await fitLatents(model, images, { components: 1, codes: "means" });
    const { means, covariances } = mixtures.get(undefined)!;
    const { middle, spread } = momentsOf(mean, 3);
    expect(distance(means, middle)).toBeLessThan(close);
    expect(distance(covariances, spread)).toBeLessThan(1e-4 * Math.max(...spread.map(Math.abs)));
  });

  test("has the noise of q(z|x) in it, if nothing is asked for [js]", async () => {
    using model = dense();
    const many = digits({ count: 3000, size: 6 });
    const { mean, logVariance } = await encodeImages(model, many);
    const { covariances } = (await fitLatents(model, many, { components: 1 })).get(undefined)!;
    const { spread } = momentsOf(mean, 3);
    const noise = [0, 1, 2].map((j) => logVariance.reduce((sum, v, i) => sum + (i % 3 === j ? Math.exp(v) : 0), 0) / many.count);
    for (const [j, variance] of noise.entries()) {
      const expected = spread[4 * j] + variance;
      expect(Math.abs(covariances[4 * j] / expected - 1)).toBeLessThan(5 * Math.sqrt(2 / many.count)); // five standard errors
    }
  });

  onEachDevice("is sampled: the same pictures for the same seed, near its mean for a low temperature", async () => {
    using model = dense();
    const mixtures = await fitLatents(model, images, { components: 2 });
    const few = await sampleMixtures(model, mixtures, { count: 5, seed: 3 });
    expect((await sampleMixtures(model, mixtures, { count: 70, seed: 3 })).slice(0, few.length)).toEqual(few);
    expect(await sampleMixtures(model, mixtures, { count: 5, seed: 4 })).not.toEqual(few);
    const drawn = await sampleMixtures(model, mixtures, { count: 70, values: true });
    expect(drawn.every((v) => v === 0 || v === 1)).toBe(true);

    const one = await fitLatents(model, images, { components: 1 });
    const cold = await sampleMixtures(model, one, { count: 1, temperature: 1e-9 });
    expect(distance(cold, await decodeLatents(model, Float32Array.from(one.get(undefined)!.means)))).toBeLessThan(close);
  });

  test("is one for each class of a conditional model, or for the class that is asked for [js]", async () => {
    using model = dense({ classes: 10 });
    const mixtures = await fitLatents(model, images, { components: 2 });
    expect([...mixtures.keys()]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    const all = await sampleMixtures(model, mixtures, { count: 20, seed: 2 });
    const seven = await fitLatents(model, images, { components: 2, label: 7 });
    expect([...seven.keys()]).toEqual([7]);
    const sevens = await sampleMixtures(model, seven, { count: 2, seed: 2, label: 7 });
    expect(sevens).toEqual(Float32Array.of(...all.slice(7 * 36, 8 * 36), ...all.slice(17 * 36, 18 * 36)));
    await expect(sampleMixtures(model, seven, { count: 3 })).rejects.toThrow("there is no mixture of class 0");
    await expect(fitLatents(model, images, { components: 5 })).rejects.toThrow("5 components for the codes of 4 examples of class 0");
  });
});

function momentsOf(codes: Float32Array, latent: number): { middle: number[]; spread: number[] } {
  const count = codes.length / latent;
  const each = Array.from({ length: latent }, (_, j) => j);
  const sum = (f: (row: number) => number) => Array.from({ length: count }, (_, i) => f(i * latent)).reduce((a, b) => a + b, 0) / count;
  const middle = each.map((j) => sum((at) => codes[at + j]));
  const spread = each.flatMap((j) => each.map((k) => sum((at) => (codes[at + j] - middle[j]) * (codes[at + k] - middle[k]))));
  return { middle, spread };
}

describe("reconstructions", () => {
  onEachDevice("have the figures of each example, which add up to those of all", async () => {
    using model = convVae({ input: [6, 8, 3], channels: [3], latent: 2, classes: 10, likelihood: "gaussian" });
    const { pictures, reconstruction, kl, squaredError } = await reconstructions(model, colour);
    expect(distance(pictures, await reconstructImages(model, colour))).toBeLessThan(close);
    const { mean, logVariance } = await encodeImages(model, colour);
    const average = (values: Float32Array) => values.reduce((a, b) => a + b, 0) / 10;
    expect(average(kl)).toBeCloseTo(
      klPerLatent(mean, logVariance, 2).reduce((a, b) => a + b, 0),
      4,
    );
    const size = 6 * 8 * 3;
    for (let i = 0; i < 10; i++) {
      const squares = Array.from({ length: size }, (_, j) => (colour.pixels[i * size + j] / 255 - pictures[i * size + j]) ** 2);
      const lost = squares.reduce((a, b) => a + b, 0);
      expect(Math.abs(squaredError[i] / lost - 1)).toBeLessThan(1e-5);
      const scale = Math.exp(-1); // of a new Gaussian likelihood
      const nats = lost / (2 * scale ** 2) + size * (Math.log(scale) + 0.5 * Math.log(2 * Math.PI));
      expect(Math.abs(reconstruction[i] - nats)).toBeLessThan(1e-4 * size);
    }
  });
});

describe("an interpolation", () => {
  test("of codes is linear, or turns at a constant speed while the length grows in a line", () => {
    expect(distance(codeBetween([1, 2], [3, -2], 0.25, "linear"), [1.5, 1])).toBeLessThan(1e-6);
    for (const t of [0, 0.25, 0.5, 1]) {
      const angle = (t * Math.PI) / 2;
      const size = 1 + t;
      const expected = [size * Math.cos(angle), size * Math.sin(angle), 0];
      expect(distance(codeBetween([1, 0, 0], [0, 2, 0], t, "spherical"), expected)).toBeLessThan(1e-6);
    }
    expect(distance(codeBetween([1, 1], [2, 2], 0.5), [1.5, 1.5])).toBeLessThan(1e-6); // on one line out of 0
    expect(distance(codeBetween([0, 0], [2, 0], 0.5), [1, 0])).toBeLessThan(1e-6); // 0 has no direction
    expect(() => codeBetween([1, 0], [-2, 0], 0.5)).toThrow("spherical: the codes lie opposite each other");
  });

  for (const way of ["linear", "spherical"] as const) {
    onEachDevice(`begins and ends with the reconstructions, and is what it decodes to between: ${way}`, async () => {
      using model = dense();
      const two = { ...images, pixels: images.pixels.subarray(0, 72), labels: images.labels!.subarray(0, 2), count: 2 };
      const { pictures, latents, columns } = await interpolateImages(model, two, { way, steps: 5 });
      expect(columns).toBe(5);
      const ends = await reconstructImages(model, two);
      expect(distance(pictures.subarray(0, 36), ends.subarray(0, 36))).toBeLessThan(close);
      expect(distance(pictures.subarray(4 * 36), ends.subarray(36))).toBeLessThan(close);
      const { mean } = await encodeImages(model, two);
      expect(distance(latents.subarray(3, 6), codeBetween(mean.subarray(0, 3), mean.subarray(3), 0.25, way))).toBeLessThan(close);
      expect(distance(pictures, await decodeLatents(model, latents))).toBeLessThan(close);
    });
  }

  test("of four has them in the corners of a sheet, and a loop passes each of them [js]", async () => {
    using model = convVae({ input: [6, 6, 1], channels: [3], latent: 4, classes: 10 });
    const four = { ...images, pixels: images.pixels.subarray(0, 4 * 36), labels: images.labels!.subarray(0, 4), count: 4 };
    const made = await reconstructImages(model, four);
    const picture = (all: Float32Array, i: number) => all.subarray(i * 36, (i + 1) * 36);
    const sheet = await interpolateImages(model, four, { steps: 3 });
    expect({ columns: sheet.columns, count: sheet.pictures.length / 36 }).toEqual({ columns: 3, count: 9 });
    for (const [corner, place] of [0, 2, 6, 8].entries()) {
      expect(distance(picture(sheet.pictures, place), picture(made, corner))).toBeLessThan(close);
    }
    const loop = await interpolateImages(model, four, { steps: 5, form: "loop" });
    expect(loop.pictures.length / 36).toBe(20);
    for (const i of [0, 1, 2, 3]) expect(distance(picture(loop.pictures, 5 * i), picture(made, i))).toBeLessThan(close);
    // the label is that of the nearest, or the one that is given
    const labels = [0, 0, 0, 1, 1];
    const strip = { ...four, pixels: four.pixels.subarray(0, 72), labels: four.labels.subarray(0, 2), count: 2 };
    const near = await interpolateImages(model, strip, { steps: 5, way: "linear" });
    expect(distance(near.pictures, await decodeLatents(model, near.latents, { labels: [0, 0, 1, 1, 1] }))).toBeLessThan(close);
    const told = await interpolateImages(model, strip, { steps: 5, way: "linear", label: 7 });
    expect(distance(told.pictures, await decodeLatents(model, near.latents, { labels: labels.map(() => 7) }))).toBeLessThan(close);
  });

  test("is refused of other numbers of examples, or of steps [js]", async () => {
    using model = dense();
    await expect(interpolateImages(model, images)).rejects.toThrow("a strip is made between 2 examples, not 40");
    await expect(interpolateImages(model, images, { form: "sheet" })).rejects.toThrow("a sheet is made between 4 examples, not 40");
    await expect(interpolateImages(model, images, { steps: 1 })).rejects.toThrow("steps: 1 is not a whole number of 2 or more");
  });
});

describe("a manifold", () => {
  test("lies at quantiles of the normal distribution", () => {
    // to the digits of R's qnorm
    for (const [u, z] of [
      [0.5, 0],
      [0.975, 1.959963984540054],
      [0.01, -2.3263478740408408],
      [1e-10, -6.361340902404056],
    ] as const) {
      // biome-ignore format: a table
      expect(Math.abs(normalQuantile(u) - z)).toBeLessThanOrEqual(1.2e-9 * Math.abs(z));
    }
    expect(() => normalQuantile(1)).toThrow("1 is not a number between 0 and 1");
  });

  onEachDevice("has its first latent across and its second upwards", async () => {
    using model = dense({ latent: 2 });
    const { pictures, at, latents } = await latentManifold(model, { steps: 3 });
    expect(latents).toEqual([0, 1]);
    const [low, middle, high] = [normalQuantile(1 / 6), 0, normalQuantile(5 / 6)];
    expect(distance(at, [low, middle, high])).toBeLessThan(1e-12);
    const z = [high, middle, low].flatMap((up) => [low, middle, high].flatMap((across) => [across, up]));
    expect(distance(pictures, await decodeLatents(model, Float32Array.from(z)))).toBeLessThan(close);
  });

  test("of more latents is a plane of two, the others as in an example; auto finds those with the highest KL [js]", async () => {
    using model = dense({ latent: 4 });
    const { mean, logVariance } = await encodeImages(model, images);
    const kl = klPerLatent(mean, logVariance, 4);
    const sorted = [0, 1, 2, 3].sort((a, b) => kl[b] - kl[a]);
    const { latents, at, pictures } = await latentManifold(model, { steps: 2, latents: "auto", around: 5 }, images);
    expect(latents).toEqual(sorted.slice(0, 2));
    const z = [at[1], at[0]].flatMap((up) =>
      [at[0], at[1]].flatMap((across) =>
        Array.from(mean.subarray(20, 24), (m, j) => (j === latents[0] ? across : j === latents[1] ? up : m)),
      ),
    );
    expect(distance(pictures, await decodeLatents(model, Float32Array.from(z)))).toBeLessThan(close);
  });

  test("is refused where there is no plane, or none that was named [js]", async () => {
    using model = dense({ latent: 4 });
    using line = dense({ latent: 1 });
    await expect(latentManifold(model)).rejects.toThrow(/a model of 4 latents is no plane; name two of them .* or traverse each/);
    await expect(latentManifold(line)).rejects.toThrow("a model of 1 latent has no plane");
    await expect(latentManifold(model, { latents: [1, 1] })).rejects.toThrow("latent 1 twice");
    await expect(latentManifold(model, { latents: [1, 4] })).rejects.toThrow("latents: 4 is not a whole number from 0 to 3");
    await expect(latentManifold(model, { latents: "auto" })).rejects.toThrow("need examples");
    await expect(latentManifold(model, { latents: [0, 1], label: 2 })).rejects.toThrow("label 2 for a model that is not conditional");
  });
});

describe("an attribute", () => {
  onEachDevice(
    "is the mean code of a class minus that of another, or of all others; of none of it the reconstruction remains",
    async () => {
      using model = dense();
      const { mean } = await encodeImages(model, images);
      const middle = (holds: (label: number) => boolean) => {
        const rows = Array.from({ length: 40 }, (_, i) => i).filter((i) => holds(i % 10));
        return [0, 1, 2].map((j) => rows.reduce((sum, i) => sum + mean[3 * i + j], 0) / rows.length);
      };
      const one = await attributeDirection(model, images, { label: 3, against: 5 });
      expect(
        distance(
          one.direction,
          middle((l) => l === 3).map((v, j) => v - middle((l) => l === 5)[j]),
        ),
      ).toBeLessThan(close);
      const rest = await attributeDirection(model, images, { label: 3 });
      expect(
        distance(
          rest.direction,
          middle((l) => l === 3).map((v, j) => v - middle((l) => l !== 3)[j]),
        ),
      ).toBeLessThan(close);
      expect({ with: rest.with, without: rest.without }).toEqual({ with: 4, without: 36 });

      const changed = await withAttribute(model, images, one, [0, 2]);
      const plain = await reconstructImages(model, images);
      for (const i of [0, 17, 39])
        expect(distance(changed.subarray(72 * i, 72 * i + 36), plain.subarray(36 * i, 36 * i + 36))).toBeLessThan(close);
      const z = Float32Array.from(mean.subarray(51, 54), (m, j) => m + 2 * one.direction[j]);
      expect(distance(changed.subarray(72 * 17 + 36, 72 * 18), await decodeLatents(model, z))).toBeLessThan(close);
    },
  );

  test("is added to images of a conditional model under their own classes [js]", async () => {
    using model = dense({ classes: 10 });
    const direction = new Float64Array(3);
    const changed = await withAttribute(model, images, { direction }, [0]);
    expect(distance(changed, await reconstructImages(model, images))).toBeLessThan(close);
  });

  for (const [name, given, options, message] of [
    ["without labels", { ...images, labels: undefined }, { label: 1 }, "attribute: digits has no labels"],
    ["of a class against itself", images, { label: 1, against: 1 }, "attribute: label 1 against itself"],
    ["of a class that is not there", images, { label: 11 }, "none of the 40 images of digits is of class 11; there are 0, 1, 2"],
    ["of one class only", { ...images, labels: new Uint8Array(40).fill(2) }, { label: 2 }, "all 40 images of digits are of class 2"],
  ] as const) {
    test(`is refused ${name} [js]`, async () => {
      using model = dense();
      await expect(attributeDirection(model, given, options)).rejects.toThrow(message);
    });
  }
});

describe("neighbours", () => {
  test("are the nearest rows, nearest first, and of equal ones the first", async () => {
    const size = 130; // two blocks and a bit
    const random = digits({ count: 300, size: 15 }).pixels;
    const rows = random.subarray(0, 200 * size);
    const queries = Float32Array.from(random.subarray(150 * size, 153 * size));
    const { numbers, distances } = await nearestRows(queries, rows, size, 4);
    for (const q of [0, 1, 2]) {
      const all = Array.from({ length: 200 }, (_, row) => {
        const squares = Array.from({ length: size }, (_, j) => (queries[q * size + j] - rows[row * size + j]) ** 2);
        return { row, far: Math.sqrt(squares.reduce((a, b) => a + b, 0)) };
      });
      const best = all.sort((a, b) => a.far - b.far || a.row - b.row).slice(0, 4);
      expect(Array.from(numbers.subarray(4 * q, 4 * q + 4))).toEqual(best.map(({ row }) => row));
      expect(
        distance(
          distances.subarray(4 * q, 4 * q + 4),
          best.map(({ far }) => far),
        ),
      ).toBeLessThan(1e-9);
    }
  });

  onEachDevice("of training images are themselves, at distance 0, in both spaces", async () => {
    using model = dense();
    const queries = { ...images, pixels: images.pixels.subarray(36 * 4, 36 * 6), labels: images.labels!.subarray(4, 6), count: 2 };
    for (const space of ["code", "pixels"] as const) {
      const { numbers, distances } = await nearestImages(model, queries, images, { space, count: 3 });
      expect([numbers[0], numbers[3]]).toEqual([4, 5]);
      if (space === "pixels") expect([distances[0], distances[3]]).toEqual([0, 0]);
      else expect(Math.max(distances[0], distances[3])).toBeLessThan(close); // codes in batches of other sizes are rounded otherwise
      expect(distances[1]).toBeGreaterThan(0);
    }
  });

  test("are found whatever byte stands for white, and distances are in values from 0 to 1 [js]", async () => {
    using model = dense();
    const bits = { ...images, pixels: images.pixels.map((v) => (v > 99 ? 1 : 0)), white: 1 };
    const bytes = { ...bits, pixels: bits.pixels.map((v) => 255 * v), white: 255 };
    const one = await nearestImages(model, bytes, bits, { space: "pixels", count: 5 });
    const other = await nearestImages(model, bits, bytes, { space: "pixels", count: 5 });
    expect(one.numbers).toEqual(other.numbers);
    expect(distance(one.distances, other.distances)).toBeLessThan(1e-9);
    for (const d of one.distances) expect(Math.abs(d ** 2 - Math.round(d ** 2))).toBeLessThan(1e-9); // so many pixels are others
    await expect(nearestImages(model, bits, bits, { count: 41 })).rejects.toThrow("41 of the 40 images of digits; ask for fewer");
  });
});

test("heat goes from black to nearly white, ever brighter, and clips what is out of range", () => {
  const steps = Array.from({ length: 21 }, (_, i) => i / 10);
  const colours = heat(steps, 2);
  const brightness = steps.map((_, i) => 0.2126 * colours[3 * i] + 0.7152 * colours[3 * i + 1] + 0.0722 * colours[3 * i + 2]);
  for (let i = 1; i < steps.length; i++) expect(brightness[i]).toBeGreaterThan(brightness[i - 1]);
  expect(brightness[0]).toBeLessThan(0.01);
  expect(brightness[20]).toBeGreaterThan(0.9);
  expect(heat([-1, 5], 2)).toEqual(heat([0, 2], 2));
  expect(heat([0], 0)).toEqual(heat([0], 1)); // nothing differs, so all is black
});
