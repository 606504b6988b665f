// elbo train --resume RUN: the command line that began the run, which it remembers, given once more, and the state that it left.

import type { Run, TrainState } from "../vae/index.ts";
import { loadTraining } from "../vae/run.node.ts";
import { type Command, givenIn, parse, UsageError } from "./options.ts";

/** Options that say how, where and how long to go on; all others are the run's. `data` may say where the same images are now. */
const OWN = ["resume", "epochs", "lr", "data", "out", "overwrite", "device", "threads", "turbo", "json"];
/** What of a command line is no part of what a run is. */
const PASSING = ["resume", "out", "overwrite", "json"];

export interface Resumed {
  readonly loaded: Run;
  /** Undefined if not even the first epoch had ended. */
  readonly state: TrainState | undefined;
  /** The values of the command line that began the run, and of what was given now. */
  readonly values: Readonly<Record<string, unknown>>;
}

/** The options of a command line that a run remembers, as they were written; the data by a name that is right from every folder. */
export function rememberedOptions(values: object, data: string): Readonly<Record<string, string>> {
  const given = [...givenIn(values)].filter(([name]) => !PASSING.includes(name));
  return Object.fromEntries(given.map(([name, text]) => [name, name === "data" ? data : text]));
}

/** Reads a run that is to go on. What was given besides, and says otherwise than the run, is refused. */
export async function resumed(train: Command, dir: string, given: ReadonlyMap<string, string>): Promise<Resumed> {
  const { state, ...loaded } = await loadTraining(dir);
  const { options, device } = loaded.config.training ?? {};
  if (!isTexts(options)) throw new Error(`${dir}: does not say by which options it was trained, so that it cannot be resumed`);
  for (const [name, text] of given) {
    if (OWN.includes(name) || options[name] === text) continue;
    const what = options[name] === undefined ? "without it" : `with ${written(name, options[name])}`;
    throw new UsageError(
      `${written(name, text)}: ${dir} was begun ${what}, and goes on as it was begun; only ${OWN.slice(1)
        .map((own) => `--${own}`)
        .join(", ")} may be given`,
    );
  }
  const isHardware = (name: string) => ["device", "threads", "turbo"].includes(name);
  const asksForHardware = [...given.keys()].some(isHardware);
  const kept = Object.entries(options).filter(([name]) => !(asksForHardware && isHardware(name)));
  const begun =
    asksForHardware || kept.some(([name]) => isHardware(name)) || typeof device !== "string" ? [] : [["device", device] as const];
  const args = [...kept, ...begun, ...given].map(([name, text]) => written(name, text));
  const values = parse(train, args);
  if (values === "help") throw new Error(`${dir}: its options are damaged: ${args.join(" ")}`);
  const { epochs = loaded.config.training["epochs"] } = values;
  if (state && state.epoch >= Number(epochs)) throw new Error(`${dir}: ${state.epoch} epochs are done; --epochs with more goes on`);
  return { loaded, state, values };
}

const written = (name: string, text: string): string => (text === "" ? `--${name}` : `--${name}=${text}`);

const isTexts = (value: unknown): value is Readonly<Record<string, string>> =>
  typeof value === "object" && value !== null && Object.values(value).every((text) => typeof text === "string");

/** Throws if the settings that a run was begun with would come out otherwise now: another version may have other defaults. */
export function checkUnchanged(dir: string, before: Readonly<Record<string, unknown>>, now: Readonly<Record<string, unknown>>): void {
  const own = [...OWN, "options", "changes"];
  const changed = Object.keys({ ...before, ...now }).find(
    (key) => !own.includes(key) && JSON.stringify(before[key]) !== JSON.stringify(now[key]),
  );
  if (changed === undefined) return;
  const [was, is] = [before[changed], now[changed]].map((value) => JSON.stringify(value) ?? "not there");
  throw new Error(`${dir}: was begun by another version of Elbo: ${changed} was ${was} and would be ${is}`);
}

/** With another learning rate the halvings of recoveries are forgotten, and the run remembers since when. */
export function slowed(
  { loaded, state }: Resumed,
  asked: Readonly<Record<string, unknown>>,
): { readonly state: TrainState | undefined; readonly list: readonly unknown[] } {
  const { lr, changes } = loaded.config.training;
  const before = Array.isArray(changes) ? changes : [];
  if (lr === asked["lr"] || !state) return { state, list: before };
  const tensors = new Map([...state.tensors, ["optimizer.pace", Float32Array.of(1)] as const]);
  return { state: { ...state, recovered: 0, tensors }, list: [...before, { afterEpoch: state.epoch, lr }] };
}
