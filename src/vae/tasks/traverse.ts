// What single latents stand for: pictures in which one of them changes and the others stay.

import { klPerLatent } from "../latents.ts";
import type { Vae } from "../model.ts";
import { whole } from "../settings.ts";
import { decodeLatents, type Examples, encodeImages } from "../use.ts";

export interface TraversalOptions {
  /** Pictures for each latent, from -reach to reach. */
  readonly columns?: number;
  /** In standard deviations of the prior, which are 1. */
  readonly reach?: number;
  /** At most so many latents. */
  readonly count?: number;
  /** What the other latents are: the means of q(z|x) for the example of this number, or those of the prior, 0. */
  readonly around?: number | "prior";
  /** Of the pictures of a conditional model; that of the example if left out, and of no example 0. */
  readonly label?: number;
}

export interface Traversal {
  /** The latents by their numbers, the one that says most first. */
  readonly latents: readonly number[];
  /** KL(q(z|x) ‖ p(z)) of each, in nats, averaged over the examples. Near 0 it says nothing, and its pictures are alike. */
  readonly kl: readonly number[];
  readonly columns: number;
  /** [latents, columns, ...shape]: mean pictures. */
  readonly pictures: Float32Array;
}

/** For each latent, pictures along it. The examples say which latents matter, and around which point to look. */
export async function traverseLatents(model: Vae, examples: Examples, options: TraversalOptions = {}): Promise<Traversal> {
  const { columns = 11, reach = 3, count = model.latent, around = 0 } = options;
  whole("columns", columns, 2);
  whole("count", count);
  if (!(reach > 0 && Number.isFinite(reach))) throw new Error(`reach: ${reach} is not a number above 0`);
  const { latent } = model;
  const { mean, logVariance } = await encodeImages(model, examples);
  const rows = mean.length / latent;
  if (around !== "prior") whole("around", around, 0, rows - 1);

  const all = Array.from(klPerLatent(mean, logVariance, latent), (kl, j) => ({ j, kl }));
  const shown = all.sort((a, b) => b.kl - a.kl).slice(0, count);

  const own = examples instanceof Float32Array || around === "prior" ? 0 : (examples.labels?.[around] ?? 0);
  const { label = own } = options;
  const base = around === "prior" ? new Float32Array(latent) : mean.subarray(around * latent, (around + 1) * latent);
  const z = new Float32Array(shown.length * columns * latent);
  shown.forEach(({ j }, row) => {
    for (let column = 0; column < columns; column++) {
      const at = (row * columns + column) * latent;
      z.set(base, at);
      z[at + j] = reach * ((2 * column) / (columns - 1) - 1);
    }
  });
  const pictures = await decodeLatents(model, z, model.classes > 0 ? { labels: new Uint8Array(z.length / latent).fill(label) } : {});
  return { latents: shown.map(({ j }) => j), kl: shown.map(({ kl }) => kl), columns, pictures };
}
