// How good completions are: figures over what was hidden, when the truth is known.

type Numbers = ArrayLike<number>;

/** The root of the mean squared error at hidden values. */
export function hiddenError(truth: Numbers, filled: Numbers, seen: Numbers): number {
  return Math.sqrt(meanOverHidden(seen, truth.length, (j) => (filled[j] - truth[j]) ** 2));
}

/** The share of hidden values that lie in their intervals: of good ones, 90 of 100. */
export function coverage(truth: Numbers, { lower, upper }: { readonly lower: Numbers; readonly upper: Numbers }, seen: Numbers): number {
  const EDGE = 1e-6; // truth and ends are rounded to f32 in different ways
  return meanOverHidden(seen, truth.length, (j) => (truth[j] >= lower[j] - EDGE && truth[j] <= upper[j] + EDGE ? 1 : 0));
}

function meanOverHidden(seen: Numbers, length: number, of: (j: number) => number): number {
  let [sum, hidden] = [0, 0];
  for (let j = 0; j < length; j++) {
    if (seen[j]) continue;
    sum += of(j);
    hidden++;
  }
  if (hidden === 0) throw new Error("impute: nothing is hidden, so there is nothing to measure");
  return sum / hidden;
}
