// Which experiments are run, and how long that may take.
import { entryOf } from "./results.mjs";

/** @typedef {import("./experiment.mjs").Experiment} Experiment @typedef {import("./results.mjs").Results} Results */

/** Those named, or all that are not aside. @param {readonly Experiment[]} experiments @param {readonly string[]} names */
export function chosen(experiments, names) {
  const known = experiments.map(({ name }) => name);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new Error(`there is no experiment "${unknown}"; there are ${known.join(", ")}`);
  return experiments.filter(({ name, aside }) => (names.length > 0 ? names.includes(name) : aside === undefined));
}

/**
 * Minutes that steps may take: as long as they took, or else as is guessed for two cores. Less what was done of them before.
 * @param {Results} results @param {readonly { experiment: Experiment, step: import("./experiment.mjs").Step }[]} steps
 */
export function minutesOf(results, steps) {
  return steps.reduce((sum, { experiment, step }) => {
    const entry = entryOf(results, experiment.name, step);
    const part = entry?.standing ? entry.standing.epochs / entry.standing.of : 0;
    return sum + step.minutes * (1 - part);
  }, 0);
}

/** @param {readonly Experiment[]} experiments @param {Results} results */
export function listed(experiments, results) {
  const line = (/** @type {Experiment} */ experiment) => {
    const { name, title, steps, aside } = experiment;
    const left = steps.filter((step) => !entryOf(results, name, step)?.figures).map((step) => ({ experiment, step }));
    const done = `${steps.length - left.length} of ${steps.length} steps done`;
    const time = left.length > 0 ? `, about ${minutes(minutesOf(results, left))} to go` : "";
    return `${name.padEnd(26)} ${title}\n${" ".repeat(27)}${done}${time}${aside ? `; ${aside}` : ""}`;
  };
  const usual = experiments.filter(({ aside }) => aside === undefined);
  const all = usual.flatMap((experiment) => experiment.steps.map((step) => ({ experiment, step })));
  const sum = minutesOf(
    results,
    all.filter(({ experiment, step }) => !entryOf(results, experiment.name, step)?.figures),
  );
  const total = `about ${minutes(sum)} to go, but for those run only by their name; minutes are guesses for two cores`;
  return [...experiments.map(line), total].join("\n");
}

/** @param {number} n */
export function minutes(n) {
  if (n < 1.5) return `${Math.round(60 * n)} s`;
  return n < 90 ? `${Math.round(n)} min` : `${(n / 60).toFixed(1)} h`;
}
