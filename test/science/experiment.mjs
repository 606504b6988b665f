// What an experiment is, and what its figures say beside the published ones.
import { entryOf } from "./results.mjs";

/**
 * `aside`: why it is run only by its name. `published` is the source, in words, of the figures that ours stand beside.
 * @typedef {{ readonly name: string, readonly title: string, readonly about: string, readonly published: string, readonly data: string,
 *   readonly aside?: string, readonly steps: readonly Step[], readonly figures: readonly Figure[], readonly table?: (found: Found) => string }} Experiment
 *
 * One training, or what is done with one. Its settings decide what comes out: with others it is another step.
 * @typedef {{ readonly name: string, readonly settings: object, readonly minutes: number,
 *   run(tools: import("./tools.mjs").Tools): Promise<import("./results.mjs").Figures> }} Step
 *
 * The figures of the steps that are done, by their names.
 * @typedef {Readonly<Record<string, import("./results.mjs").Figures | undefined>>} Found
 *
 * Of the wanted: `within` so much of `known`; or `above` a number. `isHope`: to miss it is a result like any other, and not a failure.
 * A figure without either is only shown, beside `known` where that is there.
 * @typedef {{ readonly name: string, readonly unit: string, readonly digits: number, readonly known?: number, readonly within?: number,
 *   readonly above?: number, readonly isHope?: true, of(found: Found): number | undefined, readonly words?: (found: Found) => string | undefined }} Figure
 * @typedef {"met" | "missed" | "shown" | "open"} Verdict
 * @typedef {{ readonly figure: Figure, readonly value: number | undefined, readonly verdict: Verdict }} Judged
 */

/** What was found of an experiment, at its present settings. @param {import("./results.mjs").Results} results @param {Experiment} experiment @returns {Found} */
export const foundOf = (results, { name, steps }) =>
  Object.fromEntries(steps.map((step) => [step.name, entryOf(results, name, step)?.figures]));

/** @param {Experiment} experiment @param {Found} found @returns {Judged[]} */
export const judged = ({ figures }, found) =>
  figures.map((figure) => {
    const value = figure.of(found);
    return { figure, value, verdict: verdictOf(figure, value) };
  });

/** @param {Figure} figure @param {number | undefined} value @returns {Verdict} */
function verdictOf({ known, within, above }, value) {
  if (value === undefined) return "open";
  if (above !== undefined) return value > above ? "met" : "missed"; // which is also what no number is
  if (known === undefined || within === undefined) return "shown";
  return Math.abs(value - known) <= within ? "met" : "missed";
}

/** What makes the whole fail. @param {Judged} judged */
export const isMiss = ({ figure, verdict }) => verdict === "missed" && !figure.isHope;

/** The mean, as soon as all values are there. @param {readonly (number | undefined)[]} values */
export function meanOf(values) {
  const there = values.filter((value) => value !== undefined);
  return there.length === values.length && there.length > 0 ? there.reduce((sum, value) => sum + value, 0) / there.length : undefined;
}

/** a - b, as soon as both are there. @param {number | undefined} a @param {number | undefined} b */
export const differenceOf = (a, b) => (a === undefined || b === undefined ? undefined : a - b);

/** What is asked of a figure, in words. @param {Figure} figure */
export function wanted({ known, within, above, digits, isHope }) {
  if (above !== undefined) return `above ${above}${isHope ? ", hoped for" : ""}`;
  if (known === undefined || within === undefined) return "";
  return `${known.toFixed(digits)} ± ${within}`;
}

/** @param {Judged} judged */
export const shown = ({ figure: { digits, unit }, value }) =>
  value === undefined ? "not run" : `${value.toFixed(digits)}${unit && ` ${unit}`}`;
