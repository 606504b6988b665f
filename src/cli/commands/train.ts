// elbo train: data in; out come a run, pictures, and a line per epoch.

import { join } from "node:path";
import type { Device } from "../../index.ts";
import {
  describeData,
  type EpochEvent,
  NotFiniteError,
  outline,
  recoveryText,
  type TrainState,
  train as trainModel,
  type Vae,
} from "../../vae/index.ts";
import { saveRun } from "../../vae/run.node.ts";
import { channelsOption, dataOption, dataSource, limitOption, onlyOption, readData, type Split, sizeOption } from "../data.ts";
import { deviceOptions, openDevice } from "../device.ts";
import { draw, isShown, shownImages } from "../epoch-pictures.ts";
import { epochLine, type Line, latentsLine, lineOf, newAdvice } from "../epochs.ts";
import { farewell, resumeCommand } from "../farewell.ts";
import { checkRunDirectory, makeRunDirectory, removePictures } from "../files.ts";
import { checkModelOptions, modelFor, modelOptions } from "../model.ts";
import { bitsOf, objectiveFor, objectiveOptions, recorded } from "../objective.ts";
import { optimizerFor, optimizerOptions, recordedOptimizer } from "../optimizer.ts";
import { type Command, choice, command, flag, givenIn, text, UsageError, type ValuesOf, whole } from "../options.ts";
import { progress } from "../progress.ts";
import { completedBy, shownDefault, sizedFor } from "../recipe.ts";
import { checkUnchanged, type Resumed, rememberedOptions, resumed, slowed } from "../resume.ts";
import { stopSignal } from "../stop.ts";
import { note, print, showLive } from "../terminal.ts";

const options = {
  data: dataOption,
  size: sizeOption,
  channels: channelsOption,
  only: onlyOption,
  ...modelOptions,
  epochs: whole({
    ...{ min: 1, max: 1_000_000, default: undefined, shownDefault: shownDefault("epochs") },
    help: "how often to go through the training images",
  }),
  batch: whole({ min: 1, max: 1_000_000, default: undefined, shownDefault: shownDefault("batch"), help: "images per step" }),
  ...optimizerOptions,
  ...objectiveOptions,
  seed: whole({ min: 0, max: 2 ** 32 - 1, default: 1, help: "of weights, order and noise; the same seed gives the same run" }),
  ...deviceOptions,
  precision: choice(["f32", "f16"], {
    default: "f32",
    help: "f16 is mixed precision: what passes from layer to layer takes two bytes, on GPUs that can",
  }),
  resume: text("RUN", {
    default: undefined,
    help: "go on with a run after its last epoch, with the settings it has; with --epochs to more of them",
  }),
  out: text("DIR", {
    default: undefined,
    shownDefault: "runs/DATA-MODEL-N, a new one, or the run that is resumed",
    help: "where the run goes",
  }),
  overwrite: flag({ help: "replace the run in --out DIR" }),
  limit: limitOption,
  json: flag({ help: "print one JSON object per line: each epoch's losses, then the end" }),
};
type Values = ValuesOf<typeof options>;
type Chosen = ReturnType<typeof completedBy<Values>>["settings"];
type Settings = ReturnType<typeof sizedFor<Chosen>>["settings"];

export const train: Command = command({
  name: "train",
  summary: "trains a VAE; saves it after each epoch, and after some draws what it makes",
  operands: {},
  options,
  examples: [
    "elbo train",
    "elbo train --data path/to/mnist --model conv28 --epochs 20",
    "elbo train --data shapes --model conv64 --out runs/shapes",
    "elbo train --resume runs/shapes --epochs 100",
  ],
  async run(given) {
    const from = given.resume === undefined ? undefined : await resumed(train, given.resume, givenIn(given));
    const values = (from?.values ?? given) as Values; // made by the same declaration
    const chosen = completedBy(values);
    const { settings } = chosen;
    const { out, overwrite, precision } = settings;
    if (overwrite && out === undefined) throw new UsageError("--overwrite needs --out, the run to replace");
    checkModelOptions(settings);
    if (settings.conditional && settings.only !== undefined)
      throw new UsageError("--conditional and --only: one class is nothing to tell a model");
    if (settings["freeze-norm"] !== undefined && settings.norm !== "batch")
      throw new UsageError("--freeze-norm needs --norm batch, whose averages stay from that step on");
    objectiveFor(settings); // what does not fit is said before anything is read
    if (out !== undefined) checkRunDirectory(out, overwrite);
    await using device = await openDevice(settings); // before the data is read, which takes longer than to say that it cannot
    if (precision === "f16" && device.lacksHalf) throw new Error(`--precision f16: ${device.lacksHalf}; leave it out for f32`);
    const data = await readData(settings.data, settings.limit, settings);
    const { count, name } = data.train;
    const sized = sizedFor(settings, count);
    const { batch } = sized.settings;
    if (batch > count) throw new Error(`--batch ${batch} is more than the ${count} training images of ${name}`);
    const notes = from ? [] : [chosen, sized].flatMap(({ line }) => line ?? []);
    await run(data, device, sized.settings, values, from, notes);
  },
});

async function run(
  data: Split,
  device: Device,
  settings: Settings,
  values: Values,
  from: Resumed | undefined,
  notes: readonly string[],
): Promise<void> {
  const { epochs, batch, beta, binarize, capacity, seed, precision, json, "freeze-norm": freezeNorm } = settings;
  const objective = objectiveFor(settings);
  const stepsPerEpoch = Math.floor(data.train.count / batch);
  const optimizer = optimizerFor(settings, stepsPerEpoch);
  const asked = askedFor(settings, values, device);
  if (from) checkUnchanged(settings.resume!, from.loaded.config.training, asked);
  const changes = from ? slowed(from, asked) : undefined;
  const resume = changes?.state;
  using model: Vae = from?.loaded.model ?? modelFor(data.train, { ...settings, beta: beta?.end ?? 1 });

  const signal = stopSignal(); // from here on Ctrl-C waits for the step and for the run to be saved
  const diagnose = (data.test ?? data.train).count > 1;
  const loop = { epochs, batch, seed, precision, signal, resume };
  const events = trainModel(model, data, { ...loop, objective, binarize, optimizer, freezeNorm, diagnose });
  const bits = bitsOf(model, data, settings);

  const isSame = from !== undefined && settings.out === undefined;
  const out = isSame ? settings.resume! : makeRunDirectory(settings.out, join("runs", `${data.train.name}-${settings.model}`));
  const before: readonly unknown[] = from?.loaded.metrics.slice(0, resume?.epoch ?? 0) ?? [];
  const lines = [...before] as Line[];
  const training = { ...asked, ...(changes && changes.list.length > 0 && { changes: changes.list }) };
  const save = (state: TrainState | undefined) =>
    saveRun(out, { model, training, objective, data: describeData(data), metrics: lines, ...(state && { state }) });
  // Untrained: a disk that cannot be written is found now, and what is killed in the first epoch leaves a run.
  if (!isSame) await save(resume);
  if (!from) removePictures(out);
  for (const line of notes) note(line);
  heading(model, data, device, settings);
  if (from) note(wayOn(from, settings, device));

  const started = performance.now();
  const show = progress({ epochs, batch });
  const shown = shownImages(data);
  const watch = { stepsPerEpoch, ends: { beta: beta?.end, capacity: capacity?.end } };
  const onEpoch = async (event: EpochEvent): Promise<void> => {
    const line = lineOf(event, bits?.(event.test ?? event.train));
    lines.push(line);
    await save(await events.state());
    if (isShown(event.epoch, epochs)) await draw(out, model, shown, event.epoch, { epochs, seed });
    print(json ? JSON.stringify(line) : epochLine(line, settings));
    const latents = json ? undefined : latentsLine(line);
    if (latents !== undefined) print(latents);
    if (event.diagnosis) for (const { advice } of newAdvice(lines, event.diagnosis, watch)) note(advice);
  };
  try {
    for await (const event of events) {
      if (event.type === "step") show(event);
      if (event.type === "recovery") note(recoveryText(event));
      if (event.type === "epoch") await onEpoch(event);
      if (event.type === "end" && signal.aborted) await save(await events.state());
    }
  } catch (error) {
    if (!(error instanceof NotFiniteError)) throw error;
    const saved = `${out} holds epoch ${lines.length}, from which this goes on`;
    throw new Error(`${error.message}; ${saved}: ${resumeCommand(out, settings.lr.text)}`, { cause: error });
  } finally {
    showLive("");
  }

  const { test } = lines.at(-1) ?? {};
  const end = { done: !signal.aborted, out, ...(test && { test }), device: device.name };
  if (json) print(JSON.stringify(end));
  else print(farewell(out, signal.aborted, performance.now() - started));
}

/** What the run's config says of the settings, and of the words in which they were given. */
function askedFor(settings: Settings, values: Values, device: Device): Readonly<Record<string, unknown>> {
  const { size, limit, channels, only, epochs, batch, seed, precision } = settings;
  const data = dataSource(settings.data);
  return {
    ...{ data, limit: limit ?? null, size: size ?? null, channels: channels ?? null, ...(only !== undefined && { only }), epochs, batch },
    ...recordedOptimizer(settings),
    ...recorded(settings),
    ...{ seed, precision, device: device.name, options: rememberedOptions(values, data) },
  };
}

/** What is trained on what, and where. */
function heading(model: Vae, data: Split, device: Device, settings: Settings): void {
  const parameters = [...model.parameters.values()].reduce((sum, t) => sum + t.size, 0);
  const { count, name, height, width, channels } = data.train;
  const tested = data.test ? `, ${number(data.test.count)} to test` : "";
  const form = [height, width, ...(channels === 1 ? [] : [channels])].join(" x ");
  note(`${settings.model} VAE ${outline(model.config)}: ${number(parameters)} parameters`);
  note(`${name}: ${number(count)} images to train on${tested}, ${form}`);
  note(`device: ${device.name}, ${device.description}`);
}

function wayOn({ loaded, state }: Resumed, { resume, epochs }: Settings, device: Device): string {
  const before = loaded.config.training["device"];
  const elsewhere = before === device.name ? "" : `, on ${device.name} and no longer on ${before}: not with the same bits`;
  const part = state && state.step > 0 ? ` and ${state.step} steps` : "";
  return `${resume}: goes on after epoch ${state?.epoch ?? 0} of ${epochs}${part}${elsewhere}`;
}

const number = (n: number): string => n.toLocaleString("en");
