// The table of the bench `overhead`.
import { duration, markdown, withSpread } from "../markdown.mjs";

/** @typedef {import("../report.mjs").Machine} Machine @typedef {import("../report.mjs").Results} Results @typedef {import("../report.mjs").Result} Result */

/** One row per case, one column per device. @param {Results} results */
export function table({ machine, devices, results }) {
  const columns = Object.keys(devices);
  const rows = [["work", "how", "per", ...columns]];
  for (const work of new Set(results.map((r) => r.work))) {
    const cases = results.filter((r) => r.work === work);
    for (const how of new Set(cases.map((r) => r.how))) {
      const same = cases.filter((r) => r.how === how);
      const cells = columns.map((device) =>
        same
          .filter((r) => r.device === device)
          .map(cell)
          .join(),
      );
      rows.push([how === cases[0].how ? work : "", how, same[0].per, ...cells]);
    }
  }
  return `${markdown(rows)}\n\n${caption(machine, devices)}\n`;
}

/** @param {Result} result */
function cell({ median, spread, per, ops = 1, kernels = ops }) {
  const merged = per === "op" && kernels < ops ? `, ${duration((median * ops) / kernels)} per kernel` : "";
  return `${withSpread({ median, spread })}${merged}`;
}

/** @param {Machine} machine @param {Record<string, string>} devices */
function caption({ cpu, cores, os, node, packages, commit, date, loadBefore, loadAfter }, devices) {
  const on = Object.entries(devices).map(([name, what]) => `\`${name}\` is ${what}`);
  const versions = Object.entries(packages).map(([name, version]) => `${name} ${version}`);
  return [
    `Medians ± half the distance between the quartiles, measured ${date} at commit ${commit} on ${cores} cores of ${cpu}, ${os}, Node ${node},`,
    `${versions.join(", ")}; load ${loadBefore} before and ${loadAfter} after. ${on.join("; ")}.`,
  ].join("\n");
}
