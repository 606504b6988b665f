// The list of scores: how anomalous an image is, larger for more. Adding one is a row here.

import type { Images } from "../../../data/images.ts";
import { residuals } from "../../statistics/pca.ts";
import { pixelRows } from "../probe.ts";
import type { Evidence } from "./evidence.ts";
import { distances, type Normal } from "./normal.ts";

export type ScoreName = "squared" | "excess" | "bound" | "likelihood" | "codes" | "kl" | "pca";

export interface Score {
  readonly help: string;
  of(evidence: Evidence, normal: Normal, images: Images): Float64Array | Promise<Float64Array>;
  /** It is made of q(z|x) as a distribution, and says nothing of a model that was trained without noise. */
  readonly needsNoise?: true;
}

export const scores: Readonly<Record<ScoreName, Score>> = {
  squared: { help: "squared error of the reconstruction", of: ({ squared }) => squared },
  excess: {
    help: "nats of the reconstruction above the least there can be: the divergence of what the decoder says from the image",
    of: ({ reconstruction, floor }) => reconstruction.map((nats, i) => nats - (floor?.[i] ?? 0)),
  },
  bound: { help: "negative ELBO, in nats", of: ({ bound }) => bound, needsNoise: true },
  likelihood: { help: "-log p(x) by importance sampling, in nats", of: ({ likelihood }) => likelihood, needsNoise: true },
  codes: {
    help: "squared Mahalanobis distance of the code from those of normal images",
    of: ({ codes }, normal) => distances(normal.codes, codes),
  },
  kl: { help: "KL of q(z|x) from the prior, in nats", of: ({ kl }) => kl, needsNoise: true },
  pca: {
    help: "squared distance from the plane of principal components, as many as latents: without a model",
    of: (_, { plane }, images) => residuals(plane, pixelRows(images)),
  },
};
export const scoreNames: readonly ScoreName[] = Object.keys(scores) as ScoreName[];
