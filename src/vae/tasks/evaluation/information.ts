// What latents say of x, as information. The KL of training is that, and besides how far the codes of all examples lie from the prior:
// average KL(q(z|x) ‖ p(z)) = I(x; z) + KL(q(z) ‖ p(z)), with q(z) = (1/N) Σ_n q(z|x_n)
// ("ELBO surgery: yet another way to carve up the variational evidence lower bound", Hoffman and Johnson 2016).

import { compile, keep, type Tensor, tensor } from "../../../index.ts";
import { klPerLatent } from "../../latents.ts";
import { inFlight } from "../../pipeline.ts";
import { seedOf } from "../../settings.ts";
import { stream } from "../../statistics/random.ts";

/** Means and log variances of q(z|x), each [count, latent], as `encodeImages` gives them. */
export interface Codes {
  readonly mean: Float32Array;
  readonly logVariance: Float32Array;
}

/** In nats. */
export interface Information {
  /** I(x; z) of these examples. Of all that there could be it is a lower bound on average ("CPC", van den Oord et al. 2018). */
  readonly total: number;
  /** I(x; z_j) of each latent j. Their sum exceeds the total by what the latents say of each other, the total correlation of q(z). */
  readonly perLatent: Float64Array;
  /** KL(q(z) ‖ p(z)): what samples of the prior miss of the codes. The average KL less the total. */
  readonly marginal: number;
  /** log N, above which no estimate comes: one near it says that there is at least so much, and not how much. */
  readonly most: number;
}

const VALUES = 2 ** 22; // pairs times latents that are computed at once: 16 MB where they are stored
const LOG_2PI = Math.log(2 * Math.PI);

/**
 * (1/N) Σ_n [log q(z_n|x_n) - log (1/N) Σ_m q(z_n|x_m)], with one z_n from each q(z|x_n): all pairs, no minibatch. Every term is at most log N,
 * because m = n is among the sum.
 */
export async function mutualInformation({ mean, logVariance }: Codes, latent: number, seed = 1): Promise<Information> {
  seedOf(seed);
  const kl = klPerLatent(mean, logVariance, latent).reduce((sum, v) => sum + v, 0); // which also checks the sizes
  const count = mean.length / latent;
  const draw = stream(seed);
  const noise = Float64Array.from(mean, () => draw.normal());
  const z = Float32Array.from(mean, (m, i) => m + Math.exp(logVariance[i] / 2) * noise[i]);

  const all = [mean, logVariance].map((values) => keep(tensor(values, [1, count, latent])));
  const densities = compile((some: Tensor) => {
    const [m, v] = all;
    const rows = some.reshape([-1, 1, latent]);
    const log = rows.sub(m).square().mul(v.neg().exp()).add(v).add(LOG_2PI).mul(-0.5); // log q(z_nj|x_mj), [rows, N, latent]
    return [log.logSumExp(1), log.sum(2).logSumExp(1)] as const;
  });
  const step = Math.max(1, Math.floor(VALUES / (count * latent)));
  function* jobs(): Iterable<Promise<{ start: number; parts: ArrayLike<number>; wholes: ArrayLike<number> }>> {
    for (let start = 0; start < count; start += step) {
      const end = Math.min(start + step, count);
      const results = densities(tensor(z.subarray(start * latent, end * latent), [end - start, latent]));
      yield Promise.all(results.map((t) => t.data())).then(([parts, wholes]) => ({ start, parts, wholes }));
    }
  }
  try {
    const perLatent = new Float64Array(latent);
    let total = 0;
    for await (const { start, parts, wholes } of inFlight(jobs())) {
      for (let i = 0; i < wholes.length; i++) {
        let own = 0; // log q(z_n|x_n)
        for (let j = 0; j < latent; j++) {
          const at = (start + i) * latent + j;
          const log = -0.5 * (noise[at] ** 2 + logVariance[at] + LOG_2PI);
          own += log;
          perLatent[j] += log - parts[i * latent + j];
        }
        total += own - wholes[i];
      }
    }
    const most = Math.log(count);
    const information = total / count + most;
    return { total: information, perLatent: perLatent.map((sum) => sum / count + most), marginal: kl - information, most };
  } finally {
    densities.dispose();
    for (const t of all) t.dispose();
  }
}
