// The --data and --limit options and the images they stand for.

import { resolve } from "node:path";
import { setImmediate } from "node:timers/promises";
import { digits, type Images, readImages, sliceImages } from "../data/node.ts";
import { type Option, text, whole } from "./options.ts";

export interface Split {
  readonly train: Images;
  readonly test: Images | undefined;
}

export const dataOption: Option<string> = text("digits|DIR", {
  default: "digits",
  help: "digits, drawn by a program; or a folder with IDX files, plain or .gz, under MNIST's names",
});

export const limitOption: Option<number | undefined> = whole({
  min: 1,
  max: 1_000_000,
  default: undefined,
  help: "train and test on the first N images of each part; of digits, draw N to train on",
  shownDefault: "all; 10000 digits",
});

/** The digits set has a fixed seed: another --seed is another model of the same data. Its test pictures start far behind. */
const DIGITS = { train: 10_000, test: 2_000, testStart: 2 ** 24 };

/** Where --data points to, in a form that is right from every folder. */
export const dataSource = (data: string): string => (data === "digits" ? data : resolve(data));

export async function readData(data: string, limit: number | undefined): Promise<Split> {
  if (data === "digits") {
    const count = limit ?? DIGITS.train;
    return { train: await draw(count, 0), test: await draw(Math.min(count, DIGITS.test), DIGITS.testStart) };
  }
  const { train, test } = readImages(data);
  // A grid of pictures is written as PNG, and it is better to say so now than after an hour.
  if (train.channels !== 1 && train.channels !== 3) throw new Error(`${data}: images of ${train.channels} channels; 1 or 3 can be shown`);
  return { train: first(train, limit), test: test && first(test, limit) };
}

const FEW = 16;

/** The first `count` test images, or some. Of digits, no more are drawn. */
export async function readTestImages(data: string, count: number | undefined): Promise<Images> {
  if (data === "digits") return draw(count ?? FEW, DIGITS.testStart);
  const { train, test = train } = readImages(data);
  if (count !== undefined && count > test.count) throw new Error(`--count ${count} is more than the ${test.count} test images in ${data}`);
  return first(test, count ?? FEW);
}

const first = (images: Images, limit = images.count): Images => sliceImages(images, 0, Math.min(limit, images.count));

const CHUNK = 500; // a tenth of a second, so that Ctrl-C is heard

async function draw(count: number, start: number): Promise<Images> {
  const one = digits({ count: 1, start });
  const size = one.pixels.length;
  const pixels = new Uint8Array(count * size);
  const labels = new Uint8Array(count);
  for (let i = 0; i < count; i += CHUNK) {
    const part = digits({ count: Math.min(CHUNK, count - i), start: start + i });
    pixels.set(part.pixels, i * size);
    labels.set(part.labels!, i);
    await setImmediate();
  }
  return { ...one, pixels, labels, count };
}
