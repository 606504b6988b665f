// Traversals: single latents move, the others stay, and the order is that of what they say.
import { describe, expect, test } from "vitest";
import { digits } from "../src/data/index.ts";
import { convVae, decodeLatents, denseVae, encodeImages, evaluate, type TraversalOptions, traverseLatents } from "../src/vae/index.ts";
import { onEachDevice } from "./setup/each-device.ts";

const images = digits({ count: 5, size: 8 });
const model = () => convVae({ input: [8, 8, 1], channels: [3], latent: 4 });

describe("a traversal", () => {
  onEachDevice("holds all latents at an example's but one, which goes from -reach to reach", async () => {
    using vae = model();
    const { latents, columns, pictures } = await traverseLatents(vae, images, { columns: 3, reach: 2, around: 1 });
    expect([...latents].sort()).toEqual([0, 1, 2, 3]);
    expect(columns).toBe(3);
    const { mean } = await encodeImages(vae, images);
    const z = latents.flatMap((latent) =>
      [-2, 0, 2].flatMap((value) => Array.from(mean.subarray(4, 8), (m, j) => (j === latent ? value : m))),
    );
    const expected = await decodeLatents(vae, Float32Array.from(z));
    expect(pictures.length).toBe(4 * 3 * 64);
    for (const [i, v] of expected.entries()) expect(Math.abs(pictures[i] - v)).toBeLessThan(1e-6);
  });

  test("shows the latents with the largest KL first, as many as asked for; all of them make up the KL [js]", async () => {
    using vae = denseVae({ input: [8, 8, 1], hidden: 9, latent: 4 });
    const all = await traverseLatents(vae, images);
    expect(all.kl).toEqual([...all.kl].sort((a, b) => b - a));
    const { kl } = await evaluate(vae, images);
    expect(all.kl.reduce((a, b) => a + b) / kl).toBeCloseTo(1, 5);
    const two = await traverseLatents(vae, images, { count: 2 });
    expect(two.latents).toEqual(all.latents.slice(0, 2));
    expect(two.pictures).toEqual(all.pictures.slice(0, 2 * 11 * 64));
  });

  test("around the prior's mean meets itself in the middle column [js]", async () => {
    using vae = model();
    const { pictures } = await traverseLatents(vae, images, { columns: 3, around: "prior" });
    const middle = await decodeLatents(vae, new Float32Array(4));
    for (const row of [0, 1, 2, 3]) expect(pictures.subarray((row * 3 + 1) * 64, (row * 3 + 2) * 64)).toEqual(middle);
  });

  for (const [options, message] of [
    [{ around: 5 }, "around: 5 is not a whole number from 0 to 4"],
    [{ columns: 1 }, "columns: 1 is not a whole number of 2 or more"],
    [{ reach: 0 }, "reach: 0 is not a number above 0"],
    [{ count: 0 }, "count: 0 is not a whole number of 1 or more"],
  ] satisfies [TraversalOptions, string][]) {
    test(`refuses ${JSON.stringify(options)} [js]`, async () => {
      using vae = model();
      await expect(traverseLatents(vae, images, options)).rejects.toThrow(message);
    });
  }
});
