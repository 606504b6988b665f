// What the results of the bench `cpu` say, in tables. No number is typed but the targets.
import { digits, duration, markdown, withSpread } from "../markdown.mjs";
import { briefly, gflops, isTimed } from "../tasks/entry.mjs";
import { COLUMNS, ceilingOf, ENGINES, errorOf, RUNTIMES, THREADS, timeOf } from "./entries.mjs";
import { profileTable } from "./profile.mjs";
import { ceilingText, rateText } from "./rates.mjs";
import { caption, stepTable } from "./step.mjs";
import { limitText, rateCells, ratioCells, verdict } from "./targets.mjs";

/** @typedef {import("./entries.mjs").Results} Results */

/** How many times as long an engine takes as Elbo, wanted on a runtime with one thread and with two. */
const WANTED = [
  { peer: "jax-js", runtime: "Node 20", ratios: [2, 3.8] },
  { peer: "jax-js", runtime: "Node 24", ratios: [2.5, 4.5] },
  { peer: "tfjs (wasm)", runtime: "Node 24", ratios: [10, 20] },
  { peer: "tfjs (cpu)", runtime: "Node 24", ratios: [55, 110] },
  { peer: "PyTorch", runtime: "Node 24", ratios: [0.65, 1.2] },
  { peer: "PyTorch", runtime: "Node 24 turbo", ratios: [1.2, 2] },
];
/** GFLOP/s of the product 512³ with one thread. */
const WANTED_GFLOPS = { "Node 20": 48, "Node 24": 59, "Node 24 turbo": 115 };

/** By the names of their markers. @param {Results} file @returns {Record<string, string>} */
export function tables(file) {
  return {
    "cpu-step": `${stepTable(file, "dense", "dense VAE step", briefly)}\n\n${[captionOf(file), ...failures(file)].join("\n")}\n`,
    "cpu-targets": `${targetTable(file)}\n\n${limitText(file.results, { work: "dense", phases: "phase", peer: "jax-js" })}\n`,
    "cpu-gemm": `${gemmTable(file)}\n`,
    "cpu-own": `${ownTable(file)}\n`,
    "cpu-profile": `${profileTable(file, "phase", (steps) => steps.replace(/\bmatmul /g, ""))}\n`,
  };
}

/** @param {Results} file */
const captionOf = (file) => caption(file, "784-400-20, batch 128, Adam, noise drawn in the step.");

/** @param {Results} file */
function failures({ results }) {
  const errors = new Map(results.flatMap((e) => (e.error ? [[`${e.engine} on ${e.runtime}`, e.error]] : [])));
  return [...errors].map(([what, error]) => `Not measured: ${what}: ${error}.`);
}

/** What was wanted, and what came of it. @param {Results} file */
function targetTable({ results }) {
  const steps = WANTED.map(({ peer, runtime, ratios }) => [
    `${peer} / Elbo, dense step`,
    runtime,
    ...ratioCells(results, "dense", peer, runtime, ratios),
  ]);
  const products = Object.entries(WANTED_GFLOPS).map(([runtime, wanted]) => [
    "512×512×512, GFLOP/s",
    runtime,
    ...rateCells(results, "512x512x512", runtime, wanted),
    "",
    "",
  ]);
  const costs = [
    { work: "replay", what: "a replayed kernel", wanted: 1, text: "1 µs" },
    { work: "startup", what: "open and the first step", wanted: 150e3, text: "150 ms" },
  ].flatMap(({ work, what, wanted, text }) =>
    RUNTIMES.slice(0, 2).map((runtime) => {
      const cells = THREADS.flatMap((threads) => {
        const time = timeOf(results, work, "Elbo", runtime, threads)?.median;
        const share = time && (time < wanted ? 1 : 2 - time / wanted); // less is better
        return verdict(`< ${text}`, duration(time ?? 0), share);
      });
      return [what, runtime, ...cells];
    }),
  );
  return markdown([["", "on", "1 thread: wanted", "reached", "2 threads: wanted", "reached"], ...steps, ...products, ...costs]);
}

/** GFLOP/s, and the share of what the core can do. @param {Results} file */
function gemmTable({ results }) {
  const products = [...new Set(results.map((e) => e.work).filter((work) => /^\d/.test(work)))];
  const ceilings = new Map(RUNTIMES.map((runtime) => [runtime, ceilingOf(results, runtime)]));
  const widest = Math.max(...ceilings.values());
  const measured = results.filter((e) => /^\d/.test(e.work) || (e.work === "gemm" && e.error));
  const lines = new Map(measured.map((e) => [`${e.engine}, ${e.runtime}, ${e.threads}`, e]));
  const sorted = ENGINES.flatMap((engine) => [...lines.values()].filter((e) => e.engine === engine));
  const rows = sorted.map(({ engine, runtime, threads }) => {
    const ceiling = (ceilings.get(runtime) ?? widest) * threads;
    const cells = products.map((product) => {
      const time = timeOf(results, product, engine, runtime, threads);
      if (time) return rateText(gflops(time), ceiling);
      const error = errorOf(results, "gemm", engine, runtime, threads);
      return error ? briefly(error) : "";
    });
    return [engine, runtime, `${threads}`, ...cells];
  });
  const copies = results.filter(isTimed).filter((e) => e.work === "copy");
  const copied = copies.length > 0 ? Math.max(...copies.map((e) => (e.bytes ?? 0) / e.median / 1e3)) : undefined;
  const head = ["GFLOP/s", "on", "threads", ...products.map((product) => product.replaceAll("x", "×"))];
  const text = `${ceilingText(results)}\n(PyTorch is compared with the largest). ${copied ? `Copying 64 MiB reads and writes ${digits(copied)} GB/s.` : ""}`;
  return `${markdown([head, ...rows])}\n\n${text.trimEnd()}`;
}

/** Elbo alone: start, replay, memory. @param {Results} file */
function ownTable({ results }) {
  const rows = COLUMNS.map(({ runtime, threads }) => {
    const [startup, replay, dense] = ["startup", "replay", "dense"].map((work) => timeOf(results, work, "Elbo", runtime, threads));
    return [
      runtime,
      `${threads}`,
      ...[startup, replay].map((time) => (time ? withSpread(time) : "")),
      dense?.rss ? `${dense.rss} MiB` : "",
    ];
  });
  return markdown([["Elbo on", "threads", "open and the first step", "a replayed kernel", "peak memory, training"], ...rows]);
}
