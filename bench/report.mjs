// npm run bench:report: writes the tables of the README, and docs/benchmarks.md with its charts, from bench/results/. No number is typed by
// hand. All files are made before any is written, and each is written beside its place and renamed.
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { reported } from "./report/benches.mjs";
import { page } from "./report/page.mjs";

/**
 * @typedef {import("./time.mjs").Times & { work: string, how: string, device: string, per: string, ops?: number, kernels?: number }} Result
 * @typedef {ReturnType<typeof import("./machine.mjs").machine> & { loadAfter: number }} Machine
 * @typedef {{ bench: string, machine: Machine, devices: Record<string, string>, results: Result[] }} Results
 */

/** The text with what stands between the two markers replaced. @param {string} text @param {string} name @param {string} content */
export function between(text, name, content) {
  const [begin, end] = [`<!-- ${name}:begin -->`, `<!-- ${name}:end -->`];
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`no ${begin} before ${end}`);
  return `${text.slice(0, from + begin.length)}\n${content}${text.slice(to)}`;
}

/**
 * Every file of the report, by its path in the project. `results` has what the benches wrote, by the names of their files.
 * @param {Record<string, any>} results @param {string} readme @returns {Promise<Map<string, string>>}
 */
export async function files(results, readme) {
  const { text, charts } = await page(results);
  return new Map([
    ["README.md", withTables(results, readme)],
    ["docs/benchmarks.md", text],
    ...charts.map(({ name, svg }) => /** @type {[string, string]} */ ([`${CHARTS}/${name}.svg`, svg])),
  ]);
}

export const CHARTS = "docs/benchmarks";

/** The README with those tables that it has a place for. @param {Record<string, any>} results @param {string} readme */
function withTables(results, readme) {
  for (const { name, tables } of reported) {
    if (!results[name]) continue;
    for (const [place, table] of Object.entries(tables(results[name])))
      if (readme.includes(`<!-- ${place}:begin -->`)) readme = between(readme, place, table);
  }
  return readme;
}

/** What is in bench/results/, by name. */
export function resultsHere() {
  const folder = new URL("results/", import.meta.url);
  const names = readdirSync(folder).filter((file) => file.endsWith(".json"));
  return Object.fromEntries(names.map((file) => [file.replace(/\.json$/, ""), JSON.parse(readFileSync(new URL(file, folder), "utf8"))]));
}

/** @param {string} path */
const here = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));

/** Writes them, and removes charts that are no longer among them. @param {Map<string, string>} made */
function write(made) {
  mkdirSync(here(CHARTS), { recursive: true });
  const drafts = [...made].map(([path, text]) => ({ path: here(path), draft: `${here(path)}.${process.pid}.tmp`, text }));
  try {
    for (const { draft, text } of drafts) writeFileSync(draft, text);
    for (const { path, draft } of drafts) renameSync(draft, path);
  } finally {
    for (const { draft } of drafts) rmSync(draft, { force: true });
  }
  for (const file of readdirSync(here(CHARTS)))
    if (file.endsWith(".svg") && !made.has(`${CHARTS}/${file}`)) rmSync(here(`${CHARTS}/${file}`));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    const made = await files(resultsHere(), readFileSync(here("README.md"), "utf8"));
    write(made);
    console.log([...made.keys()].map((path) => `${path} is written`).join("\n"));
  } catch (error) {
    console.error(`bench:report: ${/** @type {Error} */ (error).message}; nothing is written`);
    process.exitCode = 1;
  }
}
