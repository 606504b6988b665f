// What is known of normal images besides the model: where their codes lie, and the plane in which they lie as pictures.

import { type Images, sliceImages } from "../../../data/images.ts";
import type { Vae } from "../../model.ts";
import { valuesOf } from "../../pictures.ts";
import { type Pca, pca } from "../../statistics/pca.ts";
import { moments, type Rows } from "../../statistics/rows.ts";
import { eigen } from "../../statistics/symmetric.ts";
import { encodeImages } from "../../use.ts";
import { pixelRows } from "../probe.ts";

export interface Normal {
  /** As many components as the model has latents: the linear model that a VAE has to beat. */
  readonly plane: Pca;
  readonly codes: Ellipsoid;
}

/** The mean of codes and their principal axes, each with its variance. */
export interface Ellipsoid {
  readonly mean: Float64Array;
  readonly axes: Float64Array; // [latent, latent]
  readonly variances: Float64Array;
}

const MOST = 20_000; // images; of as many, more would change little, and their values take four times the memory of their bytes

/** Of normal images, which should be among those that the model was trained on. */
export async function normalOf(model: Vae, images: Images): Promise<Normal> {
  const some = sliceImages(images, 0, Math.min(MOST, images.count));
  if (some.count < 2) throw new Error(`anomaly: ${some.count} normal images to learn from in ${images.name}; two or more are needed`);
  const { mean } = await encodeImages(model, some);
  const kept = Math.min(model.latent, some.count - 1, Math.max(1, valuesOf(some) - 1));
  return { plane: await pca(pixelRows(some), kept), codes: ellipsoid({ values: mean, count: some.count, columns: model.latent }) };
}

function ellipsoid(codes: Rows): Ellipsoid {
  const { values, count, columns } = codes;
  const { mean } = moments(codes);
  const covariance = new Float64Array(columns * columns);
  for (let i = 0; i < count; i++) {
    for (let a = 0; a < columns; a++) {
      const da = values[i * columns + a] - mean[a];
      for (let b = 0; b < columns; b++) covariance[a * columns + b] += (da * (values[i * columns + b] - mean[b])) / (count - 1);
    }
  }
  const found = eigen(covariance, columns);
  // A latent that says nothing has the same code always, nearly: it must not decide by the digits in which f32 rounds.
  const least = Math.max(1e-6 * found.values[0], Number.MIN_VALUE);
  return { mean, axes: found.vectors, variances: found.values.map((v) => Math.max(v, least)) };
}

/** The squared Mahalanobis distance of each code [count, latent] from the mean of the normal ones: Σ (along an axis)² / its variance. */
export function distances({ mean, axes, variances }: Ellipsoid, codes: Float64Array): Float64Array {
  const latent = mean.length;
  return Float64Array.from({ length: codes.length / latent }, (_, i) => {
    let sum = 0;
    for (let a = 0; a < latent; a++) {
      let along = 0;
      for (let j = 0; j < latent; j++) along += axes[a * latent + j] * (codes[i * latent + j] - mean[j]);
      sum += along ** 2 / variances[a];
    }
    return sum;
  });
}
