// Made-up results of a bench, and the rows of the tables that are made of them.
import type { Results } from "../../bench/cpu/entries.mjs";
import type { Entry } from "../../bench/tasks/entry.mjs";

export const ms = (median: number) => ({ median: median * 1e3, min: median * 900, spread: 0.1, samples: 9 });

/** What an engine did at the work of the bench that is tested, or at what `rest` says. */
export const entries =
  (work: string) =>
  (engine: string, runtime: string, threads: number, rest: Partial<Entry>): Entry => ({ ...{ work, engine, runtime, threads }, ...rest });

/** As bench/machine.mjs describes one. */
export const machine = {
  ...{ cpu: "a processor", cores: 2, memoryGiB: 1, os: "an OS", node: "v24.0.0", packages: { elbo: "0.1.0" } },
  ...{ commit: "abc", date: "today", loadBefore: 0, loadAfter: 1 },
};
export const fileOf = (results: Entry[]): Results => ({
  ...{ machine, versions: { tfjs: "4" }, pinning: "pinned", device: "wasm", results, ratios: [] },
});

/** The cells of the first row that begins with these. */
export const row = (table: string, ...begin: string[]): string[] | undefined =>
  table
    .split("\n")
    .map((line) => line.split("|").map((cell) => cell.trim()))
    .find((cells) => begin.every((cell, i) => cells[i + 1] === cell))
    ?.slice(1, -1);
