// Sampling in a page, where `benchmark` does not come along: the median of five samples or more, and of more for as long as is asked.

/** How long samples are taken, in seconds: ?seconds=3 takes them longer. */
const SECONDS = Number(new URLSearchParams(location.search).get("seconds") ?? 0.5);

/** @type {import("../ladder/climb.mjs").Sample} */
export async function sample(body, count) {
  const times = [];
  const begin = performance.now();
  while (times.length < 5 || performance.now() - begin < 1e3 * SECONDS) {
    const start = performance.now();
    await body();
    times.push(((performance.now() - start) * 1e3) / count);
    await new Promise((resolve) => setTimeout(resolve)); // the page answers in between
  }
  const sorted = times.toSorted((a, b) => a - b);
  const quantile = (/** @type {number} */ q) => sorted[Math.round(q * (sorted.length - 1))];
  const median = quantile(0.5);
  return { median, min: sorted[0], spread: (quantile(0.75) - quantile(0.25)) / median, samples: sorted.length };
}
