// elbo traverse: what each latent of a trained model stands for.

import { loadRun } from "../../vae/run.node.ts";
import { deviceOptions, openDevice } from "../device.ts";
import { aroundOption, checkClass, classOption, imagesAround } from "../examples.ts";
import { checkPicture, writeWhole } from "../files.ts";
import { runDataOption } from "../images.ts";
import { type Command, command, flag, real, whole } from "../options.ts";
import { pictureOption, traversalPng } from "../pictures.ts";
import { note, print } from "../terminal.ts";

export const traverse: Command = command({
  name: "traverse",
  summary: "shows what single latents of a trained model stand for: each row changes one",
  operands: { run: "the directory of a run, as elbo train leaves it" },
  options: {
    data: runDataOption,
    around: aroundOption(1, "what the other latents are: those of a test image, or the prior's means, which are 0"),
    count: whole({ min: 1, max: 10_000, default: 32, help: "at most so many latents, those first that say most about the test images" }),
    steps: whole({ min: 2, max: 100, default: 11, help: "images of each latent" }),
    reach: real({ accepts: (x) => x > 0, wanted: "a number above 0", default: 3, help: "how far from 0 each latent goes, both ways" }),
    class: classOption("that of the test image with --around, else 0"),
    out: pictureOption("traversal.png"),
    ...deviceOptions,
    json: flag({ help: "print one JSON object per line: each row's latent and KL, then the end" }),
  },
  examples: ["elbo traverse runs/shapes-conv64-1 --around 3"],
  async run({ run, data, around, count, steps, reach, class: label, out, json, ...settings }) {
    checkPicture(out);
    const loaded = await loadRun(run);
    const { model } = loaded;
    checkClass(run, loaded, label);
    const images = await imagesAround(run, loaded, data, around);
    await using _device = await openDevice(settings);
    const place = around === "prior" ? around : around - 1;
    const asked = { count, columns: steps, reach, around: place, ...(label !== undefined && { label }) };
    const { png, latents, kl } = await traversalPng(model, images, asked);
    writeWhole(out, png);
    const rows = latents.map((latent, i) => `${latent} (${kl[i].toFixed(2)})`).join(", ");
    note(`each row changes one latent of ${run} from -${reach} to ${reach}; from the top, with the KL in nats that it carries:`);
    note(rows);
    for (const [row, latent] of json ? latents.entries() : []) print(JSON.stringify({ row: row + 1, latent, kl: kl[row] }));
    print(json ? JSON.stringify({ out, run, images: images.count, around, reach, steps }) : out);
  },
});
