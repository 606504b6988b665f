// The table of a training step, beside the peers; and what all times of a bench were measured on and with.
import { digits, duration, markdown, withSpread } from "../markdown.mjs";
import { countOf } from "../tasks/entry.mjs";
import { bestStep, COLUMNS, ENGINES, errorOf, ratioOf, timeOf } from "./entries.mjs";

/** @typedef {import("./entries.mjs").Results} Results */

/** @param {number} ratio */
export const times = (ratio) => `${digits(ratio)}×`;

/**
 * A row for each engine, a column for each runtime and number of threads.
 * @param {Results} file @param {string} work @param {string} title @param {(error: string) => string} failure an error as it is shown
 */
export function stepTable({ results }, work, title, failure) {
  const engines = ENGINES.filter((engine) => results.some((e) => e.work === work && e.engine === engine));
  const head = [title, ...COLUMNS.map(({ runtime, threads }) => `${runtime}, ${countOf(threads)}`)];
  const rows = engines.map((engine) => {
    const cells = COLUMNS.map(({ runtime, threads }) => {
      const error = errorOf(results, work, engine, engine === "PyTorch" ? "Python" : runtime, threads);
      const absent = error ? failure(error) : "";
      if (engine === "Elbo") {
        const time = timeOf(results, work, engine, runtime, threads);
        return time ? withSpread(time) : absent;
      }
      const time = bestStep(results, work, engine, runtime, threads);
      const ratio = ratioOf(results, work, engine, runtime, threads);
      return time ? [duration(time.median), ratio && times(ratio)].filter(Boolean).join(", ") : absent;
    });
    return [engine, ...cells];
  });
  return markdown([head, ...rows]);
}

/** @param {Results} file @param {string} what was trained */
export function caption({ machine, versions, pinning }, what) {
  const { cpu, cores, os, packages, commit, date, loadBefore, loadAfter } = machine;
  const list = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return [
    `${what} ×: how many times as long as Elbo takes in that column. The others are shown at their`,
    `best, with as many threads or fewer, and beside turbo (256 bits at once, by a flag of V8) with the flag or without. Medians ± half the distance`,
    `between the quartiles, of processes that took turns, ${pinning}; measured ${date} at commit ${commit}`,
    `on ${cores} cores of ${cpu}, ${os}, elbo ${packages.elbo}, ${list.join(", ")}; load ${loadBefore} before and ${loadAfter} after.`,
  ].join("\n");
}
