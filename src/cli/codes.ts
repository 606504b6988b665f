// The codes of a run's images, as the commands that look at all of them begin: those that the model was trained on, and those to test it.

import { setImmediate } from "node:timers/promises";
import type { Images } from "../data/images.ts";
import { embed, type Run } from "../vae/index.ts";
import type { Rows } from "../vae/statistics/rows.ts";
import { splitAsTrained } from "./examples.ts";
import { isTerminal, note, showLive } from "./terminal.ts";

export interface Codes {
  /** As the model saw them. */
  readonly images: Images;
  /** The means of q(z|x), [count, latent]. */
  readonly rows: Rows;
  /** The logarithms of its variances. */
  readonly logVariances: Rows;
  readonly labels: Uint8Array | undefined;
}

export interface CodesOfRun {
  readonly train: Codes;
  /** The training images once more, where the data have no others: which is said. */
  readonly test: Codes;
  /** What the labels stand for, where there are labels: names, or their numbers. */
  readonly classes: readonly string[] | undefined;
}

/** Encodes what the run was trained on, or other data. A run trained on zeros and ones sees zeros and ones, the same at every call. */
export async function codesOf(run: string, loaded: Run, data: string | undefined, limit: number | undefined): Promise<CodesOfRun> {
  const { model } = loaded;
  const split = await splitAsTrained(run, loaded, data, limit);
  const encode = async (images: Images, part: string): Promise<Codes> => {
    if (model.classes > 0 && !images.labels) throw new Error(`${run}: the model is told labels, and ${images.name} has none`);
    const { codes, logVariances } = await busy(`encoding ${images.count} ${part} images`, () => embed(model, images));
    return { images, rows: codes, logVariances, labels: images.labels };
  };
  const train = await encode(split.train, "training");
  if (!split.test) note(`${split.train.name} has no test images: those of training stand in for them`);
  const test = split.test ? await encode(split.test, "test") : train;
  return { train, test, classes: train.labels && test.labels && classesOf(split.train, train.labels, test.labels) };
}

function classesOf({ classes }: Images, ...labels: readonly Uint8Array[]): string[] {
  const most = Math.max(...labels.map((all) => all.reduce((a, b) => Math.max(a, b), 0)));
  return Array.from({ length: most + 1 }, (_, i) => classes?.[i] ?? `${i}`);
}

/** Says what is going on while it does, to somebody who looks on. */
export async function busy<T>(what: string, f: () => T | Promise<T>): Promise<T> {
  if (!isTerminal()) return await f();
  showLive(what);
  await setImmediate(); // what takes long on the host lets nothing be written meanwhile
  try {
    return await f();
  } finally {
    showLive("");
  }
}
