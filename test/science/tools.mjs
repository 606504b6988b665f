// What a step works with. Tiny: a few images and epochs, to see that all works; what comes out means nothing.
import { activeUnits, encodeImages, loadRun, negativeLogLikelihood, pickImages, readImages, seenImages, sliceImages } from "elbo/node";
import { trained } from "./training.mjs";

/** @typedef {import("elbo/node").Images} Images @typedef {import("elbo/node").Vae} Vae */
/**
 * @typedef {{ readonly data: string, readonly options: readonly string[], readonly epochs: number }} Training a data set by its name
 * @typedef {ReturnType<typeof tools>} Tools
 */

/**
 * @param {{ folderOf(data: string): string, scratch: string, device: readonly string[], isTiny: boolean, signal: AbortSignal }} where
 * @param {import("./runner.mjs").Report} report
 */
export function tools({ folderOf, scratch, device, isTiny, signal }, { standing, progress, uses }) {
  const limitOf = (/** @type {readonly string[]} */ options) => (isTiny ? ["--limit", options.includes("--only") ? "3000" : "300"] : []);
  const epochsOf = (/** @type {number} */ n) => (isTiny ? Math.ceil(Math.log2(n + 1)) : n); // more stays more

  return {
    /** The folder of a training's run, which is done then. @param {Training} training @param {Training} [before] the same, for fewer epochs, which was done before */
    async train({ data, options, epochs }, before) {
      const all = [...options, ...limitOf(options)];
      const run = (/** @type {number} */ n, /** @type {string | undefined} */ from) =>
        trained({
          ...{ scratch, data: folderOf(data), options: all, epochs: epochsOf(n), from, device, signal, uses },
          onEpoch(epoch) {
            standing({ epochs: epoch, of: epochsOf(n) });
            progress(`training for ${epochsOf(n)} epochs`, epoch / epochsOf(n));
          },
        });
      return await run(epochs, before && (await run(before.epochs, undefined)));
    },

    /** The run's model, which is to be disposed, and its metrics, a record for each epoch. @param {string} run */
    async load(run) {
      signal.throwIfAborted();
      const { model, metrics } = await loadRun(run);
      return { model, metrics: /** @type {any[]} */ (metrics) };
    },

    /** All images of a data set. @param {string} data @returns {{ train: Images, test: Images }} */
    images(data) {
      const { train, test } = readImages(folderOf(data));
      if (!test) throw new Error(`${folderOf(data)}: no test images`);
      return isTiny ? { train: sliceImages(train, 0, 600), test: sliceImages(test, 0, 200) } : { train, test };
    },

    /**
     * -log p(x) of images from all over the test set, and active units over all of it, as models of zeros and ones see them.
     * @param {Vae} model @param {string} data @param {{ samples: number, count: number }} settings
     */
    async likelihood(model, data, { samples, count }) {
      const seen = seenImages(this.images(data).test, "dynamic");
      const some = isTiny ? 20 : count;
      const spaced = pickImages(
        seen,
        Array.from({ length: some }, (_, i) => Math.floor((i * seen.count) / some)),
      );
      const onProgress = (/** @type {number} */ done, /** @type {number} */ all) => progress("-log p(x)", done / all);
      const nll = await negativeLogLikelihood(model, spaced, { samples: isTiny ? 50 : samples, signal, onProgress });
      const { mean } = await encodeImages(model, seen);
      return { nll: nll.mean, standardError: nll.standardError, bias: nll.bias, activeUnits: activeUnits(mean, model.latent) };
    },

    /** Says what is going on, and how much of it is done. @param {string} what @param {number} part */
    tell(what, part) {
      signal.throwIfAborted();
      progress(what, part);
    },
  };
}
