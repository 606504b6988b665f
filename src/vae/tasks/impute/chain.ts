// The step that all methods are made of: examples whose hidden values have been filled in somehow are encoded, latents are drawn, and what
// they decode to fills the hidden values anew.

import { type Compiled, compile, randomUniform, type Tensor, where } from "../../../index.ts";
import type { Vae } from "../../model.ts";

/** What a step gives, for [rows] examples. */
export type Step = {
  /** The examples, their hidden values filled in anew, [rows, ...shape]. */
  readonly filled: Tensor;
  /** The means of p(x|z), [rows, ...shape]. */
  readonly mean: Tensor;
  /** The latents, and the mean and log variance of the q they were drawn from, [rows, latent]. */
  readonly z: Tensor;
  readonly qMean: Tensor;
  readonly qLogVariance: Tensor;
  /** log p(x seen|z) + log p(z), [rows]. */
  readonly logJoint: Tensor;
}; // a type and no interface, which would not be a record of tensors to `compile`

/** What is filled in: values drawn from p(x|z), or its means. */
export type Fill = "drawn" | "mean";

/** x and seen, 1 or 0, are [rows, ...shape]; `filled` is x with something in the place of what is hidden; labels of a conditional model. */
export type ChainStep = Compiled<[x: Tensor, seen: Tensor, filled: Tensor, z: Tensor, ...labels: Tensor[]], Step>;

/** Pseudo-Gibbs: z from q(z|x filled), then x hidden from p(x|z) ("Stochastic Backpropagation …", Rezende et al. 2014, appendix F). */
export function pseudoGibbs(model: Vae, fill: Fill, seed: number): ChainStep {
  return compile(
    (x, seen, filled, _z, ...[labels]) => {
      const q = model.encode(filled, { labels });
      const z = q.sample();
      const decoded = model.decode(z, { labels });
      return { ...completed(model, fill, { x, seen, z, decoded }), qMean: q.mean, qLogVariance: q.logVariance };
    },
    { seed },
  );
}

/**
 * The same with z only proposed by q: it is taken with the probability min(1, ρ), ρ = p(x filled, z') q(z|x filled) / (p(x filled, z) q(z'|x filled)),
 * and else stays. Then the chain's limit is p(x hidden, z | x seen) itself, however rough q is ("Leveraging the Exact Likelihood of Deep Latent
 * Variable Models", Mattei and Frellsen 2018).
 */
export function metropolisWithinGibbs(model: Vae, fill: Fill, seed: number): ChainStep {
  const { likelihood, prior, shape } = model;
  return compile(
    (x, seen, filled, before, ...[labels]) => {
      const rows = x.shape[0];
      const q = model.encode(filled, { labels });
      const proposed = q.sample();
      const [oldDecoded, newDecoded] = [before, proposed].map((z) => model.decode(z, { labels }));
      const score = (z: Tensor, decoded: Tensor): Tensor =>
        likelihood
          .logProb(filled.reshape([rows, ...shape]), decoded)
          .add(prior.logDensity(z))
          .sub(q.logDensity(z));
      const u = randomUniform([rows]).maximum(2 ** -25); // the logarithm of 0 would be no number everywhere
      const taken = u.log().less(score(proposed, newDecoded).sub(score(before, oldDecoded)));
      const z = where(taken.reshape([rows, 1]), proposed, before);
      const decoded = where(taken.reshape([rows, ...newDecoded.shape.slice(1).map(() => 1)]), newDecoded, oldDecoded);
      return { ...completed(model, fill, { x, seen, z, decoded }), qMean: q.mean, qLogVariance: q.logVariance };
    },
    { seed },
  );
}

/** x, its hidden values filled in as latents that are given say. */
export function filledBy(
  model: Vae,
  fill: Fill,
  seed: number,
): Compiled<[x: Tensor, seen: Tensor, z: Tensor, ...labels: Tensor[]], Tensor> {
  return compile((x, seen, z, ...[labels]) => completed(model, fill, { x, seen, z, decoded: model.decode(z, { labels }) }).filled, {
    seed,
  });
}

type Drawn = Readonly<Record<"x" | "seen" | "z" | "decoded", Tensor>>;

function completed({ likelihood, prior }: Vae, fill: Fill, { x, seen, z, decoded }: Drawn): Omit<Step, "qMean" | "qLogVariance"> {
  const mean = likelihood.mean(decoded);
  const filled = where(seen, x, fill === "mean" ? mean : likelihood.sample(decoded));
  const logSeen = likelihood.logProbEach(x, decoded).mul(seen).reshape([x.shape[0], -1]).sum(1);
  return { filled, mean, z, logJoint: logSeen.add(prior.logDensity(z)) };
}
