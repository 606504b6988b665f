// elbo anomaly: how well a trained model tells what is unlike its training images, by several scores, each with a threshold.

import type { Images } from "../../data/index.ts";
import { detector, judge, type Run, type Share, scoreNames, scores } from "../../vae/index.ts";
import { loadRun } from "../../vae/run.node.ts";
import { anomalyFiles, type Found, type Judged } from "../anomaly/files.ts";
import { type Parts, partsOf } from "../anomaly/parts.ts";
import { busy } from "../codes.ts";
import { deviceOptions, openDevice } from "../device.ts";
import { isAutoencoder } from "../examples.ts";
import { checkFolder, folderOption, writeFolder } from "../folder.ts";
import { runDataOption } from "../images.ts";
import { type Command, choice, command, flag, real, text, whole } from "../options.ts";
import { note, print } from "../terminal.ts";

export const anomaly: Command = command({
  name: "anomaly",
  summary: "scores images by how unlike the training images they are, with thresholds for a wanted rate of false alarms",
  operands: { run: "the directory of a run, as elbo train leaves it; best one of normal images alone: elbo train --only CLASS" },
  options: {
    data: { ...runDataOption, help: "images to look for anomalies in; with --normal also the normal ones come from there" },
    normal: text("CLASS", {
      default: undefined,
      shownDefault: "that of --only in training, else all",
      help: "the class that is normal, by its number or name; the others are the anomalies to be found",
    }),
    "false-alarms": real({
      ...{ accepts: (x: number) => x > 0 && x < 1, wanted: "a number between 0 and 1", default: 0.01 },
      help: "share of normal images that may score above the threshold",
    }),
    samples: whole({ min: 1, max: 10_000, default: 16, help: "latents of each image, for the scores bound and likelihood" }),
    score: {
      ...choice(scoreNames, { default: "squared", help: `whose worst cases are drawn: ${scoreNames.join(", ")}` }),
      placeholder: "NAME",
    },
    limit: whole({ min: 1, max: 1_000_000, default: undefined, shownDefault: "all", help: "the first N images of each part" }),
    seed: whole({ min: 0, max: 2 ** 32 - 1, default: 1, help: "of the latents that are drawn" }),
    json: flag({ help: "one JSON object per score, then one with the files, instead of a table" }),
    out: folderOption("anomaly"),
    ...deviceOptions,
  },
  examples: ["elbo anomaly runs/digits-only-3-dense-1", "elbo anomaly runs/mnist-dense-1 --data path/to/fashion-mnist"],
  async run({ run, data, normal, "false-alarms": rate, samples, score, limit, seed, json, out, ...settings }) {
    checkFolder(out);
    const loaded = await loadRun(run);
    const names = scoreNames.filter((name) => !(isAutoencoder(loaded) && scores[name].needsNoise));
    if (!names.includes(score)) throw new Error(`--score ${score}: ${run} was trained without noise, so that it says nothing`);
    const parts = await partsOf(run, loaded, { data, normal, limit });
    await using _device = await openDevice(settings);
    const found = await scored(loaded, parts, { samples, seed });
    const judged = names.map((name) => ({ name, ...judge(found.normal[name], found.others?.[name], rate) }));
    const files = writeFolder(out, await anomalyFiles({ run, model: loaded.model, parts, found, judged, score }));
    if (json) {
      for (const { name, ...rest } of judged) print(JSON.stringify({ score: name, ...rest }));
      return print(JSON.stringify({ run, normal: parts.normal.count, others: parts.others?.count ?? 0, files }));
    }
    note(`normal: ${parts.what}; ${parts.train.count} to learn from, ${parts.normal.count} to place thresholds and to judge them`);
    if (parts.others) note(`anomalies: ${parts.otherwise}, ${parts.others.count} images`);
    else note("no image is known to be an anomaly; --normal CLASS or --data say which are");
    print(table(judged));
    for (const file of files) print(file);
  },
});

async function scored({ model }: Run, { train, normal, others }: Parts, options: { samples: number; seed: number }): Promise<Found> {
  const { score } = await busy(`learning from ${train.count} normal images`, () => detector(model, train, options));
  const told = (images: Images) => busy(`scoring ${images.count} images`, () => score(images));
  return { normal: await told(normal), others: others && (await told(others)) };
}

function table(judged: readonly Judged[]): string {
  const isLabelled = judged[0].found !== undefined;
  const heading = ["score", ...(isLabelled ? ["AUROC"] : []), "threshold", "false alarms", ...(isLabelled ? ["found"] : []), ""];
  const rows = judged.map(({ name, auroc, threshold, falseAlarms, found }) => [
    name,
    ...(auroc === undefined ? [] : [auroc.toFixed(3)]),
    threshold.value.toPrecision(4),
    `${shown(falseAlarms)} of ${falseAlarms.of} (${percent(falseAlarms.low)} to ${percent(falseAlarms.high)})`,
    ...(found ? [`${shown(found)} of ${found.of}`] : []),
    scores[name].help.replace(/[:,].*/, ""),
  ]);
  const widths = heading.map((_, i) => Math.max(...[heading, ...rows].map((row) => row[i].length)));
  return [heading, ...rows]
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i]))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

const shown = ({ count, of }: Share): string => percent(count / of);
const percent = (share: number): string => `${(100 * share).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`;
