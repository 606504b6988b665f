// elbo reconstruct: images beside what a trained model keeps of them, and what it loses.

import { reconstructions } from "../../vae/index.ts";
import { loadRun } from "../../vae/run.node.ts";
import { deviceOptions, openDevice } from "../device.ts";
import { classOf, firstImages, isAutoencoder } from "../examples.ts";
import { checkPicture, writeWhole } from "../files.ts";
import { runDataOption } from "../images.ts";
import { type Command, command, flag, whole } from "../options.ts";
import { errorsPng, pictureOption } from "../pictures.ts";
import { note, print } from "../terminal.ts";

export const reconstruct: Command = command({
  name: "reconstruct",
  summary: "shows images, what a trained model makes of each, and where both differ",
  operands: { run: "the directory of a run, as elbo train leaves it" },
  options: {
    data: runDataOption,
    count: whole({ min: 1, max: 10_000, default: undefined, shownDefault: "16, or all there are", help: "how many of the test images" }),
    out: pictureOption("reconstructions.png"),
    ...deviceOptions,
    json: flag({ help: "print one JSON object per line: each image's figures, then the end" }),
  },
  examples: ["elbo reconstruct runs/digits-dense-1 --data path/to/mnist"],
  async run({ run, data, count, out, json, ...settings }) {
    checkPicture(out);
    const loaded = await loadRun(run);
    const images = await firstImages(run, loaded, data, count);
    await using _device = await openDevice(settings);
    const made = await reconstructions(loaded.model, images);
    const { png, most } = errorsPng(loaded.model, images, made);
    writeWhole(out, png);
    const { reconstruction, squaredError } = made;
    const kl = isAutoencoder(loaded) ? undefined : made.kl; // it has no q(z|x) that one could ask for
    const average = { reconstruction: mean(reconstruction), kl: kl ? mean(kl) : null, squaredError: mean(squaredError) };

    note(`${images.count} images of ${images.name}, under each what ${run} makes of it, and the error |x - picture|,`);
    note(`from 0 (black) through red to ${most.toFixed(3)} (light yellow), the largest here`);
    const inNats = `-log p(x|z) ${average.reconstruction.toFixed(2)}${kl ? `, KL ${mean(kl).toFixed(2)}` : ""} nats`;
    note(`on average, at the means of q(z|x): ${inNats}, squared error ${average.squaredError.toFixed(3)}`);
    if (!json) return print(out);
    for (let i = 0; i < images.count; i++) {
      const figures = { reconstruction: reconstruction[i], kl: kl?.[i] ?? null, squaredError: squaredError[i] };
      print(JSON.stringify({ image: i + 1, class: classOf(images, i) ?? null, ...figures }));
    }
    print(JSON.stringify({ out, run, images: images.count, largestError: most, mean: average }));
  },
});

const mean = (values: Float32Array): number => values.reduce((sum, v) => sum + v, 0) / values.length;
