// What the scripts of all engines share: their arguments, the files of the task, and how they sample. Each script runs in a process of
// its own, does one piece of work, and prints one line of JSON, or before it one for each part of the work. What it computed is judged by
// who started it.
//   node SCRIPT --work train|gemm|kernels --folder DIR [--threads 1] [--backend NAME] [--judged-only] [--started MS]
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { floats } from "../tasks/floats.mjs";

const { values } = parseArgs({
  options: {
    work: { type: "string", default: "train" },
    folder: { type: "string", default: "" },
    threads: { type: "string", default: "1" },
    backend: { type: "string", default: "" }, // of the engine, where it has several
    turbo: { type: "boolean", default: false },
    started: { type: "string", default: "0" }, // when the process was, in milliseconds since 1970
    "judged-only": { type: "boolean", default: false }, // times the steps that are judged, for who is too slow to make more
  },
});
export const options = { ...values, threads: Number(values.threads), started: Number(values.started) };

/** @returns {import("../tasks/task.mjs").Files} */
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

/**
 * Trains with noise that is given, for the judge, and times steps with noise that is drawn: `run` makes so many in a row and resolves when
 * all are done, as who trains does, and `loss` makes one and brings its loss.
 * @param {readonly string[]} noise @param {(noise: string) => Promise<number> | number} given
 * @param {{ run(count: number): unknown, loss(): Promise<number> | number }} drawn
 */
export async function training(noise, given, { run, loss }) {
  /** @type {number[][]} */
  const [losses, ms] = [[], []];
  let ready = 0; // until the first step is done, from the start of the process
  for (const name of noise) {
    const start = performance.now();
    losses.push(await given(name));
    ms.push(performance.now() - start);
    ready ||= Date.now() - options.started;
  }
  if (options["judged-only"]) return { ready, losses, trainings: [{ ms, first: losses[0], last: losses.at(-1) }] };
  const first = await loss();
  return { ready, losses, trainings: [{ ms: await each(run, 0.6), first, last: await loss() }] };
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
 * Times the kernels of the task, of tasks/kernels.mjs, one line of JSON for each as soon as it is found, so that what comes later costs it
 * nothing. There is a maker for each kind that the engine knows, as for products; "matmul f16" is a kind, too.
 * @typedef {{ data: Float32Array, shape: number[] }} Operand
 * @param {Record<string, (...operands: Operand[]) => Run | Promise<Run>>} makers
 */
export async function kernels(makers) {
  const { kernels: names = [], tensors } = files();
  for (const name of names) {
    const kind = name.replace(/ \S+/, ""); // "matmul 4096 f16" is "matmul f16"
    const operands = Object.keys(tensors).filter((tensor) => tensor.startsWith(`${name}.`));
    try {
      if (!makers[kind]) throw new Error(`it has no ${kind}, or this bench does not know it`);
      const { run, data } = await makers[kind](...operands.map((operand) => ({ data: read(operand), shape: tensors[operand] })));
      writeFileSync(join(options.folder, `${name}.got.f32`), Float32Array.from(await data()));
      print({ kernel: name, ms: await each(run) });
    } catch (error) {
      print({ kernel: name, error: firstLine(error) });
    }
  }
  return {};
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

const SLOW = 100; // milliseconds, of which a few samples are enough

/** Milliseconds of one of many in a row. @param {Run["run"]} run */
async function each(run, seconds = 0.3) {
  const first = await sampled(() => run(1), 0.1);
  const once = Math.min(...first);
  if (once > SLOW) return first;
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
  const unknown = async () => ({ error: `it does not ${options.work}` });
  const found = await (works[options.work] ?? unknown)().catch((error) => ({ error: firstLine(error) }));
  const rss = Math.round(process.resourceUsage().maxRSS / 1024); // MiB
  print({ ...found, rss }, () => process.exit());
}

/** @param {object} found */
const print = (found, then = () => {}) => process.stdout.write(`${JSON.stringify(found)}\n`, then);

/** @param {any} error */
const firstLine = (error) => `${error?.message ?? error}`.split("\n")[0];
