// What the figures of latents come to on models whose latents are known, and what is said of them.
import { describe, expect, test } from "vitest";
import { bars } from "../src/cli/bars.ts";
import { type Line, newAdvice } from "../src/cli/epochs.ts";
import { digits, type Images } from "../src/data/index.ts";
import { adam, set, type Tensor, tensor } from "../src/index.ts";
import { findings } from "../src/vae/diagnosis/findings.ts";
import {
  activeUnits,
  autoencoder,
  type Diagnosis,
  denseVae,
  diagnose,
  encodeImages,
  evaluate,
  klPerLatent,
  train,
  type Vae,
  varianceOfMeans,
} from "../src/vae/index.ts";
import { onEachDevice } from "./setup/each-device.ts";

const images = digits({ count: 201, size: 8 }); // three batches, the last of which would be one image
const small = (): Vae => denseVae({ input: [8, 8, 1], hidden: 12, latent: 4 });

const values = ({ pixels, white, count }: Images): Tensor =>
  tensor(
    Float32Array.from(pixels, (v) => v / white),
    [count, 8, 8, 1],
  );

/** Gives a parameter one number everywhere, or at each place what a function says. */
function fill(model: Vae, name: string, value: (i: number) => number): void {
  const t = model.parameters.get(name)!;
  set(
    t,
    Float32Array.from({ length: t.size }, (_, i) => value(i)),
  );
}

describe("figures of latents", () => {
  test("per latent are those of formulas", () => {
    const mean = [1, 0, -1, 0, 3, 0]; // three examples of two latents
    const logVariance = [0, Math.log(4), 0, Math.log(4), 0, Math.log(4)];
    const [one, two] = klPerLatent(mean, logVariance, 2);
    expect(one).toBeCloseTo((1 + 1 + 9) / 3 / 2, 12); // ½ mean²
    expect(two).toBeCloseTo((4 - 1 - Math.log(4)) / 2, 12);
    expect([...varianceOfMeans(mean, 2)].map((v) => v.toFixed(10))).toEqual([(8 / 3).toFixed(10), "0.0000000000"]);
    expect([activeUnits(mean, 2), activeUnits(mean, 2, 3)]).toEqual([1, 0]);
    expect(() => klPerLatent(mean, [1], 2)).toThrow("latents: 6 means, but 1 log variances");
    expect(() => activeUnits(mean, 4)).toThrow("latents: 6 numbers are not the 4 latents of one or more examples");
  });

  onEachDevice("are those of the evaluation, whatever computes them", async () => {
    using model = small();
    fill(model, "mean.weight", (i) => Math.sin(i));
    const { klPerLatent, reconstruction, shuffled } = await diagnose(model, images);
    const { kl } = await evaluate(model, images);
    expect(klPerLatent!.reduce((a, b) => a + b) / kl).toBeCloseTo(1, 4);
    // by hand: the codes of all images at once, and in batches of 100 and 101 those of the next image
    const { mean } = await encodeImages(model, images);
    const next = Array.from({ length: 201 }, (_, i) => (i < 100 ? (i + 1) % 100 : 100 + ((i - 99) % 101)));
    const moved = Float32Array.from(mean, (_, i) => mean[4 * next[Math.floor(i / 4)] + (i % 4)]);
    const costs = [mean, moved].map((z) =>
      model.likelihood
        .logProb(values(images), model.decode(tensor(z, [201, 4])))
        .mean()
        .neg()
        .item(),
    );
    expect([reconstruction, shuffled]).toEqual((await Promise.all(costs)).map((cost) => expect.closeTo(cost, 2)));
  });

  test("of a model that learns say nothing is the matter; in training they are the same [js]", async () => {
    using model = small();
    const optimizer = (parameters: readonly Tensor[]) => adam(parameters, { rate: 1e-2 });
    const { epochs } = await train(model, { train: images, test: images }, { batch: 20, epochs: 12, beta: 0.1, diagnose: true, optimizer });
    const { diagnosis } = epochs[11];
    expect(diagnosis!.shuffled).toBeGreaterThan(diagnosis!.reconstruction + 1);
    expect(diagnosis!.findings).toEqual([]);
    expect(await diagnose(model, images)).toEqual(diagnosis);
  });

  test("say that a posterior has collapsed [js]", async () => {
    using model = small();
    for (const name of ["mean.weight", "mean.bias", "logVariance.weight", "logVariance.bias"]) fill(model, name, () => 0);
    const { findings, ...figures } = await diagnose(model, images);
    expect(figures).toMatchObject({ activeUnits: 0, klPerLatent: [0, 0, 0, 0], logVariance: [0, 0], largestMean: 0 });
    expect(figures.shuffled).toBe(figures.reconstruction);
    expect(findings).toEqual([
      {
        kind: "collapsed",
        advice: expect.stringMatching(/^the posterior has collapsed: 0 of 4 latents are active, with a KL of 0.00 nats; a weight/),
      },
    ]);
  });

  test("say that a decoder ignores what the encoder says [js]", async () => {
    using model = small();
    fill(model, "mean.weight", (i) => 9 * Math.sin(i));
    fill(model, "decoder.0.weight", () => 0);
    const { findings, activeUnits } = await diagnose(model, images);
    expect(activeUnits).toBe(4);
    expect(findings).toEqual([
      { kind: "ignored", advice: expect.stringMatching(/^the decoder ignores the latents: with the codes of other images/) },
    ]);
  });

  test("say that posteriors explode [js]", async () => {
    using model = small();
    fill(model, "logVariance.bias", (i) => (i === 2 ? 30 : 0));
    const { findings, logVariance } = await diagnose(model, images);
    expect(logVariance![1]).toBeGreaterThan(29);
    expect(findings[0]).toEqual({
      kind: "scales",
      advice: expect.stringMatching(/^the posteriors explode: log variances up to (29|30)\.\d, means/),
    });
  });

  test("of an autoencoder leave out what it does not have [js]", async () => {
    using model = small();
    fill(model, "logVariance.bias", () => 50);
    const figures = await diagnose(model, images, { objective: autoencoder() });
    expect([figures.klPerLatent, figures.logVariance]).toEqual([undefined, undefined]);
    expect(figures.findings.map(({ kind }) => kind)).not.toContain("scales");
    expect(figures.largestMean).toBeGreaterThan(0);
  });

  test("take two images [js]", async () => {
    using model = small();
    await expect(diagnose(model, digits({ count: 1, size: 8 }))).rejects.toThrow("diagnose: 1 images of digits; it takes two");
  });
});

describe("overfitting", () => {
  const well: Diagnosis = {
    activeUnits: 4,
    klPerLatent: [1, 1],
    largestMean: 1,
    reconstruction: 50,
    shuffled: 90,
    logVariance: [-1, 0],
    findings: [],
  };
  const said = (best: readonly [number, number, number], now: readonly [number, number, number]) => {
    const [a, b] = [best, now].map(([epoch, train, test]) => ({ epoch, train, test }));
    return findings({ ...well, latent: 4 }, { best: a, now: b }).map(({ advice }) => advice);
  };
  test("is a test loss that rose for some epochs while the other fell", () => {
    expect(said([5, 100, 110], [8, 90, 115])).toEqual([
      "overfitting: the test loss was lowest after epoch 5 (110.00) and is 115.00, while that of training fell to 90.00; stop there, " +
        "train on more images, or take a smaller model or dropout",
    ]);
  });
  test("is not one that rose just now, hardly, with the other, or below it", () => {
    expect(said([5, 100, 110], [7, 90, 115])).toEqual([]);
    expect(said([5, 100, 110], [8, 90, 110.1])).toEqual([]);
    expect(said([5, 100, 110], [8, 101, 115])).toEqual([]);
    expect(said([5, 130, 110], [8, 120, 115])).toEqual([]);
  });
});

describe("advice", () => {
  type Kind = "collapsed" | "scales";
  const line = (epoch: number, kinds: readonly Kind[], beta?: number) =>
    ({ epoch, train: { loss: 1, ...(beta !== undefined && { beta }) }, diagnosis: { findings: kinds } }) as unknown as Line;
  /** After which epochs something is said, of what held after each. */
  const said = (
    held: readonly (readonly Kind[])[],
    beta: (epoch: number) => number | undefined = () => undefined,
    stepsPerEpoch = 1000,
  ): string[] =>
    held.map((_, i) => {
      const lines = held.slice(0, i + 1).map((kinds, j) => line(j + 1, kinds, beta(j + 1)));
      const all = { findings: held[i].map((kind) => ({ kind, advice: kind })) } as unknown as Diagnosis;
      return newAdvice(lines, all, { stepsPerEpoch, ends: { beta: 1 } })
        .map(({ kind }) => kind)
        .join();
    });
  test("is given once, and again when it did not hold for ten epochs", () => {
    expect(said([["scales"], ["scales"], [], ["scales"]])).toEqual(["scales", "", "", ""]);
    const late: Kind[][] = [["scales"], ...Array.from({ length: 10 }, () => []), ["scales"]];
    expect(said(late).at(-1)).toBe("scales");
    expect(said(late.with(9, ["scales"])).at(-1)).toBe("");
  });
  test("on what may be a matter of time waits for the second epoch, a thousand steps, and the end of a schedule", () => {
    const always: Kind[][] = Array.from({ length: 5 }, () => ["collapsed"]);
    expect(said(always)).toEqual(["", "collapsed", "", "", ""]);
    expect(said(always, undefined, 300)).toEqual(["", "", "", "collapsed", ""]);
    expect(said(always, (epoch) => Math.min(1, epoch / 3))).toEqual(["", "", "collapsed", "", ""]);
  });
});

test("bars stand in order, as high as the largest allows, and no more of them than there is room", () => {
  expect(bars([0, 7, 3.5, 1], 4, 0.1)).toBe("█▅▂▁");
  expect(bars([1, 2, 3], 2, 0.1)).toBe("█▆…");
  expect(bars([0.004, 0.05], 5, 0.1)).toBe("▅▁");
  expect(bars([], 5, 0.1)).toBe("");
});
