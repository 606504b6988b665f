// The --data option and those that go with it (--limit, --size, --channels), and the images they stand for.

import { resolve } from "node:path";
import { setImmediate } from "node:timers/promises";
import { byClass, labelNamed } from "../data/classes.ts";
import {
  type Channels,
  checkBytes,
  digits,
  hasIdx,
  type Images,
  type PicturesOptions,
  readImages,
  readPictures,
  resizeImages,
  shapes,
  sliceImages,
} from "../data/node.ts";
import { type Option, text, whole } from "./options.ts";
import { shownDefault } from "./recipe.ts";
import { isTerminal, showLive } from "./terminal.ts";

export interface Split {
  readonly train: Images;
  readonly test: Images | undefined;
}

/** What the pictures are to be made into. */
export interface Fit {
  readonly size?: number | undefined;
  readonly channels?: Channels | undefined;
  /** The class whose images are kept, by name or number; those of others are left out. */
  readonly only?: string | undefined;
}

export const dataOption: Option<string> = text("digits|shapes|DIR", {
  default: "digits",
  help: "digits or shapes (sprites of 64 x 64), drawn by a program; or a folder with PNG and JPEG files, or with IDX files under MNIST's names",
});

export const limitOption: Option<number | undefined> = whole({
  min: 1,
  max: 1_000_000,
  default: undefined,
  help: "train and test on the first N images of each part; of digits and shapes, draw N to train on",
  shownDefault: shownDefault("limit", "all; 10000 digits, 20000 shapes"),
});

export const sizeOption: Option<number | undefined> = whole({
  min: 1,
  max: 1024,
  default: undefined,
  help: "height and width: of each image the square in the middle is resized",
  shownDefault: "64 for PNG and JPEG, else as the data are",
});

export const onlyOption: Option<string | undefined> = text("CLASS", {
  default: undefined,
  shownDefault: "all",
  help: "train and test on the images of one class, by its number or name, and leave out the others",
});

const COLORS: ReadonlyMap<string, Channels> = new Map([
  ["grey", 1],
  ["rgb", 3],
]);

export const channelsOption: Option<Channels | undefined> = {
  placeholder: "grey|rgb",
  wanted: "one of grey, rgb",
  default: undefined,
  shownDefault: "as the data are, rgb if any is colour",
  help: "what the images are made into",
  read: (text) => COLORS.get(text),
};

/**
 * What is drawn by a program: a number of pictures from `start` on. The sets have fixed seeds: another --seed is another model of the
 * same data. Test pictures start far behind.
 */
interface Drawn {
  readonly train: number;
  readonly test: number;
  readonly testStart: number;
  draw(part: { count: number; start: number }, size: number | undefined): Images;
}
const DRAWN: ReadonlyMap<string, Drawn> = new Map([
  ["digits", { train: 10_000, test: 2_000, testStart: 2 ** 24, draw: (part, size = 28) => digits({ ...part, size }) }],
  ["shapes", { train: 20_000, test: 2_000, testStart: 700_000, draw: (part, size) => resizeImages(shapes(part), { size }) }],
]);

/** Whether --data names what a program draws, and not a folder. */
export const isDrawn = (data: string): boolean => DRAWN.has(data);

/** The number of the first test picture of what a program draws. */
export const drawnTestStart = (data: string): number | undefined => DRAWN.get(data)?.testStart;

/** Where --data points to, in a form that is right from every folder. */
export const dataSource = (data: string): string => (isDrawn(data) ? data : resolve(data));

export async function readData(data: string, limit: number | undefined, fit: Fit): Promise<Split> {
  const { train, test } = await readClasses(data, limit, fit);
  return { train: ofClass(train, fit.only), test: test && ofClass(test, fit.only) };
}

/** The images of one class; all images if none is named. */
function ofClass(images: Images, only: string | undefined): Images {
  if (only === undefined) return images;
  try {
    const label = labelNamed(images, only);
    return { ...byClass(images, label).own, name: `${images.name}-only-${only}` };
  } catch (error) {
    throw new Error(`--only ${only}: ${(error as Error).message}`, { cause: error });
  }
}

async function readClasses(data: string, limit: number | undefined, fit: Fit): Promise<Split> {
  const drawn = DRAWN.get(data);
  if (drawn) {
    const count = limit ?? drawn.train;
    if (count > drawn.testStart) throw new Error(`--limit ${count}: of ${data} ${drawn.testStart} are for training, the rest for testing`);
    const train = await draw(drawn, count, 0, fit);
    return { train, test: await draw(drawn, Math.min(count, drawn.test), drawn.testStart, fit) };
  }
  return await readFolder(data, { train: limit, test: limit }, fit);
}

const FEW = 16;

/**
 * The first `count` test images, or some. Of what is drawn, no more are made; but for one class all are read, because nobody knows where
 * its images are.
 */
export async function readTestImages(data: string, count: number | undefined, fit: Fit, option = "--count"): Promise<Images> {
  const wanted = count ?? FEW;
  const images = ofClass(await readTest(data, fit.only === undefined ? wanted : undefined, fit), fit.only);
  if (count !== undefined && count > images.count) {
    throw new Error(`${option} ${count} is more than the ${images.count} test images in ${data}`);
  }
  return sliceImages(images, 0, Math.min(wanted, images.count));
}

async function readTest(data: string, limit: number | undefined, fit: Fit): Promise<Images> {
  const drawn = DRAWN.get(data);
  if (drawn) return await draw(drawn, limit ?? drawn.test, drawn.testStart, fit);
  const { test } = await readFolder(data, { train: 0, test: limit }, fit);
  return test ?? (await readFolder(data, { train: limit }, fit)).train; // too few to be split
}

async function readFolder(data: string, limit: NonNullable<PicturesOptions["limit"]>, fit: Fit): Promise<Split> {
  if (!hasIdx(data)) {
    const progress = (done: number, total: number) => showLive(`${data}: picture ${done} of ${total}`);
    return await readPictures(data, { ...fit, limit, ...(isTerminal() && { progress }) }).finally(() => showLive(""));
  }
  const { train, test } = readImages(data);
  // A grid of pictures is written as PNG, and it is better to say so now than after an hour.
  if (train.channels !== 1 && train.channels !== 3) throw new Error(`${data}: images of ${train.channels} channels; 1 or 3 can be shown`);
  const part = (images: Images, count = images.count) => resizeImages(sliceImages(images, 0, Math.min(count, images.count)), fit);
  return { train: part(train, limit.train), test: test && part(test, limit.test) };
}

const CHUNK = 500; // a tenth of a second, so that Ctrl-C is heard

async function draw(drawn: Drawn, count: number, start: number, { size, channels }: Fit): Promise<Images> {
  const one = resizeImages(drawn.draw({ count: 1, start }, size), { channels });
  checkBytes({ ...one, count });
  const bytes = one.pixels.length;
  const pixels = new Uint8Array(count * bytes);
  const labels = new Uint8Array(count);
  for (let i = 0; i < count; i += CHUNK) {
    const part = resizeImages(drawn.draw({ count: Math.min(CHUNK, count - i), start: start + i }, size), { channels });
    pixels.set(part.pixels, i * bytes);
    labels.set(part.labels!, i);
    await setImmediate();
  }
  return { ...one, pixels, labels, count };
}
