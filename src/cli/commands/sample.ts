// elbo sample: pictures of what a trained model dreams up.

import { loadRun } from "../../vae/run.node.ts";
import { deviceOptions, openDevice } from "../device.ts";
import { checkPicture, writeWhole } from "../files.ts";
import { type Command, command, whole } from "../options.ts";
import { pictureOption, samplesPng } from "../pictures.ts";
import { note, print } from "../terminal.ts";

export const sample: Command = command({
  name: "sample",
  summary: "draws new images from a trained model",
  operands: { run: "the directory of a run, as elbo train leaves it" },
  options: {
    count: whole({ min: 1, max: 10_000, default: 64, help: "how many images" }),
    class: whole({
      ...{ min: 0, max: 255, default: undefined, shownDefault: "all in turn" },
      help: "of a conditional model: the class of all images, counted from 0",
    }),
    seed: whole({ min: 0, max: 2 ** 32 - 1, default: 1, help: "another seed, other images" }),
    out: pictureOption("samples.png"),
    ...deviceOptions,
  },
  examples: ["elbo sample runs/digits-dense-1 --count 100 --seed 2 --out hundred.png"],
  async run({ run, count, class: label, seed, out, ...settings }) {
    checkPicture(out);
    const { model } = await loadRun(run);
    if (label !== undefined && label >= model.classes) {
      throw new Error(
        `--class ${label}: ${model.classes === 0 ? `${run} is not conditional` : `${run} knows classes 0 to ${model.classes - 1}`}`,
      );
    }
    await using _device = await openDevice(settings);
    writeWhole(out, await samplesPng(model, count, seed, label));
    note(`${count} samples of ${run}, seed ${seed}:`);
    print(out);
  },
});
