// What the scripts of all engines share: their arguments, the files of the task, and how they sample. Each script runs in a process of
// its own, does one piece of work, and prints one line of JSON. What it computed is judged by who started it.
//   node SCRIPT --work train|gemm --folder DIR [--threads 1] [--backend NAME] [--judged-only]
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { floats } from "../cpu/floats.mjs";

const { values } = parseArgs({
  options: {
    work: { type: "string", default: "train" },
    folder: { type: "string", default: "" },
    threads: { type: "string", default: "1" },
    backend: { type: "string", default: "" }, // of the engine, where it has several
    turbo: { type: "boolean", default: false },
    "judged-only": { type: "boolean", default: false }, // times the steps that are judged, for who is too slow to make more
  },
});
export const options = { ...values, threads: Number(values.threads) };

/** @returns {import("../cpu/task.mjs").Files} */
const files = () => JSON.parse(readFileSync(join(options.folder, "task.json"), "utf8"));

/** Of training a model: shapes of the tensors, names of the parameters and of the noise. */
export function trainingFiles() {
  const { tensors, model = "", batch = 0, parameters = [], noise = [] } = files();
  return { tensors, model, batch, noise, parameters };
}

/** The layers of one half of the model, in order, by the names of their parameters. @param {readonly string[]} parameters @param {"encoder" | "decoder"} half */
export const layersOf = (parameters, half) =>
  parameters.flatMap((name) => (name.startsWith(`${half}.`) && name.endsWith(".weight") ? [name.replace(/\.weight$/, "")] : []));

/** @param {string} name */
export const read = (name) => floats(join(options.folder, `${name}.f32`));

/** @typedef {number | undefined} Loss */

/**
 * Trains with noise that is given, for the judge, and times steps with noise that is drawn. A step is finished when its promise resolves,
 * which brings the loss if asked for.
 * @param {readonly string[]} noise @param {(noise: string) => Promise<number> | number} given @param {(wantsLoss: boolean) => Promise<Loss> | Loss} drawn
 */
export async function training(noise, given, drawn) {
  /** @type {number[][]} */
  const [losses, ms] = [[], []];
  for (const name of noise) {
    const start = performance.now();
    losses.push(await given(name));
    ms.push(performance.now() - start);
  }
  if (options["judged-only"]) return { losses, trainings: [{ ms, first: losses[0], last: losses.at(-1) }] };
  return { losses, trainings: [await timed(drawn)] };
}

/** @param {(wantsLoss: boolean) => Promise<Loss> | Loss} step */
async function timed(step) {
  const first = await step(true);
  const ms = await sampled(() => step(false));
  return { ms, first, last: await step(true) };
}

/** @typedef {{ run(count: number): unknown, data(): Promise<ArrayLike<number>> | ArrayLike<number> }} Run */

/**
 * Times the products of the task. `prepare` takes operands and their sizes, and returns what runs the product `count` times and resolves when
 * all are computed, and what reads one.
 * @param {(a: Float32Array, b: Float32Array, m: number, k: number, n: number) => Run} prepare
 */
export async function products(prepare) {
  const found = [];
  for (const product of files().products ?? []) {
    const [m, k, n] = product.split("x").map(Number);
    const { run, data } = prepare(read(`${product}.a`), read(`${product}.b`), m, k, n);
    writeFileSync(join(options.folder, `${product}.c.f32`), Float32Array.from(await data()));
    found.push({ product, ms: await each(run) });
  }
  return found;
}

/**
 * Times what is computed of the layers of the task. `prepare` takes the name of a layer, and returns for each thing what runs it `count` times
 * and resolves when all are computed, and what reads it.
 * @param {(layer: string) => Record<string, Run>} prepare
 */
export async function convolutions(prepare) {
  const found = [];
  for (const layer of files().layers ?? []) {
    for (const [role, { run, data }] of Object.entries(prepare(layer))) {
      writeFileSync(join(options.folder, `${layer}.${role}.f32`), Float32Array.from(await data()));
      found.push({ layer, role, ms: await each(run, 0.15) });
    }
  }
  return found;
}

/** Milliseconds of one of many in a row. @param {Run["run"]} run */
async function each(run, seconds = 0.3) {
  const [once] = (await sampled(() => run(1), 0.1)).sort((a, b) => a - b);
  const count = Math.ceil(5 / once); // so that a sample takes 5 ms or more
  const ms = await sampled(() => run(count), seconds);
  return ms.map((t) => t / count);
}

/** Milliseconds, for about so many seconds after a third of that for the engine to warm up: 3 samples or more, and 60 at most. */
export async function sampled(/** @type {() => unknown} */ body, seconds = 0.6) {
  const warm = performance.now() + (seconds / 3) * 1e3;
  do await body();
  while (performance.now() < warm);
  const ms = [];
  const end = performance.now() + seconds * 1e3;
  while (ms.length < 3 || (ms.length < 60 && performance.now() < end)) {
    const start = performance.now();
    await body();
    ms.push(performance.now() - start);
  }
  return ms;
}

/** Prints what `work` found, or why it found nothing, and ends the process. @param {Record<string, () => Promise<object>>} works */
export async function answer(works) {
  const found = await works[options.work]().catch((error) => ({ error: `${error.message ?? error}`.split("\n")[0] }));
  const rss = Math.round(process.resourceUsage().maxRSS / 1024); // MiB
  process.stdout.write(`${JSON.stringify({ ...found, rss })}\n`, () => process.exit());
}
