// Resizing: an area's mean where a picture shrinks, a straight line between neighbours where it grows, and the middle of what is not square.
import fc from "fast-check";
import { expect, test } from "vitest";
import { digits, type Images, type Picture, recolor, resizeImages, resizePicture } from "../src/data/index.ts";

const picture = (width: number, height: number, channels: number, pixels: readonly number[]): Picture => ({
  width,
  height,
  channels,
  pixels: Uint8Array.from(pixels),
});
const anyPicture = fc
  .record({ width: fc.integer({ min: 1, max: 11 }), height: fc.integer({ min: 1, max: 11 }), channels: fc.constantFrom(1, 3) })
  .chain(({ width, height, channels }) => {
    const length = width * height * channels;
    return fc.uint8Array({ minLength: length, maxLength: length }).map((pixels) => ({ width, height, channels, pixels }));
  });
const anySize = fc.integer({ min: 1, max: 13 });

/** The square in the middle, which is what is resized. */
function square({ width, height, channels, pixels }: Picture): Picture {
  const side = Math.min(width, height);
  const rows = Array.from({ length: side }, (_, y) => {
    const from = (Math.floor((height - side) / 2) + y) * width + Math.floor((width - side) / 2);
    return [...pixels.subarray(from * channels, (from + side) * channels)];
  });
  return picture(side, side, channels, rows.flat());
}

/** Resizing as it is defined, in real numbers: at every place of the result, the mean or the line. */
function definition(x: Picture, size: number): number[] {
  const side = x.width;
  const clamp = (i: number) => Math.min(Math.max(i, 0), side - 1);
  const weight = (i: number, j: number): number => {
    if (side >= size) return Math.max(0, Math.min(((i + 1) * side) / size, j + 1) - Math.max((i * side) / size, j)) / (side / size);
    const at = ((i + 0.5) * side) / size - 0.5;
    const [low, share] = [Math.floor(at), at - Math.floor(at)];
    return (clamp(low) === j ? 1 - share : 0) + (clamp(low + 1) === j ? share : 0);
  };
  const out: number[] = [];
  for (let v = 0; v < size; v++) {
    for (let u = 0; u < size; u++) {
      for (let c = 0; c < x.channels; c++) {
        let sum = 0;
        for (let i = 0; i < side; i++) {
          for (let j = 0; j < side; j++) sum += weight(v, i) * weight(u, j) * x.pixels[(i * side + j) * x.channels + c];
        }
        out.push(sum);
      }
    }
  }
  return out;
}

test("every pixel is what the definition says, rounded, for all sizes", () => {
  fc.assert(
    fc.property(anyPicture, anySize, (x, size) => {
      const made = resizePicture(x, size);
      expect(made).toMatchObject({ width: size, height: size, channels: x.channels });
      const exact = definition(square(x), size);
      expect(made.pixels).toHaveLength(exact.length);
      for (const [i, value] of made.pixels.entries()) expect(Math.abs(value - exact[i])).toBeLessThan(0.5 + 1e-9);
    }),
  );
});

test("a square of the size that is asked for is left as it is", () => {
  fc.assert(fc.property(anyPicture, (x) => void expect(resizePicture(x, Math.min(x.width, x.height))).toEqual(square(x))));
});

test("three become two by halves, two become four along a line, and what sticks out on both sides is cut off", () => {
  expect(resizePicture(picture(3, 3, 1, [0, 90, 200, 0, 90, 200, 0, 90, 200]), 2).pixels).toEqual(Uint8Array.of(30, 163, 30, 163));
  expect(resizePicture(picture(2, 2, 1, [0, 80, 0, 80]), 4).pixels.subarray(0, 4)).toEqual(Uint8Array.of(0, 20, 60, 80));
  expect(resizePicture(picture(4, 1, 1, [1, 2, 3, 4]), 1).pixels).toEqual(Uint8Array.of(2)); // 1 too many on the left, 2 on the right
  expect(resizePicture(picture(1, 5, 1, [1, 2, 3, 4, 5]), 1).pixels).toEqual(Uint8Array.of(3));
});

test("what has one colour keeps it, at every size", () => {
  fc.assert(
    fc.property(fc.nat(255), anySize, anySize, (value, from, to) => {
      const made = resizePicture(picture(from, from, 1, new Array<number>(from * from).fill(value)), to);
      expect(made.pixels.every((pixel) => pixel === value)).toBe(true);
    }),
  );
});

test("grey is 0.299 red, 0.587 green and 0.114 blue, and a grey made colour and grey again is itself", () => {
  expect(recolor(picture(3, 1, 3, [255, 0, 0, 0, 255, 0, 0, 0, 255]), 1).pixels).toEqual(Uint8Array.of(76, 150, 29));
  const greys = picture(
    256,
    1,
    1,
    Array.from({ length: 256 }, (_, i) => i),
  );
  expect(recolor(recolor(greys, 3), 1)).toEqual(greys);
  expect(() => recolor(picture(1, 1, 2, [1, 2]), 1)).toThrow("recolor: 2 channels; pictures have 1 or 3");
  expect(() => resizePicture(greys, 1.5)).toThrow("resize: size 1.5 is not a whole number of 1 or more");
});

test("a set is resized picture by picture, with its labels, and 1 for white becomes 255, since greys come of it", () => {
  const set = digits({ count: 3 });
  const small = resizeImages(set, { size: 9, channels: 3 });
  expect(small).toMatchObject({ count: 3, height: 9, width: 9, channels: 3, labels: set.labels, name: "digits" });
  const second = picture(28, 28, 1, [...set.pixels.subarray(784, 2 * 784)]);
  expect(small.pixels.subarray(243, 486)).toEqual(recolor(resizePicture(second, 9), 3).pixels);
  expect(resizeImages(set, { size: 28, channels: 1 })).toBe(set);
  expect(resizeImages(set, {})).toBe(set);
  const binary: Images = { ...set, count: 1, height: 2, width: 2, pixels: Uint8Array.of(0, 1, 1, 1), labels: undefined, white: 1 };
  expect(resizeImages(binary, { size: 1 })).toMatchObject({ white: 255, pixels: Uint8Array.of(191) });
  expect(resizeImages(binary, { size: 2 })).toBe(binary);
  expect(() => resizeImages(set, { size: 20_000 })).toThrow("digits: 3 pictures of 20000 x 20000 x 1 are 1200000000 bytes; at most");
});
