// Trainings by the library, for what the command has no options for. They are runs like those of the command, and are resumed as well.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describeData, loadTraining, saveRun, train } from "elbo/node";

/**
 * `from`: a run with fewer epochs, which is gone on with. `make` gives the model at its beginning; `options` and `record` are those of the training, for
 * the library and for the run's config.
 * @typedef {{ out: string, from: string | undefined, epochs: number, data: { train: Images, test: Images }, make(train: Images): Vae,
 *   options: import("elbo/node").TrainOptions, record: Readonly<Record<string, unknown>>, signal: AbortSignal,
 *   onStep(epochs: number): void, onEpoch(epoch: number): void }} Here
 * @typedef {import("elbo/node").Images} Images @typedef {import("elbo/node").Vae} Vae
 */

/** Trains, or goes on, or finds that it was done before. @param {Here} here */
export async function trainedHere({ out, from, epochs, data, make, options, record, signal, onStep, onEpoch }) {
  signal.throwIfAborted();
  const begun = existsSync(join(out, "config.json")) ? out : from;
  const { model, state, metrics } =
    begun === undefined ? { model: make(data.train), state: undefined, metrics: [] } : await loadTraining(begun);
  try {
    if (state?.epoch === epochs) return;
    const lines = metrics.slice(0, state?.epoch ?? 0);
    const events = train(model, data, { ...options, epochs, signal, resume: state });
    const { objective } = options;
    const save = async () =>
      await saveRun(out, {
        ...{ model, training: { ...record, epochs }, ...(objective && { objective }) },
        ...{ data: describeData(data), metrics: lines, state: await events.state() },
      });
    for await (const event of events) {
      if (event.type === "step") onStep(event.epoch - 1 + event.step / event.stepsPerEpoch);
      if (event.type === "epoch") {
        const { epoch, train: trained, test, seconds } = event;
        lines.push({ epoch, train: trained, test, seconds });
        await save();
        onEpoch(epoch);
      }
      if (event.type === "end" && signal.aborted) await save();
    }
    signal.throwIfAborted();
  } finally {
    model.dispose();
  }
}
