// PNG files, written only: a signature, then chunks of length, name, bytes and CRC. Nothing is filtered: the pictures are small. An
// animation is a PNG whose first frame is the picture, with the other frames in chunks that a reader of plain PNG skips (APNG, part of
// "Portable Network Graphics (PNG) Specification (Third Edition)").

import { crc32, deflateSync } from "node:zlib";
import type { Picture } from "../data/grid.ts";

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const COLOR_TYPES: Record<number, number> = { 1: 0, 3: 2 }; // channels: grey, red-green-blue

/** A picture of 1 or 3 channels as the bytes of a PNG file. */
export function encodePng(picture: Picture): Uint8Array {
  return fileOf([chunk("IHDR", head(picture)), chunk("IDAT", packed(picture))]);
}

export interface Frame extends Picture {
  /** How long it is shown. */
  readonly milliseconds: number;
}

/** Frames of one size as the bytes of an animated PNG, which begins again when it has ended. */
export function encodeAnimation(frames: readonly Frame[]): Uint8Array {
  if (frames.length === 0) throw new Error("encodeAnimation: there are no frames");
  const [first, ...others] = frames;
  const odd = others.findIndex(({ width, height, channels }) => `${[width, height, channels]}` !== `${sizes(first)}`);
  if (odd >= 0) throw new Error(`encodeAnimation: frame ${odd + 1} is [${sizes(others[odd])}], but the first is [${sizes(first)}]`);
  let number = 0; // of the chunks of the animation: it tells in which order they stand
  const control = (frame: Frame) => chunk("fcTL", frameControl(frame, number++));
  return fileOf([
    chunk("IHDR", head(first)),
    chunk("acTL", words(frames.length, 0)), // 0 times: for ever
    control(first),
    chunk("IDAT", packed(first)),
    ...others.flatMap((frame) => [control(frame), chunk("fdAT", Buffer.concat([words(number++), packed(frame)]))]),
  ]);
}

const sizes = ({ width, height, channels }: Picture): number[] => [width, height, channels];

/** Place in the sequence, size and offset; delay as a fraction of a second; then what happens to the frame, which is replaced by the next. */
function frameControl({ width, height, milliseconds }: Frame, number: number): Buffer {
  const rest = Buffer.alloc(6);
  rest.writeUInt16BE(milliseconds, 0);
  rest.writeUInt16BE(1000, 2); // then two zeros: it is not disposed of, and written over what was there
  return Buffer.concat([words(number, width, height, 0, 0), rest]);
}

function head(picture: Picture): Buffer {
  const { width, height, channels } = checked(picture);
  // 8 bits a channel; then three zeros: deflate, the five filters, not interlaced
  return Buffer.concat([words(width, height), Buffer.from([8, COLOR_TYPES[channels], 0, 0, 0])]);
}

function checked(picture: Picture): Picture {
  const { width, height, channels, pixels } = picture;
  if (!(channels in COLOR_TYPES)) throw new Error(`encodePng: ${channels} channels; 1 or 3 can be written`);
  if (pixels.length === width * height * channels && pixels.length > 0) return picture;
  throw new Error(`encodePng: ${pixels.length} bytes do not make a picture of ${height} x ${width} x ${channels}`);
}

function packed(picture: Picture): Buffer {
  const { width, height, channels, pixels } = checked(picture);
  const line = width * channels;
  const lines = Buffer.alloc(height * (1 + line)); // each line after a 0, "not filtered"
  for (let y = 0; y < height; y++) lines.set(pixels.subarray(y * line, (y + 1) * line), y * (1 + line) + 1);
  return deflateSync(lines);
}

const fileOf = (chunks: readonly Buffer[]): Uint8Array =>
  Buffer.concat([Buffer.from(SIGNATURE), ...chunks, chunk("IEND", Buffer.alloc(0))]);

function chunk(name: string, bytes: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(name, "latin1"), bytes]);
  return Buffer.concat([words(bytes.length), body, words(crc32(body))]); // the CRC is of the name and the bytes
}

function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [i, value] of values.entries()) bytes.writeUInt32BE(value, 4 * i);
  return bytes;
}
