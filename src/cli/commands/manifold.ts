// elbo manifold: the pictures on a plane of two latents.

import { latentManifold } from "../../vae/index.ts";
import { loadRun } from "../../vae/run.node.ts";
import { deviceOptions, openDevice } from "../device.ts";
import { aroundOption, checkClass, classOption, imagesAround } from "../examples.ts";
import { checkPicture, writeWhole } from "../files.ts";
import { runDataOption } from "../images.ts";
import { type Command, command, flag, type Option, whole } from "../options.ts";
import { gridPng, pictureOption } from "../pictures.ts";
import { note, print } from "../terminal.ts";

const latentsOption: Option<readonly [number, number] | "auto" | undefined> = {
  placeholder: "I,J|auto",
  default: undefined,
  shownDefault: "0,1, of a model that has no others",
  wanted: "the numbers of two different latents, from 0, with a comma between, or auto",
  help: "the latents across and up; auto takes the two with the highest KL on the test images",
  read: (text) => {
    if (text === "auto") return text;
    const [, i, j] = /^(\d{1,5}),(\d{1,5})$/.exec(text) ?? [];
    return i !== undefined && Number(i) !== Number(j) ? [Number(i), Number(j)] : undefined;
  },
};

export const manifold: Command = command({
  name: "manifold",
  summary: "shows the plane of a trained model's two latents, or of two of them",
  operands: { run: "the directory of a run, as elbo train leaves it" },
  options: {
    data: runDataOption,
    latents: latentsOption,
    around: aroundOption("prior", "what the other latents are: those of a test image, or the prior's means, which are 0"),
    steps: whole({ min: 2, max: 100, default: 20, help: "images on each side" }),
    class: classOption("that of the test image with --around, else 0"),
    out: pictureOption("manifold.png"),
    ...deviceOptions,
    json: flag({ help: "print one JSON object: where the picture is, and what is on it" }),
  },
  examples: ["elbo train --latent 2 --out runs/plane", "elbo manifold runs/plane", "elbo manifold runs/shapes-conv64-1 --latents auto"],
  async run({ run, data, latents, around, steps, class: label, out, json, ...settings }) {
    checkPicture(out);
    const loaded = await loadRun(run);
    const { model } = loaded;
    checkClass(run, loaded, label);
    if (latents === undefined && model.latent > 2) {
      const advice = `name two with --latents I,J, or --latents auto; elbo traverse ${run} shows each`;
      throw new Error(`${run}: ${model.latent} latents are no plane: ${advice}`);
    }
    const beyond = Array.isArray(latents) ? latents.find((j) => j >= model.latent) : undefined;
    if (beyond !== undefined) throw new Error(`--latents ${latents}: ${run} has latents 0 to ${model.latent - 1}`);
    const needed = latents === "auto" || around !== "prior";
    const images = needed ? await imagesAround(run, loaded, data, around) : undefined;
    await using _device = await openDevice(settings);
    const place = around === "prior" ? around : around - 1;
    const plane = await latentManifold(model, { steps, label, around: place, ...(latents && { latents }) }, images);
    writeWhole(out, gridPng(model, plane.pictures, steps));
    const [across, up] = plane.latents;
    const end = plane.at[steps - 1];
    const others = model.latent === 2 ? "" : `; the others are ${around === "prior" ? "0" : `those of test image ${around}`}`;
    note(`latent ${across} of ${run} from ${(-end).toFixed(2)} on the left to ${end.toFixed(2)}, latent ${up} so from below${others};`);
    note("between any two lines of images lies as much of the prior:");
    print(json ? JSON.stringify({ out, run, latents: plane.latents, around, at: Array.from(plane.at), class: label ?? null }) : out);
  },
});
