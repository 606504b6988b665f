// Runs as directories: config.json, model.safetensors, metrics.jsonl. A save is whole or has not happened, whatever ends the process:
// all files are written under other names first, then renamed, config.json last. A config names its weights by their hash, so if
// the process dies between two renames, loading finds that the config still waiting is the one that belongs to the weights.

import { createHash } from "node:crypto";
import { closeSync, fsyncSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Vae } from "./model.ts";
import type { Objective } from "./objectives/objective.ts";
import {
  type DataDescription,
  modelFromSafetensors,
  modelToSafetensors,
  parseMetrics,
  parseRunConfig,
  type Run,
  type RunConfig,
  runConfig,
} from "./run.ts";

export interface SaveOptions {
  readonly model: Vae;
  /** Settings worth knowing later: epochs, batch, seed, … */
  readonly training?: Readonly<Record<string, unknown>>;
  /** What was made smaller, for the config's word on the loss; the ELBO if left out. */
  readonly objective?: Objective;
  readonly data?: DataDescription;
  /** One record per epoch: the lines of metrics.jsonl. */
  readonly metrics?: readonly object[];
}

const CONFIG = "config.json";
const WEIGHTS = "model.safetensors";
const METRICS = "metrics.jsonl";
const LIMIT = 2 ** 31; // bytes of a file that is read

/** Writes a run, or replaces one. Other files in the directory stay. */
export async function saveRun(dir: string, { model, training, objective, data, metrics = [] }: SaveOptions): Promise<void> {
  const weights = await modelToSafetensors(model);
  const config = runConfig(model, { file: WEIGHTS, bytes: weights.length, sha256: sha256(weights) }, training, data, objective);
  const lines = metrics.map((line) => `${JSON.stringify(line)}\n`).join("");
  attempt(`${dir}: the run's directory could not be made`, () => mkdirSync(dir, { recursive: true }));
  replaceTogether(dir, { [METRICS]: lines, [WEIGHTS]: weights, [CONFIG]: `${JSON.stringify(config, null, 2)}\n` });
}

/** Reads a run, trusting nothing in it. */
export async function loadRun(dir: string): Promise<Run> {
  // Another process may save between the reading of one file and the next; it does not do so twice.
  const { config, weights } = readPair(dir, "tolerant") ?? (readPair(dir, "strict") as Pair);
  const model = modelFromSafetensors(config.model, weights, join(dir, WEIGHTS));
  return { config, model, metrics: parseMetrics(read(join(dir, METRICS)).toString(), join(dir, METRICS)) };
}

/** What will replace a file waits beside it. The number is the process that writes it. */
const waiting = (dir: string, name: string): string => join(dir, `.${name}.${process.pid}.tmp`);
const WAITING = /^\.(config\.json|model\.safetensors|metrics\.jsonl)\.(\d+)\.tmp$/;

/** Replaces files, in the order given, once all of them are on the disk. */
function replaceTogether(dir: string, files: Readonly<Record<string, string | Uint8Array>>): void {
  try {
    for (const [name, content] of Object.entries(files)) {
      attempt(`${join(dir, name)}: could not be written`, () => writeDurably(waiting(dir, name), content));
    }
  } catch (error) {
    for (const name of Object.keys(files)) rmSync(waiting(dir, name), { force: true });
    throw error;
  }
  for (const name of Object.keys(files)) {
    attempt(`${join(dir, name)}: could not be replaced`, () => renameSync(waiting(dir, name), join(dir, name)));
  }
  for (const file of readdirSync(dir)) {
    const pid = WAITING.exec(file)?.[2]; // left by a process that died while it saved
    if (pid && !isAlive(Number(pid))) rmSync(join(dir, file), { force: true });
  }
}

/** Returns when the content would survive a power cut. */
function writeDurably(path: string, content: string | Uint8Array): void {
  const file = openSync(path, "w");
  try {
    writeFileSync(file, content);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0); // sends nothing, and throws if nobody is there
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM"; // somebody else's
  }
}

interface Pair {
  readonly config: RunConfig;
  readonly weights: Uint8Array;
}

/** The weights, and the config that belongs to them: config.json, or the one that was about to replace it. */
function readPair(dir: string, mode: "tolerant" | "strict"): Pair | undefined {
  const files = attempt(`${dir}: no run can be read there`, () => readdirSync(dir));
  const current = files.includes(CONFIG) ? parseRunConfig(read(join(dir, CONFIG)).toString(), join(dir, CONFIG)) : undefined;
  const next = files.filter((file) => WAITING.exec(file)?.[1] === CONFIG).flatMap((file) => readIfWhole(join(dir, file)));
  if (!files.includes(WEIGHTS)) throw new Error(`${dir}: ${current ? `has no ${WEIGHTS}` : `not a run: it has no ${CONFIG}`}`);

  const weights = read(join(dir, WEIGHTS));
  const hash = sha256(weights);
  const config = [...(current ? [current] : []), ...next].find((c) => c.weights.sha256 === hash);
  if (config) return { config, weights };
  if (mode === "tolerant") return undefined;
  if (!current) throw new Error(`${dir}: not a run: it has no ${CONFIG}`);
  const { bytes } = current.weights;
  const difference = weights.length === bytes ? "other bytes than" : `${weights.length} bytes instead of the ${bytes} that`;
  throw new Error(`${join(dir, WEIGHTS)}: damaged or exchanged: it has ${difference} were saved with ${CONFIG}`);
}

/** A config that a process left behind: perhaps cut short, or gone by now. */
function readIfWhole(path: string): RunConfig[] {
  try {
    return [parseRunConfig(read(path).toString(), path)];
  } catch {
    return []; // then it is not the config of these weights, and nothing is lost
  }
}

function read(path: string): Buffer {
  return attempt(`${path}: could not be read`, () => {
    const { size } = statSync(path);
    if (size > LIMIT) throw new Error(`${size} bytes; at most ${LIMIT} are read`);
    return readFileSync(path);
  });
}

/** Errors of the system, with what was going on. */
function attempt<T>(what: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw new Error(`${what}: ${(error as Error).message}`, { cause: error });
  }
}

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
