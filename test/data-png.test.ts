// Pictures: a grid puts every image in its place, and a PNG decodes to the bytes it was made from.
import { crc32, inflateSync } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import { encodePng } from "../src/cli/png.ts";
import { imageGrid, type Picture } from "../src/data/index.ts";

/** The least of a PNG decoder: 8 bits, no filter, not interlaced; every chunk's CRC is checked. */
function decodePng(file: Uint8Array): Picture {
  const bytes = Buffer.from(file);
  expect(bytes.subarray(0, 8).toString("latin1")).toBe("\x89PNG\r\n\x1a\n");
  const chunks = new Map<string, Buffer>();
  for (let at = 8; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    const body = bytes.subarray(at + 4, at + 8 + length);
    expect(bytes.readUInt32BE(at + 8 + length)).toBe(crc32(body));
    chunks.set(body.subarray(0, 4).toString(), body.subarray(4));
    at += 12 + length;
  }
  expect([...chunks.keys()]).toEqual(["IHDR", "IDAT", "IEND"]);
  const head = chunks.get("IHDR")!;
  const [width, height] = [head.readUInt32BE(0), head.readUInt32BE(4)];
  const channels = head[9] === 2 ? 3 : 1;
  expect([...head.subarray(8)]).toEqual([8, channels === 3 ? 2 : 0, 0, 0, 0]);
  const lines = inflateSync(chunks.get("IDAT")!);
  expect(lines).toHaveLength(height * (1 + width * channels));
  const pixels = new Uint8Array(height * width * channels);
  for (let y = 0; y < height; y++) {
    const line = lines.subarray(y * (1 + width * channels), (y + 1) * (1 + width * channels));
    expect(line[0]).toBe(0);
    pixels.set(line.subarray(1), y * width * channels);
  }
  return { width, height, channels, pixels };
}

test("a PNG decodes to the picture it was made from", () => {
  const picture = fc
    .tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }), fc.constantFrom(1, 3))
    .chain(([width, height, channels]) =>
      fc.record({
        width: fc.constant(width),
        height: fc.constant(height),
        channels: fc.constant(channels),
        pixels: fc.uint8Array({ minLength: width * height * channels, maxLength: width * height * channels }),
      }),
    );
  fc.assert(fc.property(picture, (picture) => void expect(decodePng(encodePng(picture))).toEqual(picture)));
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
