// How far two ways to divide the same rows into groups agree, whatever the groups are called: clusters beside labels. Both come from the
// table that counts the rows of each pair of groups.

/** n[a, b], rows that are in group a of the one and in group b of the other, and the sizes of the groups of each. */
interface Table {
  readonly cells: readonly number[];
  readonly left: readonly number[];
  readonly right: readonly number[];
  readonly count: number;
}

/**
 * The adjusted Rand index (Hubert and Arabie 1985): of all pairs of rows, those that are together in both, above what sizes as these give by
 * chance, and 1 for the same groups. Of independent groups it is 0 on average, and may be below.
 */
export function adjustedRand(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const { cells, left, right, count } = tableOf("adjustedRand", a, b);
  const pairs = (sizes: readonly number[]) => sizes.reduce((sum, n) => sum + (n * (n - 1)) / 2, 0);
  const [both, inA, inB, all] = [pairs(cells), pairs(left), pairs(right), pairs([count])];
  if (inA === inB && (inA === 0 || inA === all)) return 1; // all rows together in both, or each alone: the same groups, and no pairs to judge by
  const chance = (inA * inB) / all;
  return (both - chance) / ((inA + inB) / 2 - chance);
}

/**
 * Mutual information over the mean of the two entropies, from 0 to 1 (Strehl and Ghosh 2002; arithmetic mean, as in scikit-learn). It is not
 * adjusted for chance: many small groups have some by themselves. Two divisions into one group each are the same, so 1.
 */
export function normalizedMutualInformation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const { cells, left, right, count } = tableOf("normalizedMutualInformation", a, b);
  const entropy = (sizes: readonly number[]) => sizes.reduce((sum, n) => sum - (n / count) * Math.log(n / count), 0);
  const [inA, inB] = [entropy(left), entropy(right)];
  if (inA + inB === 0) return 1;
  return Math.max(0, inA + inB - entropy(cells)) / ((inA + inB) / 2); // I(a; b) = H(a) + H(b) - H(a, b)
}

function tableOf(caller: string, a: ArrayLike<number>, b: ArrayLike<number>): Table {
  if (a.length !== b.length || a.length === 0)
    throw new Error(`${caller}: ${a.length} and ${b.length} groups; as many, and at least one, are needed`);
  const counted = (keyOf: (i: number) => string | number) => {
    const sizes = new Map<string | number, number>();
    for (let i = 0; i < a.length; i++) sizes.set(keyOf(i), (sizes.get(keyOf(i)) ?? 0) + 1);
    return [...sizes.values()];
  };
  return { cells: counted((i) => `${a[i]},${b[i]}`), left: counted((i) => a[i]), right: counted((i) => b[i]), count: a.length };
}
