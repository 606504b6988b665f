// Whether each factor of the data is known to one latent and to no other: the mutual information gap.

import { whole } from "../../settings.ts";
import type { Rows } from "../../statistics/rows.ts";
import { checkFactors, type Factors } from "./factors.ts";

export interface Gap {
  /** The mutual information gap, from 0 to 1: the average of `each`. */
  readonly score: number;
  /** Of each factor: by how much the latent that knows most of it is ahead of the next, as a part of what there is to know. */
  readonly each: readonly number[];
  /** Of each factor, the latent that knows most of it. */
  readonly latents: readonly number[];
}

/**
 * The mutual information gap: (1/F) Σ_f (I(z_1; f) - I(z_2; f)) / H(f), where z_1 and z_2 are the two latents that know most of f ("Isolating Sources of
 * Disentanglement in Variational Autoencoders", Chen et al. 2018). Of histograms of the codes, with `bins` of equal width from the least
 * to the largest code of each latent, as disentanglement_lib computes it, where codes are the means of q(z|x).
 */
export function mutualInformationGap(codes: Rows, factors: Factors, bins = 20): Gap {
  const count = checkFactors("mutualInformationGap", codes, factors);
  whole("bins", bins, 2);
  if (codes.columns < 2) throw new Error("mutualInformationGap: one latent has no other to be ahead of");
  const binned = Array.from({ length: codes.columns }, (_, j) => histogram(codes, j, bins));
  const all = factors.sizes.map((size, f) => {
    const value = (i: number): number => factors.values[i * factors.sizes.length + f];
    const known = binned.map((bin) => information(count, bin, bins, value, size));
    const entropy = information(count, value, size, value, size);
    const latent = known.indexOf(Math.max(...known));
    const next = Math.max(...known.filter((_, j) => j !== latent));
    return { latent, gap: (known[latent] - next) / entropy };
  });
  const each = all.map(({ gap }) => gap);
  return { score: each.reduce((sum, v) => sum + v, 0) / each.length, each, latents: all.map(({ latent }) => latent) };
}

/** The bin of example i's code of latent j. */
function histogram({ values, count, columns }: Rows, j: number, bins: number): (i: number) => number {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < count; i++) {
    least = Math.min(least, values[i * columns + j]);
    most = Math.max(most, values[i * columns + j]);
  }
  if (least === most) return () => 0; // it says nothing
  return (i) => Math.min(bins - 1, Math.floor(((values[i * columns + j] - least) / (most - least)) * bins));
}

/** I(a; b) of two columns of whole numbers below `sizeA` and `sizeB`, in nats: of a column and itself the entropy. */
function information(count: number, a: (i: number) => number, sizeA: number, b: (i: number) => number, sizeB: number): number {
  const both = new Float64Array(sizeA * sizeB);
  for (let i = 0; i < count; i++) both[a(i) * sizeB + b(i)] += 1 / count;
  const ofA = new Float64Array(sizeA);
  const ofB = new Float64Array(sizeB);
  both.forEach((p, at) => {
    ofA[Math.floor(at / sizeB)] += p;
    ofB[at % sizeB] += p;
  });
  return both.reduce((sum, p, at) => (p > 0 ? sum + p * Math.log(p / (ofA[Math.floor(at / sizeB)] * ofB[at % sizeB])) : sum), 0);
}
