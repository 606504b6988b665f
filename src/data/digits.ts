// Handwritten-looking digits, drawn rather than stored: a labelled data set of any size from 45 ways to move a pen (strokes.ts).
// A picture is a function of its seed and its index alone, made of integers, + - * / and sqrt: the same bytes on every machine.
// The format is MNIST's: white ink on black, 20 pixels high or wide, its centre of mass in the middle of 28 x 28.

import { threefry, unit } from "../kernels/random/threefry.ts";
import type { Images } from "./images.ts";
import { curve, type Dot, distance, ink } from "./pen.ts";
import { ways } from "./strokes.ts";

export interface DigitsOptions {
  readonly count: number;
  readonly seed?: number;
  /** Index of the first picture; disjoint ranges are disjoint sets, as for training and testing. */
  readonly start?: number;
  /** Height and width in pixels. */
  readonly size?: number;
}

/** Digits number `start` to `start + count`; the ten classes take turns. */
export function digits({ count, seed = 1, start = 0, size = 28 }: DigitsOptions): Images {
  for (const [name, value] of Object.entries({ count, seed, start, size })) {
    if (!Number.isSafeInteger(value) || value < 0) throw new Error(`digits: ${name} ${value} is not a whole number of 0 or more`);
  }
  const pixels = new Uint8Array(count * size * size);
  const labels = Uint8Array.from({ length: count }, (_, i) => (start + i) % 10);
  for (let i = 0; i < count; i++) {
    draw(labels[i], randomNumbers(seed, start + i), pixels.subarray(i * size * size, (i + 1) * size * size), size);
  }
  return { pixels, labels, count, height: size, width: size, channels: 1, white: 255, name: "digits" };
}

function draw(digit: number, random: Random, pixels: Uint8Array, size: number): void {
  const { strokes } = pick(ways[digit], random);
  const place = handwriting(random);
  const paths = strokes.map((points) => curve(hasty(points, place, random)));
  fit(paths, random, size);
  for (const path of paths) for (let i = 1; i < path.length; i++) ink(path[i - 1], path[i], pixels, size);
}

/** One of the ways, by its odds. */
function pick<T extends { readonly odds: number }>(ways: readonly T[], { uniform }: Random): T {
  let left = uniform() * ways.reduce((sum, way) => sum + way.odds, 0);
  return ways.find((way) => (left -= way.odds) < 0)!;
}

type Place = (x: number, y: number) => [number, number];

/** One person's hand at one moment: a smooth bend of the sheet, then slant, proportion and turn. */
function handwriting({ normal }: Random): Place {
  const bend = Array.from({ length: 6 }, () => 0.2 * normal());
  const slant = 0.12 + 0.24 * normal();
  const aspect = 0.92 * (1 + 0.18 * normal());
  const half = 0.06 * normal(); // tan of half the angle of the turn gives its cosine and sine without calling either
  const cos = (1 - half * half) / (1 + half * half);
  const sin = (2 * half) / (1 + half * half);
  return (x, y) => {
    const u = x - 0.5;
    const v = y - 0.5;
    const p = aspect * (u + bend[0] * u * v + bend[1] * v * v + bend[2] * u * u) - slant * v;
    const q = v + bend[3] * u * v + bend[4] * u * u + bend[5] * v * v;
    return [cos * p - sin * q, sin * p + cos * q];
  };
}

/** The points of a stroke, each a little off its place; the two of a corner are one and the same. */
function hasty(points: readonly number[], place: Place, { normal }: Random): [number, number][] {
  const placed: [number, number][] = [];
  for (let i = 0; i < points.length; i += 2) {
    const corner = i > 0 && points[i] === points[i - 2] && points[i + 1] === points[i - 1];
    placed.push(corner ? placed[i / 2 - 1] : place(points[i] + 0.03 * normal(), points[i + 1] + 0.03 * normal()));
  }
  return placed;
}

/** Scales the paths to a box of 20 in 28 pixels with their centre of mass in the middle, and gives the pen its width. */
function fit(paths: Dot[][], { normal }: Random, size: number): void {
  const pixel = size / 28;
  const weight = Math.max(0.7, 1.26 + 0.34 * normal()) * pixel;
  const dots = paths.flat();
  const width = Math.max(...dots.map((p) => p.x)) - Math.min(...dots.map((p) => p.x));
  const height = Math.max(...dots.map((p) => p.y)) - Math.min(...dots.map((p) => p.y));
  const scale = ((20 + 0.5 * normal()) * pixel - 2 * weight) / Math.max(width, height);

  let mass = 0;
  let massX = 0;
  let massY = 0;
  for (const path of paths) {
    const trend = 0.16 * normal(); // the pen presses harder toward one end,
    const belly = 0.18 * normal(); // and in the middle or at both ends
    for (let i = 0; i < path.length; i++) {
      const p = path[i];
      const s = (2 * i) / (path.length - 1) - 1;
      p.radius = weight * (1 + trend * s + belly * (0.5 - s * s));
      if (i === 0) continue;
      const o = path[i - 1];
      const area = p.radius * distance(p.x - o.x, p.y - o.y);
      mass += area;
      massX += (area * (p.x + o.x)) / 2;
      massY += (area * (p.y + o.y)) / 2;
    }
  }
  const left = size / 2 - (scale * massX) / mass + 0.4 * normal() * pixel;
  const top = size / 2 - (scale * massY) / mass + 0.4 * normal() * pixel;
  for (const p of dots) {
    p.x = p.x * scale + left;
    p.y = p.y * scale + top;
  }
}

interface Random {
  /** Between 0 and 1. */
  uniform(): number;
  /** Mean 0, deviation 1, never beyond 3.5. */
  normal(): number;
}

const STREAM = 0x64696769; // sets these draws apart from those of a model trained with the same seed

/** The random numbers of one picture, as many as it draws. */
function randomNumbers(seed: number, index: number): Random {
  let draws = 0;
  return {
    uniform: () => unit(threefry(seed, index, draws++, STREAM)[0]),
    normal: () => {
      const [a, b] = threefry(seed, index, draws++, STREAM);
      // the sum of four uniform numbers is close to a normal one, and needs no logarithm, which differs between machines
      return (((a >>> 16) + (a & 0xffff) + (b >>> 16) + (b & 0xffff)) / 65535 - 2) * Math.sqrt(3);
    },
  };
}
