// What the scripts of all engines share: their arguments, the files of the task, and how they sample. Each script runs in a process of
// its own, does one piece of work, and prints one line of JSON. What it computed is judged by who started it.
//   node SCRIPT --work dense|gemm --folder DIR [--threads 1] [--backend NAME]
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { floats } from "../cpu/floats.mjs";

const { values } = parseArgs({
  options: {
    work: { type: "string", default: "dense" },
    folder: { type: "string", default: "" },
    threads: { type: "string", default: "1" },
    backend: { type: "string", default: "" }, // of the engine, where it has several
    turbo: { type: "boolean", default: false },
  },
});
export const options = { ...values, threads: Number(values.threads) };

/** Of the task: shapes of the tensors, names of the parameters and of the noise, products. @returns {import("../cpu/task.mjs").Files} */
export const task = () => JSON.parse(readFileSync(join(options.folder, "task.json"), "utf8"));

/** @param {string} name */
export const read = (name) => floats(join(options.folder, `${name}.f32`));

/**
 * Times steps, each finished when its promise resolves, which brings the loss if asked for.
 * @param {(wantsLoss: boolean) => Promise<number | undefined> | number | undefined} step
 */
export async function training(step) {
  const first = await step(true);
  const ms = await sampled(() => step(false));
  return { ms, first, last: await step(true) };
}

/**
 * Times the products of the task. `prepare` takes operands and their sizes, and returns what runs the product `count` times and resolves when
 * all are computed, and what reads one.
 * @param {(a: Float32Array, b: Float32Array, m: number, k: number, n: number) => { run(count: number): unknown, data(): Promise<ArrayLike<number>> | ArrayLike<number> }} prepare
 */
export async function products(prepare) {
  const found = [];
  for (const product of task().products) {
    const [m, k, n] = product.split("x").map(Number);
    const { run, data } = prepare(read(`${product}.a`), read(`${product}.b`), m, k, n);
    writeFileSync(join(options.folder, `${product}.c.f32`), Float32Array.from(await data()));
    const [once] = (await sampled(() => run(1), 0.1)).sort((a, b) => a - b);
    const count = Math.ceil(5 / once); // so that a sample takes 5 ms or more
    const ms = await sampled(() => run(count), 0.3);
    found.push({ product, ms: ms.map((t) => t / count) });
  }
  return found;
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
