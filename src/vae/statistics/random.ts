// Random numbers on the host, one after another from a seed: what starts, samples and shuffles are drawn from. The generator is the engine's
// (Threefry, of a counter), so the same seed draws the same numbers on every machine; and they are float64 throughout.

import { threefry } from "../../kernels/random/threefry.ts";

export interface Stream {
  /** In [0, 1), of 53 random bits. */
  uniform(): number;
  /** With mean 0 and variance 1. */
  normal(): number;
  /** A whole number from 0 to n - 1. */
  below(n: number): number;
}

const STREAM = 0x73746174; // sets these draws apart from others with the same seed

/** The numbers of a seed, a whole number from 0 to 2^32 - 1. */
export function stream(seed: number): Stream {
  if (!(Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32)) throw new Error(`stream: seed ${seed} is not a whole number below 2^32`);
  let drawn = 0;
  const uniform = () => {
    const [a, b] = threefry(seed, STREAM, drawn, Math.floor(drawn / 2 ** 32));
    drawn++;
    return (a * 2 ** 21 + (b >>> 11)) * 2 ** -53;
  };
  return {
    uniform,
    // Box and Muller 1958; 1 - u is in (0, 1], where the logarithm is finite.
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
    below: (n) => Math.floor(uniform() * n),
  };
}
