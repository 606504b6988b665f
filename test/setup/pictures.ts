// The bytes of small PNG and JPEG files of every kind, sound or not: what is declared and what follows are given apart.
import { crc32, deflateSync } from "node:zlib";

const u16 = (n: number): number[] => [n >> 8, n & 255];
const u32 = (n: number): number[] => [...u16(n >>> 16), ...u16(n & 0xffff)];
const letters = (text: string): number[] => [...text].map((letter) => letter.charCodeAt(0));

export function chunk(name: string, body: ArrayLike<number>): Uint8Array {
  const named = Uint8Array.from([...letters(name), ...Array.from(body)]);
  return Uint8Array.from([...u32(body.length), ...named, ...u32(crc32(named))]);
}

export interface Png {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  /** 0 grey, 2 colour, 3 palette, 4 grey and alpha, 6 colour and alpha. */
  readonly type: number;
  readonly interlace?: number;
  /** Each row as its bytes, samples packed; not filtered. */
  readonly rows?: readonly (readonly number[])[];
  /** All bytes of the data, instead of rows. */
  readonly data?: Uint8Array;
  /** Chunks between the header and the data. */
  readonly chunks?: readonly Uint8Array[];
}

/** A PNG file; nothing is checked. */
export function png({ width, height, depth, type, interlace = 0, rows = [], data, chunks = [] }: Png): Uint8Array {
  return Buffer.concat([
    Uint8Array.from([0x89, ...letters("PNG\r\n\x1a\n")]),
    chunk("IHDR", [...u32(width), ...u32(height), depth, type, 0, 0, interlace]),
    ...chunks,
    chunk("IDAT", deflateSync(data ?? Uint8Array.from(rows.flatMap((row) => [0, ...row])))),
    chunk("IEND", []),
  ]);
}

/** 8 bits of grey or colour, as the rows of pixels that they are. */
export const plainPng = (width: number, height: number, channels: 1 | 3, pixels: readonly number[]): Uint8Array =>
  png({
    width,
    height,
    depth: 8,
    type: channels === 3 ? 2 : 0,
    rows: Array.from({ length: height }, (_, y) => pixels.slice(y * width * channels, (y + 1) * width * channels)),
  });

export interface Jpeg {
  /** Of blocks of 8 x 8 pixels, each of one colour. */
  readonly columns: number;
  /** blocks[i][c], row by row: brightness, or brightness and two differences from 128, or whatever the file says it is. */
  readonly blocks: readonly (readonly number[])[];
  /** 0xc0 is sequential, 0xc2 progressive; others are declared only. */
  readonly frame?: number;
  readonly names?: readonly number[];
  /** Adobe's transform: 0 says that the components are red, green and blue. */
  readonly adobe?: number;
  readonly exif?: readonly number[];
  /** The size to declare, if not that of the blocks. */
  readonly size?: readonly [width: number, height: number];
}

/** A JPEG file, baseline or progressive, of blocks without detail. */
export function jpeg({ columns, blocks, frame = 0xc0, names = [1, 2, 3, 4], adobe, exif, size }: Jpeg): Uint8Array {
  const components = names.slice(0, blocks[0].length);
  const [width, height] = size ?? [8 * columns, (8 * blocks.length) / columns];
  const segment = (marker: number, body: readonly number[]) => [0xff, marker, ...u16(body.length + 2), ...body];
  const progressive = frame === 0xc2;
  return Uint8Array.from([
    ...[0xff, 0xd8],
    ...(exif ? segment(0xe1, [...letters("Exif\0\0"), ...exif]) : []),
    ...(adobe === undefined ? [] : segment(0xee, [...letters("Adobe"), 0, 100, 0, 0, 0, 0, adobe])),
    ...segment(0xdb, [0, ...new Array<number>(64).fill(8)]), // so that the first coefficient of a block is its level
    ...segment(frame, [8, ...u16(height), ...u16(width), components.length, ...components.flatMap((name) => [name, 0x11, 0])]),
    ...segment(0xc4, [0x00, ...counts({ 4: 12 }), 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]), // a code of four bits: how many bits follow
    ...segment(0xc4, [0x10, ...counts({ 1: 1 }), 0]), // one code, of one bit: no more in this block
    ...segment(0xda, [components.length, ...components.flatMap((name) => [name, 0]), 0, progressive ? 0 : 63, 0]),
    ...entropyCoded(blocks, progressive),
    ...[0xff, 0xd9],
  ]);
}

/** How many codes there are of 1 to 16 bits. */
const counts = (some: Readonly<Record<number, number>>): number[] => Array.from({ length: 16 }, (_, i) => some[i + 1] ?? 0);

function entropyCoded(blocks: Jpeg["blocks"], progressive: boolean): number[] {
  let bits = "";
  const last = blocks[0].map(() => 128);
  for (const block of blocks) {
    block.forEach((level, c) => {
      const change = level - last[c];
      last[c] = level;
      const length = change === 0 ? 0 : 32 - Math.clz32(Math.abs(change));
      const value = change < 0 ? change + 2 ** length - 1 : change;
      bits += length.toString(2).padStart(4, "0") + (length > 0 ? value.toString(2).padStart(length, "0") : "");
      if (!progressive) bits += "0";
    });
  }
  bits = bits.padEnd(8 * Math.ceil(bits.length / 8), "1");
  const bytes = bits.match(/.{8}/g)!.map((byte) => Number.parseInt(byte, 2));
  return bytes.flatMap((byte) => (byte === 0xff ? [0xff, 0] : [byte]));
}

/** An EXIF block that notes an orientation, in the order of bytes of Intel or of Motorola. */
export function exif(orientation: number, order: "II" | "MM"): number[] {
  const short = (n: number) => (order === "II" ? u16(n).reverse() : u16(n));
  const long = (n: number) => (order === "II" ? u32(n).reverse() : u32(n));
  const entry = (tag: number, value: number) => [...short(tag), ...short(3), ...long(1), ...short(value), 0, 0];
  return [...letters(order), ...short(42), ...long(8), ...short(2), ...entry(0x0100, 9), ...entry(0x0112, orientation), ...long(0)];
}
