// elbo interpolate: what lies between images, for a trained model.

import { type Images, pickImages } from "../../data/index.ts";
import { type Interpolation, interpolateImages, type Vae } from "../../vae/index.ts";
import { loadRun } from "../../vae/run.node.ts";
import { stream } from "../../vae/statistics/random.ts";
import { ways } from "../../vae/tasks/interpolate.ts";
import { deviceOptions, openDevice } from "../device.ts";
import { checkClass, classOf, classOption, firstImages, numberedImages, numbers } from "../examples.ts";
import { checkPicture, writeWhole } from "../files.ts";
import { runDataOption } from "../images.ts";
import { type Command, choice, command, flag, UsageError, whole } from "../options.ts";
import { animationPng, gridPng, pictureOption, valuesIn } from "../pictures.ts";
import { note, print } from "../terminal.ts";

const STEPS = { strip: 10, sheet: 10, loop: 20 };

export const interpolate: Command = command({
  name: "interpolate",
  summary: "shows what a trained model sees between two images, or between four",
  operands: { run: "the directory of a run, as elbo train leaves it" },
  options: {
    data: runDataOption,
    between: numbers({
      help: "two test images, or the four corners of a sheet: above left and right, below left and right",
      shownDefault: "two of the first 16, of different classes, chosen by the seed",
      wanted: "two or four different numbers of test images, from 1, with commas between",
      accepts: (list) => (list.length === 2 || list.length === 4) && new Set(list).size === list.length,
    }),
    sheet: flag({ help: "choose four images instead of two" }),
    method: choice(ways, { default: "spherical", help: "a straight line; or turning from one direction to the other, lengths straight" }),
    steps: whole({
      ...{ min: 2, max: 200, default: undefined, shownDefault: "10; with --animate 20" },
      help: "images of a strip or of each side of a sheet, both ends counted; frames from one image to the next",
    }),
    animate: flag({ help: "write an animation that goes from each image to the next and from the last to the first" }),
    class: classOption("that of the nearest image"),
    seed: whole({ min: 0, max: 2 ** 32 - 1, default: 1, help: "of the choice of images" }),
    out: pictureOption("interpolation.png"),
    ...deviceOptions,
    json: flag({ help: "print one JSON object: where the picture is, and what is on it" }),
  },
  examples: [
    "elbo interpolate runs/digits-dense-1 --between 3,8",
    "elbo interpolate runs/digits-dense-1 --sheet --animate --out moving.png",
  ],
  async run({ run, data, between, sheet, method, animate, class: label, seed, out, json, ...settings }) {
    if (sheet && between?.length === 2) throw new UsageError("--sheet: four images make one, but --between names two");
    checkPicture(out);
    const loaded = await loadRun(run);
    const { model } = loaded;
    checkClass(run, loaded, label);
    const pool = between ? undefined : await firstImages(run, loaded, data, undefined);
    const chosen = between ?? different(pool!, sheet ? 4 : 2, seed);
    const places = chosen.map((n) => n - 1);
    const images = pool ? pickImages(pool, places) : await numberedImages(run, loaded, data, chosen, "--between");
    await using _device = await openDevice(settings);
    const ends = chosen.length === 4 ? "sheet" : "strip";
    const form = animate ? "loop" : ends;
    const steps = settings.steps ?? STEPS[form];
    const made = await interpolateImages(model, images, { way: method, steps, form, label });
    writeWhole(out, drawn(model, images, made, form, steps));
    note(told(form, images, chosen, run, method));
    print(json ? JSON.stringify({ out, run, form, between: chosen, method, steps, class: label ?? null }) : out);
  },
});

/** A strip has the true images at its ends; a sheet and an animation are the model's alone. */
function drawn(model: Vae, images: Images, { pictures, columns }: Interpolation, form: keyof typeof STEPS, steps: number): Uint8Array {
  if (form === "loop") return animationPng(model, pictures, (i) => i % steps === 0);
  if (form === "sheet") return gridPng(model, pictures, columns);
  const originals = valuesIn(images);
  const size = originals.length / 2;
  const strip = new Float32Array(pictures.length + originals.length);
  strip.set(originals.subarray(0, size), 0);
  strip.set(pictures, size);
  strip.set(originals.subarray(size), size + pictures.length);
  return gridPng(model, strip, columns + 2);
}

function told(form: keyof typeof STEPS, images: Images, chosen: readonly number[], run: string, method: string): string {
  const names = chosen.map((n, i) => (images.labels ? `${n} (class ${classOf(images, i)})` : `${n}`));
  const all = `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
  const what = {
    strip: `between test images ${all}, which stand at the ends as they are`,
    sheet: `between test images ${all}, in the corners as the model reconstructs them: above left and right, below left and right`,
    loop: `from each of test images ${all} to the next, over and over`,
  }[form];
  return `what ${run} sees ${what}; ${method}:`;
}

/** The numbers of some images, from 1: of different classes, as long as there are any left. */
function different({ labels, count, name }: Images, wanted: number, seed: number): number[] {
  if (count < wanted) throw new Error(`${name} has ${count} test images; ${wanted} are needed`);
  const random = stream(seed);
  const chosen: number[] = [];
  while (chosen.length < wanted) {
    const left = Array.from({ length: count }, (_, i) => i).filter((i) => !chosen.includes(i));
    const others = left.filter((i) => chosen.every((c) => labels?.[c] !== labels?.[i]));
    const from = labels && others.length > 0 ? others : left;
    chosen.push(from[random.below(from.length)]);
  }
  return chosen.map((i) => i + 1);
}
