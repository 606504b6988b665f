// Sampling: how long something takes, as the median of many samples with its spread. It is verified before it is timed.
import Benchmark from "benchmark";

/**
 * In microseconds. `spread` is the distance between the quartiles, in which half of the samples lie, as a share of the median.
 * @typedef {{ median: number, min: number, spread: number, samples: number }} Times
 */

/**
 * The time of a body that resolves when its work is done (the device idle, the value read), divided by `count`. `benchmark`
 * repeats the body until the clock is fine enough, 50 ms or more: that is one sample.
 * @param {() => Promise<unknown>} body
 * @param {number} count
 * @param {number} seconds in which no more samples are begun, beyond five; a sample takes a thirtieth of them or more
 * @returns {Promise<Times>}
 */
export function time(body, count, seconds = 1.5) {
  return new Promise((resolve, reject) => {
    const bench = new Benchmark({
      defer: true, // and no `setup`: benchmark reads its text, so it would lose the names around it
      maxTime: seconds,
      minTime: seconds / 30,
      minSamples: 5,
      fn: (/** @type {{ resolve(): void }} */ deferred) => body().then(() => deferred.resolve(), reject),
      onComplete: () => resolve(summary(bench.stats.sample.map((seconds) => (seconds * 1e6) / count))),
    });
    bench.run({ async: true });
  });
}

/**
 * The same where part of the work is not to be timed: each call returns the milliseconds that it measured itself.
 * @param {() => Promise<number>} timing
 * @param {number} count
 * @returns {Promise<Times>}
 */
export async function timed(timing, count, samples = 30) {
  await timing(); // the first time, JavaScript is not compiled yet
  const times = [];
  for (let i = 0; i < samples; i++) times.push(((await timing()) * 1e3) / count);
  return summary(times);
}

/** @param {number[]} times @returns {Times} */
export function summary(times) {
  const sorted = times.toSorted((a, b) => a - b);
  const quantile = (/** @type {number} */ q) => sorted[Math.round(q * (sorted.length - 1))];
  const median = quantile(0.5);
  return { median, min: sorted[0], spread: (quantile(0.75) - quantile(0.25)) / median, samples: sorted.length };
}
