// Runs as directories: config.json, model.safetensors, metrics.jsonl, and optimizer.safetensors if the training may go on. A save is whole
// or has not happened, whatever ends the process: all files are written under other names first, then renamed, config.json last. A config
// names the other files by their hashes. So if the process dies between two renames, loading finds that the config still waiting is the
// one whose files are all there, under the one name or the other.

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
  type SavedFile,
} from "./run.ts";
import { stateFromSafetensors, stateToSafetensors } from "./training/saved.ts";
import type { TrainState } from "./training/state.ts";

export interface SaveOptions {
  readonly model: Vae;
  /** Settings worth knowing later: epochs, batch, seed, … */
  readonly training?: Readonly<Record<string, unknown>>;
  /** What was made smaller, for the config's word on the loss; the ELBO if left out. */
  readonly objective?: Objective;
  readonly data?: DataDescription;
  /** One record per epoch: the lines of metrics.jsonl. */
  readonly metrics?: readonly object[];
  /** Of the training, so that it can be resumed. */
  readonly state?: TrainState;
}

const CONFIG = "config.json";
const WEIGHTS = "model.safetensors";
const OPTIMIZER = "optimizer.safetensors";
const METRICS = "metrics.jsonl";
const LIMIT = 2 ** 31; // bytes of a file that is read

/** Writes a run, or replaces one. Other files in the directory stay. */
export async function saveRun(dir: string, options: SaveOptions): Promise<void> {
  const { model, training, objective, data, metrics = [], state } = options;
  const weights = await modelToSafetensors(model);
  const optimizer = state && stateToSafetensors(model, state);
  const named = { weights: described(WEIGHTS, weights), ...(optimizer && { optimizer: described(OPTIMIZER, optimizer) }) };
  const config = runConfig(model, named, training, data, objective);
  const lines = metrics.map((line) => `${JSON.stringify(line)}\n`).join("");
  attempt(`${dir}: the run's directory could not be made`, () => mkdirSync(dir, { recursive: true }));
  const files = { [METRICS]: lines, [WEIGHTS]: weights, ...(optimizer && { [OPTIMIZER]: optimizer }) };
  replaceTogether(dir, { ...files, [CONFIG]: `${JSON.stringify(config, null, 2)}\n` });
  if (!optimizer) rmSync(join(dir, OPTIMIZER), { force: true }); // of an earlier run
}

const described = <F extends SavedFile["file"]>(file: F, bytes: Uint8Array): SavedFile => ({
  file,
  bytes: bytes.length,
  sha256: sha256(bytes),
});

/** Reads a run, trusting nothing in it. */
export async function loadRun(dir: string): Promise<Run> {
  return (await loaded(dir, false)).run;
}

/** A run with the state of its training, so that it can be resumed; undefined of one that was saved before its first step. */
export async function loadTraining(dir: string): Promise<Run & { readonly state: TrainState | undefined }> {
  const { run, optimizer } = await loaded(dir, true);
  if (!optimizer && run.metrics.length === 0) return { ...run, state: undefined };
  if (!optimizer) {
    run.model.dispose();
    throw new Error(`${dir}: has no ${OPTIMIZER}, so that it can be used but not resumed; it was saved without, perhaps by an older Elbo`);
  }
  try {
    const state = stateFromSafetensors(run.model, optimizer, join(dir, OPTIMIZER));
    if (run.metrics.length >= state.epoch) return { ...run, state };
    throw new Error(`${join(dir, METRICS)}: ${run.metrics.length} lines, but ${state.epoch} epochs are done`);
  } catch (error) {
    run.model.dispose();
    throw error;
  }
}

async function loaded(dir: string, withState: boolean): Promise<{ run: Run; optimizer: Uint8Array | undefined }> {
  // Another process may save between the reading of one file and the next; it does not do so twice.
  const { config, weights, optimizer } = readSet(dir, withState, "tolerant") ?? (readSet(dir, withState, "strict") as Saved);
  const metrics = parseMetrics(read(join(dir, METRICS)).toString(), join(dir, METRICS));
  const model = modelFromSafetensors(config.model, weights, join(dir, WEIGHTS));
  return { run: { config, model, metrics }, optimizer };
}

/** What will replace a file waits beside it. The number is the process that writes it. */
const waiting = (dir: string, name: string): string => join(dir, `.${name}.${process.pid}.tmp`);
const WAITING = /^\.(config\.json|(?:model|optimizer)\.safetensors|metrics\.jsonl)\.(\d+)\.tmp$/;

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

interface Saved {
  readonly config: RunConfig;
  readonly weights: Uint8Array;
  readonly optimizer: Uint8Array | undefined;
}

/** A config and the files that belong to it: config.json's, or those of the one that was about to replace it. */
function readSet(dir: string, withState: boolean, mode: "tolerant" | "strict"): Saved | undefined {
  const files = attempt(`${dir}: no run can be read there`, () => readdirSync(dir));
  const current = files.includes(CONFIG) ? parseRunConfig(read(join(dir, CONFIG)).toString(), join(dir, CONFIG)) : undefined;
  if (!files.includes(WEIGHTS)) throw new Error(`${dir}: ${current ? `has no ${WEIGHTS}` : `not a run: it has no ${CONFIG}`}`);
  const next = files.filter((file) => WAITING.exec(file)?.[1] === CONFIG).flatMap((file) => readIfWhole(join(dir, file)));

  /** The file that was saved with a config, under its own name or still waiting for it. */
  const found = (saved: SavedFile): Uint8Array | undefined => {
    const names = files.filter((file) => file === saved.file || WAITING.exec(file)?.[1] === saved.file);
    const ownFirst = names.sort((a, b) => Number(b === saved.file) - Number(a === saved.file));
    for (const name of ownFirst) {
      const bytes = name === saved.file ? read(join(dir, name)) : attemptOr(undefined, () => read(join(dir, name)));
      if (bytes && sha256(bytes) === saved.sha256) return bytes;
    }
    return undefined;
  };
  for (const config of [...(current ? [current] : []), ...next]) {
    const weights = found({ ...config.weights, file: WEIGHTS });
    const optimizer = withState && config.optimizer ? found({ ...config.optimizer, file: OPTIMIZER }) : undefined;
    if (weights && (optimizer || !withState || !config.optimizer)) return { config, weights, optimizer };
  }
  if (mode === "tolerant") return undefined;
  if (!current) throw new Error(`${dir}: not a run: it has no ${CONFIG}`);
  const weightsAreThere = found({ ...current.weights, file: WEIGHTS });
  const [file, { bytes }] = weightsAreThere && current.optimizer ? [OPTIMIZER, current.optimizer] : [WEIGHTS, current.weights];
  if (!files.includes(file)) throw new Error(`${dir}: has no ${file}`);
  const { length } = read(join(dir, file));
  const difference = length === bytes ? "other bytes than" : `${length} bytes instead of the ${bytes} that`;
  throw new Error(`${join(dir, file)}: damaged or exchanged: it has ${difference} were saved with ${CONFIG}`);
}

/** A config that a process left behind: perhaps cut short, or gone by now. */
function readIfWhole(path: string): RunConfig[] {
  return attemptOr([], () => [parseRunConfig(read(path).toString(), path)]); // else it is not the config of these weights, and nothing is lost
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

/** For what another process may take away while it is read. */
function attemptOr<T>(otherwise: T, action: () => T): T {
  try {
    return action();
  } catch {
    return otherwise;
  }
}

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
