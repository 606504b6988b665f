// The pictures that show what a model has learned, as PNG files.

import { type Images, imageGrid } from "../data/index.ts";
import { reconstructImages, sampleImages, type Traversal, type TraversalOptions, traverseLatents, type Vae } from "../vae/index.ts";
import { type Option, text } from "./options.ts";
import { encodePng } from "./png.ts";

export const pictureOption = (name: string): Option<string> =>
  text("FILE.png", {
    default: name,
    help: "where the picture goes; a file there is replaced",
    wanted: "the name of a .png file, the only format written",
    accepts: (path) => path.toLowerCase().endsWith(".png"),
  });

/** Mean pictures at `count` latents from the prior; the same ones for the same seed, however far the training is. */
export async function samplesPng(model: Vae, count: number, seed: number, label?: number): Promise<Uint8Array> {
  const [height, width, channels] = model.shape;
  return encodePng(imageGrid(await sampleImages(model, { count, seed, label }), { count, height, width, channels }));
}

const COLUMNS = 16;

/** Originals, and under each what the model makes of it. */
export async function reconstructionsPng(model: Vae, images: Images): Promise<Uint8Array> {
  const { count, height, width, channels, pixels, white } = images;
  const size = height * width * channels;
  const made = await reconstructImages(model, images);
  const pairs = Math.ceil(count / COLUMNS); // pairs of rows
  const columns = Math.ceil(count / pairs);
  const grid = new Float32Array(2 * pairs * columns * size); // what remains of the last two rows is black
  for (let i = 0; i < count; i++) {
    const original = 2 * Math.floor(i / columns) * columns + (i % columns);
    for (let j = 0; j < size; j++) grid[original * size + j] = pixels[i * size + j] / white;
    grid.set(made.subarray(i * size, (i + 1) * size), (original + columns) * size);
  }
  return encodePng(imageGrid(grid, { count: 2 * pairs * columns, height, width, channels, columns }));
}

/** A row for each latent, from -3 on the left to 3 on the right. */
export async function traversalPng(model: Vae, images: Images, options: TraversalOptions): Promise<Traversal & { png: Uint8Array }> {
  const traversal = await traverseLatents(model, images, options);
  const { latents, columns, pictures } = traversal;
  const [height, width, channels] = model.shape;
  return { ...traversal, png: encodePng(imageGrid(pictures, { count: latents.length * columns, height, width, channels, columns })) };
}
