// Data sets of PNG and JPEG files in a folder and its sub-folders. Headers are read first, of all files, so that what cannot be read, or
// would not fit into memory, is said before any picture is decoded.

import { basename, join, resolve } from "node:path";
import { setImmediate } from "node:timers/promises";
import type { Picture } from "./grid.ts";
import { checkBytes, type Images } from "./images.ts";
import { pictureFiles } from "./list.node.ts";
import { readHeader, readPicture } from "./picture.node.ts";
import { type Channels, recolor, resizePicture } from "./resize.ts";
import { split } from "./split.ts";

export interface PicturesOptions {
  /** Height and width in pixels: of each picture the square in the middle is resized. */
  readonly size?: number | undefined;
  /** By default 3 if any picture in the folder is stored in colour, else 1. */
  readonly channels?: Channels | undefined;
  /** At most so many pictures of each part are decoded. */
  readonly limit?: { readonly train?: number | undefined; readonly test?: number | undefined };
  /** Larger pictures are refused before they are decoded. */
  readonly maxPixels?: number;
  /** Larger sets are refused before any picture is decoded. */
  readonly maxBytes?: number;
  /** Called while pictures are decoded. */
  readonly progress?: (done: number, total: number) => void;
}

/**
 * The pictures in a folder, in a shuffled order that is the same for the same files. Where there is a sub-folder train, tests are in
 * test, valid or val beside it; otherwise, or where these are missing, they are the last tenth of that order. If all pictures lie in
 * sub-folders (of the folder, or of train and test), at least two and at most 256, these are the classes.
 */
export async function readPictures(
  folder: string,
  { size = 64, channels, limit = {}, maxPixels = 2 ** 26, maxBytes = 2 ** 30, progress }: PicturesOptions = {},
): Promise<{ train: Images; test: Images | undefined }> {
  if (!(Number.isInteger(size) && size >= 1)) throw new Error(`${folder}: size ${size} is not a whole number of 1 or more`);
  const all = parts(pictureFiles(folder));
  let anyColor = false;
  for (const [i, file] of [...all.train, ...all.test].entries()) {
    const header = readHeader(join(folder, file.path), maxPixels);
    anyColor ||= header.channels === 3;
    if (i % 100 === 0) await setImmediate(); // so that Ctrl-C is heard
  }

  const chosen = { train: all.train.slice(0, limit.train), test: all.test.slice(0, limit.test) };
  const total = chosen.train.length + chosen.test.length;
  const made = { size, channels: channels ?? (anyColor ? 3 : 1) } as const;
  checkBytes({ name: folder, count: total, height: size, width: size, channels: made.channels }, maxBytes);

  let done = 0;
  const read = async (files: readonly File[]): Promise<Images> => {
    const pixels = new Uint8Array(files.length * size * size * made.channels);
    for (const [i, { path }] of files.entries()) {
      const picture = await readPicture(join(folder, path), maxPixels);
      pixels.set(fitted(picture, made).pixels, (i * pixels.length) / files.length);
      progress?.(++done, total);
      await setImmediate();
    }
    const labels = all.classes && Uint8Array.from(files, (file) => all.classes!.indexOf(file.folder!));
    const shape = { count: files.length, height: size, width: size, channels: made.channels, white: 255 };
    return { ...shape, pixels, labels, classes: all.classes, name: basename(resolve(folder)) };
  };
  return { train: await read(chosen.train), test: all.test.length > 0 ? await read(chosen.test) : undefined };
}

const fitted = (picture: Picture, { size, channels }: { size: number; channels: Channels }): Picture =>
  resizePicture(recolor(picture, channels), size);

interface File {
  /** From the folder on, with slashes. */
  readonly path: string;
  /** The sub-folder it lies in, if in one. */
  readonly folder: string | undefined;
}

function parts(paths: readonly string[]): { train: File[]; test: File[]; classes: string[] | undefined } {
  const within = (name: string): File[] =>
    paths.filter((path) => path.startsWith(name)).map((path) => ({ path, folder: /^([^/]+)\//.exec(path.slice(name.length))?.[1] }));
  const named = within("train/");
  const tests = named.length > 0 ? (["test/", "valid/", "val/"].map(within).find((files) => files.length > 0) ?? []) : [];
  const files = named.length > 0 ? named : within("");

  const folders = new Set([...files, ...tests].map((file) => file.folder));
  const isClass = !folders.has(undefined) && folders.size >= 2 && folders.size <= 256; // labels are bytes
  const classes = isClass ? ([...folders] as string[]).sort() : undefined;

  // Also where tests are named: the first pictures of a sorted list are all of one class, and few are often looked at.
  const pick = (from: readonly File[], { train, test }: ReturnType<typeof split>) => [...train, ...test].map((i) => from[i]);
  const shuffled = pick(files, split(files.length));
  if (tests.length > 0) return { train: shuffled, test: pick(tests, split(tests.length)), classes };
  const count = split(files.length).train.length;
  return { train: shuffled.slice(0, count), test: shuffled.slice(count), classes };
}
