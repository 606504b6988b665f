// Does what is left of some experiments, step by step, and writes down each result as soon as it is there.
import { existsSync } from "node:fs";
import { foundOf, isMiss, judged, shown, wanted } from "./experiment.mjs";
import { minutes, minutesOf } from "./plan.mjs";
import { entryOf, put, readResults, writeResults } from "./results.mjs";

/** @typedef {import("./experiment.mjs").Experiment} Experiment @typedef {import("./experiment.mjs").Step} Step */

/**
 * `path` is the file of results, `folderOf` the folder of a data set, `toolsFor` what a step is given, for a step that reports where it stands.
 * @typedef {{ path: string, session: import("./results.mjs").Session, signal: AbortSignal, print(line: string): void, live(line: string): void,
 *   folderOf(data: string): string, toolsFor(report: Report): import("./tools.mjs").Tools }} Where
 * @typedef {{ standing(standing: import("./results.mjs").Standing): void, progress(what: string, part: number): void, uses(run: string): void }} Report
 */

/** Returns the exit code: 0, or 1 if a figure is missed or a step failed, or 130 if it was interrupted. @param {readonly Experiment[]} experiments @param {Where} where */
export async function runAll(experiments, where) {
  const { path, signal, print, folderOf } = where;
  let failures = 0;
  let left = experiments.flatMap((experiment) => experiment.steps.map((step) => ({ experiment, step })));
  left = left.filter(({ experiment, step }) => existsSync(folderOf(experiment.data)) && !isDone(path, experiment, step));
  for (const experiment of experiments) {
    print(`${experiment.name}: ${experiment.title}`);
    if (!existsSync(folderOf(experiment.data))) {
      print(`  skipped: there is no ${folderOf(experiment.data)}; ELBO_DATA names the folder that holds ${experiment.data}`);
      continue;
    }
    try {
      for (const step of experiment.steps) {
        if (isDone(path, experiment, step)) continue;
        left = left.filter((other) => other.step !== step);
        await runStep(experiment, step, { ...where, after: minutesOf(readResults(path), left) });
      }
    } catch (error) {
      if (signal.aborted) {
        print("  stopped; the same command goes on from here");
        return 130;
      }
      print(`  FAILED: ${/** @type {Error} */ (error).message}`);
      failures++;
    }
    for (const one of judged(experiment, foundOf(readResults(path), experiment))) {
      if (one.verdict === "open") continue;
      const beside = wanted(one.figure) && `, wanted ${wanted(one.figure)}`;
      const verdict = one.verdict === "shown" ? "" : `: ${isMiss(one) ? "MISSED" : one.verdict}`;
      print(`  ${one.figure.name}: ${shown(one)}${beside}${verdict}`);
      if (isMiss(one)) failures++;
    }
  }
  return failures > 0 ? 1 : 0;
}

/** @param {string} path @param {Experiment} experiment @param {Step} step */
const isDone = (path, { name }, step) => entryOf(readResults(path), name, step)?.figures !== undefined;

/** @param {Experiment} experiment @param {Step} step @param {Where & { after: number }} where */
async function runStep(experiment, step, { path, session, signal, print, live, toolsFor, after }) {
  signal.throwIfAborted();
  const name = `${experiment.name}, ${step.name}`;
  const { settings } = step;
  const before = entryOf(readResults(path), experiment.name, step);
  const runs = new Set(before?.runs);
  const started = performance.now();
  /** @param {Partial<import("./results.mjs").Entry>} what */
  const write = (what) => {
    const results = readResults(path); // another runner may have written meanwhile
    const seconds = Math.round((before?.seconds ?? 0) + (performance.now() - started) / 1000);
    results.sessions[session.machine.date] = session;
    put(results, experiment.name, step.name, { settings, session: session.machine.date, seconds, runs: [...runs], ...what });
    writeResults(path, results);
    return seconds;
  };
  let first = { what: "", part: 0, at: 0 };
  const tools = toolsFor({
    standing: (standing) => write({ standing }),
    uses: (run) => runs.add(run),
    progress(what, part) {
      const at = performance.now();
      if (what !== first.what) first = { what, part, at };
      // Of what is interrupted a part was done before: the time goes by what was done since.
      const left = part > first.part ? ((at - first.at) / (part - first.part)) * (1 - part) : undefined;
      const rest = left === undefined ? "" : `, ${minutes(left / 60_000)} left`;
      live(`  ${step.name}: ${what}, ${Math.floor(100 * part)} %${rest}${after > 0 ? `; then about ${minutes(after)} more` : ""}`);
    },
  });
  live(`  ${step.name}`);
  try {
    const figures = await step.run(tools);
    const seconds = write({ figures });
    live("");
    print(`  ${step.name}: done in ${minutes(seconds / 60)}${after > 0 ? `; about ${minutes(after)} to go` : ""}`);
  } catch (error) {
    live("");
    throw signal.aborted ? error : new Error(`${name}: ${/** @type {Error} */ (error).message}`, { cause: error });
  }
}
