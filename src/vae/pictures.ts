// Data sets, from the host's bytes to the examples that a model sees.

import type { Images } from "../data/images.ts";
import { keep, type Tensor, tensor } from "../index.ts";
import type { Vae } from "./model.ts";

export const valuesOf = ({ height, width, channels }: Pick<Images, "height" | "width" | "channels">): number => height * width * channels;

/** Throws if the model cannot take these images: wrong size, or values that its likelihood does not fit. */
export function checkImages(caller: string, { shape, likelihood }: Vae, images: Images): void {
  const { pixels, count, height, width, channels, white, name } = images;
  const size = valuesOf(images);
  if (size !== shape.reduce((n, d) => n * d, 1)) {
    throw new Error(`${caller}: the images of ${name} are ${height} x ${width} x ${channels}, but the model takes [${shape.join(", ")}]`);
  }
  if (!(pixels instanceof Uint8Array)) throw new Error(`${caller}: the pixels of ${name} are no bytes (Uint8Array)`);
  if (pixels.length !== count * size) throw new Error(`${caller}: ${pixels.length} pixels do not make ${count} images of ${size}`);
  if (!(Number.isInteger(white) && white >= 1 && white <= 255)) throw new Error(`${caller}: white ${white}; it is a byte from 1 to 255`);
  likelihood.check(pixels, size, white);
}

/** A data set on the device, as the bytes it is made of. */
export interface Resident {
  readonly count: number;
  /** The examples with these numbers, as f32 in [0, 1]. */
  rows(index: Tensor): Tensor;
  dispose(): void;
}

export function resident(images: Images): Resident {
  const pixels = keep(tensor(images.pixels, [images.count, valuesOf(images)]));
  return {
    count: images.count,
    rows: (index) => shade(pixels.take(index), images.white),
    dispose: () => pixels.dispose(),
  };
}

/** Bytes as the numbers that they stand for. */
export const shade = (bytes: Tensor, white: number): Tensor => bytes.cast("f32").mul(1 / white);
