// elbo sample: pictures of what a trained model dreams up.

import { type Images, pickImages } from "../../data/index.ts";
import { fitLatents, sampleImages, sampleMixtures } from "../../vae/index.ts";
import { loadRun } from "../../vae/run.node.ts";
import { deviceOptions, openDevice } from "../device.ts";
import { checkClass, classOption, isAutoencoder, trainingAndTest } from "../examples.ts";
import { checkPicture, writeWhole } from "../files.ts";
import { runDataOption } from "../images.ts";
import { type Command, choice, command, flag, real, UsageError, type ValuesOf, whole } from "../options.ts";
import { gridPng, pictureOption } from "../pictures.ts";
import { note, print } from "../terminal.ts";

const CODES = 10_000; // plenty for a few Gaussians; the time that they take grows with it

const options = {
  count: whole({ min: 1, max: 10_000, default: 64, help: "how many images" }),
  class: classOption("all in turn"),
  from: choice(["prior", "mixture"], {
    default: "prior",
    help: "where latents are drawn: the prior, or a mixture of Gaussians fitted to the codes of the training images",
  }),
  components: whole({ min: 1, max: 1000, default: undefined, shownDefault: "10", help: "mixture: how many Gaussians" }),
  data: { ...runDataOption, help: "mixture: where the images come from whose codes it is fitted to" },
  limit: whole({
    ...{ min: 1, max: 1_000_000, default: undefined, shownDefault: `${CODES}` },
    help: "mixture: fit it to so many training images, at equal distances among all",
  }),
  temperature: real({
    ...{ accepts: (x: number) => x > 0, wanted: "a number above 0", default: 1 },
    help: "multiplies the standard deviation that latents are drawn with: below 1 fewer oddities, less variety",
  }),
  values: flag({ help: "draw the values of the images too, x ~ p(x|z), instead of showing their means" }),
  seed: whole({ min: 0, max: 2 ** 32 - 1, default: 1, help: "another seed, other images" }),
  out: pictureOption("samples.png"),
  ...deviceOptions,
  json: flag({ help: "print one JSON object: where the picture is, and what is on it" }),
};

export const sample: Command = command({
  name: "sample",
  summary: "draws new images from a trained model",
  operands: { run: "the directory of a run, as elbo train leaves it" },
  options,
  examples: [
    "elbo sample runs/digits-dense-1 --count 100 --seed 2 --out hundred.png",
    "elbo sample runs/digits-dense-1 --from mixture --components 20",
  ],
  async run({ run, out, json, ...settings }) {
    const { count, class: label, from, temperature, values, seed } = settings;
    checkMixture(settings);
    checkPicture(out);
    const loaded = await loadRun(run);
    const { model } = loaded;
    checkClass(run, loaded, label);
    await using _device = await openDevice(settings);
    const asked = { count, seed, label, temperature, values };
    let fitted = {};
    let pictures: Float32Array;
    if (from === "mixture") {
      const { components = 10, data, limit = CODES } = settings;
      const train = spread((await trainingAndTest(run, loaded, data)).train, limit);
      const codes = isAutoencoder(loaded) ? "means" : "samples";
      const mixtures = await fitLatents(model, train, { components, seed, codes, label });
      pictures = await sampleMixtures(model, mixtures, asked);
      fitted = { components, images: train.count, codes };
      const each = mixtures.size > 1 ? " for each class" : "";
      note(`a mixture of ${components}${each}, fitted to codes of ${train.count} training images of ${train.name}`);
    } else {
      if (isAutoencoder(loaded)) note(`${run} is an autoencoder: nothing held its codes to the prior; --from mixture draws where they are`);
      pictures = await sampleImages(model, asked);
    }
    writeWhole(out, gridPng(model, pictures));
    const cooled = temperature === 1 ? "" : `, temperature ${temperature}`;
    note(`${count} samples of ${run}, seed ${seed}${cooled}${values ? ", values drawn" : ""}:`);
    print(json ? JSON.stringify({ out, run, from, ...fitted, count, class: label ?? null, temperature, values, seed }) : out);
  },
});

/** So many of the images, if there are more: at equal distances, because files may be in the order of their classes. */
function spread(images: Images, most: number): Images {
  if (images.count <= most) return images;
  return pickImages(
    images,
    Array.from({ length: most }, (_, i) => Math.floor((i * images.count) / most)),
  );
}

function checkMixture({ from, components, data, limit }: Pick<ValuesOf<typeof options>, "from" | "components" | "data" | "limit">): void {
  if (from === "mixture") return;
  const useless = Object.entries({ components, data, limit }).find(([, value]) => value !== undefined);
  if (useless) throw new UsageError(`--${useless[0]}: of no use without --from mixture`);
}
