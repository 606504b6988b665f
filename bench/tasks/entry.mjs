// One thing that was measured of one engine, or why it was not.

/**
 * In microseconds. Work is a model's training step, "dense", "conv28" or "conv64"; a product "m x k x n" or a pass of a layer,
 * "h x w x c x o forward"; a kernel of kernels.mjs; "ceiling", "copy", "startup", "replay"; the phases of a step. Who failed at one of
 * the products or layers has an error for "gemm" or "layers".
 * @typedef {{ work: string, engine: string, runtime: string, threads: number, how?: string, flop?: number, bytes?: number, kernels?: number, rss?: number, description?: string,
 *   median?: number, min?: number, spread?: number, samples?: number, error?: string }} Entry
 * @typedef {Entry & import("../time.mjs").Times} Timed
 */

/** @param {number} threads */
export const countOf = (threads) => (threads === 1 ? "1 thread" : `${threads} threads`);

/** @template {Entry} E @param {E} entry @returns {entry is E & Timed} */
export const isTimed = (entry) => entry.median !== undefined;
/** @template {Timed} E @param {E[]} entries @returns {E | undefined} */
export const fastest = (entries) => entries.toSorted((a, b) => a.median - b.median)[0];
/** @param {Timed} entry */
export const gflops = ({ flop = 0, median }) => flop / median / 1e3;

/** An error in a word. @param {string} error */
export const briefly = (error) => (error.startsWith("wrong") ? "wrong" : "absent");
