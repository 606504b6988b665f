// Folders of images: MNIST's names in all their spellings, and what a folder that holds something else is told.
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";
import { readIdx, readImages } from "../src/data/node.ts";
import { idx } from "./setup/idx.ts";

const made: string[] = [];
afterAll(() => {
  for (const folder of made) rmSync(folder, { recursive: true });
});

function folder(files: Record<string, Uint8Array>): string {
  const path = mkdtempSync(join(tmpdir(), "elbo-data-"));
  made.push(path);
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(path, name), bytes);
  return path;
}

const hash = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const images = (count: number, last = 255) => idx([count, 2, 3], new Uint8Array(count * 6).fill(last, count * 6 - 1));
const labels = (count: number) =>
  idx(
    [count],
    new Uint8Array(count).map((_, i) => i % 10),
  );

test("MNIST's four files, plain or gzip, with dash or dot, are a training and a test set", () => {
  const spellings = [
    { "train-images-idx3-ubyte": images(5), "train-labels-idx1-ubyte": labels(5), "t10k-images-idx3-ubyte": images(2) },
    { "train-images.idx3-ubyte": images(5), "train-labels.idx1-ubyte.gz": gzipSync(labels(5)), "t10k-images.idx3-ubyte": images(2) },
    {
      "train-images-idx3-ubyte.gz": gzipSync(images(5)),
      "train-labels-idx1-ubyte": labels(5),
      "test-images-idx3-ubyte.gz": gzipSync(images(2)),
    },
  ];
  for (const files of spellings) {
    const { train, test } = readImages(folder({ ...files, "README.txt": new Uint8Array(3) }));
    expect(train).toMatchObject({ count: 5, height: 2, width: 3, channels: 1, white: 255, labels: Uint8Array.of(0, 1, 2, 3, 4) });
    expect(train.pixels).toHaveLength(30);
    expect(test).toMatchObject({ count: 2, labels: undefined });
  }
});

test("without a test file a tenth is drawn for testing, the same in every run, and no image is lost or in both parts", () => {
  const path = folder({
    "faces-idx3-ubyte": idx(
      [25, 1, 2],
      Array.from({ length: 50 }, (_, i) => 4 * Math.floor(i / 2)),
    ),
    "faces-idx1-ubyte": labels(25),
  });
  const { train, test } = readImages(path);
  expect(train).toMatchObject({ count: 23, height: 1, width: 2 });
  expect(test).toMatchObject({ count: 2 });
  const all = [train, test!].flatMap(({ pixels, labels }) => Array.from(labels!, (label, i) => ({ image: pixels[2 * i] / 4, label })));
  expect(all.map(({ image }) => image).sort((a, b) => a - b)).toEqual(Array.from({ length: 25 }, (_, i) => i));
  for (const { image, label } of all) expect(label).toBe(image % 10); // it is still its own
  expect(readImages(path)).toEqual({ train, test });
  expect(readImages(folder({ "t10k-images-idx3-ubyte": images(9) }))).toMatchObject({ train: { count: 9 }, test: undefined });
});

test("four dimensions are channels, and files of zeros and ones have 1 for white", () => {
  const { train } = readImages(folder({ "train-images-idx4-ubyte": idx([2, 2, 1, 3], [0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1]) }));
  expect(train).toMatchObject({ count: 2, height: 2, width: 1, channels: 3, white: 1 });
});

test("a folder without images is told what was looked for and what is there", () => {
  expect(() => readImages("no/such/folder")).toThrow("no/such/folder: no such folder; expected one with train-images-idx3-ubyte[.gz]");
  const file = join(folder({ "a-idx3-ubyte": images(1) }), "a-idx3-ubyte");
  expect(() => readImages(file)).toThrow("a-idx3-ubyte: a file, not a folder; give the folder that holds it");
  expect(() => readImages(folder({}))).toThrow(/looked for train-images.*; found an empty folder$/);
  const names = ["a", "b", "c", "d", "e", "f", "g"].map((name) => [`${name}.csv`, new Uint8Array(1)]);
  expect(() => readImages(folder(Object.fromEntries(names)))).toThrow("found a.csv, b.csv, c.csv, d.csv, e.csv and 2 more");
  expect(() => readImages(folder({ "a-idx3-ubyte": images(1), "b-idx3-ubyte": images(1) }))).toThrow("found a-idx3-ubyte, b-idx3-ubyte");
});

test("files that do not belong together are refused, by name and with their numbers", () => {
  const train = { "train-images-idx3-ubyte": images(5) };
  expect(() => readImages(folder({ ...train, "train-labels-idx1-ubyte": labels(4) }))).toThrow(
    /train-labels-idx1-ubyte: 4 labels, but train-images-idx3-ubyte has 5 images$/,
  );
  expect(() => readImages(folder({ ...train, "train-labels-idx1-ubyte": idx([5, 1], [0, 0, 0, 0, 0]) }))).toThrow(
    "train-labels-idx1-ubyte: labels have 1 dimension, these 2, [5, 1]",
  );
  expect(() => readImages(folder({ ...train, "t10k-images-idx3-ubyte": idx([1, 3, 2], [0, 0, 0, 0, 0, 0]) }))).toThrow(
    "the images in train-images-idx3-ubyte are 2 x 3 x 1, those in t10k-images-idx3-ubyte 3 x 2 x 1",
  );
  expect(() => readImages(folder({ "train-images-idx3-ubyte": idx([4], [1, 2, 3, 4]) }))).toThrow(
    "train-images-idx3-ubyte: images have 3 or 4 dimensions, these 1, [4]",
  );
  expect(() => readImages(folder({ "train-images-idx3-ubyte": idx([0, 28, 28], []) }))).toThrow("holds no images, [0, 28, 28]");
});

describe("a gzip file", () => {
  const read = (bytes: Uint8Array) => () => readIdx(join(folder({ "x-idx3-ubyte.gz": bytes }), "x-idx3-ubyte.gz"));
  const packed = gzipSync(images(1000));

  test("that is cut short or damaged is refused by name", () => {
    expect(read(packed.subarray(0, -9))).toThrow(/x-idx3-ubyte\.gz: damaged gzip: /);
    expect(read(packed.subarray(0, 3))).toThrow(/x-idx3-ubyte\.gz: /);
    expect(read(Uint8Array.of(0x1f, 0x8b, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9))).toThrow(/x-idx3-ubyte\.gz: damaged gzip: /);
    expect(read(packed.map((byte, i) => (i === packed.length - 6 ? byte ^ 1 : byte)))).toThrow(/x-idx3-ubyte\.gz: damaged gzip: /);
  });

  test("stops at the size its header declares, however much it holds", () => {
    const bomb = gzipSync(Buffer.concat([idx([10, 28, 28], []), Buffer.alloc(50_000_000)]));
    const before = process.memoryUsage().arrayBuffers;
    expect(read(bomb)).toThrow(/x-idx3-ubyte\.gz: decompresses to more than its header declares$/);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10_000_000);
    expect(read(gzipSync(idx([10_000_000, 28, 28], [])))).toThrow("declares 7840000016 bytes; at most 1073741824 are read");
  });

  test("that holds less than its header declares is refused", () => {
    expect(read(gzipSync(idx([10, 28, 28], [1, 2, 3])))).toThrow("the header declares [10, 28, 28] = 7840 values, but 3 bytes follow it");
  });
});

const data = resolve(process.env.ELBO_DATA ?? "../shared/data");
const real = (name: string) => test.skipIf(!existsSync(join(data, name)));
if (!existsSync(data)) console.log(`data: ${data} does not exist, so no real data set is read; set ELBO_DATA to a folder with mnist/`);

real("mnist")("MNIST is 60,000 and 10,000 images of 28 x 28 with labels", () => {
  const { train, test } = readImages(join(data, "mnist"));
  expect(train).toMatchObject({ name: "mnist", count: 60_000, height: 28, width: 28, channels: 1, white: 255 });
  expect(Array.from(train.labels!.subarray(0, 8))).toEqual([5, 0, 4, 1, 9, 2, 1, 3]);
  expect(train.pixels.reduce((sum, byte) => sum + byte, 0) / train.pixels.length / 255).toBeCloseTo(0.1307, 4);
  expect(test).toMatchObject({ count: 10_000 });
  expect(Array.from(test!.labels!.subarray(0, 8))).toEqual([7, 2, 1, 0, 4, 1, 4, 9]);
});

real("binarized-mnist")("binarized MNIST has no labels, and 1 is white", () => {
  const { train, test } = readImages(join(data, "binarized-mnist"));
  expect(train).toMatchObject({ count: 50_000, white: 1, labels: undefined });
  expect(test).toMatchObject({ count: 10_000, white: 1 });
});

real("olivetti-faces")("the Olivetti faces, one file, ten of each person in turn, are tested on more than four people", () => {
  const { train, test } = readImages(join(data, "olivetti-faces"));
  expect(train).toMatchObject({ count: 360, height: 64, width: 64, white: 255 });
  expect(test).toMatchObject({ count: 40 });
  const { data: file } = readIdx(join(data, "olivetti-faces/faces-idx3-ubyte.gz"));
  const numbers = new Map(Array.from({ length: 400 }, (_, i) => [hash(file.subarray(i * 4096, (i + 1) * 4096)), i]));
  const person = (i: number) => Math.floor(numbers.get(hash(test!.pixels.subarray(i * 4096, (i + 1) * 4096)))! / 10);
  expect(new Set(Array.from({ length: 40 }, (_, i) => person(i))).size).toBeGreaterThan(20);
});
