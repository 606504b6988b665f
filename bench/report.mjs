// npm run bench:report: writes the tables of the README from bench/results/, between their markers. No number is typed by hand.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { tables as convTables } from "./cpu/conv-tables.mjs";
import { tables as cpuTables } from "./cpu/tables.mjs";
import { duration, markdown, withSpread } from "./markdown.mjs";

/**
 * @typedef {import("./time.mjs").Times & { work: string, how: string, device: string, per: string, ops?: number, kernels?: number }} Result
 * @typedef {ReturnType<typeof import("./machine.mjs").machine> & { loadAfter: number }} Machine
 * @typedef {{ bench: string, machine: Machine, devices: Record<string, string>, results: Result[] }} Results
 */

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

/** The text with what stands between the two markers replaced. @param {string} text @param {string} name @param {string} content */
export function between(text, name, content) {
  const [begin, end] = [`<!-- ${name}:begin -->`, `<!-- ${name}:end -->`];
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`no ${begin} before ${end}`);
  return `${text.slice(0, from + begin.length)}\n${content}${text.slice(to)}`;
}

/** Each bench's tables by the names of their markers. @type {Record<string, (results: any) => Record<string, string>>} */
const written = { overhead: (results) => ({ overhead: table(results) }), cpu: cpuTables, conv: convTables };

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const file = (/** @type {string} */ path) => new URL(path, import.meta.url);
  try {
    let readme = readFileSync(file("../README.md"), "utf8");
    for (const [bench, tablesOf] of Object.entries(written)) {
      if (!existsSync(file(`results/${bench}.json`))) continue;
      const all = tablesOf(JSON.parse(readFileSync(file(`results/${bench}.json`), "utf8")));
      for (const [name, text] of Object.entries(all)) {
        if (readme.includes(`<!-- ${name}:begin -->`)) readme = between(readme, name, text);
        else console.log(`README.md has no place for the table ${name}`);
      }
    }
    writeFileSync(file("../README.md"), readme);
    console.log("README.md: the tables are written");
  } catch (error) {
    console.error(`README.md: ${/** @type {Error} */ (error).message}; nothing is written`);
    process.exitCode = 1;
  }
}
