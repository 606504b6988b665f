// The table of where the time of Elbo's step goes on one thread, phase by phase.
import { duration, markdown } from "../markdown.mjs";
import { gflops, isTimed } from "../tasks/entry.mjs";
import { ceilingOf, RUNTIMES } from "./entries.mjs";

const WORTH_A_RATE = 4e7; // operations in products, below which their rate says little

/** @param {import("./entries.mjs").Results} file @param {string} work of the phases @param {(steps: string) => string} label */
export function profileTable({ results }, work, label) {
  const of = (/** @type {string} */ runtime) => results.filter(isTimed).filter((e) => e.work === work && e.runtime === runtime);
  const runtimes = RUNTIMES.filter((runtime) => of(runtime).length > 0);
  const rows = (runtimes.length ? of(runtimes[0]) : []).map(({ how, flop = 0 }, i) => [
    label(/** @type {string} */ (how).replace(/^\d+: /, "")),
    flop ? (flop / 1e6).toFixed() : "",
    ...runtimes.map((runtime) => {
      const phase = of(runtime)[i];
      const total = of(runtime).reduce((sum, { median }) => sum + median, 0);
      const ceiling = ceilingOf(results, runtime);
      const rate = ceiling > 0 ? `, products at ${Math.round((100 * gflops(phase)) / ceiling)} % or more of what a core can do` : "";
      return `${duration(phase.median)} (${Math.round((100 * phase.median) / total)} %)${flop > WORTH_A_RATE ? rate : ""}`;
    }),
  ]);
  return markdown([["between two barriers, on one thread", "Mflop in products", ...runtimes], ...rows]);
}
