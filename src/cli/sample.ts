// elbo sample: pictures of what a trained model dreams up.

import { loadRun } from "../vae/run.node.ts";
import { deviceOptions, openDevice } from "./device.ts";
import { checkPicture, writeWhole } from "./files.ts";
import { type Command, command, whole } from "./options.ts";
import { pictureOption, samplesPng } from "./pictures.ts";
import { note, print } from "./terminal.ts";

export const sample: Command = command({
  name: "sample",
  summary: "draws new images from a trained model",
  operands: { run: "the directory of a run, as elbo train leaves it" },
  options: {
    count: whole({ min: 1, max: 10_000, default: 64, help: "how many images" }),
    seed: whole({ min: 0, max: 2 ** 32 - 1, default: 1, help: "another seed, other images" }),
    out: pictureOption("samples.png"),
    ...deviceOptions,
  },
  examples: ["elbo sample runs/digits-dense-1 --count 100 --seed 2 --out hundred.png"],
  async run({ run, count, seed, out, ...settings }) {
    checkPicture(out);
    const { model } = await loadRun(run);
    await using _device = await openDevice(settings);
    writeWhole(out, await samplesPng(model, count, seed));
    note(`${count} samples of ${run}, seed ${seed}:`);
    print(out);
  },
});
