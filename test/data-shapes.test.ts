// The sprites: the factors a picture was made from are the ones it shows, and any range of them is a fair sample.
import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { type ShapeFactors, shape, shapeFactors, shapeSizes, shapes, sliceImages } from "../src/data/index.ts";

const hash = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex").slice(0, 16);
const bytes = (...factors: ShapeFactors) => shape(factors).pixels;
const COUNT = 737_280;

test("the shapes are the same bytes on every machine", () => {
  expect(hash(shapes({ count: 2000 }).pixels)).toBe("62d8cf6cfd0965ed");
});

test("a picture depends on its number alone, and is the one its factors make", () => {
  const all = shapes({ count: 50 });
  expect(all).toMatchObject({ count: 50, height: 64, width: 64, channels: 1, white: 255, name: "shapes" });
  expect(shapes({ count: 20, start: 30 })).toEqual(sliceImages(all, 30, 50));
  for (let i = 0; i < 50; i++) {
    const factors = shapeFactors(i);
    expect(shape(factors)).toEqual({ width: 64, height: 64, channels: 1, pixels: all.pixels.slice(i * 4096, (i + 1) * 4096) });
    expect(all.labels![i]).toBe(factors[0]);
  }
});

test("every combination of factors has one number", () => {
  const seen = new Uint8Array(COUNT);
  const [, scales, turns, xs, ys] = shapeSizes;
  for (let i = 0; i < COUNT; i++) {
    const [kind, scale, turn, x, y] = shapeFactors(i);
    seen[(((kind * scales + scale) * turns + turn) * xs + x) * ys + y]++;
  }
  expect(seen.every((times) => times === 1)).toBe(true);
});

test("in any range every value of every factor comes about as often as every other", () => {
  for (const start of [0, 100_000, 700_000]) {
    const seen = shapeSizes.map((n) => new Array<number>(n).fill(0));
    for (let i = start; i < start + 20_000; i++) {
      for (const [axis, value] of shapeFactors(i).entries()) seen[axis][value]++;
    }
    for (const counts of seen) {
      const expected = 20_000 / counts.length;
      for (const count of counts) expect(Math.abs(count - expected)).toBeLessThan(5 * Math.sqrt(expected));
    }
  }
});

test("a step of x or y moves the picture by one pixel, and nothing is cut off at either end", () => {
  const first = bytes(2, 5, 3, 0, 0);
  const ink = first.filter((byte) => byte > 0).length;
  for (const [x, y] of [
    [1, 0],
    [0, 1],
    [31, 31],
  ]) {
    const moved = bytes(2, 5, 3, x, y);
    expect(moved.filter((byte) => byte > 0)).toHaveLength(ink);
    expect(moved.every((byte, at) => byte === (first[at - 64 * y - x] ?? 0))).toBe(true);
  }
});

test("a larger scale is more ink, by its square, and every shape has as much", () => {
  for (const kind of [0, 1, 2]) {
    const ink = [0, 1, 2, 3, 4, 5].map((scale) => bytes(kind, scale, 4, 9, 9).filter((byte) => byte === 255).length);
    ink.forEach((pixels, scale) => {
      expect(Math.abs(pixels - 441 * ((5 + scale) / 10) ** 2)).toBeLessThan(12);
    });
  }
});

test("a turn changes the picture, but for the symmetries of the square and the ellipse", () => {
  for (const [kind, distinct] of [10, 20, 40].entries()) {
    for (const scale of [0, 5]) {
      const seen = Array.from({ length: 40 }, (_, turn) => hash(bytes(kind, scale, turn, 0, 0)));
      expect(new Set(seen).size).toBe(distinct);
      expect(seen.every((picture, turn) => picture === seen[turn % distinct])).toBe(true);
    }
  }
});

test("the middle of the ink is the place, however a shape is turned", () => {
  for (const kind of [0, 1, 2]) {
    for (let turn = 0; turn < 40; turn++) {
      const pixels = bytes(kind, 5, turn, 4, 25);
      const center = [0, 0];
      let ink = 0;
      pixels.forEach((byte, at) => {
        center[0] += byte * (at % 64);
        center[1] += byte * Math.floor(at / 64);
        ink += byte;
      });
      expect(Math.abs(center[0] / ink - (16 + 4))).toBeLessThan(0.25);
      expect(Math.abs(center[1] / ink - (16 + 25))).toBeLessThan(0.25);
    }
  }
});

test("every pixel is black or white, so that the Bernoulli likelihood is a probability", () => {
  expect(new Set(shapes({ count: 300, start: 5000 }).pixels)).toEqual(new Set([0, 255]));
});

test("what is no count, number or factor is refused", () => {
  expect(() => shapes({ count: 0.5 })).toThrow("shapes: count 0.5 is not a whole number of 0 or more");
  expect(() => shapes({ count: 2, start: -1 })).toThrow("shapes: start -1 ");
  expect(() => shapes({ count: 2, start: COUNT - 1 })).toThrow("shapes: there are 737280, so number 737279 to 737281 is too far");
  expect(shapes({ count: 1, start: COUNT - 1 }).count).toBe(1);
  expect(() => shapeFactors(COUNT)).toThrow("shapeFactors: 737280 is not a whole number from 0 to 737279");
  expect(() => shape([0, 6, 0, 0, 0])).toThrow("shape: scale 6 is not a whole number from 0 to 5");
  expect(() => shape([0, 0, 0, 0, -1])).toThrow("shape: y -1 is not a whole number from 0 to 31");
});
