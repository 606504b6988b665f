// Which way up a photograph is: cameras store pictures as the sensor lies and note the turn in the EXIF block of the JPEG.

import type { Picture } from "./grid.ts";

const ORIENTATION = 0x0112;

/** The number 1 to 8 that an EXIF block (a TIFF file in small) gives for the orientation; 1, upright, where it gives none. */
export function exifOrientation(exif: Uint8Array): number {
  const view = new DataView(exif.buffer, exif.byteOffset, exif.byteLength);
  try {
    const little = view.getUint16(0) === 0x4949; // "II" for Intel's order of bytes, "MM" for Motorola's
    const list = view.getUint32(4, little);
    for (let i = 0; i < view.getUint16(list, little); i++) {
      const entry = list + 2 + 12 * i;
      if (view.getUint16(entry, little) !== ORIENTATION) continue;
      const value = view.getUint16(entry + 8, little);
      return value >= 1 && value <= 8 ? value : 1;
    }
  } catch {} // an offset that leads out of the block: a damaged note is no note
  return 1;
}

/** The picture as it is to be looked at. */
export function upright(picture: Picture, orientation: number): Picture {
  if (orientation === 1) return picture;
  const { width, height, channels, pixels: x } = picture;
  const transposed = orientation >= 5;
  const mirrorsColumns = [2, 3, 7, 8].includes(orientation);
  const mirrorsRows = [3, 4, 6, 7].includes(orientation);
  const size = transposed ? { width: height, height: width } : { width, height };
  const pixels = new Uint8Array(x.length);
  for (let row = 0, to = 0; row < size.height; row++) {
    for (let column = 0; column < size.width; column++) {
      const [i, j] = transposed ? [column, row] : [row, column]; // row and column in the file
      const from = ((mirrorsRows ? height - 1 - i : i) * width + (mirrorsColumns ? width - 1 - j : j)) * channels;
      for (let c = 0; c < channels; c++) pixels[to++] = x[from + c];
    }
  }
  return { ...size, channels, pixels };
}
