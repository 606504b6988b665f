// What was measured, and what is asked of it: whose time, the fastest, ratios. Nothing is measured here.

/**
 * One thing measured, in microseconds; or why it was not. Work is a model's training step, "dense", "conv28" or "conv64"; a product "m x k x n"
 * or a pass of a layer, "h x w x c x o forward"; "ceiling", "copy", "startup", "replay"; the phases of a step. Who failed at one of the
 * products or layers has an error for "gemm" or "layers".
 * @typedef {{ work: string, engine: string, runtime: string, threads: number, how?: string, flop?: number, bytes?: number, kernels?: number, rss?: number, description?: string,
 *   median?: number, min?: number, spread?: number, samples?: number, error?: string }} Entry
 * @typedef {Entry & import("../time.mjs").Times} Timed
 * @typedef {{ peer: string, runtime: string, threads: number, ratio: number, work?: string }} Ratio
 * @typedef {{ machine: import("../report.mjs").Machine, versions: Record<string, string>, pinning: string, device: string, results: Entry[], ratios: Ratio[] }} Results
 */

export const ENGINES = ["Elbo", "jax-js", "tfjs (wasm)", "tfjs (cpu)", "PyTorch"];
export const RUNTIMES = ["Node 20", "Node 24", "Node 24 turbo"];
export const THREADS = [1, 2];
export const COLUMNS = RUNTIMES.flatMap((runtime) => THREADS.map((threads) => ({ runtime, threads })));

/** @param {number} threads */
export const countOf = (threads) => (threads === 1 ? "1 thread" : `${threads} threads`);

/** @param {Entry} entry @returns {entry is Timed} */
export const isTimed = (entry) => entry.median !== undefined;
/** @param {Timed[]} entries @returns {Timed | undefined} */
const fastest = (entries) => entries.toSorted((a, b) => a.median - b.median)[0];
/** @param {Timed} entry */
export const gflops = ({ flop = 0, median }) => flop / median / 1e3;

/** The fastest of its ways to do some work. @param {readonly Entry[]} results @param {string} work @param {string} engine @param {string} runtime @param {number} threads */
export const timeOf = (results, work, engine, runtime, threads) =>
  fastest(results.filter(isTimed).filter((e) => e.work === work && e.engine === engine && e.runtime === runtime && e.threads === threads));

/**
 * The step of an engine at its best, with as many threads or fewer, and beside turbo with or without the flag.
 * @param {readonly Entry[]} results @param {string} work @param {string} engine @param {string} runtime @param {number} threads
 */
export function bestStep(results, work, engine, runtime, threads) {
  const steps = results.filter(isTimed).filter((e) => e.work === work && e.engine === engine);
  return fastest(steps.filter((e) => e.threads <= threads && (e.runtime === "Python" || runtime.startsWith(e.runtime))));
}

/** How many times as long as Elbo a peer at its best takes for a step there. @param {readonly Entry[]} results @param {string} work @param {string} peer @param {string} runtime @param {number} threads */
export function ratioOf(results, work, peer, runtime, threads) {
  const elbo = timeOf(results, work, "Elbo", runtime, threads);
  const best = bestStep(results, work, peer, runtime, threads);
  return elbo && best && best.median / elbo.median;
}

/** All of them. @param {readonly Entry[]} results @param {string} work @returns {Ratio[]} */
export function ratios(results, work) {
  return COLUMNS.flatMap(({ runtime, threads }) =>
    ENGINES.slice(1).flatMap((peer) => {
      const ratio = ratioOf(results, work, peer, runtime, threads);
      return ratio ? [{ peer, runtime, threads, ratio }] : [];
    }),
  );
}

/** The most that a core did there, in GFLOP/s; 0 if that was not measured. @param {readonly Entry[]} results @param {string} runtime */
export const ceilingOf = (results, runtime) =>
  Math.max(
    0,
    ...results
      .filter(isTimed)
      .filter((e) => e.work === "ceiling" && e.runtime === runtime)
      .map(gflops),
  );

/** Why that was not measured. @param {readonly Entry[]} results @param {string} work @param {string} engine @param {string} runtime @param {number} threads */
export const errorOf = (results, work, engine, runtime, threads) =>
  results.find((e) => e.error && e.work === work && e.engine === engine && e.runtime === runtime && e.threads === threads)?.error;

/** An error in a word. @param {string} error */
export const briefly = (error) => (error.startsWith("wrong") ? "wrong" : "absent");
