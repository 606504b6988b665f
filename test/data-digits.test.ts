// The generated digits: the same bytes everywhere, every class alike, and as much ink as a person spends.
import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { digits, sliceImages } from "../src/data/index.ts";

const hash = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex").slice(0, 16);

test("a seed names its digits, byte for byte, on every machine", () => {
  expect(hash(digits({ count: 100, seed: 1 }).pixels)).toBe("ca9e6b01c25c0ecc");
  expect(hash(digits({ count: 20, seed: 7, size: 40 }).pixels)).toBe("a9b8ec35dc751819");
});

test("a picture depends on its seed and index alone: larger sets extend smaller ones, and start shifts them", () => {
  const all = digits({ count: 60, seed: 3 });
  expect(digits({ count: 25, seed: 3 })).toEqual(sliceImages(all, 0, 25));
  expect(digits({ count: 25, seed: 3, start: 35 })).toEqual(sliceImages(all, 35, 60));
  expect(hash(digits({ count: 60, seed: 4 }).pixels)).not.toBe(hash(all.pixels));
});

test("the classes take turns, and no two pictures are equal", () => {
  const { pixels, labels, count } = digits({ count: 1000 });
  for (let digit = 0; digit < 10; digit++) expect(labels!.filter((label) => label === digit)).toHaveLength(100);
  const seen = new Set(Array.from({ length: count }, (_, i) => hash(pixels.subarray(i * 784, (i + 1) * 784))));
  expect(seen.size).toBe(count);
});

test("ink, position and edges are those of MNIST", () => {
  const { pixels, count } = digits({ count: 2000 });
  let ink = 0;
  let border = 0;
  const center = [0, 0];
  for (let i = 0; i < count; i++) {
    for (let y = 0; y < 28; y++) {
      for (let x = 0; x < 28; x++) {
        const value = pixels[(i * 28 + y) * 28 + x];
        ink += value;
        if (x === 0 || y === 0 || x === 27 || y === 27) border += value;
        center[0] += value * (x + 0.5);
        center[1] += value * (y + 0.5);
      }
    }
  }
  expect(ink / pixels.length / 255).toBeCloseTo(0.1325, 2); // MNIST's mean is 0.1325
  expect(border / ink).toBeLessThan(0.001);
  expect(center[0] / ink).toBeCloseTo(14, 0);
  expect(center[1] / ink).toBeCloseTo(14, 0);
  expect(pixels.reduce((most, value) => Math.max(most, value))).toBe(255);
});

test("what is no count, seed, start or size is refused", () => {
  expect(() => digits({ count: 1.5 })).toThrow("digits: count 1.5 is not a whole number of 0 or more");
  expect(() => digits({ count: 1, seed: -1 })).toThrow("digits: seed -1 ");
  expect(() => digits({ count: 1, start: Number.NaN })).toThrow("digits: start NaN ");
  expect(digits({ count: 0 }).pixels).toHaveLength(0);
  expect(() => sliceImages(digits({ count: 3 }), 1, 4)).toThrow("sliceImages: 1 to 4 is not a range within the 3 images of digits");
});
