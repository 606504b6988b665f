// Pictures of all sizes and colours made alike: the square in the middle, as large as asked, grey or red-green-blue. Weights are whole
// numbers and each value is rounded once, so the result is the same bytes on every machine. Bytes are averaged as they are stored,
// not as light, which is how most data sets were made.

import type { Picture } from "./grid.ts";
import { checkBytes, type Images } from "./images.ts";

/** 1 is grey, 3 is red, green and blue. */
export type Channels = 1 | 3;

export interface ResizeOptions {
  /** Height and width in pixels; left out, they stay. */
  readonly size?: number | undefined;
  /** Left out, they stay. */
  readonly channels?: Channels | undefined;
}

/** Every image resized and recoloured; the images themselves if there is nothing to do. */
export function resizeImages(images: Images, { size, channels }: ResizeOptions): Images {
  const { count, height, width, channels: from, white, pixels } = images;
  if ((size === undefined || (size === height && size === width)) && (channels ?? from) === from) return images;
  const made = { ...images, height: size ?? height, width: size ?? width, channels: channels ?? from, white: 255 };
  checkBytes(made);
  const bytes = height * width * from;
  const all = new Uint8Array(count * made.height * made.width * made.channels);
  for (let i = 0; i < count; i++) {
    const part = pixels.subarray(i * bytes, (i + 1) * bytes);
    const full = white === 255 ? part : part.map((byte) => Math.min(255, Math.round((byte * 255) / white))); // greys come of 0 and 1
    const colored = channels ? recolor({ height, width, channels: from, pixels: full }, channels).pixels : full;
    const picture = { height, width, channels: made.channels, pixels: colored };
    all.set((size === undefined ? picture : resizePicture(picture, size)).pixels, (i * all.length) / count);
  }
  return { ...made, pixels: all };
}

/** The largest square in the middle, at `size` x `size`: averaged over areas where it shrinks, bilinear where it grows. */
export function resizePicture({ height, width, channels, pixels }: Picture, size: number): Picture {
  if (!(Number.isInteger(size) && size >= 1)) throw new Error(`resize: size ${size} is not a whole number of 1 or more`);
  const side = Math.min(height, width);
  const left = Math.floor((width - side) / 2);
  const top = Math.floor((height - side) / 2);
  const { first, weights, sum } = taps(side, size);

  // rows[y, i, c] = Σ_t weights[i, t] · x[top + y, left + first[i] + t, c], and then the same down the columns
  const rows = new Uint32Array(side * size * channels);
  for (let y = 0; y < side; y++) {
    for (let i = 0; i < size; i++) {
      const from = ((top + y) * width + left + first[i]) * channels;
      for (let c = 0; c < channels; c++) {
        let total = 0;
        for (let t = 0; t < weights[i].length; t++) total += weights[i][t] * pixels[from + t * channels + c];
        rows[(y * size + i) * channels + c] = total;
      }
    }
  }
  const line = size * channels;
  const out = new Uint8Array(size * line);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < line; j++) {
      let total = 0;
      for (let t = 0; t < weights[i].length; t++) total += weights[i][t] * rows[(first[i] + t) * line + j];
      out[i * line + j] = Math.round(total / (sum * sum));
    }
  }
  return { height: size, width: size, channels, pixels: out };
}

interface Taps {
  /** The first of the neighbouring values that make value i. */
  readonly first: number[];
  /** How much of each of them; the weights of every i add up to `sum`. */
  readonly weights: number[][];
  readonly sum: number;
}

/** How each of `to` values in a row is made from `from` values. */
function taps(from: number, to: number): Taps {
  const first: number[] = [];
  const weights: number[][] = [];
  for (let i = 0; i < to; i++) {
    if (from >= to) {
      // Measured in parts of which a value has `to`, value i covers i · from to (i + 1) · from: each weight is the overlap.
      const [start, end] = [i * from, (i + 1) * from];
      const [low, high] = [Math.floor(start / to), Math.ceil(end / to)];
      first.push(low);
      weights.push(Array.from({ length: high - low }, (_, t) => Math.min(end, (low + t + 1) * to) - Math.max(start, (low + t) * to)));
    } else {
      // The middle of value i lies at (i + ½) · from / to - ½, here in parts of which a value has 2 · to; beyond the ends, at them.
      const middle = Math.min(Math.max((2 * i + 1) * from - to, 0), (from - 1) * 2 * to);
      const low = Math.min(Math.floor(middle / (2 * to)), Math.max(from - 2, 0));
      const right = middle - low * 2 * to;
      first.push(low);
      weights.push(from === 1 ? [2 * to] : [2 * to - right, right]);
    }
  }
  return { first, weights, sum: from >= to ? from : 2 * to };
}

/** Grey from colour by the weights of television (Rec. 601), as JPEG has them; colour from grey is three times the same. */
export function recolor(picture: Picture, channels: Channels): Picture {
  if (picture.channels === channels) return picture;
  if (picture.channels !== 1 && picture.channels !== 3) {
    throw new Error(`recolor: ${picture.channels} channels; pictures have 1 or 3`);
  }
  const { pixels: x, width, height } = picture;
  const pixels = new Uint8Array(width * height * channels);
  for (let i = 0; i < width * height; i++) {
    if (channels === 3) pixels.fill(x[i], 3 * i, 3 * i + 3);
    else pixels[i] = Math.floor((299 * x[3 * i] + 587 * x[3 * i + 1] + 114 * x[3 * i + 2] + 500) / 1000);
  }
  return { width, height, channels, pixels };
}
