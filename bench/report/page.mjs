// docs/benchmarks.md: what was wanted and what came of it, then all that was measured, bench by bench, with its charts.
import { chartsOf } from "../charts/charts.mjs";
import { reported } from "./benches.mjs";
import { goalTable } from "./goals.mjs";

/** @typedef {import("../charts/charts.mjs").Chart} Chart */

/** Answers of gpu-host.mjs. */
const HOST = "gpu-host";

/** @param {Record<string, any>} results by the names of their files @returns {Promise<{ text: string, charts: Chart[] }>} */
export async function page(results) {
  const host = results[HOST];
  const places = [
    ...(host ? [{ where: nameOf(host), isSoftware: host.adapter.isSoftware, files: host }] : []),
    { ...adapterOf(results), files: results },
  ];
  const here = await sections(results, {
    prefix: "",
    level: "##",
    missing: (name) => `\`bench/results/${name}.json\` is not there; \`npm run bench -- ${name}\` writes it.`,
  });
  const onHost =
    host &&
    (await sections(host, {
      prefix: "gpu-",
      level: "###",
      missing: (name) => `\`${name}\` was not asked there; \`node bench/gpu-host.mjs --only ${name}\` does.`,
    }));
  const parts = [
    ...["# Benchmarks", INTRODUCTION, "## What is wanted on a GPU", goalTable(places)],
    ...["## On a GPU", host ? aboutHost(host) : NO_HOST],
    ...(onHost ? onHost.parts : []),
    ...here.parts,
  ];
  return { text: `${parts.join("\n\n")}\n`, charts: [...(onHost?.charts ?? []), ...here.charts] };
}

/** What stood behind webgpu where the other results were measured. @param {Record<string, any>} results */
function adapterOf({ training, kernels, peers }) {
  const facts = [training, kernels, peers].map((file) => file?.devices.webgpu).find(Boolean);
  return { where: facts?.description ?? "", isSoftware: facts?.isSoftware ?? true };
}

const INTRODUCTION = [
  "Written by `npm run bench:report` from `bench/results/`: no number on this page is typed. `bench/README.md` says how each is measured, and what must be",
  "right before it is. Below each table stands what it was measured on, with what else, when, at which commit, and how busy the machine was.",
].join("\n");

const NO_HOST = [
  "Nothing was measured on a GPU: `bench/results/gpu-host.json` is not there. `node bench/gpu-host.mjs` writes it on a machine that has one",
  "(`bench/README.md`). What stands under `webgpu` in the sections below is a driver in software, which computes on the CPU.",
].join("\n");

/** Each bench's tables and charts. @param {Record<string, any>} files @param {{ prefix: string, level: string, missing: (name: string) => string }} how */
async function sections(files, { prefix, level, missing }) {
  /** @type {string[]} */
  const parts = [];
  /** @type {Chart[]} */
  const all = [];
  for (const { name, title, tables } of reported) {
    if (prefix && (name === "cpu" || name === "conv")) continue; // they have no GPU to speak of
    parts.push(`${level} ${title}`);
    const file = files[name];
    if (!file) {
      parts.push(missing(name));
      continue;
    }
    const charts = await chartsOf(name, file, prefix);
    all.push(...charts);
    parts.push(...charts.map((chart) => `![${chart.title}](benchmarks/${chart.name}.svg)`));
    parts.push(...Object.values(tables(file)).map((table) => table.trimEnd()));
  }
  return { parts, charts: all };
}

/** @param {any} host */
const nameOf = ({ adapter }) => [adapter.info.vendor, adapter.info.architecture, adapter.info.description].filter(Boolean).join(" ");

/** @param {any} host */
function aboutHost(host) {
  const { machine, wrong, adapter } = host;
  const count = `${wrong?.length} ${wrong?.length === 1 ? "result is" : "results are"} WRONG`;
  const verified = wrong === undefined ? "kernels were not verified" : wrong.length === 0 ? "every kernel is right" : count;
  const software = adapter.isSoftware ? " It is a driver in software: this is a rehearsal." : "";
  return `${nameOf(host)}, ${machine.cores} cores of ${machine.cpu}, ${machine.os}, Node ${machine.node}; ${machine.date}, commit ${machine.commit}: ${verified}.${software}`;
}
