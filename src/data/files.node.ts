// Data sets of images in a folder, read from disk: MNIST and all that took over its names, or one IDX file alone. Node only;
// a page reads a File's bytes and calls gunzip and parseIdx itself.

import { readFileSync, statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { constants, gunzipSync } from "node:zlib";
import { isGzip } from "./gunzip.ts";
import { type Idx, idxHeader, parseIdx } from "./idx.ts";
import { type Images, pickImages } from "./images.ts";
import { list, some } from "./list.node.ts";
import { split } from "./split.ts";

const LIMIT = 2 ** 30; // bytes of one decompressed file

const IMAGES = /idx[34]-ubyte(\.gz)?$/;
const WANTED = "train-images-idx3-ubyte[.gz] (and t10k- or test-), or one single *idx3-ubyte[.gz]";

/** Whether a folder holds IDX files of images; it must be there. */
export const hasIdx = (folder: string): boolean => list(folder, `${WANTED}, or with PNG or JPEG files`).some((file) => IMAGES.test(file));

/**
 * The images in a folder, with their labels where a labels file lies beside them. Tests are the files named t10k, test or valid;
 * where there is none, the images are shuffled, and the last tenth is for testing.
 */
export function readImages(folder: string): { train: Images; test: Images | undefined } {
  const files = list(folder, WANTED); // a plain file comes before its .gz
  const images = files.filter((file) => IMAGES.test(file));
  const part = (...names: string[]) => names.map((name) => images.find((file) => file.startsWith(name))).find((file) => file);
  const trainFile = part("train") ?? (images.length === 1 ? images[0] : undefined);
  if (!trainFile) throw new Error(`${folder}: looked for ${WANTED}; found ${some(files)}`);

  const train = readPart(folder, trainFile, files);
  const testFile = part("t10k", "test", "valid");
  if (!testFile || testFile === trainFile) {
    const numbers = split(train.count);
    return { train: pickImages(train, numbers.train), test: numbers.test.length > 0 ? pickImages(train, numbers.test) : undefined };
  }
  const test = readPart(folder, testFile, files);
  const sizes = [train, test].map((set) => `${set.height} x ${set.width} x ${set.channels}`);
  if (sizes[0] !== sizes[1]) throw new Error(`${folder}: the images in ${trainFile} are ${sizes[0]}, those in ${testFile} ${sizes[1]}`);
  const white = Math.max(train.white, test.white);
  return { train: { ...train, white }, test: { ...test, white } };
}

function readPart(folder: string, file: string, files: readonly string[]): Images {
  const path = join(folder, file);
  const { shape, data } = readIdx(path);
  const [count, height, width, channels = 1] = shape;
  if (shape.length < 3) throw new Error(`${path}: images have 3 or 4 dimensions, these ${shape.length}, [${shape.join(", ")}]`);
  if (data.length === 0) throw new Error(`${path}: holds no images, [${shape.join(", ")}]`);

  const labelsName = file.replace(/images/, "labels").replace(/idx[34]-ubyte(\.gz)?$/, "idx1-ubyte");
  const labelsFile = files.find((name) => name === labelsName || name === `${labelsName}.gz`);
  const labels = labelsFile === undefined ? undefined : readLabels(join(folder, labelsFile), count, file);
  const white = data.some((byte) => byte > 1) ? 255 : 1;
  return { pixels: data, labels, count, height, width, channels, white, name: basename(resolve(folder)) };
}

function readLabels(path: string, count: number, images: string): Uint8Array {
  const { shape, data } = readIdx(path);
  if (shape.length !== 1) throw new Error(`${path}: labels have 1 dimension, these ${shape.length}, [${shape.join(", ")}]`);
  if (shape[0] !== count) throw new Error(`${path}: ${shape[0]} labels, but ${images} has ${count} images`);
  return data;
}

/** An IDX file, plain or gzip. */
export function readIdx(path: string): Idx {
  const { size } = statSync(path);
  if (size > LIMIT) throw new Error(`${path}: ${size} bytes; at most ${LIMIT} are read`);
  const bytes = readFileSync(path);
  return parseIdx(isGzip(bytes) ? inflate(bytes, path) : bytes, path);
}

/** Decompresses a file, once its first bytes have said how much that will be. */
function inflate(bytes: Uint8Array, path: string): Uint8Array {
  try {
    const head = gunzipSync(bytes.subarray(0, 512), { finishFlush: constants.Z_SYNC_FLUSH });
    const { end } = idxHeader(head, path);
    if (end > LIMIT) throw new Error(`${path}: declares ${end} bytes; at most ${LIMIT} are read`);
    return gunzipSync(bytes, { maxOutputLength: end });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ERR_BUFFER_TOO_LARGE") throw new Error(`${path}: decompresses to more than its header declares`, { cause: error });
    if (code?.startsWith("Z_")) throw new Error(`${path}: damaged gzip: ${(error as Error).message}`, { cause: error });
    throw error;
  }
}
