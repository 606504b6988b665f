// Pictures: a grid puts every image in its place, and a PNG decodes to the bytes it was made from.
import { crc32, inflateSync } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeAnimation, encodePng, type Frame } from "../src/cli/png.ts";
import { imageGrid, type Picture } from "../src/data/index.ts";

interface Chunk {
  readonly name: string;
  readonly body: Buffer;
}

/** The chunks of a PNG, each with the right CRC, and nothing behind them. */
function chunksOf(file: Uint8Array): Chunk[] {
  const bytes = Buffer.from(file);
  expect(bytes.subarray(0, 8).toString("latin1")).toBe("\x89PNG\r\n\x1a\n");
  const chunks: Chunk[] = [];
  for (let at = 8; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    const named = bytes.subarray(at + 4, at + 8 + length);
    expect(bytes.readUInt32BE(at + 8 + length)).toBe(crc32(named));
    chunks.push({ name: named.subarray(0, 4).toString(), body: named.subarray(4) });
    at += 12 + length;
  }
  return chunks;
}

/** The pixels in a chunk of data: 8 bits, no filter, not interlaced. */
function unpacked(data: Uint8Array, { width, height, channels }: Omit<Picture, "pixels">): Uint8Array {
  const lines = inflateSync(data);
  expect(lines).toHaveLength(height * (1 + width * channels));
  const pixels = new Uint8Array(height * width * channels);
  for (let y = 0; y < height; y++) {
    const line = lines.subarray(y * (1 + width * channels), (y + 1) * (1 + width * channels));
    expect(line[0]).toBe(0);
    pixels.set(line.subarray(1), y * width * channels);
  }
  return pixels;
}

function sizeIn(head: Buffer): Omit<Picture, "pixels"> {
  const channels = head[9] === 2 ? 3 : 1;
  expect([...head.subarray(8)]).toEqual([8, channels === 3 ? 2 : 0, 0, 0, 0]);
  return { width: head.readUInt32BE(0), height: head.readUInt32BE(4), channels };
}

/** The least of a PNG decoder. */
function decodePng(file: Uint8Array): Picture {
  const chunks = chunksOf(file);
  expect(chunks.map(({ name }) => name)).toEqual(["IHDR", "IDAT", "IEND"]);
  const size = sizeIn(chunks[0].body);
  return { ...size, pixels: unpacked(chunks[1].body, size) };
}

/** The least of an APNG decoder: frames that fill the picture and follow each other. */
function decodeAnimation(file: Uint8Array): Frame[] {
  const [head, control, ...rest] = chunksOf(file);
  expect([head.name, control.name, rest.pop()?.name]).toEqual(["IHDR", "acTL", "IEND"]);
  const size = sizeIn(head.body);
  const [count, plays] = [control.body.readUInt32BE(0), control.body.readUInt32BE(4)];
  expect({ length: control.body.length, plays, chunks: rest.length }).toEqual({ length: 8, plays: 0, chunks: 2 * count });
  let number = 0;
  return Array.from({ length: count }, (_, i) => {
    const [{ name, body }, data] = rest.splice(0, 2);
    expect([name, data.name, body.length]).toEqual(["fcTL", i === 0 ? "IDAT" : "fdAT", 26]);
    expect([0, 4, 8, 12, 16].map((at) => body.readUInt32BE(at))).toEqual([number++, size.width, size.height, 0, 0]);
    expect([...body.subarray(24)]).toEqual([0, 0]); // not disposed of; written over the last
    if (i > 0) expect(data.body.readUInt32BE(0)).toBe(number++);
    const seconds = body.readUInt16BE(20) / body.readUInt16BE(22);
    return { ...size, pixels: unpacked(data.body.subarray(i > 0 ? 4 : 0), size), milliseconds: 1000 * seconds };
  });
}

const pictures = fc
  .tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }), fc.constantFrom(1, 3))
  .chain(([width, height, channels]) => {
    const length = width * height * channels;
    const pixels = fc.uint8Array({ minLength: length, maxLength: length });
    return fc.array(fc.record({ width: fc.constant(width), height: fc.constant(height), channels: fc.constant(channels), pixels }), {
      minLength: 1,
      maxLength: 4,
    });
  });

test("a PNG decodes to the picture it was made from", () => {
  fc.assert(fc.property(pictures, ([picture]) => void expect(decodePng(encodePng(picture))).toEqual(picture)));
});

test("an animated PNG decodes to its frames, each with its time; a reader that knows no animations sees the first", () => {
  const frames = pictures.map((list) => list.map((picture, i) => ({ ...picture, milliseconds: 40 + 10 * i })));
  fc.assert(
    fc.property(frames, (frames) => {
      const file = encodeAnimation(frames);
      expect(decodeAnimation(file)).toEqual(frames);
      const known = chunksOf(file).filter(({ name }) => name === name.toUpperCase()); // others may be skipped, as their first letter says
      expect(known.map(({ name }) => name)).toEqual(["IHDR", "IDAT", "IEND"]);
      const { milliseconds: _, ...first } = frames[0];
      expect({ ...sizeIn(known[0].body), pixels: unpacked(known[1].body, first) }).toEqual(first);
    }),
  );
});

test("an animation without frames, or of frames of several sizes, is refused", () => {
  const frame = (width: number) => ({ width, height: 1, channels: 1, pixels: new Uint8Array(width), milliseconds: 50 });
  expect(() => encodeAnimation([])).toThrow("encodeAnimation: there are no frames");
  expect(() => encodeAnimation([frame(2), frame(2), frame(3)])).toThrow("encodeAnimation: frame 2 is [3,1,1], but the first is [2,1,1]");
  expect(() => encodeAnimation([frame(2), { ...frame(2), pixels: new Uint8Array(3) }])).toThrow(
    "3 bytes do not make a picture of 1 x 2 x 1",
  );
});

test("a picture that is none is refused", () => {
  expect(() => encodePng({ width: 2, height: 2, channels: 1, pixels: new Uint8Array(5) })).toThrow(
    "5 bytes do not make a picture of 2 x 2 x 1",
  );
  expect(() => encodePng({ width: 1, height: 1, channels: 2, pixels: new Uint8Array(2) })).toThrow("2 channels; 1 or 3 can be written");
  expect(() => encodePng({ width: 0, height: 1, channels: 1, pixels: new Uint8Array(0) })).toThrow("do not make a picture");
});

test("a grid holds the images in reading order, with a gap around each", () => {
  const grid = imageGrid(Uint8Array.of(1, 2, 3, 4, 5, 6), { count: 3, height: 1, width: 2, channels: 1, columns: 2, gap: 1 });
  const g = 48;
  expect(grid).toEqual({
    width: 7,
    height: 5,
    channels: 1,
    pixels: Uint8Array.from([g, g, g, g, g, g, g, g, 1, 2, g, 3, 4, g, g, g, g, g, g, g, g, g, 5, 6, g, g, g, g, g, g, g, g, g, g, g]),
  });
});

test("a grid scales floats from 0 to 1 and bytes by their white, and clips", () => {
  const one = { count: 1, height: 1, width: 3, channels: 1, gap: 0 };
  expect(imageGrid(Float32Array.of(-1, 0.5, 2), one).pixels).toEqual(Uint8Array.of(0, 128, 255));
  expect(imageGrid(Uint8Array.of(0, 1, 1), { ...one, white: 1 }).pixels).toEqual(Uint8Array.of(0, 255, 255));
  expect(imageGrid(Uint8Array.of(9, 8, 7), { ...one, width: 1, channels: 3 })).toEqual({
    width: 1,
    height: 1,
    channels: 3,
    pixels: Uint8Array.of(9, 8, 7),
  });
});

test("a grid is as square as it can be, and checks its counts", () => {
  const size = { height: 1, width: 1, channels: 1, gap: 0 };
  expect(imageGrid(new Uint8Array(64), { ...size, count: 64 })).toMatchObject({ width: 8, height: 8 });
  expect(imageGrid(new Uint8Array(10), { ...size, count: 10 })).toMatchObject({ width: 4, height: 3 });
  expect(() => imageGrid(new Uint8Array(9), { ...size, count: 10 })).toThrow("imageGrid: 9 values do not make 10 images of 1 x 1 x 1");
  expect(() => imageGrid(new Uint8Array(0), { ...size, count: 0 })).toThrow("imageGrid: no grid of 0 images");
  expect(() => imageGrid(new Uint8Array(1), { ...size, count: 1, columns: 0 })).toThrow("imageGrid: no grid of 1 images in 0 columns");
});
