// One picture file, PNG or JPEG. Its header is checked before anything is decoded; errors begin with the file's name.

import { closeSync, fstatSync, openSync, readFileSync, readSync } from "node:fs";
import type { Picture } from "./grid.ts";
import { hex } from "./idx.ts";
import { decodeJpeg, jpegHeader } from "./jpeg.node.ts";
import { decodePng, pngHeader } from "./png.node.ts";

/** What all formats declare before the data. */
export interface PictureHeader {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
}

interface Format {
  readonly name: string;
  readonly file: RegExp;
  /** The bytes that every file begins with. */
  readonly start: readonly number[];
  header(bytes: Uint8Array): PictureHeader;
  decode(bytes: Uint8Array, maxPixels: number): Promise<Picture>;
}

const FORMATS: readonly Format[] = [
  { name: "PNG", file: /\.png$/i, start: [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a], header: pngHeader, decode: decodePng },
  { name: "JPEG", file: /\.jpe?g$/i, start: [0xff, 0xd8, 0xff], header: jpegHeader, decode: decodeJpeg },
];

const FILE = 2 ** 30; // bytes of a file that is read
const HEAD = 2 ** 16; // bytes that hold most headers; some JPEG files have a smaller picture of the picture before it

/** Size and channels of the picture in a file, from its first bytes. */
export function readHeader(path: string, maxPixels: number): PictureHeader {
  try {
    const { bytes, size } = head(path);
    if (size > FILE) throw new Error(`${size} bytes; at most ${FILE} are read`);
    try {
      return header(path, bytes, maxPixels);
    } catch (error) {
      if (bytes.length === size) throw error;
      return header(path, readFileSync(path), maxPixels);
    }
  } catch (error) {
    throw named(path, error);
  }
}

/** The picture in a file. */
export async function readPicture(path: string, maxPixels: number): Promise<Picture> {
  try {
    const bytes = readFileSync(path);
    header(path, bytes, maxPixels);
    return await formatOf(path, bytes).decode(bytes, maxPixels);
  } catch (error) {
    throw named(path, error);
  }
}

const named = (path: string, error: unknown): Error => new Error(`${path}: ${(error as Error).message}`, { cause: error });

function head(path: string): { bytes: Uint8Array; size: number } {
  const file = openSync(path, "r");
  try {
    const { size } = fstatSync(file);
    const bytes = new Uint8Array(Math.min(size, HEAD));
    return { bytes: bytes.subarray(0, readSync(file, bytes)), size };
  } finally {
    closeSync(file);
  }
}

function header(path: string, bytes: Uint8Array, maxPixels: number): PictureHeader {
  const declared = formatOf(path, bytes).header(bytes);
  const { width, height } = declared;
  if (width === 0 || height === 0) throw new Error(`damaged: the header declares ${width} x ${height} pixels`);
  if (width * height > maxPixels) throw new Error(`${width} x ${height} pixels, more than the ${maxPixels} that are decoded`);
  return declared;
}

/** What the bytes are, which must be what the name says. */
function formatOf(path: string, bytes: Uint8Array): Format {
  const promised = FORMATS.find(({ file }) => file.test(path))!; // only such files are listed
  const found = FORMATS.find(({ start }) => start.every((byte, i) => bytes[i] === byte));
  if (found === promised) return found;
  if (bytes.length === 0) throw new Error("an empty file");
  const instead = found ? `it is a ${found.name}; rename it` : `it starts with ${hex(bytes)}`;
  throw new Error(`not a ${promised.name}, as its name says: ${instead}`);
}
