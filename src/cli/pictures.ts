// The pictures that show what a model has learned, as PNG files.

import { heat, type Images, imageGrid } from "../data/index.ts";
import {
  type Reconstructions,
  reconstructImages,
  sampleImages,
  type Traversal,
  type TraversalOptions,
  traverseLatents,
  type Vae,
} from "../vae/index.ts";
import { type Option, text } from "./options.ts";
import { encodeAnimation, encodePng } from "./png.ts";

export const pictureOption = (name: string): Option<string> =>
  text("FILE.png", {
    default: name,
    help: "where the picture goes; a file there is replaced",
    wanted: "the name of a .png file, the only format written",
    accepts: (path) => path.toLowerCase().endsWith(".png"),
  });

/** Pictures as a model makes them, [count, ...shape], on a grid; as square as it can be if no columns are given. */
export function gridPng({ shape: [height, width, channels] }: Pick<Vae, "shape">, pictures: Float32Array, columns?: number): Uint8Array {
  const count = pictures.length / (height * width * channels);
  return encodePng(imageGrid(pictures, { count, height, width, channels, ...(columns !== undefined && { columns }) }));
}

/** Images as the values that a model sees, to stand beside those that it makes. */
export const valuesIn = ({ pixels, white }: Images): Float32Array => Float32Array.from(pixels, (byte) => byte / white);

/** Mean pictures at `count` latents from the prior; the same ones for the same seed, however far the training is. */
export async function samplesPng(model: Vae, count: number, seed: number, label?: number): Promise<Uint8Array> {
  return gridPng(model, await sampleImages(model, { count, seed, label }));
}

const COLUMNS = 16;

/** Originals, and under each what the model makes of it. */
export async function reconstructionsPng(model: Vae, images: Images): Promise<Uint8Array> {
  const { grid, columns } = stacked([valuesIn(images), await reconstructImages(model, images)], images.count);
  return gridPng(model, grid, columns);
}

/** The same, and under each pair how far its values are from each other, black where they are equal; of colours the mean of the three. */
export function errorsPng({ shape: [height, width, channels] }: Vae, images: Images, { pictures }: Reconstructions): ErrorsPng {
  const originals = valuesIn(images);
  const errors = new Float32Array(originals.length / channels);
  for (let i = 0; i < originals.length; i++) errors[Math.floor(i / channels)] += Math.abs(originals[i] - pictures[i]) / channels;
  const most = errors.reduce((a, b) => Math.max(a, b), 0);
  const { grid, columns } = stacked([inColour(originals, channels), inColour(pictures, channels), heat(errors, most)], images.count);
  return { png: gridPng({ shape: [height, width, 3] }, grid, columns), most };
}

export interface ErrorsPng {
  readonly png: Uint8Array;
  /** The error that is drawn brightest: the largest there is. */
  readonly most: number;
}

export const inColour = (values: Float32Array, channels: number): Float32Array =>
  channels === 3 ? values : Float32Array.from({ length: 3 * values.length }, (_, i) => values[Math.floor(i / 3)]);

/** Rows of pictures under each other, each [count, ...shape], broken where they grow too long, all at the same places. */
export function stacked(rows: readonly Float32Array[], count: number): { grid: Float32Array; columns: number } {
  const size = rows[0].length / count;
  const breaks = Math.ceil(count / COLUMNS);
  const columns = Math.ceil(count / breaks);
  const grid = new Float32Array(rows.length * breaks * columns * size); // what remains of the last rows is black
  rows.forEach((pictures, row) => {
    for (let i = 0; i < count; i++) {
      const at = (Math.floor(i / columns) * rows.length + row) * columns + (i % columns);
      grid.set(pictures.subarray(i * size, (i + 1) * size), at * size);
    }
  });
  return { grid, columns };
}

/** A row for each latent, from -3 on the left to 3 on the right. */
export async function traversalPng(model: Vae, images: Images, options: TraversalOptions): Promise<Traversal & { png: Uint8Array }> {
  const traversal = await traverseLatents(model, images, options);
  return { ...traversal, png: gridPng(model, traversal.pictures, traversal.columns) };
}

const SIDE = 240; // pixels that a frame should have, about: the pictures are small, and nobody can enlarge them while they move

/** Pictures [count, ...shape] as frames of an animation that never ends. `isStop` says which of them stay for longer. */
export function animationPng(
  { shape: [height, width, channels] }: Vae,
  pictures: Float32Array,
  isStop: (i: number) => boolean,
): Uint8Array {
  const size = height * width * channels;
  const times = Math.max(1, Math.round(SIDE / Math.max(height, width)));
  const frames = Array.from({ length: pictures.length / size }, (_, i) => {
    const picture = pictures.subarray(i * size, (i + 1) * size);
    const pixels = new Uint8Array(size * times * times);
    for (let y = 0, at = 0; y < height * times; y++) {
      for (let x = 0; x < width * times; x++) {
        const from = (Math.floor(y / times) * width + Math.floor(x / times)) * channels;
        for (let c = 0; c < channels; c++) pixels[at++] = Math.round(255 * Math.min(1, Math.max(0, picture[from + c])));
      }
    }
    return { width: width * times, height: height * times, channels, pixels, milliseconds: isStop(i) ? 500 : 50 };
  });
  return encodeAnimation(frames);
}
