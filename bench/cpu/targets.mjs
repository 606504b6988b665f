// What was wanted, what came of it, and how much of the rest of the way is left.
import { digits, duration } from "../markdown.mjs";
import { isTimed } from "../tasks/entry.mjs";
import { ceilingOf, RUNTIMES, ratioOf, THREADS, timeOf } from "./entries.mjs";
import { times } from "./step.mjs";

/** @typedef {import("./entries.mjs").Results["results"]} Entries */

/** Two cells: what was wanted, and what was reached, `text`, which is that `share` of it. @param {string} wanted @param {string} text @param {number | undefined} share where more is better */
export function verdict(wanted, text, share) {
  if (share === undefined) return [wanted, "not measured"];
  return [wanted, `${text}, ${share >= 1 ? "met" : `missed by ${percent(1 - share)}`}`];
}

/** @param {number} share */
const percent = (share) => `${(100 * share).toFixed(share < 0.01 ? 1 : 0)} %`;

/** How many times as long as Elbo a peer should take, with one thread and with two. @param {Entries} results @param {string} work @param {string} peer @param {string} runtime @param {readonly number[]} wanted */
export const ratioCells = (results, work, peer, runtime, wanted) =>
  wanted.flatMap((ratio, i) => {
    const found = ratioOf(results, work, peer, runtime, THREADS[i]);
    return verdict(`${ratio}×`, times(found ?? 0), found && found / ratio);
  });

/** GFLOP/s that Elbo should reach with one thread. @param {Entries} results @param {string} work @param {string} runtime @param {number} wanted */
export function rateCells(results, work, runtime, wanted) {
  const time = timeOf(results, work, "Elbo", runtime, 1);
  const found = (time?.flop ?? 0) / (time?.median ?? 1) / 1e3;
  return verdict(`${wanted}`, digits(found), time && found / wanted);
}

/**
 * What the step would take if its products ran as fast as a core can compute, and how far behind that peer would be.
 * @param {Entries} results @param {{ work: string, phases: string, peer: string, name?: string }} of where `name` tells it from other steps
 */
export function limitText(results, { work, phases, peer, name = "" }) {
  const lines = RUNTIMES.flatMap((runtime) => {
    const flop = results.filter((e) => isTimed(e) && e.work === phases && e.runtime === runtime).reduce((sum, e) => sum + (e.flop ?? 0), 0);
    const [ceiling, step] = [ceilingOf(results, runtime), timeOf(results, work, "Elbo", runtime, 1)];
    if (!step || !flop || !ceiling) return [];
    const least = flop / ceiling / 1e3;
    const ratio = ratioOf(results, work, peer, runtime, 1);
    const then = ratio ? ` and ${peer} / Elbo would be ${times((ratio * step.median) / least)}` : "";
    return `- ${name}${runtime}: the products of the step take ${duration(least)} at the ${digits(ceiling)} GFLOP/s that a core reached in the same run; all else included it takes ${duration(step.median)}. With nothing but products at that rate it would be ${times(step.median / least)} as fast${then}.`;
  });
  return lines.join("\n");
}
