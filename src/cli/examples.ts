// The images that a command shows a run's model: some by their numbers, and all in the form that the model was trained on.

import { type Images, pickImages, sliceImages } from "../data/index.ts";
import { binarizeImages, type Run } from "../vae/index.ts";
import type { Split } from "./data.ts";
import { imagesFor, splitFor, type WhichImages, type WhichSplit } from "./images.ts";
import { type Option, whole } from "./options.ts";

/** The images as the model was trained to see them: as zeros and ones if it was trained on such, the same ones for the same run. */
export function asTrained({ config }: Run, images: Images): Images {
  const { binarize, seed } = config.training ?? {};
  return typeof binarize === "string" ? binarizeImages(images, typeof seed === "number" ? seed : 1) : images;
}

/** Whether a run was trained without noise and KL: then its q(z|x) is a mean and no more. */
export const isAutoencoder = ({ config }: Run): boolean => config.training?.["objective"] === "ae";

/** All images of `data`, or of what the run was trained on, in the form that the model saw: as `splitFor`. */
export async function splitAsTrained(run: string, loaded: Run, ...which: WhichSplit): Promise<Split> {
  const { train, test } = await splitFor(run, loaded, ...which);
  return { train: asTrained(loaded, train), test: test && asTrained(loaded, test) };
}

/** The first test images, or some, in the form that the model saw: as `imagesFor`. */
export const firstImages = async (run: string, loaded: Run, ...which: WhichImages): Promise<Images> =>
  asTrained(loaded, await imagesFor(run, loaded, ...which));

/** The test images with these numbers, from 1. */
export async function numberedImages(
  run: string,
  loaded: Run,
  data: string | undefined,
  numbers: readonly number[],
  option: string,
): Promise<Images> {
  const images = await firstImages(run, loaded, data, Math.max(...numbers), option);
  return pickImages(
    images,
    numbers.map((n) => n - 1),
  );
}

/** All images of the run, or the first `limit` to train on. Data without images to test are tested on what they train on. */
export async function trainingAndTest(
  run: string,
  loaded: Run,
  data: string | undefined,
  limit?: number,
): Promise<Record<keyof Split, Images>> {
  const { train, test = train } = await splitAsTrained(run, loaded, data);
  return { train: sliceImages(train, 0, Math.min(limit ?? train.count, train.count)), test };
}

/** The images of which latents are judged, among them the one that `around` names. */
export async function imagesAround(run: string, loaded: Run, data: string | undefined, around: number | "prior"): Promise<Images> {
  const far = around !== "prior" && around > FEW;
  const images = await firstImages(run, loaded, data, far ? around : undefined, "--around");
  if (around === "prior" || around <= images.count) return images;
  throw new Error(`--around ${around} is more than the ${images.count} test images of ${images.name}`);
}

const FEW = 16; // as many as are read where no number is asked for, if there are

/** What is told of an image by its number: the name of its class, or the class's number; undefined without labels. */
export const classOf = ({ labels, classes }: Images, i: number): string | number | undefined =>
  labels && (classes?.[labels[i]] ?? labels[i]);

const MOST = 1_000_000;

/** Numbers of images, from 1. `accepts` says how many there may be, which `wanted` says in words. */
export function numbers({
  accepts = () => true,
  wanted = "numbers of images, from 1, with commas between",
  ...rest
}: Pick<Option<unknown>, "help" | "shownDefault"> & { accepts?: (list: readonly number[]) => boolean; wanted?: string }): Option<
  readonly number[] | undefined
> {
  const one = whole({ min: 1, max: MOST, default: 1, help: "" });
  const read = (text: string) => {
    const list = text.split(",").map((part) => one.read(part));
    return list.every((n) => n !== undefined) && accepts(list as number[]) ? (list as number[]) : undefined;
  };
  return { ...rest, placeholder: "N,N...", default: undefined, wanted, read };
}

/** The class that pictures of a conditional model are of. */
export const classOption = (shownDefault: string): Option<number | undefined> =>
  whole({ min: 0, max: 255, default: undefined, shownDefault, help: "of a conditional model: the class of all images, counted from 0" });

/** Throws if --class is none that the model knows. */
export function checkClass(run: string, { model }: Run, label: number | undefined): void {
  if (label === undefined || label < model.classes) return;
  throw new Error(
    `--class ${label}: ${model.classes === 0 ? `${run} is not conditional` : `${run} knows classes 0 to ${model.classes - 1}`}`,
  );
}

/** How many of the training images are looked at. */
export const limitOption = (help: string): Option<number | undefined> =>
  whole({ min: 1, max: MOST, default: undefined, shownDefault: "all", help });

/** A test image by its number, from 1, or the middle of the prior. */
export const aroundOption = (standard: number | "prior", help: string): Option<number | "prior"> => ({
  placeholder: "N|prior",
  default: standard,
  wanted: `the number of a test image, from 1, or "prior"`,
  help,
  read: (text) => (text === "prior" ? text : whole({ min: 1, max: 10_000, default: 1, help: "" }).read(text)),
});
