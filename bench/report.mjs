// npm run bench:report: writes the tables of the README from bench/results/, between their markers. No number is typed by hand.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

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
  const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => row[i].length)));
  const line = (/** @type {string[]} */ row) => `| ${row.map((text, i) => text.padEnd(widths[i])).join(" | ")} |`;
  const [head, ...body] = rows.map(line);
  return `${[head, line(widths.map((n) => "-".repeat(n))), ...body].join("\n")}\n\n${caption(machine, devices)}\n`;
}

/** @param {Result} result */
function cell({ median, spread, per, ops = 1, kernels = ops }) {
  const merged = per === "op" && kernels < ops ? `, ${duration((median * ops) / kernels)} per kernel` : "";
  return `${duration(median)} ± ${Math.round(spread * 50)} %${merged}`;
}

/** Three digits, in the unit that suits. @param {number} us */
function duration(us) {
  if (us < 1e3) return `${digits(us)} µs`;
  return us < 1e6 ? `${digits(us / 1e3)} ms` : `${digits(us / 1e6)} s`;
}

/** @param {number} x */
const digits = (x) => (x < 100 ? x.toPrecision(x < 0.1 ? 2 : 3) : x.toFixed());

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

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const file = (/** @type {string} */ path) => new URL(path, import.meta.url);
  const readme = file("../README.md");
  try {
    const results = JSON.parse(readFileSync(file("results/overhead.json"), "utf8"));
    writeFileSync(readme, between(readFileSync(readme, "utf8"), "overhead", table(results)));
    console.log("README.md: the table of overhead is written");
  } catch (error) {
    console.error(`README.md: ${/** @type {Error} */ (error).message}; nothing is written`);
    process.exitCode = 1;
  }
}
