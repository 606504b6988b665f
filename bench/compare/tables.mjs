// What the results of the bench `peers` say: tables for each device, and the sizes. No number is typed.
import { digits, duration, markdown, withSpread } from "../markdown.mjs";
import { countOf, fastest, gflops, isTimed } from "../tasks/entry.mjs";
import { kernelOf } from "../tasks/kernels.mjs";

/** @typedef {import("../peers.mjs").Found & { machine: import("../report.mjs").Machine }} Results @typedef {import("../peers.mjs").Entry} Entry */

/** By the names of their markers. @param {Results} file @returns {Record<string, string>} */
export function tables(file) {
  const measured = Object.entries(file.devices).filter(([, { error }]) => !error);
  const absent = Object.entries(file.devices).flatMap(([device, { error }]) =>
    error ? [`Nothing was measured on ${device}: ${error}.`] : [],
  );
  return {
    ...Object.fromEntries(measured.map(([device]) => [`peers-${device}`, ofDevice(file, device)])),
    ...(sizeTable(file) && { "peers-sizes": `${sizeTable(file)}\n` }),
    ...(absent.length > 0 && { "peers-absent": `${absent.join("\n")}\n` }),
  };
}

/** @param {Results} file @param {string} device */
function ofDevice(file, device) {
  const results = file.results.filter((e) => e.device === device);
  const rows = rowsOf(results);
  const both = [stepTable(results, rows), kernelTable(results, rows)].filter(Boolean);
  const missing = failures(results).map((line) => `- ${line}`);
  return `${[...both, ...(both.length ? [caption(file, device)] : []), missing.join("\n")].filter(Boolean).join("\n\n")}\n`;
}

/** Who was asked: an engine on one of its backends, or in one of its modes. @param {readonly Entry[]} results */
export function rowsOf(results) {
  const rows = new Map(
    results.map(({ device, engine, runtime, threads }) => [`${engine}, ${runtime}`, { device, engine, runtime, threads }]),
  );
  const isElbo = (/** @type {{ engine: string }} */ { engine }) => Number(engine === "Elbo");
  return [...rows.values()].sort((a, b) => isElbo(b) - isElbo(a));
}
/** @typedef {ReturnType<typeof rowsOf>[number]} Row */

/** What a row did at some work, in its fastest way. @param {readonly Entry[]} results @param {string} work @param {Pick<Row, "engine" | "runtime">} row */
export const timeOf = (results, work, { engine, runtime }) =>
  fastest(results.filter(isTimed).filter((e) => e.work === work && e.engine === engine && e.runtime === runtime));

/** Elbo's time there. @param {readonly Entry[]} results @param {string} work */
export const elboOf = (results, work) => fastest(results.filter(isTimed).filter((e) => e.work === work && e.engine === "Elbo"));

/** @param {readonly Entry[]} results @param {string} work @param {Row} row */
function cell(results, work, row) {
  const time = timeOf(results, work, row);
  if (!time) return errorOf(results, work, row);
  if (row.engine === "Elbo") return timeText(time);
  const elbo = elboOf(results, work);
  return [duration(time.median), elbo && `${digits(time.median / elbo.median)}×`].filter(Boolean).join(", ");
}

/** A single sample has no spread. @param {import("../time.mjs").Times} time */
const timeText = (time) => (time.samples > 1 ? withSpread(time) : duration(time.median));

/** An error in a word; it is told below the tables. @param {readonly Entry[]} results @param {string} work @param {Row} row */
function errorOf(results, work, { engine, runtime }) {
  const of = (/** @type {string} */ work) =>
    results.find((e) => e.error && e.work === work && e.engine === engine && e.runtime === runtime);
  const error = (of(work) ?? of("kernels"))?.error;
  if (!error) return "";
  return error.startsWith("wrong") ? "wrong" : "—";
}

/** @param {readonly Entry[]} results @param {readonly Row[]} rows */
function stepTable(results, rows) {
  const models = [...new Set(results.map((e) => e.work))].filter((work) => results.some((e) => e.work === `${work} start`));
  const asked = rows.filter((row) => models.some((model) => cell(results, model, row)));
  if (asked.length === 0) return "";
  const body = asked.map((row) => {
    const start = timeOf(results, "dense start", row);
    const rss = timeOf(results, "dense", row)?.rss;
    return [nameOf(row), ...models.map((model) => cell(results, model, row)), start ? timeText(start) : "", rss ? `${rss} MiB` : ""];
  });
  const head = ["a training step", ...models, "start to first step, dense", "peak memory, dense"];
  return markdown([head, ...body]);
}

/** @param {readonly Entry[]} results @param {readonly Row[]} rows */
function kernelTable(results, rows) {
  const kernels = kernelsIn(results);
  const asked = rows.filter((row) => kernels.some((kernel) => cell(results, kernel, row)));
  if (asked.length === 0) return "";
  const rates = kernels.map((kernel) => {
    const elbo = elboOf(results, kernel);
    return elbo ? rateOf(kernel, elbo) : "";
  });
  const body = asked.flatMap((row) => {
    const cells = [nameOf(row), ...kernels.map((kernel) => cell(results, kernel, row))];
    return row.engine === "Elbo" ? [cells, ["", ...rates]] : [cells];
  });
  return markdown([["a kernel", ...kernels], ...body]);
}

/** @param {readonly Entry[]} results */
export const kernelsIn = (results) => [...new Set(results.map((e) => e.work))].filter((work) => /^(matmul|conv|chain|sum) /.test(work));

/** In the unit that says how good it is. @param {string} kernel @param {import("../tasks/entry.mjs").Timed} time */
function rateOf(kernel, time) {
  const { kind } = kernelOf(kernel);
  if (kind === "matmul" || kind === "conv") return `${digits(gflops(time))} GFLOP/s`;
  return `${digits((time.bytes ?? 0) / time.median / 1e3)} GB/s`;
}

/** @param {Row} row */
const nameOf = ({ engine, runtime, threads }) =>
  `${engine}, ${runtime}${threads > 1 && runtime !== "webgpu" ? `, ${countOf(threads)}` : ""}`;

/** Who failed at what, each error once. @param {readonly Entry[]} results */
function failures(results) {
  /** @type {Map<string, string[]>} */
  const works = new Map();
  for (const { engine, runtime, work, error } of results) {
    if (!error) continue;
    const what = `${engine}, ${runtime}: ${error.replaceAll("|", "\\|")}`;
    works.set(what, [...(works.get(what) ?? []), work]);
  }
  return [...works].map(([what, list]) => `Not measured: ${list.join("; ")} by ${what}`);
}

const WHAT = [
  "×: how many times as long as Elbo takes. Models are trained with Adam and noise drawn in the step, dense is 784-400-20 with batches of 128, the",
  "others have batches of 64. `matmul 512` is of [512, 512] by [512, 512], `conv` a layer of 4×4, stride 2, from 14×14×32 to 64 channels, batch 64,",
  "`chain` y = x · sigmoid(x · w + b), `sum` a full reduction. ONNX Runtime takes and gives what lies in JavaScript's memory in each run, gpu.js on the",
  "CPU too; the others leave it where they compute.",
].join("\n");

/** @param {Results} file @param {string} device */
function caption({ machine, devices, versions, pinning, seconds }, device) {
  const { cpu, cores, os, packages, commit, date, loadBefore, loadAfter } = machine;
  const { description, isSoftware } = devices[device];
  const list = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return [
    WHAT,
    ...(isSoftware
      ? [
          "A driver in software: this says nothing of GPUs. Sizes are small, everybody was asked once, and times are of the steps that are judged.",
        ]
      : []),
    ...(description ? [`On ${description}, by webgpu ${Object.entries(packages).find(([name]) => name === "webgpu")?.[1]}.`] : []),
    `Medians ± half the distance between the quartiles, of processes that took turns, ${pinning}, ${seconds} s at most each; measured ${date} at commit ${commit}`,
    `on ${cores} cores of ${cpu}, ${os}, elbo ${packages.elbo}, ${list.join(", ")}; load ${loadBefore} before and ${loadAfter} after.`,
  ].join("\n");
}

/** @param {Results} file */
function sizeTable({ installs, bundles }) {
  if (installs.length + bundles.length === 0) return "";
  const megabytes = (/** @type {number} */ bytes) => `${digits(bytes / 1e6)} MB`;
  const engines = [...new Set([...installs, ...bundles].map(({ engine }) => engine))];
  const rows = engines.map((engine) => {
    const [install, bundle] = [installs, bundles].map((list) => list.find((one) => one.engine === engine));
    return [
      engine,
      install?.packages ? `\`npm i ${install.packages.join(" ")}\`` : "",
      install?.bytes ? `${megabytes(install.bytes)} in ${install.files} files` : (install?.error ?? ""),
      bundle?.gzip ? `${digits(bundle.gzip / 1e3)} kB of ${digits((bundle.bytes ?? 0) / 1e3)} kB` : (bundle?.error ?? ""),
    ];
  });
  const head = ["", "in Node", "on disk", "a page that trains a dense VAE, gzip"];
  return `${markdown([head, ...rows])}\n\nInstalled without scripts. The page is bundled and minified by Vite; all that it may load is counted.`;
}
