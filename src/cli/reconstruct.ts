// elbo reconstruct: images beside what a trained model keeps of them.

import { existsSync } from "node:fs";
import { loadRun } from "../vae/run.node.ts";
import { isDrawn, readTestImages } from "./data.ts";
import { deviceOptions, openDevice } from "./device.ts";
import { checkPicture, writeWhole } from "./files.ts";
import { type Command, command, text, whole } from "./options.ts";
import { pictureOption, reconstructionsPng } from "./pictures.ts";
import { note, print } from "./terminal.ts";

export const reconstruct: Command = command({
  name: "reconstruct",
  summary: "shows images, and under each what a trained model makes of it",
  operands: { run: "the directory of a run, as elbo train leaves it" },
  options: {
    data: text("digits|shapes|DIR", {
      default: undefined,
      shownDefault: "what the run was trained on",
      help: "where the images come from",
    }),
    count: whole({ min: 1, max: 10_000, default: undefined, shownDefault: "16, or all there are", help: "how many of the test images" }),
    out: pictureOption("reconstructions.png"),
    ...deviceOptions,
  },
  examples: ["elbo reconstruct runs/digits-dense-1 --data path/to/mnist"],
  async run({ run, data, count, out, ...settings }) {
    checkPicture(out);
    const { model, config } = await loadRun(run);
    const source = data ?? config.training?.["data"];
    if (typeof source !== "string") throw new Error(`${run}: does not say what it was trained on; name it with --data`);
    if (data === undefined && !isDrawn(source) && !existsSync(source)) {
      throw new Error(`${source}: the data of the run is there no longer; name it with --data`);
    }
    const [height, width, channels] = model.shape;
    // As the model takes them: what it was trained on comes out as it was then, and other pictures are resized and recoloured.
    const fit = { size: height === width ? height : undefined, channels: channels === 1 || channels === 3 ? channels : undefined } as const;
    const images = await readTestImages(source, count, fit);
    await using _device = await openDevice(settings);
    writeWhole(out, await reconstructionsPng(model, images));
    note(`${images.count} images of ${images.name}, and under each what ${run} makes of it:`);
    print(out);
  },
});
