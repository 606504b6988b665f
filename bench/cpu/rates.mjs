// Rates in tables, and what they are shares of.
import { digits } from "../markdown.mjs";
import { ceilingOf, RUNTIMES } from "./entries.mjs";

/** A rate in GFLOP/s, with its share of what the cores can do, where that is known. @param {number} rate @param {number} ceiling */
export function rateText(rate, ceiling) {
  const share = ceiling > 0 ? ` (${Math.round((100 * rate) / ceiling)} %)` : "";
  return `${digits(rate)}${share}`;
}

/** What the shares of a table of rates are shares of. @param {import("./entries.mjs").Results["results"]} results */
export function ceilingText(results) {
  const most = RUNTIMES.filter((runtime) => ceilingOf(results, runtime)).map(
    (runtime) => `${digits(ceilingOf(results, runtime))} on ${runtime}`,
  );
  return `In brackets the share of what as many cores can do with sums in registers in the same run: ${most.join(", ")} GFLOP/s a core`;
}
