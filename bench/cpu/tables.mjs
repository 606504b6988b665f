// What the results of the CPU bench say: ratios, and the tables of the README. Nothing is measured here, and no number is typed but the
// targets.
import { digits, duration, markdown, withSpread } from "../markdown.mjs";

/**
 * One thing measured, in microseconds; or why it was not. Work is "dense", a product "m x k x n", "ceiling", "copy", "startup", "replay", "phase";
 * an engine that failed at products has an error for "gemm".
 * @typedef {{ work: string, engine: string, runtime: string, threads: number, how?: string, flop?: number, bytes?: number, kernels?: number, rss?: number, description?: string,
 *   median?: number, min?: number, spread?: number, samples?: number, error?: string }} Entry
 * @typedef {Entry & import("../time.mjs").Times} Timed
 * @typedef {{ peer: string, runtime: string, threads: number, ratio: number }} Ratio
 * @typedef {{ machine: import("../report.mjs").Machine, versions: Record<string, string>, pinning: string, device: string, results: Entry[], ratios: Ratio[] }} Results
 */

const ENGINES = ["Elbo", "jax-js", "tfjs (wasm)", "tfjs (cpu)", "PyTorch"];
const RUNTIMES = ["Node 20", "Node 24", "Node 24 turbo"];
const THREADS = [1, 2];
const COLUMNS = RUNTIMES.flatMap((runtime) => THREADS.map((threads) => ({ runtime, threads })));

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

/** @param {Entry} entry @returns {entry is Timed} */
const isTimed = (entry) => entry.median !== undefined;
/** @param {Timed[]} entries @returns {Timed | undefined} */
const fastest = (entries) => entries.toSorted((a, b) => a.median - b.median)[0];
/** @param {Timed} entry */
const gflops = ({ flop = 0, median }) => flop / median / 1e3;

/** The fastest of its ways to do some work. @param {readonly Entry[]} results @param {string} work @param {string} engine @param {string} runtime @param {number} threads */
const timeOf = (results, work, engine, runtime, threads) =>
  fastest(results.filter(isTimed).filter((e) => e.work === work && e.engine === engine && e.runtime === runtime && e.threads === threads));

/**
 * The step of an engine at its best, with as many threads or fewer, and beside turbo with or without the flag.
 * @param {readonly Entry[]} results @param {string} engine @param {string} runtime @param {number} threads
 */
function bestStep(results, engine, runtime, threads) {
  const dense = results.filter(isTimed).filter((e) => e.work === "dense" && e.engine === engine);
  return fastest(dense.filter((e) => e.threads <= threads && (e.runtime === "Python" || runtime.startsWith(e.runtime))));
}

/** Each peer's best step against Elbo's on the same runtime with that number of threads. @param {readonly Entry[]} results @returns {Ratio[]} */
export function ratios(results) {
  return COLUMNS.flatMap(({ runtime, threads }) => {
    const elbo = timeOf(results, "dense", "Elbo", runtime, threads);
    if (!elbo) return [];
    return ENGINES.slice(1).flatMap((peer) => {
      const best = bestStep(results, peer, runtime, threads);
      return best ? [{ peer, runtime, threads, ratio: best.median / elbo.median }] : [];
    });
  });
}

/** By the names of their markers. @param {Results} file @returns {Record<string, string>} */
export function tables(file) {
  return {
    "cpu-step": `${stepTable(file)}\n\n${caption(file)}\n`,
    "cpu-targets": `${targetTable(file)}\n\n${limitText(file)}\n`,
    "cpu-gemm": `${gemmTable(file)}\n`,
    "cpu-own": `${ownTable(file)}\n`,
    "cpu-profile": `${profileTable(file)}\n`,
  };
}

/** @param {number} threads */
export const countOf = (threads) => (threads === 1 ? "1 thread" : `${threads} threads`);

/** The step: a row for each engine, a column for each runtime and number of threads. @param {Results} file */
function stepTable({ results, ratios }) {
  const engines = ENGINES.filter((engine) => results.some((e) => e.work === "dense" && e.engine === engine));
  const head = ["dense VAE step", ...COLUMNS.map(({ runtime, threads }) => `${runtime}, ${countOf(threads)}`)];
  const rows = engines.map((engine) => {
    const cells = COLUMNS.map(({ runtime, threads }) => {
      const absent = failed(results, "dense", engine, engine === "PyTorch" ? "Python" : runtime, threads) ?? "";
      if (engine === "Elbo") {
        const time = timeOf(results, "dense", engine, runtime, threads);
        return time ? withSpread(time) : absent;
      }
      const time = bestStep(results, engine, runtime, threads);
      const ratio = ratios.find((r) => r.peer === engine && r.runtime === runtime && r.threads === threads);
      return time ? [duration(time.median), ratio && times(ratio.ratio)].filter(Boolean).join(", ") : absent;
    });
    return [engine, ...cells];
  });
  return markdown([head, ...rows]);
}

/** @param {number} ratio */
const times = (ratio) => `${digits(ratio)}×`;

/** "wrong" or "absent". @param {readonly Entry[]} results @param {string} work @param {string} engine @param {string} runtime @param {number} threads */
function failed(results, work, engine, runtime, threads) {
  const { error } =
    results.find((e) => e.error && e.work === work && e.engine === engine && e.runtime === runtime && e.threads === threads) ?? {};
  return error && (error.startsWith("wrong") ? "wrong" : "absent");
}

/** What was wanted, and what came of it. @param {Results} file */
function targetTable({ results, ratios }) {
  /** `found` is what was reached, as a number and as text; `share` of what was wanted, where more is better. */
  const verdict = (/** @type {string} */ wanted, /** @type {number | undefined} */ found, /** @type {string} */ text, share = 0) => [
    wanted,
    found === undefined ? "not measured" : `${text}, ${share >= 1 ? "met" : `missed by ${percent(1 - share)}`}`,
  ];
  const steps = WANTED.map(({ peer, runtime, ratios: wanted }) => {
    const cells = THREADS.flatMap((threads, i) => {
      const found = ratios.find((r) => r.peer === peer && r.runtime === runtime && r.threads === threads)?.ratio;
      return verdict(`${wanted[i]}×`, found, times(found ?? 0), (found ?? 0) / wanted[i]);
    });
    return [`${peer} / Elbo, dense step`, runtime, ...cells];
  });
  const products = Object.entries(WANTED_GFLOPS).map(([runtime, wanted]) => {
    const time = timeOf(results, "512x512x512", "Elbo", runtime, 1);
    const found = time && gflops(time);
    return ["512×512×512, GFLOP/s", runtime, ...verdict(`${wanted}`, found, digits(found ?? 0), (found ?? 0) / wanted), "", ""];
  });
  const costs = [
    { work: "replay", what: "a replayed kernel", wanted: 1, text: "1 µs" },
    { work: "startup", what: "open and the first step", wanted: 150e3, text: "150 ms" },
  ].flatMap(({ work, what, wanted, text }) =>
    RUNTIMES.slice(0, 2).map((runtime) => {
      const cells = THREADS.flatMap((threads) => {
        const time = timeOf(results, work, "Elbo", runtime, threads)?.median;
        return verdict(`< ${text}`, time, duration(time ?? 0), time === undefined || time < wanted ? 1 : 2 - time / wanted);
      });
      return [what, runtime, ...cells];
    }),
  );
  return markdown([["", "on", "1 thread: wanted", "reached", "2 threads: wanted", "reached"], ...steps, ...products, ...costs]);
}

/** @param {number} share */
const percent = (share) => `${(100 * share).toFixed(share < 0.01 ? 1 : 0)} %`;

/** What the step would take if its products ran as fast as a core can compute: the rest of the way. @param {Results} file */
function limitText({ results, ratios }) {
  const lines = RUNTIMES.flatMap((runtime) => {
    const phases = results.filter(isTimed).filter((e) => e.work === "phase" && e.runtime === runtime);
    const [ceiling, step] = [ceilingOf(results, runtime), timeOf(results, "dense", "Elbo", runtime, 1)];
    const flop = phases.reduce((sum, e) => sum + (e.flop ?? 0), 0);
    const jax = ratios.find((r) => r.peer === "jax-js" && r.runtime === runtime && r.threads === 1);
    if (!step || !flop || !ceiling) return [];
    const least = flop / ceiling / 1e3;
    const then = jax ? ` and jax-js / Elbo would be ${times((jax.ratio * step.median) / least)}` : "";
    return `- ${runtime}: the products of the step take ${duration(least)} at the ${digits(ceiling)} GFLOP/s that a core reached in the same run; all else included it takes ${duration(step.median)}. With nothing but products at that rate it would be ${times(step.median / least)} as fast${then}.`;
  });
  return lines.join("\n");
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
      if (!time) return failed(results, "gemm", engine, runtime, threads) ?? "";
      const share = ceiling > 0 ? ` (${Math.round((100 * gflops(time)) / ceiling)} %)` : "";
      return `${digits(gflops(time))}${share}`;
    });
    return [engine, runtime, `${threads}`, ...cells];
  });
  const most = RUNTIMES.filter((runtime) => ceilings.get(runtime)).map((runtime) => `${digits(ceilings.get(runtime) ?? 0)} on ${runtime}`);
  const copies = results.filter(isTimed).filter((e) => e.work === "copy");
  const copied = copies.length > 0 ? Math.max(...copies.map((e) => (e.bytes ?? 0) / e.median / 1e3)) : undefined;
  const head = ["GFLOP/s", "on", "threads", ...products.map((product) => product.replaceAll("x", "×"))];
  const text = [
    `In brackets the share of what as many cores can do with sums in registers in the same run: ${most.join(", ")} GFLOP/s a core`,
    `(PyTorch is compared with the largest). ${copied ? `Copying 64 MiB reads and writes ${digits(copied)} GB/s.` : ""}`,
  ];
  return `${markdown([head, ...rows])}\n\n${text.join("\n").trimEnd()}`;
}

/** The most that a core did there. @param {readonly Entry[]} results @param {string} runtime */
const ceilingOf = (results, runtime) =>
  Math.max(
    0,
    ...results
      .filter(isTimed)
      .filter((e) => e.work === "ceiling" && e.runtime === runtime)
      .map(gflops),
  );

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

/** Where the time of Elbo's step goes on one thread, phase by phase. @param {Results} file */
function profileTable({ results }) {
  const runtimes = RUNTIMES.filter((runtime) => results.some((e) => e.work === "phase" && e.runtime === runtime));
  const of = (/** @type {string} */ runtime) => results.filter(isTimed).filter((e) => e.work === "phase" && e.runtime === runtime);
  const rows = (runtimes.length ? of(runtimes[0]) : []).map(({ how, flop = 0 }, i) => [
    /** @type {string} */ (how).replace(/^\d+: /, "").replace(/\bmatmul /g, ""),
    flop ? (flop / 1e6).toFixed() : "",
    ...runtimes.map((runtime) => {
      const phase = of(runtime)[i];
      const total = of(runtime).reduce((sum, { median }) => sum + median, 0);
      const ceiling = ceilingOf(results, runtime);
      const rate = ceiling > 0 ? `, products at ${Math.round((100 * gflops(phase)) / ceiling)} % or more of what a core can do` : "";
      return `${duration(phase.median)} (${Math.round((100 * phase.median) / total)} %)${flop > 4e7 ? rate : ""}`;
    }),
  ]);
  return markdown([["between two barriers, on one thread", "Mflop in products", ...runtimes], ...rows]);
}

/** @param {Results} file */
function caption({ machine, versions, pinning, results }) {
  const { cpu, cores, os, packages, commit, date, loadBefore, loadAfter } = machine;
  const list = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const errors = new Map(results.flatMap((e) => (e.error ? [[`${e.engine} on ${e.runtime}`, e.error]] : [])));
  return [
    `784-400-20, batch 128, Adam, noise drawn in the step. ×: how many times as long as Elbo takes in that column. The others are shown at their`,
    `best, with as many threads or fewer, and beside turbo (256 bits at once, by a flag of V8) with the flag or without. Medians ± half the distance`,
    `between the quartiles, of processes that took turns, ${pinning}; measured ${date} at commit ${commit}`,
    `on ${cores} cores of ${cpu}, ${os}, elbo ${packages.elbo}, ${list.join(", ")}; load ${loadBefore} before and ${loadAfter} after.`,
    ...[...errors].map(([what, error]) => `Not measured: ${what}: ${error}.`),
  ].join("\n");
}
