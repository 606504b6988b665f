// elbo traverse: what each latent of a trained model stands for.

import { loadRun } from "../../vae/run.node.ts";
import { deviceOptions, openDevice } from "../device.ts";
import { checkPicture, writeWhole } from "../files.ts";
import { imagesFor, runDataOption } from "../images.ts";
import { type Command, command, type Option, whole } from "../options.ts";
import { pictureOption, traversalPng } from "../pictures.ts";
import { note, print } from "../terminal.ts";

const aroundOption: Option<number | "prior"> = {
  placeholder: "N|prior",
  default: 1,
  wanted: `the number of a test image, from 1, or "prior"`,
  help: "what the other latents are: those of a test image, or the prior's means, which are 0",
  read: (text) => (text === "prior" ? text : whole({ min: 1, max: 10_000, default: 1, help: "" }).read(text)),
};

export const traverse: Command = command({
  name: "traverse",
  summary: "shows what single latents of a trained model stand for: each row changes one",
  operands: { run: "the directory of a run, as elbo train leaves it" },
  options: {
    data: runDataOption,
    around: aroundOption,
    count: whole({ min: 1, max: 10_000, default: 32, help: "at most so many latents, those first that say most about the test images" }),
    out: pictureOption("traversal.png"),
    ...deviceOptions,
  },
  examples: ["elbo traverse runs/shapes-conv64-1 --around 3"],
  async run({ run, data, around, count, out, ...settings }) {
    checkPicture(out);
    const { model, ...rest } = await loadRun(run);
    const images = await imagesFor(run, { model, ...rest }, data, around === "prior" || around <= 16 ? undefined : around);
    await using _device = await openDevice(settings);
    const { png, latents, kl } = await traversalPng(model, images, { count, around: around === "prior" ? around : around - 1 });
    writeWhole(out, png);
    const rows = latents.map((latent, i) => `${latent} (${kl[i].toFixed(2)})`).join(", ");
    note(`each row changes one latent of ${run} from -3 to 3; from the top, with the KL in nats that it carries:`);
    note(rows);
    print(out);
  },
});
