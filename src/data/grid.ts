// Many small pictures side by side in one: samples, reconstructions, a first look at a data set.

import type { Images } from "./images.ts";

/** A picture ready to be encoded or drawn on a canvas: bytes, row by row, channels last. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly pixels: Uint8Array;
}

/** How the pictures are stored (an `Images` says it all), and how they are laid out. */
export interface GridOptions extends Pick<Images, "count" | "height" | "width" | "channels"> {
  /** The byte drawn as white, for bytes; floats are always 0 to 1. */
  readonly white?: number;
  /** By default the number that makes the grid as square as it can be. */
  readonly columns?: number;
  /** Pixels between pictures and around them. */
  readonly gap?: number;
}

const GAP_GREY = 48; // dark, yet no picture's black: the borders stay visible

/** The pictures in reading order, on a grid. Values out of range are clipped. */
export function imageGrid(images: Float32Array | Uint8Array, options: GridOptions): Picture {
  const { count, height, width, channels, white = 255, gap = 2 } = options;
  const { columns = Math.ceil(Math.sqrt(count)) } = options;
  if (images.length !== count * height * width * channels) {
    throw new Error(`imageGrid: ${images.length} values do not make ${count} images of ${height} x ${width} x ${channels}`);
  }
  if (count < 1 || !(columns >= 1)) throw new Error(`imageGrid: no grid of ${count} images in ${columns} columns`);
  const rows = Math.ceil(count / columns);
  const full = { width: columns * (width + gap) + gap, height: rows * (height + gap) + gap };
  const pixels = new Uint8ClampedArray(full.width * full.height * channels).fill(GAP_GREY);
  const toByte = 255 / (images instanceof Float32Array ? 1 : white);
  const line = width * channels;

  for (let i = 0; i < count; i++) {
    const left = gap + (i % columns) * (width + gap);
    const top = gap + Math.floor(i / columns) * (height + gap);
    for (let y = 0; y < height; y++) {
      const from = (i * height + y) * line;
      const to = ((top + y) * full.width + left) * channels;
      for (let x = 0; x < line; x++) pixels[to + x] = images[from + x] * toByte;
    }
  }
  return { ...full, channels, pixels: new Uint8Array(pixels.buffer) };
}
