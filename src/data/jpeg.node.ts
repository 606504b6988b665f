// JPEG files in: grey or colour, sequential or progressive. jpeg-js decodes; the header is read here first, because what it does not know
// it would decode wrongly, or take memory for.

import { exifOrientation, upright } from "./exif.ts";
import type { Picture } from "./grid.ts";
import { need } from "./need.node.ts";

export interface JpegHeader {
  /** As stored, before the picture is set upright. */
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  /** Stored as red, green and blue, and not as brightness and two differences. */
  readonly rgb: boolean;
  /** As in EXIF: 1 is upright. */
  readonly orientation: number;
}

/** What the segments before the data declare. */
export function jpegHeader(bytes: Uint8Array): JpegHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let orientation = 1;
  let adobe: number | undefined;
  for (let at = 2; ; ) {
    while (bytes[at] === 0xff && bytes[at + 1] === 0xff) at++; // fill bytes
    if (at + 4 > bytes.length) throw new Error("cut short: a JPEG without a frame");
    const marker = bytes[at + 1];
    const end = at + 2 + view.getUint16(at + 2);
    const body = bytes.subarray(at + 4, end);
    if (bytes[at] !== 0xff || marker === 0xd9 || marker === 0xda) throw new Error(`damaged JPEG: no frame before byte ${at}`);
    if (marker === 0xe1 && startsWith(body, "Exif\0\0")) orientation = exifOrientation(body.subarray(6));
    if (marker === 0xee && startsWith(body, "Adobe")) adobe = body[11];
    if (isFrame(marker)) {
      if (at + 10 > bytes.length || end > bytes.length) throw new Error("cut short: a JPEG without a frame");
      return { ...frame(marker, body, adobe), orientation };
    }
    at = end;
  }
}

/** Markers C0 to CF begin a frame, but for the three that are tables (C4, CC) or reserved (C8). */
const isFrame = (marker: number): boolean => marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);

function frame(marker: number, body: Uint8Array, adobe: number | undefined): Omit<JpegHeader, "orientation"> {
  const [bits, heightHigh, heightLow, widthHigh, widthLow, components] = body;
  if (marker > 0xc2)
    throw new Error(`a JPEG of a rare kind (SOF${marker - 0xc0}: lossless or arithmetic); sequential and progressive are read`);
  if (bits !== 8) throw new Error(`a JPEG of ${bits} bits a sample; 8 are read`);
  if (components === 4) throw new Error("a JPEG in the printing colours CMYK; convert it to RGB");
  if (components !== 1 && components !== 3) throw new Error(`a JPEG of ${components} components; 1 (grey) and 3 (colour) are read`);
  // By convention: Adobe's block says so, or the components are named by the letters.
  const named = components === 3 && startsWith(Uint8Array.of(body[6], body[9], body[12]), "RGB");
  return {
    width: widthHigh * 256 + widthLow,
    height: heightHigh * 256 + heightLow,
    channels: components,
    rgb: adobe === 0 ? components === 3 : adobe === undefined && named,
  };
}

const startsWith = (bytes: Uint8Array, text: string): boolean => [...text].every((letter, i) => bytes[i] === letter.charCodeAt(0));

/** MiB that jpeg-js may take: 21 bytes a pixel, mostly coefficients of 4 bytes, and room for pictures that do not fill their blocks. */
const memory = (width: number, height: number): number => 64 + (32 * width * height) / 2 ** 20;

/** The picture in a JPEG file, upright. */
export async function decodeJpeg(bytes: Uint8Array, maxPixels: number): Promise<Picture> {
  const { default: jpeg } = await need(() => import("jpeg-js"), "jpeg-js@0.4.4", "JPEG");
  const { width, height, channels, rgb, orientation } = jpegHeader(bytes);
  const options = { useTArray: true, formatAsRGBA: false, tolerantDecoding: false, ...(rgb && { colorTransform: false }) } as const;
  const limits = { maxResolutionInMP: maxPixels / 1e6, maxMemoryUsageInMB: memory(width, height) }; // again, for a frame behind the first
  let data: Uint8Array;
  try {
    ({ data } = jpeg.decode(bytes, { ...options, ...limits }));
  } catch (error) {
    throw new Error(`a JPEG that cannot be decoded, perhaps because it is cut short: ${(error as Error).message}`, { cause: error });
  }
  const pixels = channels === 3 ? data : data.filter((_, i) => i % 3 === 0); // it makes three equal values of a grey
  return upright({ width, height, channels, pixels }, orientation);
}
