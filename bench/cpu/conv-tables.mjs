// What the results of the bench `conv` say, in tables. No number is typed but the targets.
import { markdown } from "../markdown.mjs";
import { briefly, countOf, gflops } from "../tasks/entry.mjs";
import { LAYERS, passOf, ROLES, roles } from "../tasks/layers.mjs";
import { COLUMNS, ceilingOf, errorOf, timeOf } from "./entries.mjs";
import { profileTable } from "./profile.mjs";
import { ceilingText, rateText } from "./rates.mjs";
import { caption, stepTable } from "./step.mjs";
import { limitText, rateCells, ratioCells } from "./targets.mjs";

/** @typedef {import("./entries.mjs").Results} Results */

const MODELS = ["conv28", "conv64"];
/** How many times as long an engine takes as Elbo, wanted with one thread. */
const WANTED = [
  ...MODELS.flatMap((work) => [
    { work, peer: "PyTorch", runtime: "Node 24", ratio: 0.7 },
    { work, peer: "PyTorch", runtime: "Node 24 turbo", ratio: 1.2 },
  ]),
  { work: "conv28", peer: "jax-js", runtime: "Node 24", ratio: 400 },
];
/** GFLOP/s of each pass of the middle layer of conv28, with one thread. */
const WANTED_LAYER = "14x14x32x64";
const WANTED_GFLOPS = { "Node 20": 42, "Node 24": 55 };

/** By the names of their markers. @param {Results} file @returns {Record<string, string>} */
export function tables(file) {
  return {
    "conv-step": `${MODELS.map((work) => stepTable(file, work, `${work} step`, shown)).join("\n\n")}\n\n${captionOf(file)}\n`,
    "conv-targets": `${targetTable(file)}\n\n${limits(file)}\n`,
    "conv-layers": `${layerTable(file)}\n`,
    "conv-profile": `${profileTable(file, "conv28 phase", products)}\n`,
  };
}

/** That something cannot be done is a result here, so its words are shown. @param {string} error */
const shown = (error) => error.replaceAll("|", "\\|");

/** @param {Results} file */
const captionOf = (file) =>
  caption(
    file,
    [
      "Batch 64, Adam, noise drawn in the step. jax-js and tfjs (cpu) were asked once, for conv28 on Node 24 alone: theirs is the median of the",
      "three steps that were judged.",
    ].join("\n"),
  );

/** What was wanted, and what came of it. @param {Results} file */
function targetTable({ results }) {
  const steps = WANTED.map(({ work, peer, runtime, ratio }) => [
    `${peer} / Elbo, ${work} step`,
    runtime,
    ...ratioCells(results, work, peer, runtime, [ratio]),
  ]);
  const rates = roles.flatMap((role) =>
    Object.entries(WANTED_GFLOPS).map(([runtime, wanted]) => [
      `${titleOf(WANTED_LAYER)}, ${ROLES[role]}, GFLOP/s`,
      runtime,
      ...rateCells(results, passOf(WANTED_LAYER, role), runtime, wanted),
    ]),
  );
  return markdown([["on one thread", "on", "wanted", "reached"], ...steps, ...rates]);
}

/** @param {Results} file */
const limits = ({ results }) =>
  MODELS.map((work) => limitText(results, { work, phases: `${work} phase`, peer: "PyTorch", name: `${work} on ` }))
    .filter(Boolean)
    .join("\n");

/** @param {string} layer */
function titleOf(layer) {
  const [h, w, c, o] = layer.split("x");
  return `${c} → ${o} at ${h}×${w}`;
}

const WIDTH =
  "PyTorch has no share: its vectors are as wide as the processor's, and those of WebAssembly are of 128 bits, or 256 with turbo.";

/** GFLOP/s of the passes of single layers, and the share of what the cores can do. @param {Results} file */
function layerTable({ results }) {
  const columns = [
    ...COLUMNS.map((column) => ({ engine: "Elbo", title: `${column.runtime}, ${countOf(column.threads)}`, ...column })),
    ...[1, 2].map((threads) => ({ engine: "PyTorch", title: `PyTorch, ${countOf(threads)}`, runtime: "Python", threads })),
  ];
  const rows = LAYERS.flatMap((layer) =>
    roles.map((role) => {
      const cells = columns.map(({ engine, runtime, threads }) => {
        const time = timeOf(results, passOf(layer, role), engine, runtime, threads);
        if (time) return rateText(gflops(time), ceilingOf(results, runtime) * threads);
        const error = errorOf(results, "layers", engine, runtime, threads);
        return error ? briefly(error) : "";
      });
      return [role === roles[0] ? titleOf(layer) : "", ROLES[role], ...cells];
    }),
  );
  const head = ["4×4, stride 2, padding 1, batch 64", "GFLOP/s", ...columns.map(({ title }) => title)];
  return `${markdown([head, ...rows])}\n\n${ceilingText(results)}.\n${WIDTH}`;
}

/** Of the steps of a phase, the products, by their operands; the others are counted. @param {string} text */
function products(text) {
  const steps = text.split("; ");
  const named = steps.filter((step) => /^[\d[]/.test(step)).map(productText);
  const others = steps.length - named.length;
  return [...named, ...(others ? [`${others} other step${others > 1 ? "s" : ""}`] : [])].join("; ");
}

/** "[64, 28, 28, 1] [4, 4, 1, 32], conv2d add relu" as "conv2d 64×28×28×1, 4×4×1×32". @param {string} step */
function productText(step) {
  const [operands, ops] = step.match(/^(.*), (\S+)/)?.slice(1) ?? [step, ""];
  if (!operands.startsWith("[")) return operands.replaceAll(" x ", "×");
  const shapes = [...operands.matchAll(/\[([^\]]*)\]/g)].map(([, sizes]) => sizes.replaceAll(", ", "×"));
  return `${ops} ${shapes.join(" by ")}`;
}
