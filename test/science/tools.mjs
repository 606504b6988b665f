// What a step works with. Tiny: a few images and epochs, to see that all works; what comes out means nothing.
import { join } from "node:path";
import { activeUnits, encodeImages, loadRun, negativeLogLikelihood, pickImages, readImages, seenImages, sliceImages } from "elbo/node";
import { runName, trained } from "./training.mjs";
import { trainedHere } from "./training-here.mjs";

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
    /** The folder of a training's run, which is done then. @param {Training} training */
    async train({ data, options, epochs }) {
      const most = epochsOf(epochs);
      return await trained({
        ...{ scratch, data: folderOf(data), options: [...options, ...limitOf(options)], epochs: most, device, signal, uses },
        onEpoch(epoch) {
          standing({ epochs: epoch, of: most });
          progress(`training for ${most} epochs`, epoch / most);
        },
      });
    },

    /**
     * The same for a training by the library: a data set by its name, words that say all that decides what comes out, and what they mean.
     * @param {Pick<import("./training-here.mjs").Here, "make"> & Training & { meaning(train: Images): Pick<import("./training-here.mjs").Here, "options" | "record"> }} training
     * @param {number} [before] epochs
     */
    async trainHere({ data, options, epochs, make, meaning }, before) {
      const all = this.images(data);
      const run = async (/** @type {number} */ n, /** @type {string | undefined} */ from) => {
        const name = runName({ data, options: [...options, ...(isTiny ? ["tiny"] : [])], epochs: epochsOf(n) });
        const out = join(scratch, name);
        uses(name);
        await trainedHere({
          ...{ out, from, epochs: epochsOf(n), data: all, make, signal, ...meaning(all.train) },
          onStep: (done) => progress(`training for ${epochsOf(n)} epochs`, done / epochsOf(n)),
          onEpoch: (epoch) => standing({ epochs: epoch, of: epochsOf(n) }),
        });
        return out;
      };
      return await run(epochs, before === undefined ? undefined : await run(before, undefined));
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
        Array.from({ length: some }, (_, i) => Math.floor((i * (seen.count - 1)) / (some - 1))), // NumPy's linspace
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
