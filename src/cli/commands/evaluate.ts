// elbo evaluate: all figures of trained models, side by side, on one page.

import { sliceImages } from "../../data/index.ts";
import { type Assessment, assess, countsBits, NLL_SAMPLES, outline, type Run } from "../../vae/index.ts";
import { loadRun } from "../../vae/run.node.ts";
import type { Split } from "../data.ts";
import { deviceOptions, openDevice } from "../device.ts";
import { checkPicture, writeWhole } from "../files.ts";
import { runDataOption, splitFor } from "../images.ts";
import { type Command, command, flag, text, whole } from "../options.ts";
import { reconstructionsPng, samplesPng, traversalPng } from "../pictures.ts";
import { clock } from "../progress.ts";
import { page } from "../report/page.ts";
import { figuresOf, summaryTable } from "../report/printed.ts";
import { type Column, differences, type Scored, type Subject } from "../report/scored.ts";
import { factorImages, type Trained, trainedAs } from "../report/subjects.ts";
import { isTerminal, note, print, showLive } from "../terminal.ts";

const options = {
  data: runDataOption,
  images: whole({ min: 2, max: 1_000_000, default: 1000, help: "how many test images, for all but the losses, which are of all" }),
  samples: whole({ min: 1, max: 1_000_000, default: NLL_SAMPLES, help: "latents for each image in -log p(x)" }),
  seed: whole({ min: 0, max: 2 ** 32 - 1, default: 1, help: "of what is drawn here" }),
  out: text("FILE.html", {
    default: "evaluation.html",
    help: "where the page goes; a file there is replaced",
    wanted: "the name of a .html file",
    accepts: (path) => /\.html?$/i.test(path),
  }),
  ...deviceOptions,
  json: flag({ help: "print one JSON object per line: each run's figures, then the end" }),
};

export const evaluate: Command = command({
  name: "evaluate",
  summary: "scores trained models: likelihood, bound, latents, samples; several side by side, on one HTML page",
  operands: { run: "the directory of a run, as elbo train leaves it" },
  repeated: true,
  options,
  examples: ["elbo evaluate runs/digits-dense-1 runs/digits-dense-2 --out both.html", "elbo evaluate runs/shapes-conv64-1 --samples 500"],
  async run({ run, more, data, images, samples, seed, out, json, ...settings }) {
    checkPicture(out);
    const runs = await Promise.all([run, ...more].map(async (name) => ({ name, loaded: await loadRun(name) }))); // what is missing is said first
    const trained = runs.map(({ name, loaded }) => trainedAs(name, loaded));
    await using device = await openDevice(settings);
    note(`device: ${device.name}, ${device.description}`);

    const columns: Column[] = [];
    let first: { readonly run: string; readonly subject: Subject } | undefined;
    for (const [i, { name, loaded }] of runs.entries()) {
      try {
        const subject = await subjectOf(name, loaded, trained[i], data);
        const notes = [...subject.notes, ...(first ? differences(first.subject, subject, first.run) : [])];
        first ??= { run: name, subject };
        const column = await scored(name, loaded, { ...subject, notes }, { data, images, samples, seed });
        for (const line of notes) note(`${name}: ${line}`);
        if ("warning" in column.assessment.nll) note(`${name}: ${column.assessment.nll.warning}`);
        if (json) print(JSON.stringify({ run: name, ...figuresOf(column) }));
        columns.push(column);
      } catch (error) {
        if (runs.length === 1) throw error;
        const problem = (error as Error).message;
        note(`${name}: not scored: ${problem}`);
        if (json) print(JSON.stringify({ run: name, problem }));
        columns.push({ run: name, about: aboutOf(loaded), problem });
        process.exitCode = 1; // the page says so too, and shows the others
      }
    }
    const whole = columns.filter((column): column is Scored => "assessment" in column);
    if (whole.length === 0) throw new Error("none of the runs could be scored; no page was written");
    const about = [
      `${images} test images at most, ${samples} latents for each in -log p(x), seed ${seed}; computed on ${device.name}. All logarithms are natural: figures are in nats unless they say otherwise.`,
    ];
    writeWhole(out, Buffer.from(page(columns, about)));
    if (json) return print(JSON.stringify({ done: whole.length === columns.length, out, device: device.name }));
    print(summaryTable(whole));
    print(out);
  },
});

interface Ready extends Subject, Trained {
  readonly split: Split & { readonly test: NonNullable<Split["test"]> };
  readonly notes: readonly string[];
}

/** What a run is scored on. */
async function subjectOf(run: string, loaded: Run, trained: Trained, data: string | undefined): Promise<Ready> {
  const { model, config } = loaded;
  const { train, test = train } = await splitFor(run, loaded, data);
  const notes = [
    ...(test === train
      ? [`there are no test images in ${train.name}: those of training stand in for them, and nothing here is about new images`]
      : []),
    ...(data !== undefined && config.data && config.data.name !== train.name
      ? [`was trained on ${config.data.name}, and is scored on ${train.name}`]
      : []),
  ];
  if (model.likelihood.support === "bits" && !trained.binarize && !countsBits(model.likelihood, test.pixels, test.white))
    notes.push("grey images under a Bernoulli likelihood: its nats are cross-entropy, and compare with those of models trained so alone");
  return { ...trained, split: { train, test }, test, likelihood: model.likelihood.name, notes };
}

const SAMPLES = 64;
const RECONSTRUCTIONS = 16;
const TRAVERSED = 32;

interface Asked {
  readonly data: string | undefined;
  readonly images: number;
  readonly samples: number;
  readonly seed: number;
}

async function scored(run: string, loaded: Run, subject: Ready, { data, images, samples, seed }: Asked): Promise<Scored> {
  const { model, metrics } = loaded;
  const { split, objective, binarize, trainingSeed } = subject;
  const factors = await factorImages(run, loaded, data);
  const onProgress = teller(run);
  try {
    const assessment: Assessment = await assess(
      model,
      { ...split, factors },
      { ...{ images, samples, seed, objective, binarize, trainingSeed, onProgress } },
    );
    onProgress("pictures", 0);
    const few = sliceImages(split.test, 0, Math.min(RECONSTRUCTIONS, split.test.count));
    const pictures = {
      samples: await samplesPng(model, SAMPLES, seed),
      reconstructions: await reconstructionsPng(model, few),
      traversal: (await traversalPng(model, few, { count: TRAVERSED })).png,
    };
    return { run, about: aboutOf(loaded), assessment, metrics, pictures, notes: subject.notes };
  } finally {
    showLive("");
  }
}

const SAY_EVERY = 15_000; // milliseconds, where a line cannot be drawn over
const DRAW_EVERY = 100;

/** Tells on stderr what is going on: each new thing at once, and how far it is as often as is useful. */
function teller(run: string): (what: string, part: number) => void {
  let [last, started, told] = ["", 0, 0];
  return (what, part) => {
    const now = performance.now();
    if (what !== last) [last, started, told] = [what, now, Number.NEGATIVE_INFINITY];
    if (now - told < (isTerminal() ? DRAW_EVERY : SAY_EVERY)) return;
    told = now;
    const left = part > 0 ? `, ${(100 * part).toFixed(0)} %, ${clock(((now - started) / part) * (1 - part))} left` : "";
    const line = `${run}: ${what}${left}`;
    if (isTerminal()) showLive(line);
    else note(line);
  };
}

function aboutOf({ model, config, metrics }: Run): Record<string, string> {
  const { data, training = {} } = config;
  const parameters = [...model.parameters.values()].reduce((sum, t) => sum + t.size, 0);
  const likelihood = model.likelihood.name + (training["binarize"] ? `, images made 0 and 1 (${training["binarize"]})` : "");
  return {
    model: `${model.config.model} ${outline(model.config)}`,
    parameters: parameters.toLocaleString("en"),
    latents: `${model.latent}`,
    likelihood,
    loss: config.loss.replace(/^.*?: (loss = [^;]*).*$/, "$1"),
    beta: `${training["beta"] ?? model.beta}`,
    data: data ? `${data.name}: ${data.train.toLocaleString("en")} to train on, ${data.test.toLocaleString("en")} to test` : "not said",
    epochs: `${metrics.length}${typeof training["epochs"] === "number" ? ` of ${training["epochs"]}` : ""}, batch ${training["batch"] ?? "not said"}`,
    seed: `${training["seed"] ?? "not said"}`,
  };
}
