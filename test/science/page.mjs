// docs/science.md: what was published, and what came of it here. Written from the results; no number is typed by hand.
import { markdown } from "../../bench/markdown.mjs";
import { foundOf, judged, shown, wanted } from "./experiment.mjs";
import { minutes } from "./plan.mjs";
import { entryOf } from "./results.mjs";

export const RESULTS = "test/science/results.json";
export const PAGE = "docs/science.md";

/** @typedef {import("./experiment.mjs").Experiment} Experiment @typedef {import("./results.mjs").Results} Results */

const HEAD = `# Numbers to reproduce

What others have measured, and what this library makes of the same settings. \`npm run test:science\` trains what is missing here, writes
\`${RESULTS}\`, and this page from it; no number is typed by hand. It may be interrupted and goes on where it was.
\`npm run test:science -- --list\` says what is left to do; \`--only NAME\` does one experiment, \`--again NAME\` does it once more.`;

/** @param {readonly Experiment[]} experiments @param {Results} results */
export function page(experiments, results) {
  const parts = experiments.map((experiment) => section(experiment, results));
  return `${[HEAD, summary(experiments, results), ...parts, ...machines(results)].join("\n\n")}\n`;
}

const VERDICTS = { met: "met", missed: "**missed**", shown: "", open: "" };

/** Every figure that is held to something. @param {readonly Experiment[]} experiments @param {Results} results */
function summary(experiments, results) {
  const rows = experiments.flatMap((experiment) => judged(experiment, foundOf(results, experiment)).map((one) => ({ experiment, one })));
  const held = rows.filter(({ one }) => wanted(one.figure));
  const [met, missed, open] = ["met", "missed", "open"].map((verdict) => held.filter(({ one }) => one.verdict === verdict).length);
  const count = `${held.length} figures are held to something: ${met} met, ${missed} missed, ${open} not run.`;
  const list = held
    .filter(({ one }) => one.verdict === "missed")
    .map(({ experiment, one }) => `- missed: ${experiment.name}, ${one.figure.name}: ${shown(one)}, wanted ${wanted(one.figure)}`);
  return [count, ...(list.length > 0 ? [list.join("\n")] : [])].join("\n\n");
}

/** @param {Experiment} experiment @param {Results} results */
function section(experiment, results) {
  const { name, title, about, published, table } = experiment;
  const found = foundOf(results, experiment);
  const isBegun = experiment.steps.some((step) => entryOf(results, name, step));
  const figures = judged(experiment, found).map((one) => [
    one.figure.name,
    one.figure.known === undefined ? "" : one.figure.known.toFixed(one.figure.digits),
    wanted(one.figure),
    shown(one),
    one.figure.words?.(found) ?? "",
    VERDICTS[one.verdict],
  ]);
  return [
    `## ${title}`,
    `\`${name}\`. ${about}`,
    `Published: ${published}`,
    markdown([["figure", "published", "wanted", "ours", "beside it", "verdict"], ...figures]),
    ...(table && Object.values(found).some(Boolean) ? [table(found)] : []),
    isBegun ? standing(experiment, results) : notRun(experiment),
  ].join("\n\n");
}

/** @param {Experiment} experiment */
const notRun = ({ aside }) => `Not run yet${aside ? `: ${aside}` : ""}.`;

/** How long it took, and where it stands. @param {Experiment} experiment @param {Results} results */
function standing({ name, steps }, results) {
  const all = steps.map((step) => ({ step, entry: entryOf(results, name, step) }));
  const done = all.filter(({ entry }) => entry?.figures);
  const seconds = done.reduce((sum, { entry }) => sum + (entry?.seconds ?? 0), 0);
  const took = done.length > 0 ? [`${done.length} of ${steps.length} steps, in ${minutes(seconds / 60)}.`] : [];
  const left = all
    .filter(({ entry }) => !entry?.figures)
    .map(({ step, entry }) => {
      const epochs =
        entry?.standing && `${entry.standing.epochs.toLocaleString("en")} of ${entry.standing.of.toLocaleString("en")} epochs done`;
      return `${step.name}: ${epochs ?? "not run"}`;
    });
  return [...took, ...(left.length > 0 ? [`Not done: ${left.join("; ")}.`] : [])].join(" ");
}

/** Where and when. @param {Results} results @returns {string[]} */
function machines({ sessions, experiments }) {
  const rows = Object.entries(sessions).map(([name, { device, machine }]) => {
    const steps = Object.entries(experiments).flatMap(([experiment, all]) =>
      Object.values(all).some(({ session }) => session === name) ? [experiment] : [],
    );
    return [
      machine.date,
      machine.commit,
      `${machine.cores ?? "?"} cores of ${machine.cpu}, ${machine.os}, Node ${machine.node}`,
      device,
      steps.join(", "),
    ];
  });
  return rows.length > 0 ? [`## Where and when`, markdown([["begun", "commit", "machine", "device", "experiments"], ...rows])] : [];
}
