// Whether it can be told from the latents which factor of the data was held: the FactorVAE score.

import { ACTIVE, varianceOfMeans } from "../../latents.ts";
import { whole } from "../../settings.ts";
import { stream } from "../../statistics/random.ts";
import type { Rows } from "../../statistics/rows.ts";
import { checkFactors, type Factors } from "./factors.ts";

export interface FactorScoreOptions {
  /** Examples of each vote. */
  readonly batch?: number;
  /** Votes that the classifier learns from, and others that it is tested on. */
  readonly votes?: number;
  readonly tested?: number;
  readonly seed?: number;
}

export interface FactorScore {
  /** The part of the tested votes that the classifier gets right. Guessing gets one of as many as there are factors. */
  readonly score: number;
  /** Votes that the score was computed from. */
  readonly tested: number;
  /** The latents that took part, by number. */
  readonly active: readonly number[];
}

/**
 * The FactorVAE score ("Disentangling by Factorising", Kim and Mnih 2018). A vote: a factor is chosen, a value of it, and a batch of examples that
 * have that value; the latent votes whose variance in the batch is the smallest part of its variance over all examples. A classifier that
 * says of each latent the factor that it was most often fixed with is tested on further votes. Latents whose codes hardly vary (by
 * `activeUnits`) do not take part; where none does, the score is 0, as in disentanglement_lib. Batches are drawn from the examples that are
 * there: no example twice in a batch.
 */
export function factorScore(codes: Rows, factors: Factors, options: FactorScoreOptions = {}): FactorScore {
  const count = checkFactors("factorScore", codes, factors);
  const { batch = 64, votes = 10_000, tested = 5_000, seed = 1 } = options;
  whole("batch", batch, 2);
  whole("votes", votes);
  whole("tested", tested);
  const draw = stream(seed);
  const variances = varianceOfMeans(codes.values, codes.columns);
  const active = Array.from({ length: codes.columns }, (_, j) => j).filter((j) => variances[j] > ACTIVE);
  if (active.length === 0) return { score: 0, tested, active };

  const wide = factors.sizes.length;
  const having = factors.sizes.map((size, f) => {
    const lists: number[][] = Array.from({ length: size }, () => []);
    for (let i = 0; i < count; i++) lists[factors.values[i * wide + f]].push(i);
    const short = lists.findIndex((list) => list.length < batch);
    if (short >= 0) {
      const has = `${lists[short].length} of ${count} examples have ${factors.names[f]} ${short}`;
      throw new Error(`factorScore: ${has}, fewer than a batch of ${batch}; give more examples`);
    }
    return lists;
  });
  const vote = (): readonly [factor: number, latent: number] => {
    const factor = draw.below(wide);
    const list = having[factor][draw.below(factors.sizes[factor])];
    for (let i = 0; i < batch; i++) swap(list, i, i + draw.below(list.length - i)); // a shuffle (Fisher and Yates) as far as it is needed
    const part = (j: number): number => varianceOf(codes, list, batch, j) / variances[j];
    return [factor, active.reduce((best, j) => (part(j) < part(best) ? j : best))];
  };
  const seen = new Float64Array(codes.columns * wide);
  for (let i = 0; i < votes; i++) {
    const [factor, latent] = vote();
    seen[latent * wide + factor]++;
  }
  const guess = (latent: number): number => {
    const row = seen.subarray(latent * wide, (latent + 1) * wide);
    return row.indexOf(Math.max(...row));
  };
  let right = 0;
  for (let i = 0; i < tested; i++) {
    const [factor, latent] = vote();
    if (guess(latent) === factor) right++;
  }
  return { score: right / tested, tested, active };
}

function swap(list: number[], i: number, j: number): void {
  const at = list[i];
  list[i] = list[j];
  list[j] = at;
}

/** Of latent j over the first `batch` examples of a list. */
function varianceOf({ values, columns }: Rows, list: readonly number[], batch: number, j: number): number {
  let sum = 0;
  for (let i = 0; i < batch; i++) sum += values[list[i] * columns + j];
  const mean = sum / batch;
  let squares = 0;
  for (let i = 0; i < batch; i++) squares += (values[list[i] * columns + j] - mean) ** 2;
  return squares / (batch - 1);
}
