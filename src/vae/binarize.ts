// Grey pictures as zeros and ones, drawn with the greys as probabilities: what a Bernoulli likelihood is a likelihood of. Static: once,
// so that the data are others but fixed ones, as in Larochelle's binarized MNIST. Dynamic: anew in each step, as in the articles on
// importance-weighted bounds; the drawing is then a part of the step and follows from its clock.

import type { Images } from "../data/images.ts";
import { randomUniform, type Tensor } from "../index.ts";
import { threefry, unit } from "../kernels/random/threefry.ts";
import { seedOf } from "./settings.ts";

export type Binarize = "static" | "dynamic";
export const binarizations: readonly Binarize[] = ["static", "dynamic"];

const STREAM = 0x62696e61; // sets these draws apart from others with the same seed

/** The same pictures with pixels 0 and 1, each 1 with the probability pixel / white. The pixels are a function of the seed and their place. */
export function binarizeImages(images: Images, seed = 1): Images {
  const { pixels, white, name } = images;
  seedOf(seed);
  // u is below 1 and not below 0: white becomes 1 and black 0, always
  const drawn = pixels.map((v, i) => (unit(threefry(seed, 0, STREAM, i)[0]) < v / white ? 1 : 0));
  return { ...images, pixels: drawn, white: 1, name: `${name}, binarized` };
}

/** 1 with the probability x, else 0, drawn where this stands. */
export const binarized = (x: Tensor): Tensor => randomUniform(x.shape).less(x);
