// What was measured, and what is asked of it: whose time, the fastest, ratios. Nothing is measured here.

import { fastest, gflops, isTimed } from "../tasks/entry.mjs";

/** @typedef {import("../tasks/entry.mjs").Entry} Entry @typedef {import("../tasks/entry.mjs").Timed} Timed */
/**
 * @typedef {{ peer: string, runtime: string, threads: number, ratio: number, work?: string }} Ratio
 * @typedef {{ machine: import("../report.mjs").Machine, versions: Record<string, string>, pinning: string, device: string, results: Entry[], ratios: Ratio[] }} Results
 */

export const ENGINES = ["Elbo", "jax-js", "tfjs (wasm)", "tfjs (cpu)", "PyTorch"];
export const RUNTIMES = ["Node 20", "Node 24", "Node 24 turbo"];
export const THREADS = [1, 2];
export const COLUMNS = RUNTIMES.flatMap((runtime) => THREADS.map((threads) => ({ runtime, threads })));

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
