// The whole of a model's two latents in one picture: the learned manifold, as Kingma and Welling drew it.

import { klPerLatent } from "../latents.ts";
import type { Vae } from "../model.ts";
import { whole } from "../settings.ts";
import { normalQuantile } from "../statistics/quantile.ts";
import { checkLabel, decodeLatents, type Examples, encodeImages } from "../use.ts";

export interface ManifoldOptions {
  /** Pictures on each side. */
  readonly steps?: number;
  /** The two latents, across and up; needed of a model that has more. "auto": those with the highest KL on the examples. */
  readonly latents?: readonly [number, number] | "auto";
  /** What the others are: the means of q(z|x) for the example of this number, or those of the prior, 0. */
  readonly around?: number | "prior";
  /** Of the pictures of a conditional model; that of the example if left out, and of no example 0. */
  readonly label?: number | undefined;
}

export interface Manifold {
  readonly latents: readonly [number, number];
  /** What both latents are, from the smallest to the largest. */
  readonly at: Float64Array;
  /** [steps, steps, ...shape]: mean pictures. The first latent grows to the right, the second upwards. */
  readonly pictures: Float32Array;
}

/**
 * Pictures on a grid over a plane of latents that holds as much of the prior between any two of its lines: both latents are Φ⁻¹(u) for u in
 * equal steps, in the middle of each ("Auto-Encoding Variational Bayes", Kingma and Welling 2014, figure 4). Examples are needed for "auto"
 * and for `around` one of them.
 */
export async function latentManifold(model: Vae, options: ManifoldOptions = {}, examples?: Examples): Promise<Manifold> {
  const { steps = 20, around = "prior", label } = options;
  whole("steps", steps, 2);
  checkLabel("manifold", model, label);
  const { latent, classes } = model;
  const { latents = latent === 2 ? ([0, 1] as const) : undefined } = options;
  if (latent < 2) throw new Error(`manifold: a model of ${latent} latent has no plane of two; traverse shows what there is`);
  if (!latents) {
    throw new Error(
      `manifold: a model of ${latent} latents is no plane; name two of them as latents ("auto" takes those that say most), or traverse each`,
    );
  }
  if (latents !== "auto") for (const j of latents) whole("latents", j, 0, latent - 1);
  if (latents !== "auto" && latents[0] === latents[1]) throw new Error(`manifold: latent ${latents[0]} twice; a plane has two`);
  if ((latents === "auto" || around !== "prior") && !examples) throw new Error('manifold: "auto" and around an example need examples');

  const q = examples && (await encodeImages(model, examples));
  if (q && around !== "prior") whole("around", around, 0, q.mean.length / latent - 1);
  const [across, up] = latents === "auto" ? mostTelling(klPerLatent(q!.mean, q!.logVariance, latent)) : latents;
  const base = q && around !== "prior" ? q.mean.subarray(around * latent, (around + 1) * latent) : new Float32Array(latent);
  const at = Float64Array.from({ length: steps }, (_, i) => normalQuantile((i + 0.5) / steps));
  const z = new Float32Array(steps * steps * latent);
  for (let row = 0; row < steps; row++) {
    for (let column = 0; column < steps; column++) {
      const start = (row * steps + column) * latent;
      z.set(base, start);
      z[start + across] = at[column];
      z[start + up] = at[steps - 1 - row]; // the first row is the upper one
    }
  }
  const own = around !== "prior" && examples && !(examples instanceof Float32Array) ? examples.labels?.[around] : undefined;
  const told = classes > 0 ? { labels: new Uint8Array(steps * steps).fill(label ?? own ?? 0) } : {};
  return { latents: [across, up], at, pictures: await decodeLatents(model, z, told) };
}

/** The two with the highest KL, the higher first. */
function mostTelling(kl: Float64Array): [number, number] {
  const [first, second] = Array.from(kl.keys()).sort((a, b) => kl[b] - kl[a]);
  return [first, second];
}
