// Data sets, from the host's bytes to the examples that a model sees.

import type { Images } from "../data/images.ts";
import { keep, type Tensor, tensor } from "../index.ts";
import { type Binarize, binarizations } from "./binarize.ts";
import { checkLabels } from "./condition.ts";
import type { Vae } from "./model.ts";
import { choice } from "./settings.ts";

export const valuesOf = ({ height, width, channels }: Pick<Images, "height" | "width" | "channels">): number => height * width * channels;

/** Throws if the model cannot take these images: wrong size, values that its likelihood does not fit, no labels for a conditional model. */
export function checkImages(caller: string, { shape, likelihood, classes }: Vae, images: Images): void {
  const { pixels, labels, count, height, width, channels, white, name } = images;
  const size = valuesOf(images);
  if (size !== shape.reduce((n, d) => n * d, 1)) {
    throw new Error(`${caller}: the images of ${name} are ${height} x ${width} x ${channels}, but the model takes [${shape.join(", ")}]`);
  }
  if (!(pixels instanceof Uint8Array)) throw new Error(`${caller}: the pixels of ${name} are no bytes (Uint8Array)`);
  if (pixels.length !== count * size) throw new Error(`${caller}: ${pixels.length} pixels do not make ${count} images of ${size}`);
  if (!(Number.isInteger(white) && white >= 1 && white <= 255)) throw new Error(`${caller}: white ${white}; it is a byte from 1 to 255`);
  likelihood.check(pixels, size, white);
  if (classes === 0) return;
  if (labels?.length !== count)
    throw new Error(`${caller}: a conditional model needs a label for each image; ${name} has ${labels?.length ?? "none"}`);
  checkLabels(`${caller}: ${name}`, labels, classes);
}

/** Throws if the likelihood fits each value, but not the data that are to be learned from. */
export function checkFit(caller: string, { likelihood }: Vae, { pixels, white, name }: Images): void {
  const why = likelihood.objection?.(pixels, white);
  if (why) throw new Error(`${caller}: the likelihood "${likelihood.name}" does not fit ${name}: ${why}`);
}

/** Throws if zeros and ones are nothing for the model. */
export function checkBinarize(caller: string, { likelihood }: Vae, binarize: Binarize | undefined): void {
  if (binarize === undefined) return;
  choice("binarize", binarize, binarizations);
  if (likelihood.name === "bernoulli") return;
  throw new Error(`${caller}: binarize makes zeros and ones, for a "bernoulli" likelihood and not "${likelihood.name}"`);
}

/** A data set on the device, as the bytes it is made of. */
export interface Resident {
  readonly count: number;
  /** The examples with these numbers, as f32 in [0, 1]. */
  rows(index: Tensor): Tensor;
  /** The classes of these, u32; undefined if the model takes none. */
  labels(index: Tensor): Tensor | undefined;
  dispose(): void;
}

/** With the labels, if a model is told them. */
export function resident(images: Images, { classes }: Pick<Vae, "classes">): Resident {
  const pixels = keep(tensor(images.pixels, [images.count, valuesOf(images)]));
  const labels = classes > 0 && images.labels ? keep(tensor(Uint32Array.from(images.labels))) : undefined;
  return {
    count: images.count,
    rows: (index) => shade(pixels.take(index), images.white),
    labels: (index) => labels?.take(index),
    dispose: () => {
      pixels.dispose();
      labels?.dispose();
    },
  };
}

/** Bytes as the numbers that they stand for. */
export const shade = (bytes: Tensor, white: number): Tensor => bytes.cast("f32").mul(1 / white);
