// elbo reconstruct: images beside what a trained model keeps of them.

import { loadRun } from "../../vae/run.node.ts";
import { deviceOptions, openDevice } from "../device.ts";
import { checkPicture, writeWhole } from "../files.ts";
import { imagesFor, runDataOption } from "../images.ts";
import { type Command, command, whole } from "../options.ts";
import { pictureOption, reconstructionsPng } from "../pictures.ts";
import { note, print } from "../terminal.ts";

export const reconstruct: Command = command({
  name: "reconstruct",
  summary: "shows images, and under each what a trained model makes of it",
  operands: { run: "the directory of a run, as elbo train leaves it" },
  options: {
    data: runDataOption,
    count: whole({ min: 1, max: 10_000, default: undefined, shownDefault: "16, or all there are", help: "how many of the test images" }),
    out: pictureOption("reconstructions.png"),
    ...deviceOptions,
  },
  examples: ["elbo reconstruct runs/digits-dense-1 --data path/to/mnist"],
  async run({ run, data, count, out, ...settings }) {
    checkPicture(out);
    const loaded = await loadRun(run);
    const images = await imagesFor(run, loaded, data, count);
    await using _device = await openDevice(settings);
    writeWhole(out, await reconstructionsPng(loaded.model, images));
    note(`${images.count} images of ${images.name}, and under each what ${run} makes of it:`);
    print(out);
  },
});
