// PNG files, written only: a signature, then chunks of length, name, bytes and CRC. Nothing is filtered: the pictures are small.

import { crc32, deflateSync } from "node:zlib";
import type { Picture } from "../data/grid.ts";

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const COLOR_TYPES: Record<number, number> = { 1: 0, 3: 2 }; // channels: grey, red-green-blue

/** A picture of 1 or 3 channels as the bytes of a PNG file. */
export function encodePng({ width, height, channels, pixels }: Picture): Uint8Array {
  if (!(channels in COLOR_TYPES)) throw new Error(`encodePng: ${channels} channels; 1 or 3 can be written`);
  if (pixels.length !== width * height * channels || pixels.length === 0) {
    throw new Error(`encodePng: ${pixels.length} bytes do not make a picture of ${height} x ${width} x ${channels}`);
  }
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, COLOR_TYPES[channels]], 8); // 8 bits a channel; then three zeros: deflate, the five filters, not interlaced

  const line = width * channels;
  const lines = Buffer.alloc(height * (1 + line)); // each line after a 0, "not filtered"
  for (let y = 0; y < height; y++) lines.set(pixels.subarray(y * line, (y + 1) * line), y * (1 + line) + 1);
  return Buffer.concat([Buffer.from(SIGNATURE), chunk("IHDR", head), chunk("IDAT", deflateSync(lines)), chunk("IEND", Buffer.alloc(0))]);
}

function chunk(name: string, bytes: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(name, "latin1"), bytes]);
  const length = Buffer.alloc(4);
  const crc = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  crc.writeUInt32BE(crc32(body)); // of the name and the bytes
  return Buffer.concat([length, body, crc]);
}
