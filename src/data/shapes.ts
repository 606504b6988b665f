// Sprites with known factors, drawn rather than stored, in the manner of dSprites ("dSprites: Disentanglement testing Sprites
// dataset", Matthey et al. 2017): what a model finds in its latents can be compared with what the pictures were made from. Its sixth
// factor, the colour, has one value there, white, and is left out here. The drawing is not DeepMind's, so neither are the bytes.
//
// Every pixel is 0 or 255, as there: white where at least half of it is covered. A soft edge would look better, but of a grey pixel the
// Bernoulli likelihood is no probability: its loss could not come near 0, and could not be set beside that of dSprites.

import { permuted } from "../kernels/random/permutation.ts";
import type { Picture } from "./grid.ts";
import type { Images } from "./images.ts";

/**
 * Which value each factor has, counted from 0: the shape (square, ellipse, heart); the scale, from ½ to 1 of the full size; the turn to
 * the right, in 40ths of a circle; the place, in pixels to the right and down. A square turned by 10 steps and an ellipse turned by 20
 * are what they were, as in dSprites.
 */
export type ShapeFactors = readonly [shape: number, scale: number, orientation: number, x: number, y: number];

/** How many values each factor has. */
export const shapeSizes: ShapeFactors = [3, 6, 40, 32, 32];

const NAMES = ["shape", "scale", "orientation", "x", "y"];
const COUNT = shapeSizes.reduce((product, n) => product * n, 1); // 737,280
const SIZE = 64;
const ORDER = 0x73686170; // the order is part of the data set: another would be another set

export interface ShapesOptions {
  readonly count: number;
  /** Number of the first picture; disjoint ranges are disjoint sets, as for training and testing. */
  readonly start?: number;
}

/** Shapes number `start` to `start + count` of a shuffled order, so that any range is a fair sample of all 737,280. Labels are the shape. */
export function shapes({ count, start = 0 }: ShapesOptions): Images {
  for (const [name, value] of Object.entries({ count, start })) {
    if (!Number.isSafeInteger(value) || value < 0) throw new Error(`shapes: ${name} ${value} is not a whole number of 0 or more`);
  }
  if (start + count > COUNT) throw new Error(`shapes: there are ${COUNT}, so number ${start} to ${start + count} is too far`);
  const pixels = new Uint8Array(count * SIZE * SIZE);
  const labels = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    const factors = shapeFactors(start + i);
    labels[i] = factors[0];
    draw(factors, pixels, i * SIZE * SIZE);
  }
  return { pixels, labels, count, height: SIZE, width: SIZE, channels: 1, white: 255, name: "shapes" };
}

/** What picture number i of `shapes` shows. */
export function shapeFactors(i: number): ShapeFactors {
  if (!Number.isInteger(i) || i < 0 || i >= COUNT) throw new Error(`shapeFactors: ${i} is not a whole number from 0 to ${COUNT - 1}`);
  let rest = permuted(i, COUNT, ORDER, 0);
  const [x, y] = [rest % 32, Math.floor(rest / 32) % 32];
  rest = Math.floor(rest / (32 * 32));
  return [Math.floor(rest / (6 * 40)), Math.floor(rest / 40) % 6, rest % 40, x, y];
}

/** The picture with these factors. */
export function shape(factors: ShapeFactors): Picture {
  factors.forEach((value, axis) => {
    if (Number.isInteger(value) && value >= 0 && value < shapeSizes[axis]) return;
    throw new Error(`shape: ${NAMES[axis]} ${value} is not a whole number from 0 to ${shapeSizes[axis] - 1}`);
  });
  const pixels = new Uint8Array(SIZE * SIZE);
  draw(factors, pixels, 0);
  return { width: SIZE, height: SIZE, channels: 1, pixels };
}

// One step of x or y is one pixel, so the 1024 pictures that differ only by place are one stamp in 1024 places.

const REACH = 16; // a stamp's pixels on each side of the middle one; with 32 places they fill the picture: 16 + 1 + 16 + 31 = 64
const STAMP = 2 * REACH + 1;

function draw([kind, scale, orientation, x, y]: ShapeFactors, pixels: Uint8Array, from: number): void {
  const stamp = stampOf(kind, scale, orientation);
  for (let row = 0; row < STAMP; row++) {
    pixels.set(stamp.subarray(row * STAMP, (row + 1) * STAMP), from + (y + row) * SIZE + x);
  }
}

const stamps = new Map<number, Uint8Array>(); // 720 of 1,089 bytes, each made when it is first asked for

function stampOf(kind: number, scale: number, orientation: number): Uint8Array {
  const key = (kind * 6 + scale) * 40 + orientation;
  const known = stamps.get(key);
  if (known) return known;
  const [cos, sin] = turns[orientation];
  const size = (5 + scale) / 10;
  const stamp = new Uint8Array(STAMP * STAMP);
  for (let row = 0; row < STAMP; row++) {
    for (let column = 0; column < STAMP; column++) {
      let covered = 0; // of 4 x 4 points in the pixel
      for (let dot = 0; dot < 16; dot++) {
        const dx = column - REACH + ((dot % 4) - 1.5) / 4;
        const dy = row - REACH + (Math.floor(dot / 4) - 1.5) / 4;
        if (contains[kind]((cos * dx + sin * dy) / size, (cos * dy - sin * dx) / size)) covered++;
      }
      if (covered >= 8) stamp[row * STAMP + column] = 255;
    }
  }
  stamps.set(key, stamp);
  return stamp;
}

/** Whether a point, in pixels to the right of the middle and down, lies in the full-size, unturned shape. Areas agree within 1 %. */
const contains: readonly ((u: number, v: number) => boolean)[] = [
  (u, v) => Math.abs(u) <= 10.5 && Math.abs(v) <= 10.5,
  (u, v) => (u * u) / (15.5 * 15.5) + (v * v) / (9 * 9) <= 1,
  (u, v) => {
    const x = u / 11;
    const y = 0.29348 - v / 11; // (0, 0.29348) is its centre of mass, which stays in place as it turns
    const ring = x * x + y * y - 1;
    return ring * ring * ring <= x * x * y * y * y; // (x² + y² - 1)³ = x² y³, the heart curve
  },
];

/**
 * Cosine and sine of each turn. From square roots, sums and products only, which are the same bits on every engine; Math.cos is not. That
 * of 36° is (1 + √5) / 4, and halving it twice gives the step of 9°.
 */
const turns: readonly (readonly [cos: number, sin: number])[] = (() => {
  const cos18 = Math.sqrt((1 + (1 + Math.sqrt(5)) / 4) / 2);
  const cos9 = Math.sqrt((1 + cos18) / 2);
  const sin9 = Math.sqrt((1 - cos18) / 2);
  const all: [number, number][] = [[1, 0]];
  for (let step = 1; step < 40; step++) {
    const [cos, sin] = all[step - 1];
    all.push([cos * cos9 - sin * sin9, sin * cos9 + cos * sin9]);
  }
  return all;
})();
