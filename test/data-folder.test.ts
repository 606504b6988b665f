// Folders of pictures: what is in a PNG or JPEG file comes out, as large and as colourful as asked, and what cannot be read is named.
import { linkSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { deflateSync } from "node:zlib";
import fc from "fast-check";
import { encode } from "fast-png";
import jpegJs from "jpeg-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { encodePng } from "../src/cli/png.ts";
import { need } from "../src/data/need.node.ts";
import { type Images, imageGrid, readPictures, resizeImages } from "../src/data/node.ts";
import { readPicture } from "../src/data/picture.node.ts";
import { open } from "../src/index.ts";
import { denseVae, reconstructImages, train } from "../src/vae/index.ts";
import { built, elbo } from "./setup/cli.ts";
import { idx } from "./setup/idx.ts";
import { chunk, exif, jpeg, plainPng, png } from "./setup/pictures.ts";

const made: string[] = [];
afterAll(() => {
  for (const folder of made) rmSync(folder, { recursive: true });
});

function folder(files: Record<string, Uint8Array>): string {
  const path = mkdtempSync(join(tmpdir(), "elbo-pictures-"));
  made.push(path);
  for (const [name, bytes] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), bytes);
  }
  return path;
}

const MANY = 2 ** 26;
const decode = (name: string, bytes: Uint8Array) => readPicture(join(folder({ [name]: bytes }), name), MANY);
const fromPng = async (bytes: Uint8Array) => Array.from((await decode("x.png", bytes)).pixels);
const fromJpeg = (...[what]: Parameters<typeof jpeg>) => decode("x.jpg", jpeg(what));
const refused = (name: string, bytes: Uint8Array, message: string | RegExp) => expect(decode(name, bytes)).rejects.toThrow(message);

describe("a PNG file", () => {
  const palette = chunk("PLTE", [10, 20, 30, 200, 100, 50, 255, 255, 255]);

  test("of 1, 2 or 4 bits is spread over the range of bytes, also where a row ends within a byte", async () => {
    expect(await fromPng(png({ width: 3, height: 2, depth: 1, type: 0, rows: [[0b10100000], [0b01000000]] }))).toEqual([
      255, 0, 255, 0, 255, 0,
    ]);
    expect(await fromPng(png({ width: 3, height: 1, depth: 2, type: 0, rows: [[0b00_01_11_00]] }))).toEqual([0, 85, 255]);
    expect(await fromPng(png({ width: 3, height: 1, depth: 4, type: 0, rows: [[0x0f, 0x80]] }))).toEqual([0, 255, 136]);
  });

  test("of 16 bits is rounded to 8", async () => {
    const rows = [[0, 0, 0, 128, 0, 129, 255, 255]]; // 128 / 257 is below a half
    expect(await fromPng(png({ width: 4, height: 1, depth: 16, type: 0, rows }))).toEqual([0, 0, 1, 255]);
    const color = png({ width: 1, height: 1, depth: 16, type: 2, rows: [[0x10, 0x10, 0x80, 0x80, 0xff, 0xff]] });
    expect(await fromPng(color)).toEqual([16, 128, 255]);
  });

  test("with a palette is the colours of its palette", async () => {
    const file = (depth: number, row: number[]) => png({ width: 3, height: 1, depth, type: 3, rows: [row], chunks: [palette] });
    const colors = [200, 100, 50, 10, 20, 30, 255, 255, 255];
    expect(await fromPng(file(2, [0b01_00_10_00]))).toEqual(colors);
    expect(await fromPng(file(8, [1, 0, 2]))).toEqual(colors);
    const suggested = png({ width: 1, height: 1, depth: 16, type: 2, rows: [[1, 1, 2, 2, 3, 3]], chunks: [palette] });
    expect(await fromPng(suggested)).toEqual([1, 2, 3]);
    await refused("x.png", file(8, [1, 0, 3]), /x\.png: damaged PNG: pixel \(2, 0\) has colour 3 of a palette of 3$/);
  });

  test("that is transparent lies on black", async () => {
    const rows = [[200, 255, 200, 51, 200, 0]];
    expect(await fromPng(png({ width: 3, height: 1, depth: 8, type: 4, rows }))).toEqual([200, 40, 0]);
    expect(await fromPng(png({ width: 1, height: 1, depth: 8, type: 6, rows: [[255, 100, 50, 102]] }))).toEqual([102, 40, 20]);
    const half = chunk("tRNS", [0, 128]);
    const chosen = png({ width: 2, height: 1, depth: 8, type: 3, rows: [[1, 2]], chunks: [palette, half] });
    expect(await fromPng(chosen)).toEqual([100, 50, 25, 255, 255, 255]);
    const key = chunk("tRNS", [0, 7, 0, 8, 0, 9]);
    const keyed = png({ width: 3, height: 1, depth: 8, type: 2, rows: [[7, 8, 9, 7, 8, 8, 1, 2, 3]], chunks: [key] });
    expect(await fromPng(keyed)).toEqual([0, 0, 0, 7, 8, 8, 1, 2, 3]);
  });

  test("filtered and interlaced is the picture that it was made from", async () => {
    const samples = fc.record({
      width: fc.integer({ min: 1, max: 19 }),
      height: fc.integer({ min: 1, max: 19 }),
      channels: fc.constantFrom(1, 3),
      interlace: fc.constantFrom("null" as const, "Adam7" as const),
      seed: fc.integer({ min: 1, max: 250 }),
    });
    await fc.assert(
      fc.asyncProperty(samples, async ({ width, height, channels, interlace, seed }) => {
        const data = Uint8Array.from({ length: width * height * channels }, (_, i) => (i * i * seed) % 251);
        expect(await fromPng(encode({ width, height, channels, data }, { interlace }))).toEqual([...data]);
        expect(await fromPng(encodePng({ width, height, channels, pixels: data }))).toEqual([...data]);
      }),
      { numRuns: 60 },
    );
  });

  test("that decompresses to more than it declares, or hides more in a profile, takes no memory", async () => {
    const bomb = png({ width: 4, height: 4, depth: 8, type: 0, data: Buffer.alloc(30_000_000) });
    const profile = chunk("iCCP", [65, 0, 0, ...deflateSync(Buffer.alloc(30_000_000))]);
    const hidden = png({ width: 2, height: 1, depth: 8, type: 0, rows: [[5, 6]], chunks: [profile] });
    const before = process.memoryUsage().arrayBuffers;
    await refused("x.png", bomb, /x\.png: decompresses to more than its header declares$/);
    expect(await fromPng(hidden)).toEqual([5, 6]);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(5_000_000);
  });

  test("that is damaged is refused, with what is wrong", async () => {
    const good = plainPng(3, 2, 1, [1, 2, 3, 4, 5, 6]);
    await refused("x.png", good.subarray(0, 20), /x\.png: cut short: 20 bytes are less than a PNG's header$/);
    await refused("x.png", good.subarray(0, -16), /x\.png: cut short: chunk IDAT needs \d+ bytes more$/);
    await refused("x.png", good.subarray(0, -12), /x\.png: cut short: the PNG has no end$/);
    await refused("x.png", plainPng(3, 3, 1, [1, 2, 3, 4, 5, 6]), /x\.png: cut short: 9 bytes of picture where the header declares 12$/);
    const flipped = good.map((byte, i) => (i === good.length - 14 ? byte ^ 1 : byte)); // in the CRC of the data
    await refused("x.png", flipped, /x\.png: .*CRC/i);
    await refused("x.png", png({ width: 1, height: 1, depth: 8, type: 5, rows: [[1]] }), /damaged PNG: colour type 5 of 8 bits$/);
    await refused("x.png", plainPng(0, 1, 1, []), /x\.png: damaged: the header declares 0 x 1 pixels$/);
    await refused("x.png", png({ width: 1, height: 1, depth: 8, type: 3, rows: [[0]] }), /x\.png: damaged PNG: no palette$/);
    const apple = png({ width: 1, height: 1, depth: 8, type: 0, rows: [[1]], chunks: [chunk("CgBI", [0])] });
    await refused("x.png", apple, /x\.png: a PNG with a chunk CgBI, which must be understood and is not$/);
    const second = chunk("IHDR", [0, 1, 0, 0, 0, 1, 0, 0, 8, 0, 0, 0, 0]);
    await refused("x.png", png({ width: 1, height: 1, depth: 8, type: 0, rows: [[1]], chunks: [second] }), /damaged PNG: two headers$/);
    const packed = png({ width: 2, height: 2, depth: 1, type: 0, interlace: 1, rows: [[0]] });
    await refused("x.png", packed, /x\.png: an interlaced PNG of 1 bits a sample; 8 or 16 can be read interlaced$/);
  });
});

describe("a JPEG file", () => {
  test("sequential or progressive, grey or colour, is the picture it was made from", async () => {
    for (const frame of [0xc0, 0xc2]) {
      const grey = await fromJpeg({ columns: 2, blocks: [[10], [250]], frame });
      expect(grey).toMatchObject({ width: 16, height: 8, channels: 1 });
      expect([grey.pixels[0], grey.pixels[7], grey.pixels[8]]).toEqual([10, 10, 250]);
      const red = await fromJpeg({ columns: 1, blocks: [[76, 85, 255]], frame });
      expect(red.channels).toBe(3);
      expect([...red.pixels.subarray(0, 3)]).toEqual([254, 0, 0]);
    }
    const data = Buffer.alloc(24 * 16 * 4).map((_, i) => (i % 4 === 3 ? 255 : (i % 96) * 2));
    const { pixels } = await decode("x.jpeg", jpegJs.encode({ width: 24, height: 16, data }, 100).data);
    const pixel = (i: number) => [...pixels.subarray(3 * i, 3 * i + 3)];
    for (const i of [0, 5, 100, 383]) {
      for (const [c, value] of pixel(i).entries()) expect(Math.abs(value - data[4 * i + c])).toBeLessThanOrEqual(4);
    }
  });

  test("that stores red, green and blue as such keeps its colours", async () => {
    const blocks = [[200, 100, 50]];
    for (const says of [{ adobe: 0 }, { names: [82, 71, 66] }]) {
      expect([...(await fromJpeg({ columns: 1, blocks, ...says })).pixels.subarray(0, 3)]).toEqual([200, 100, 50]);
    }
    expect([...(await fromJpeg({ columns: 1, blocks, adobe: 1 })).pixels.subarray(0, 3)]).not.toEqual([200, 100, 50]);
  });

  test("taken with the camera on its side is set upright", async () => {
    // Stored: a b / c d / e f. Each number of EXIF says which side of what is stored is the top, and which the left.
    const stored = [[10], [20], [30], [40], [50], [60]];
    const upright: Record<number, number[]> = {
      1: [10, 20, 30, 40, 50, 60],
      2: [20, 10, 40, 30, 60, 50],
      3: [60, 50, 40, 30, 20, 10],
      4: [50, 60, 30, 40, 10, 20],
      5: [10, 30, 50, 20, 40, 60],
      6: [50, 30, 10, 60, 40, 20],
      7: [60, 40, 20, 50, 30, 10],
      8: [20, 40, 60, 10, 30, 50],
      9: [10, 20, 30, 40, 50, 60], // no such number
    };
    for (const [number, seen] of Object.entries(upright)) {
      for (const order of ["II", "MM"] as const) {
        const { width, height, pixels } = await fromJpeg({ columns: 2, blocks: stored, exif: exif(Number(number), order) });
        const columns = width / 8;
        expect([width * height, columns]).toEqual([6 * 64, seen.length === 6 && Number(number) >= 5 && Number(number) <= 8 ? 3 : 2]);
        expect(seen.map((_, i) => pixels[8 * Math.floor(i / columns) * width + 8 * (i % columns)])).toEqual(seen);
      }
    }
    const damaged = await fromJpeg({ columns: 1, blocks: [[10]], exif: [0x49, 0x49, 42, 0, 255, 255, 0, 0] });
    expect(damaged.pixels[0]).toBe(10);
  });

  test("that is cut short, or of a kind that is not read, is refused", async () => {
    const good = jpeg({ columns: 4, blocks: Array.from({ length: 16 }, (_, i) => [(i * 70) % 255, 128, 128]) });
    await refused("x.jpg", good.subarray(0, 60), /x\.jpg: cut short: a JPEG without a frame$/);
    for (const cut of [2, 3, 12]) {
      await refused("x.jpg", good.subarray(0, -cut), /x\.jpg: a JPEG that cannot be decoded, perhaps because it is cut short: marker/);
    }
    await refused("x.jpg", jpeg({ columns: 1, blocks: [[1, 2, 3, 4]] }), /x\.jpg: a JPEG in the printing colours CMYK; convert it to RGB$/);
    await refused("x.jpg", jpeg({ columns: 1, blocks: [[1, 2]] }), /x\.jpg: a JPEG of 2 components; 1 \(grey\) and 3 \(colour\) are read$/);
    await refused("x.jpg", jpeg({ columns: 1, blocks: [[1]], frame: 0xc9 }), /a JPEG of a rare kind \(SOF9: lossless or arithmetic\)/);
  });
});

test("no damage to a file does worse than an error with its name", async () => {
  const files = {
    "x.png": encode({ width: 9, height: 7, channels: 3, data: Uint8Array.from({ length: 189 }, (_, i) => (i * i) % 255) }),
    "x.jpg": jpeg({ columns: 3, blocks: Array.from({ length: 9 }, (_, i) => [(i * 70) % 255, 100, 150]), frame: 0xc0 }),
    "y.jpg": jpeg({ columns: 3, blocks: Array.from({ length: 9 }, (_, i) => [(i * 70) % 255, 100, 150]), frame: 0xc2 }),
  };
  const path = folder(files);
  const change = fc.record({ at: fc.nat(), byte: fc.nat(255) });
  const damage = fc.record({
    name: fc.constantFrom(...(Object.keys(files) as (keyof typeof files)[])),
    changes: fc.array(change, { maxLength: 4 }),
    keep: fc.double({ min: 0.1, max: 1, noNaN: true }),
  });
  await fc.assert(
    fc.asyncProperty(damage, async ({ name, changes, keep }) => {
      const bytes = Uint8Array.from(files[name]);
      for (const { at, byte } of changes) bytes[at % bytes.length] = byte;
      writeFileSync(join(path, name), bytes.subarray(0, Math.ceil(keep * bytes.length)));
      const picture = await readPicture(join(path, name), 100_000).catch((error: Error) => error);
      if (picture instanceof Error) expect(picture.message).toContain(`${name}: `);
      else expect(picture.pixels).toHaveLength(picture.width * picture.height * picture.channels);
    }),
    { numRuns: 1000 },
  );
});

const dot = (value: number) => plainPng(1, 1, 1, [value]);
const dots = (count: number, name = (i: number) => `${i}.png`) =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [name(i), dot(i)]));
const all = ({ train, test }: { train: Images; test: Images | undefined }) => [...train.pixels, ...(test?.pixels ?? [])];

describe("a folder", () => {
  test("gives every picture once, a tenth of them for testing, in the same shuffled order every time", async () => {
    const read = await readPictures(folder(dots(25)), { size: 1 });
    expect(read).toMatchObject({ train: { count: 23, height: 1, width: 1, channels: 1, white: 255 }, test: { count: 2 } });
    expect(all(read).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 25 }, (_, i) => i));
    expect(all(read)).not.toEqual(Array.from({ length: 25 }, (_, i) => i));
    expect(all(await readPictures(folder(dots(25)), { size: 1 }))).toEqual(all(read)); // another folder with the same files
    expect((await readPictures(folder(dots(9)), { size: 1 })).test).toBeUndefined();
  });

  test("with two or more sub-folders has these for classes, and its name is the folder's", async () => {
    const path = folder({ ...dots(8, (i) => `cat/${i}.png`), "dog/deep/9.png": dot(9), "dog/8.PNG": dot(8), "dog/notes.txt": dot(0) });
    const { train, test } = await readPictures(path, { size: 1 });
    expect(test!.count + train.count).toBe(10);
    expect(train).toMatchObject({ classes: ["cat", "dog"], name: basename(path) });
    for (const { pixels, labels } of [train, test!]) expect([...labels!]).toEqual(Array.from(pixels, (value) => (value < 8 ? 0 : 1)));
    expect((await readPictures(folder(dots(4, (i) => `one/${i}.png`)))).train).toMatchObject({ labels: undefined, classes: undefined });
    expect((await readPictures(folder({ ...dots(4, (i) => `${i}/x.png`), "x.png": dot(1) }))).train.labels).toBeUndefined();
  });

  test("with train and test in it is split by them, and the classes are within", async () => {
    const files = { ...dots(6, (i) => `train/${i % 2 ? "b" : "a"}/${i}.png`), "test/b/7.png": dot(7) };
    const { train, test } = await readPictures(folder({ ...files, "val/a/8.png": dot(8) }), { size: 1 });
    expect([...train.pixels].toSorted()).toEqual([0, 1, 2, 3, 4, 5]);
    expect(test).toMatchObject({ pixels: Uint8Array.of(7), labels: Uint8Array.of(1), classes: ["a", "b"] });
    expect((await readPictures(folder({ "train/1.png": dot(1), "val/2.png": dot(2) }), { size: 1 })).test?.pixels).toEqual(
      Uint8Array.of(2),
    );
    expect(await readPictures(folder(dots(20, (i) => `train/${i}.png`)), { size: 1 })).toMatchObject({ train: { count: 18 } });
  });

  test("is grey, or colour if any picture in it is colour, whichever are taken, or what was asked for", async () => {
    const red = plainPng(1, 1, 3, [255, 0, 0]);
    const path = folder({ ...dots(30), "red.png": red });
    const { train, test } = await readPictures(path, { size: 1, limit: { train: 2, test: 1 } });
    expect([train.count, train.channels, test?.count]).toEqual([2, 3, 1]);
    expect(new Set(train.pixels.subarray(0, 3)).size).toBe(1); // a grey, three times
    const grey = await readPictures(path, { size: 1, channels: 1 });
    expect(all(grey).filter((value) => value === 76)).toHaveLength(1); // 0.299 of 255
    const color = await readPictures(folder({ "a.png": dot(8) }), { size: 1, channels: 3 });
    expect(color.train.pixels).toEqual(Uint8Array.of(8, 8, 8));
  });

  test("leaves out what begins with a dot and what is no picture, and follows links", async () => {
    const path = folder({ "a.png": dot(1), ".b.png": dot(2), ".hidden/c.png": dot(3), "README.md": dot(4) });
    const other = folder({ "d.png": dot(5), "e.png": dot(6) });
    symlinkSync(other, join(path, "link"));
    linkSync(join(other, "d.png"), join(path, "f.png"));
    expect(all(await readPictures(path, { size: 1 })).toSorted()).toEqual([1, 5, 5, 6]);
    symlinkSync(path, join(other, "back"));
    await expect(readPictures(path)).rejects.toThrow("more than 16 folders deep; does a link lead back?");
    symlinkSync("nowhere.png", join(path, "gone.png"));
    rmSync(join(other, "back"));
    await expect(readPictures(path)).rejects.toThrow(/gone\.png: a link to a file that is not there$/);
  });

  test("says how far it is", async () => {
    const told: number[][] = [];
    await readPictures(folder(dots(12)), { size: 1, limit: { train: 3 }, progress: (...now) => told.push(now) });
    expect(told).toEqual([1, 2, 3, 4].map((done) => [done, 4]));
  });

  test("that holds no picture, or others than can be read, is told what was looked for and what is there", async () => {
    await expect(readPictures("no/such")).rejects.toThrow("no/such: no such folder; expected one with PNG or JPEG files");
    await expect(readPictures(folder({}))).rejects.toThrow(/looked for PNG and JPEG files; found an empty folder$/);
    await expect(readPictures(folder({ "a.csv": dot(1), "b/c.txt": dot(1) }))).rejects.toThrow("found a.csv, b/c.txt");
    await expect(readPictures(folder({ "a.png": dot(1), "b.webp": dot(1) }))).rejects.toThrow(
      /pictures that are neither PNG nor JPEG, b\.webp; convert them, or move them elsewhere$/,
    );
    await expect(readPictures(folder({ "a.png": dot(1) }), { size: 0.5 })).rejects.toThrow("size 0.5 is not a whole number of 1 or more");
  });

  test("with a file that is not what its name says is refused by the name of the file", async () => {
    const rejects = (files: Record<string, Uint8Array>, message: RegExp) =>
      expect(readPictures(folder({ "a.png": dot(1), ...files }))).rejects.toThrow(message);
    await rejects({ "b.jpg": dot(2) }, /b\.jpg: not a JPEG, as its name says: it is a PNG; rename it$/);
    await rejects({ "c.png": jpeg({ columns: 1, blocks: [[1]] }) }, /c\.png: not a PNG, as its name says: it is a JPEG; rename it$/);
    await rejects({ "d.png": Buffer.from("<html>") }, /d\.png: not a PNG, as its name says: it starts with 3c 68 74 6d$/);
    await rejects({ "e.jpg": new Uint8Array(0) }, /e\.jpg: an empty file$/);
  });

  test("with too large a picture, or too many, is refused before one is decoded", async () => {
    const large = png({ width: 30_000, height: 30_000, depth: 8, type: 0, rows: [[1]] });
    await expect(readPictures(folder({ "a.png": dot(1), "b.png": large }))).rejects.toThrow(
      /b\.png: 30000 x 30000 pixels, more than the 67108864 that are decoded$/,
    );
    const photograph = jpeg({ columns: 1, blocks: [[1]], size: [60_000, 60_000] });
    await expect(readPictures(folder({ "c.jpg": photograph }))).rejects.toThrow(/c\.jpg: 60000 x 60000 pixels, more than/);
    const bad = plainPng(3, 3, 1, [1]); // would fail, if it was reached
    await expect(readPictures(folder({ ...dots(5), "bad.png": bad }), { size: 10, maxBytes: 500 })).rejects.toThrow(
      /: 6 pictures of 10 x 10 x 1 are 600 bytes; at most 500 are kept\. Take a smaller size or fewer pictures$/,
    );
  });

  test("needs a package for each format, and says which where it is missing", async () => {
    const missing = need(() => import("no-such-package" as string), "fast-png@8.0.0", "PNG");
    await expect(missing).rejects.toThrow("reading PNG files needs a package that is not here: npm install fast-png@8.0.0");
    await expect(need(() => Promise.reject(new Error("broken")), "x", "PNG")).rejects.toThrow("broken");
  });

  test("with a JPEG whose header lies far behind a smaller picture is read", async () => {
    const file = jpeg({ columns: 2, blocks: [[10], [20]] });
    const thumbnail = Uint8Array.from([0xff, 0xe2, 0xff, 0xff, ...new Array<number>(0xfffd).fill(0x55)]);
    const path = folder({ "a.jpg": Buffer.concat([file.subarray(0, 2), thumbnail, thumbnail, file.subarray(2)]) });
    expect((await readPictures(path, { size: 8 })).train).toMatchObject({ count: 1, channels: 1 });
  });
});

describe("colour, from files to files", () => {
  // Red or blue above, green below: 40 pictures of 12 x 8, of which the middle is seen.
  const pixelsOf = (i: number) =>
    Array.from({ length: 96 }, (_, at) => (at < 48 ? (i % 2 ? [250, 20, 10] : [10, 20, 240]) : [0, 200, i])).flat();
  const files = Object.fromEntries(
    Array.from({ length: 40 }, (_, i) => [`${i % 2 ? "red" : "blue"}/${i}.png`, plainPng(12, 8, 3, pixelsOf(i))]),
  );
  let path: string;
  beforeAll(() => {
    path = folder({ ...files, "red/photo.jpg": jpeg({ columns: 1, blocks: [[76, 85, 255]] }) });
  });

  test("a picture passes through a grid and a PNG unchanged, its channels in order", async () => {
    const { train } = await readPictures(path, { size: 8 });
    const { pixels, ...form } = imageGrid(train.pixels, { ...train, count: train.count, columns: 1, gap: 0 });
    expect(form).toEqual({ width: 8, height: 8 * train.count, channels: 3 });
    const back = await decode("grid.png", encodePng({ ...form, pixels }));
    expect(back).toEqual({ ...form, pixels: train.pixels });
    const first = (i: number) => [...train.pixels.subarray(i * 192, i * 192 + 3)];
    for (let i = 0; i < train.count; i++) expect([10, 250, 254]).toContain(first(i)[0]);
    for (let i = 0; i < train.count; i++) expect(train.classes![train.labels![i]]).toBe(first(i)[0] > 100 ? "red" : "blue");
  });

  test.each(["bernoulli", "gaussian"] as const)("a model of them learns, with a %s likelihood [js]", async (likelihood) => {
    await using _device = await open("js");
    const data = await readPictures(path, { size: 4 });
    using model = denseVae({ input: [4, 4, 3], hidden: 16, latent: 2, likelihood, seed: 1 });
    const losses: number[] = [];
    for await (const event of train(model, data, { epochs: 30, batch: 12, seed: 1 })) {
      if (event.type === "epoch") losses.push(event.test!.loss);
    }
    expect(losses.at(-1)).toBeLessThan(losses[0]);
    const made = await reconstructImages(model, data.test!);
    const [red, green, blue] = made.subarray(24 * 1, 24 * 1 + 3); // below, where all are green
    expect(green).toBeGreaterThan(Math.max(red, blue));
    await expect(reconstructImages(model, resized(data.test!))).rejects.toThrow("are 4 x 4 x 1, but the model takes [4, 4, 3]");
  });
  const resized = (images: Images) => resizeImages(images, { channels: 1 });

  test("elbo train and reconstruct take a folder, a size and a colour, and find them again [js]", async () => {
    built();
    const cwd = folder({});
    const args = ["--size", "6", "--hidden", "9", "--latent", "2", "--batch", "9", "--epochs", "1", "--device", "js", "--json"];
    const runs = await Promise.all([
      elbo({ cwd }, "train", "--data", path, ...args, "--out", "rgb"),
      elbo({ cwd }, "train", "--data", path, ...args, "--out", "grey", "--channels", "grey", "--limit", "20"),
      elbo({ cwd }, "train", "--data", "shapes", ...args, "--out", "shapes", "--limit", "50"),
    ]);
    expect(runs.map(({ code }) => code)).toEqual([0, 0, 0]);
    expect(runs[0].stderr).toContain(": 37 images to train on, 4 to test, 6 x 6 x 3\n");
    expect(runs[1].stderr).toContain(": 20 images to train on, 4 to test, 6 x 6\n");
    expect(runs[2].stderr).toContain("shapes: 50 images to train on, 50 to test, 6 x 6\n");
    const config = (run: string) => JSON.parse(readFileSync(join(cwd, run, "config.json"), "utf8"));
    expect(config("rgb")).toMatchObject({ training: { data: path, size: 6, channels: null }, data: { height: 6, channels: 3 } });
    expect(config("grey")).toMatchObject({ training: { size: 6, channels: 1 }, data: { channels: 1 } });

    // As in the training, whatever the folder has become; pictures of other data are made like them.
    for (const run of ["rgb", "grey", "shapes"]) {
      const out = join(cwd, `${run}.png`);
      expect(await elbo({ cwd }, "reconstruct", run, "--out", out, "--device", "js")).toMatchObject({ code: 0, stdout: `${out}\n` });
      const [made, trained] = [await readPicture(out, MANY), await readPicture(join(cwd, run, "reconstructions.png"), MANY)];
      expect([trained.channels, made.channels]).toEqual([run === "rgb" ? 3 : 1, 3]); // below come errors, in colours
      const inColour = Array.from(trained.pixels).flatMap((value) => (trained.channels === 3 ? [value] : [value, value, value]));
      expect(Array.from(made.pixels.subarray(0, inColour.length))).toEqual(inColour);
    }
    expect(await elbo({ cwd }, "reconstruct", "rgb", "--data", "digits", "--device", "js")).toMatchObject({ code: 0 });
    const many = await elbo({ cwd }, "reconstruct", "rgb", "--count", "5", "--device", "js");
    expect(many).toMatchObject({ code: 1, stderr: `elbo reconstruct: --count 5 is more than the 4 test images in ${path}\n` });
  });

  test("elbo train resizes and colours IDX files, too [js]", async () => {
    const pixels = Array.from({ length: 12 * 35 }, (_, i) => (i * 7) % 256);
    const cwd = folder({ "bars/train-images-idx3-ubyte": idx([12, 5, 7], pixels) });
    const args = ["train", "--data", "bars", "--hidden", "3", "--latent", "2", "--batch", "5", "--epochs", "1", "--device", "js"];
    const [as, square] = await Promise.all([elbo({ cwd }, ...args), elbo({ cwd }, ...args, "--size", "4", "--channels", "rgb")]);
    expect(as.stderr).toContain("bars: 11 images to train on, 1 to test, 5 x 7\n");
    expect(square.stderr).toContain("bars: 11 images to train on, 1 to test, 4 x 4 x 3\n");
    const huge = await elbo({ cwd }, "train", "--size", "1024", "--device", "js");
    expect(huge.stderr).toContain("digits: 10000 pictures of 1024 x 1024 x 1 are 10485760000 bytes; at most 1073741824 are kept");
    const { stderr } = await elbo({ cwd }, ...args, "--channels", "blue");
    expect(stderr).toBe('elbo train: --channels "blue" is not one of grey, rgb\n');
  });
});
