// What has been found so far: one file, replaced whole after each step and each epoch, so that whatever ends the runner, nothing is lost.
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/**
 * A step that is done has figures; one that was interrupted says where it stands. `settings` are those it was done with: with others it is
 * done again. `runs` are the folders of its trainings, `session` says when and where it ended.
 * @typedef {{ readonly settings: object, readonly session: string, readonly seconds: number, readonly runs: readonly string[],
 *   readonly figures?: Figures, readonly standing?: Standing }} Entry
 * @typedef {Readonly<Record<string, any>>} Figures numbers, or tables of them
 * @typedef {{ readonly epochs: number, readonly of: number }} Standing
 * @typedef {ReturnType<typeof import("../../bench/machine.mjs").machine>} Machine
 * @typedef {{ readonly device: string, readonly machine: Partial<Machine> & Pick<Machine, "cpu" | "os" | "node" | "commit" | "date" | "loadBefore"> }} Session
 * @typedef {{ sessions: Record<string, Session>, experiments: Record<string, Record<string, Entry>> }} Results
 */

/** @param {string} path @returns {Results} */
export function readResults(path) {
  if (!existsSync(path)) return { sessions: {}, experiments: {} };
  try {
    const found = JSON.parse(readFileSync(path, "utf8"));
    if (typeof found?.sessions !== "object" || typeof found?.experiments !== "object")
      throw new Error("sessions and experiments are missing");
    return found;
  } catch (error) {
    throw new Error(`${path}: no results: ${/** @type {Error} */ (error).message}; mend it, or remove it to begin anew`);
  }
}

/** Beside its place, then renamed. Sessions that no step is left of are forgotten. @param {string} path @param {Results} results */
export function writeResults(path, { sessions, experiments }) {
  const named = new Set(Object.values(experiments).flatMap((steps) => Object.values(steps).map(({ session }) => session)));
  const kept = Object.fromEntries(Object.entries(sessions).filter(([name]) => named.has(name)));
  writeWhole(path, `${JSON.stringify({ sessions: kept, experiments }, undefined, 2)}\n`);
}

/** @param {string} path @param {string} text */
export function writeWhole(path, text) {
  const draft = `${path}.${process.pid}.tmp`;
  mkdirSync(dirname(path), { recursive: true });
  try {
    writeFileSync(draft, text);
    renameSync(draft, path);
  } finally {
    rmSync(draft, { force: true });
  }
}

/**
 * What is known of a step at its present settings; undefined if it was never begun with these.
 * @param {Results} results @param {string} experiment @param {{ readonly name: string, readonly settings: object }} step
 */
export function entryOf({ experiments }, experiment, { name, settings }) {
  const entry = experiments[experiment]?.[name];
  return entry && JSON.stringify(entry.settings) === JSON.stringify(settings) ? entry : undefined;
}

/** @param {Results} results @param {string} experiment @param {string} step @param {Entry} entry */
export function put({ experiments }, experiment, step, entry) {
  experiments[experiment] ??= {};
  experiments[experiment][step] = entry;
}
