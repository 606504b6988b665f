// What a trained model is used for: plain arrays in, plain arrays out.
import { describe, expect, test } from "vitest";
import { digits } from "../src/data/index.ts";
import { tensor } from "../src/index.ts";
import { decodeLatents, denseVae, encodeImages, reconstructImages, sampleImages, type Vae } from "../src/vae/index.ts";
import { onEachDevice } from "./setup/each-device.ts";

const images = digits({ count: 150, size: 6 }); // two batches and a half
const values = Float32Array.from(images.pixels, (v) => v / 255);
const small = (): Vae => denseVae({ input: [6, 6, 1], hidden: 9, latent: 3 });

/** The largest difference between two arrays. */
const distance = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  a.length === b.length ? Math.max(...Array.from(a, (v, i) => Math.abs(v - b[i]))) : Number.POSITIVE_INFINITY;

describe("a model in use", () => {
  onEachDevice("encodes images or values, in batches as well as at once", async () => {
    using model = small();
    const { mean, logVariance } = await encodeImages(model, images);
    const q = model.encode(tensor(values, [150, 36]));
    expect(distance(mean, await q.mean.data())).toBeLessThan(1e-6);
    expect(distance(logVariance, await q.logVariance.data())).toBeLessThan(1e-6);
    expect(distance((await encodeImages(model, values)).mean, mean)).toBeLessThan(1e-6);
  });

  onEachDevice("reconstructs what it decodes from the means", async () => {
    using model = small();
    const pictures = await reconstructImages(model, images);
    expect(pictures.length).toBe(150 * 36);
    expect(distance(pictures, await decodeLatents(model, (await encodeImages(model, images)).mean))).toBeLessThan(1e-6);
    for (const p of pictures) expect(p > 0 && p < 1).toBe(true);
  });

  onEachDevice("samples the same pictures for the same seed, and the same first ones of more", async () => {
    using model = small();
    const few = await sampleImages(model, { count: 10, seed: 4 });
    expect(few.length).toBe(10 * 36);
    expect(await sampleImages(model, { count: 10, seed: 4 })).toEqual(few);
    const many = await sampleImages(model, { count: 130, seed: 4 });
    expect(many.subarray(0, few.length)).toEqual(few);
    expect(distance(many.subarray(64 * 36, 66 * 36), many.subarray(0, 2 * 36))).toBeGreaterThan(0); // the second batch is another
    expect(await sampleImages(model, { count: 10, seed: 5 })).not.toEqual(few);
  });
});

describe("what a model cannot use", () => {
  for (const [name, attempt, message] of [
    ["images of another size", () => encodeImages(small(), digits({ count: 2 })), /encodeImages: the images of digits are 28 x 28 x 1/],
    ["half an example", () => reconstructImages(small(), new Float32Array(54)), /reconstructImages: 54 values do not make examples/],
    ["no examples", () => reconstructImages(small(), new Float32Array(0)), /0 values do not make examples/],
    ["values out of range", () => reconstructImages(small(), new Float32Array(36).fill(255)), /value 0 of example 0 is 255/],
    ["half a latent", () => decodeLatents(small(), new Float32Array(4)), /4 numbers do not make latents of 3/],
    ["minus one sample", () => sampleImages(small(), { count: -1 }), /count: -1 is not a whole number/],
  ] as const) {
    test(`${name} [js]`, () => expect(attempt).rejects.toThrow(message));
  }
});
