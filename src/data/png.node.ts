// PNG files in: grey or colour, 1 to 16 bits, with a palette or transparency. fast-png undoes the filters; what comes before it here is
// what it does not check, and what comes after makes 8 bits of whatever there is. Gamma and colour profiles are not applied.

import { inflateSync } from "node:zlib";
import type { Picture } from "./grid.ts";
import { need } from "./need.node.ts";

export interface PngHeader {
  readonly width: number;
  readonly height: number;
  /** Channels of the picture: a palette is colour, whatever its colours are, and transparency is none. */
  readonly channels: 1 | 3;
  readonly depth: number;
  /** Samples of each pixel in the file, of `depth` bits. */
  readonly samples: number;
  readonly interlaced: boolean;
}

const SAMPLES: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }; // grey, colour, palette, grey + alpha, colour + alpha
const HEAD = 8 + 4 + 4 + 13; // signature, length and name of the first chunk, IHDR

/** What the first bytes declare. */
export function pngHeader(bytes: Uint8Array): PngHeader {
  if (bytes.length < HEAD) throw new Error(`cut short: ${bytes.length} bytes are less than a PNG's header`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEAD);
  if (nameAt(bytes, 12) !== "IHDR") throw new Error(`damaged PNG: its first chunk is ${nameAt(bytes, 12)}, not IHDR`);
  const [width, height] = [view.getUint32(16), view.getUint32(20)];
  const [depth, type, , , interlace] = bytes.subarray(24, 29);
  const samples = SAMPLES[type];
  if (samples === undefined || ![1, 2, 4, 8, 16].includes(depth)) throw new Error(`damaged PNG: colour type ${type} of ${depth} bits`);
  const interlaced = interlace === 1;
  if (interlaced && depth < 8) throw new Error(`an interlaced PNG of ${depth} bits a sample; 8 or 16 can be read interlaced`);
  return { width, height, channels: type === 0 || type === 4 ? 1 : 3, depth, samples, interlaced };
}

const KEPT = ["IHDR", "PLTE", "tRNS", "IDAT", "IEND"];

/** The picture in a PNG file, on black where it is transparent. */
export async function decodePng(bytes: Uint8Array): Promise<Picture> {
  const { decode } = await need(() => import("fast-png"), "fast-png@8.0.0", "PNG");
  const header = pngHeader(bytes);
  const chunks = chunksOf(bytes);
  const data = chunks.filter(({ name }) => name === "IDAT");
  checkData(Buffer.concat(data.map(({ body }) => body)), header);
  // Only what a picture is made of: texts and profiles are compressed, too, and nothing says how large they become.
  const image = decode(Buffer.concat([bytes.subarray(0, 8), ...chunks.map(({ whole }) => whole)]), { checkCrc: true });
  return toPicture(header, image);
}

interface Chunk {
  readonly name: string;
  readonly body: Uint8Array;
  /** With length, name and CRC. */
  readonly whole: Uint8Array;
}

function chunksOf(bytes: Uint8Array): Chunk[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const chunks: Chunk[] = [];
  for (let at = 8; chunks.at(-1)?.name !== "IEND"; ) {
    if (at + 12 > bytes.length) throw new Error("cut short: the PNG has no end");
    const name = nameAt(bytes, at + 4);
    const next = at + 12 + view.getUint32(at);
    if (next > bytes.length) throw new Error(`cut short: chunk ${name} needs ${next - bytes.length} bytes more`);
    if (KEPT.includes(name)) chunks.push({ name, body: bytes.subarray(at + 8, next - 4), whole: bytes.subarray(at, next) });
    else if (/^[A-Z]/.test(name)) throw new Error(`a PNG with a chunk ${name}, which must be understood and is not`);
    at = next;
  }
  if (chunks.filter(({ name }) => name === "IHDR").length > 1) throw new Error("damaged PNG: two headers");
  return chunks;
}

const nameAt = (bytes: Uint8Array, at: number): string => String.fromCharCode(...bytes.subarray(at, at + 4));

/** Throws unless the data decompress to exactly what the header declares: fast-png would take as much memory as they fill. */
function checkData(data: Uint8Array, header: PngHeader): void {
  const declared = bytesOf(header);
  try {
    const { length } = inflateSync(data, { maxOutputLength: declared });
    if (length < declared) throw new Error(`cut short: ${length} bytes of picture where the header declares ${declared}`);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ERR_BUFFER_TOO_LARGE") throw new Error("decompresses to more than its header declares", { cause: error });
    if (code?.startsWith("Z_")) throw new Error(`damaged PNG: ${(error as Error).message}`, { cause: error });
    throw error;
  }
}

/** Bytes of the filtered rows, each with one for its filter; an interlaced picture is seven smaller ones. */
function bytesOf({ width, height, depth, samples, interlaced }: PngHeader): number {
  const passes = interlaced ? ADAM7 : [[0, 0, 1, 1]];
  const pass = ([x, y, dx, dy]: readonly number[]) => {
    const [columns, rows] = [Math.ceil((width - x) / dx), Math.ceil((height - y) / dy)];
    return columns > 0 && rows > 0 ? rows * (1 + Math.ceil((columns * samples * depth) / 8)) : 0;
  };
  return passes.reduce((sum, p) => sum + pass(p), 0);
}

/** Where each pass begins, and its steps. */
const ADAM7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
];

/** What fast-png makes of a file: samples of 8 or 16 bits, or rows of bytes into which smaller ones are packed. */
interface Samples {
  readonly data: Uint8Array | Uint8ClampedArray | Uint16Array;
  readonly palette?: readonly (readonly number[])[];
  /** The one colour that is transparent. */
  readonly transparency?: Uint16Array;
}

function toPicture({ width, height, channels, depth, samples }: PngHeader, { data, palette, transparency }: Samples): Picture {
  if (depth === 8 && samples === channels && !transparency) return { width, height, channels, pixels: new Uint8Array(data) };
  const isIndexed = samples < channels; // a palette beside full colour is only a suggestion
  if (isIndexed && !palette) throw new Error("damaged PNG: no palette");
  const full = 2 ** depth - 1;
  const line = depth < 8 ? Math.ceil((width * samples * depth) / 8) : width * samples;
  const sample = (y: number, i: number): number => {
    if (depth >= 8) return data[y * line + i];
    return (data[y * line + ((i * depth) >> 3)] >> (8 - depth - ((i * depth) & 7))) & full;
  };
  const pixels = new Uint8Array(height * width * channels);
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (isIndexed && palette) {
        const color = palette[sample(y, x)];
        if (!color) throw new Error(`damaged PNG: pixel (${x}, ${y}) has colour ${sample(y, x)} of a palette of ${palette.length}`);
        const [r, g, b, alpha = 255] = color;
        for (const value of [r, g, b]) pixels[to++] = Math.round((value * alpha) / 255);
        continue;
      }
      let alpha = 1;
      if (samples > channels) alpha = sample(y, x * samples + channels) / full;
      else if (transparency && [...transparency].every((value, c) => sample(y, x * samples + c) === value)) alpha = 0;
      for (let c = 0; c < channels; c++) pixels[to++] = Math.round((sample(y, x * samples + c) / full) * alpha * 255);
    }
  }
  return { width, height, channels, pixels };
}
