// The most of something that is done in a second: of enough of it to drown what starting it costs, at the best of several tries. A limit
// is what nothing exceeds, so it is not a median.

const TRIES = 7;

/**
 * How often `run` does its work in a second, if it does it so many times when told to.
 * @param {(times: number) => Promise<unknown>} run @param {number} enough milliseconds of it
 */
export async function perSecond(run, enough) {
  let times = 1;
  while ((await milliseconds(() => run(times))) < enough && times < 2 ** 24) times *= 2;
  return (times / (await least(() => run(times)))) * 1e3;
}

/** The fewest milliseconds that it took. @param {() => Promise<unknown>} run */
export async function least(run) {
  const tries = [];
  for (let i = 0; i < TRIES; i++) tries.push(await milliseconds(run));
  return Math.min(...tries);
}

/** @param {() => Promise<unknown>} run */
async function milliseconds(run) {
  const start = performance.now();
  await run();
  return performance.now() - start;
}
