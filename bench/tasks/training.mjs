// Asking for the training steps of a model, and for the phases of Elbo's: the part that the benches of the CPU share.
import { wrongLoss, wrongTraining } from "./judge.mjs";

/** @typedef {import("../engines/process.mjs").Engine} Engine @typedef {import("./findings.mjs").Findings} Findings */
/** @typedef {{ get(): Promise<{ folder: string, losses: readonly number[] }> }} Task */

/**
 * Who is slow times the steps that are judged, and is asked once.
 * @param {Findings} found @param {string} work @param {Task} task @param {readonly Engine[]} engines @param {number} rounds
 * @param {(engine: Engine) => boolean} isSlow
 */
export async function askToTrain(found, work, task, engines, rounds, isSlow = () => false) {
  const args = async (/** @type {Engine} */ one) => {
    const { folder } = await task.get();
    return ["--work", "train", "--folder", folder, ...(isSlow(one) ? ["--judged-only"] : [])];
  };
  await found.ask(
    work,
    engines,
    (one) => (isSlow(one) ? 1 : rounds),
    args,
    async (one, { losses, trainings, rss, description, ready }) => {
      const { losses: expected } = await task.get();
      for (const { how, ms, first, last } of trainings) {
        const wrong = wrongLoss(losses, expected, one.relative) ?? wrongTraining(first, last);
        if (wrong) found.fail(work, one, `wrong: ${wrong}`);
        else found.add(work, one, ms, { ...(how && { how }), ...(description && { description }), rss });
      }
      if (ready) found.add(`${work} start`, one, [ready], {}, work);
    },
  );
}

/** Each phase of a step, from one barrier to the next. @param {Findings} found @param {string} work @param {Task} task @param {readonly Engine[]} engines @param {number} rounds */
export async function askForPhases(found, work, task, engines, rounds) {
  const alone = engines.filter(({ engine, threads }) => engine === "Elbo" && threads === 1);
  const args = async () => ["--work", "profile", "--folder", (await task.get()).folder];
  await found.ask(
    work,
    alone,
    () => rounds,
    args,
    (one, { phases }) => {
      for (const [i, { what, flop, ms }] of phases.entries()) found.add(work, one, ms, { how: `${i + 1}: ${what}`, flop });
    },
  );
}
