// elbo train: data in; out come a run, pictures, and a line per epoch.

import { existsSync } from "node:fs";
import { basename, join, relative, sep } from "node:path";
import { type Images, sliceImages } from "../../data/index.ts";
import { adam, type Device, type Tensor } from "../../index.ts";
import { describeData, type EpochEvent, outline, train as trainModel, type Vae } from "../../vae/index.ts";
import { saveRun } from "../../vae/run.node.ts";
import { channelsOption, dataOption, dataSource, limitOption, readData, type Split, sizeOption } from "../data.ts";
import { deviceOptions, openDevice } from "../device.ts";
import { checkRunDirectory, makeRunDirectory, removePictures, writeWhole } from "../files.ts";
import { checkModelOptions, modelFor, modelOptions } from "../model.ts";
import { bitsOf, objectiveFor, objectiveOptions, recorded, shownLoss } from "../objective.ts";
import { type Command, choice, command, flag, real, text, UsageError, type ValuesOf, whole } from "../options.ts";
import { reconstructionsPng, samplesPng, traversalPng } from "../pictures.ts";
import { clock, progress } from "../progress.ts";
import { completedBy, shownDefault } from "../recipe.ts";
import { stopSignal } from "../stop.ts";
import { note, print, showLive } from "../terminal.ts";

const options = {
  data: dataOption,
  size: sizeOption,
  channels: channelsOption,
  ...modelOptions,
  epochs: whole({
    ...{ min: 1, max: 1_000_000, default: undefined, shownDefault: shownDefault("epochs") },
    help: "how often to go through the training images",
  }),
  batch: whole({ min: 1, max: 1_000_000, default: undefined, shownDefault: shownDefault("batch"), help: "images per step" }),
  lr: real({ accepts: (x) => x > 0, wanted: "a number above 0", default: 1e-3, help: "learning rate of Adam" }),
  ...objectiveOptions,
  seed: whole({ min: 0, max: 2 ** 32 - 1, default: 1, help: "of weights, order and noise; the same seed gives the same run" }),
  ...deviceOptions,
  precision: choice(["f32", "f16"], {
    default: "f32",
    help: "f16 is mixed precision: what passes from layer to layer takes two bytes, on GPUs that can",
  }),
  out: text("DIR", { default: undefined, shownDefault: "runs/DATA-MODEL-N, a new one", help: "where the run goes" }),
  overwrite: flag({ help: "replace the run in --out DIR" }),
  limit: limitOption,
  json: flag({ help: "print one JSON object per line: each epoch's losses, then the end" }),
};
type Settings = ValuesOf<typeof options> & { readonly epochs: number; readonly batch: number };

export const train: Command = command({
  name: "train",
  summary: "trains a VAE; saves it after each epoch, and after some draws what it makes",
  operands: {},
  options,
  examples: [
    "elbo train",
    "elbo train --data path/to/mnist --model conv28 --epochs 20",
    "elbo train --data shapes --model conv64 --out runs/shapes",
  ],
  async run(given) {
    const { settings, line } = completedBy(given);
    const { out, overwrite, batch, precision } = settings;
    if (overwrite && out === undefined) throw new UsageError("--overwrite needs --out, the run to replace");
    checkModelOptions(settings);
    objectiveFor(settings); // what does not fit is said before anything is read
    if (out !== undefined) checkRunDirectory(out, overwrite);
    await using device = await openDevice(settings); // before the data is read, which takes longer than to say that it cannot
    if (precision === "f16" && device.lacksHalf) throw new Error(`--precision f16: ${device.lacksHalf}; leave it out for f32`);
    const data = await readData(settings.data, settings.limit, settings);
    const { count, name } = data.train;
    if (batch > count) throw new Error(`--batch ${batch} is more than the ${count} training images of ${name}`);
    if (line) note(line);
    await run(data, device, settings);
  },
});

const SAMPLES = 64;
const RECONSTRUCTIONS = 16;
const TRAVERSED = 32;

async function run(data: Split, device: Device, settings: Settings): Promise<void> {
  const { epochs, batch, lr, beta, binarize, seed, precision, json } = settings;
  const { height, width, channels } = data.train;
  const objective = objectiveFor(settings);
  using model = modelFor(data.train, { ...settings, beta: beta?.end ?? 1 });
  const signal = stopSignal(); // from here on Ctrl-C waits for the step and for the run to be saved
  const optimizer = (parameters: readonly Tensor[]) => adam(parameters, { rate: lr });
  const events = trainModel(model, data, { epochs, batch, seed, precision, signal, objective, binarize, optimizer });
  const bits = bitsOf(model, data, settings);

  const out = makeRunDirectory(settings.out, join("runs", `${data.train.name}-${settings.model}`));
  const source = { data: dataSource(settings.data), limit: settings.limit ?? null, size: settings.size ?? null };
  const asked = {
    ...source,
    channels: settings.channels ?? null,
    epochs,
    batch,
    lr,
    ...recorded(settings),
    seed,
    precision,
    device: device.name,
  };
  const lines: Line[] = [];
  const save = () => saveRun(out, { model, training: asked, objective, data: describeData(data), metrics: lines });
  await save(); // untrained: a disk that cannot be written is found now, and what is killed in the first epoch leaves a run
  removePictures(out);

  const parameters = [...model.parameters.values()].reduce((sum, t) => sum + t.size, 0);
  note(`${settings.model} VAE ${outline(model.config)}: ${number(parameters)} parameters`);
  const tested = data.test ? `, ${number(data.test.count)} to test` : "";
  const form = [height, width, ...(channels === 1 ? [] : [channels])].join(" x ");
  note(`${data.train.name}: ${number(data.train.count)} images to train on${tested}, ${form}`);
  note(`device: ${device.name}, ${device.description}`);

  const started = performance.now();
  const show = progress({ epochs, batch });
  const shown = sliceImages(data.test ?? data.train, 0, Math.min(RECONSTRUCTIONS, (data.test ?? data.train).count));
  try {
    for await (const event of events) {
      if (event.type === "step") show(event);
      if (event.type !== "epoch") continue;
      const { type: _, ...told } = event;
      const line: Line = bits ? { ...told, bitsPerDimension: bits(told.test ?? told.train) } : told;
      lines.push(line);
      await save();
      if (isShown(event.epoch, epochs)) await draw(out, model, shown, event.epoch, { epochs, seed });
      print(json ? JSON.stringify(line) : epochLine(line, settings));
    }
    if (signal.aborted) await save();
  } finally {
    showLive("");
  }

  const { test } = lines.at(-1) ?? {};
  const end = { done: !signal.aborted, out, ...(test && { test }), device: device.name };
  if (json) print(JSON.stringify(end));
  else print(farewell(out, signal.aborted, performance.now() - started));
}

const MOST_SHOWN = 20;

/** Is this an epoch whose pictures are drawn and kept: each of a few, of many the first and about so many at equal distances, and the last. */
const isShown = (epoch: number, epochs: number): boolean => epoch === 1 || epoch === epochs || epoch % Math.ceil(epochs / MOST_SHOWN) === 0;

/** Writes the pictures of an epoch, under its number and as the latest. */
async function draw(out: string, model: Vae, shown: Images, at: number, { epochs, seed }: { epochs: number; seed: number }): Promise<void> {
  const pictures = {
    samples: await samplesPng(model, SAMPLES, seed),
    reconstructions: await reconstructionsPng(model, shown),
    traversal: (await traversalPng(model, shown, { count: TRAVERSED })).png,
  };
  const epoch = String(at).padStart(Math.max(2, String(epochs).length), "0");
  for (const [name, png] of Object.entries(pictures)) {
    writeWhole(join(out, `${name}-epoch-${epoch}.png`), png);
    writeWhole(join(out, `${name}.png`), png);
  }
}

/** What is kept of an epoch, in metrics.jsonl and with --json. */
interface Line extends Omit<EpochEvent, "type"> {
  /** Of the test images, or else of those in training; where the data are discrete, so that it means something. */
  readonly bitsPerDimension?: number;
}

function epochLine({ epoch, train, test, seconds, bitsPerDimension: bits }: Line, settings: Settings): string {
  const losses = test ? `test ${shownLoss(test, settings)}, train ${train.loss.toFixed(2)}` : `train ${shownLoss(train, settings)}`;
  const inBits = bits === undefined ? "" : `, ${bits.toFixed(3)} bits per value`;
  return `epoch ${epoch}/${settings.epochs}: ${losses}${inBits}, ${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
}

/** Where everything is, and what to do with it. */
function farewell(out: string, stopped: boolean, milliseconds: number): string {
  const pictures = ["samples.png", "reconstructions.png", "traversal.png"]
    .map((file) => join(out, file))
    .filter((path) => existsSync(path));
  const elbo = called();
  const run = /[^\w./-]/.test(out) ? `"${out}"` : out; // for the shell
  return [
    `${stopped ? "stopped" : "done"} after ${clock(milliseconds)}; losses are in nats per image`,
    `  run       ${out}`,
    ...(pictures.length > 0 ? [`  pictures  ${pictures.join(", ")}`] : []),
    `go on with`,
    `  ${elbo} sample ${run} --count 100 --seed 2`,
    `  ${elbo} reconstruct ${run}`,
    `  ${elbo} traverse ${run}`,
  ].join("\n");
}

/** The words that started this command, so that what is printed can be typed. */
function called(): string {
  const script = process.argv[1];
  if (basename(script) === "elbo.js") return `node ${relative("", script)}`;
  return script.includes(`node_modules${sep}.bin`) ? "npx elbo" : "elbo";
}

const number = (n: number): string => n.toLocaleString("en");
