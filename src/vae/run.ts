// A run: a model, how it was trained, and how that went. This part knows the format, and no file; run.node.ts keeps runs in directories.

import type { Images } from "../data/images.ts";
import { blank } from "./initial.ts";
import { fromStored, layoutOf, toStored } from "./layouts.ts";
import type { Vae, VaeConfig } from "./model.ts";
import { build } from "./models.ts";
import { elbo } from "./objectives/elbo.ts";
import type { Objective } from "./objectives/objective.ts";
import { readSafetensors, type StoredTensor, writeSafetensors } from "./safetensors.ts";

/** What config.json holds. */
export interface RunConfig {
  readonly format: "elbo-run";
  readonly version: 1;
  readonly model: VaeConfig;
  /** How the numbers in metrics.jsonl are to be read, for people. */
  readonly loss: string;
  /** What the training was asked for: epochs, batch, … */
  readonly training: Readonly<Record<string, unknown>>;
  readonly data: DataDescription | undefined;
  /** The weights that belong to this config, and no others. */
  readonly weights: SavedFile;
  /** The state of the training at that moment, if it was saved: then it can be resumed. */
  readonly optimizer?: SavedFile;
}

export interface SavedFile {
  readonly file: "model.safetensors" | "optimizer.safetensors";
  readonly bytes: number;
  readonly sha256: string;
}

/** Enough to make pictures of what the model gives, and to know what it was trained on. */
export interface DataDescription extends Pick<Images, "name" | "height" | "width" | "channels" | "white"> {
  readonly train: number;
  readonly test: number;
}

export const describeData = ({ train, test }: { train: Images; test?: Images | undefined }): DataDescription => {
  const { name, height, width, channels, white } = train;
  return { name, height, width, channels, white, train: train.count, test: test?.count ?? 0 };
};

/** A run as it is handed around. */
export interface Run {
  readonly model: Vae;
  readonly config: RunConfig;
  /** One record per epoch. */
  readonly metrics: readonly Readonly<Record<string, unknown>>[];
}

const FORMAT = "elbo-run";
const VERSION = 1;

export function runConfig(
  model: Vae,
  files: Pick<RunConfig, "weights" | "optimizer">,
  training: RunConfig["training"] = {},
  data: DataDescription | undefined = undefined,
  objective: Objective = elbo(),
): RunConfig {
  const loss =
    `nats per example, summed over its values, averaged over examples: loss = ${objective.formula}; ` +
    `reconstruction = -log p(x|z) with a ${model.likelihood.name} likelihood, averaged over the z of an example; kl = KL(q(z|x) || p(z))`;
  return { format: FORMAT, version: VERSION, model: model.config, loss, training, data, ...files };
}

/** The config in a text, as far as it can be told without the weights. `name` is the file's, for messages. */
export function parseRunConfig(text: string, name: string): RunConfig {
  let config: Partial<RunConfig>;
  try {
    config = JSON.parse(text);
  } catch (error) {
    throw new Error(`${name}: not JSON: ${(error as Error).message}`, { cause: error });
  }
  if (config?.format !== FORMAT) throw new Error(`${name}: not the config of a run: format is ${quote(config?.format)}, not "${FORMAT}"`);
  if (config.version !== VERSION) {
    const advice = Number(config.version) > VERSION ? "; a newer Elbo reads it" : "";
    throw new Error(`${name}: a run of version ${quote(config.version)}; this Elbo reads version ${VERSION}${advice}`);
  }
  const { model, weights, optimizer } = config;
  if (typeof model !== "object" || model === null) throw new Error(`${name}: model is ${quote(model)}, not a description of one`);
  checkFile(name, "weights", weights, "model.safetensors");
  if (optimizer !== undefined) checkFile(name, "optimizer", optimizer, "optimizer.safetensors");
  return config as RunConfig;
}

function checkFile(name: string, key: string, saved: Partial<SavedFile> | undefined, file: string): void {
  if (typeof saved?.sha256 === "string" && Number.isSafeInteger(saved.bytes)) return;
  throw new Error(`${name}: ${key} is ${quote(saved)}, not the size and sha256 of ${file}`);
}

/** The lines of metrics.jsonl. */
export function parseMetrics(text: string, name: string): Record<string, unknown>[] {
  const lines = text.split("\n").filter((line) => line !== "");
  return lines.map((line, i) => {
    try {
      return JSON.parse(line);
    } catch (error) {
      throw new Error(`${name}: line ${i + 1} is not JSON: ${(error as Error).message}`, { cause: error });
    }
  });
}

const quote = (value: unknown): string => (JSON.stringify(value) ?? "missing").slice(0, 100);

/** The parameters and states as a safetensors file, with PyTorch's names and layouts: `load_state_dict(strict=True)` takes them. */
export async function modelToSafetensors(model: Vae): Promise<Uint8Array<ArrayBuffer>> {
  const entries = [...model.parameters, ...model.state];
  const values = await Promise.all(entries.map(([, t]) => t.data()));
  const tensors = entries.map(([name, t], i): [string, StoredTensor] => {
    if (t.dtype === "u32") return [name, { dtype: "I64", shape: t.shape, data: BigInt64Array.from(values[i] as Uint32Array, BigInt) }];
    const layout = layoutOf(t);
    return [name, { dtype: "F32", shape: layout.shape, data: toStored(values[i] as Float32Array, layout) }]; // all others are f32
  });
  return writeSafetensors(new Map(tensors));
}

/** The model that a config describes, with the parameters in a safetensors file. `name` is the file's, for messages. */
export function modelFromSafetensors(config: VaeConfig, bytes: Uint8Array, name: string): Vae {
  const { tensors } = readSafetensors(bytes, name);
  const count = [...tensors.values()].reduce((sum, { data }) => sum + data.length, 0);
  const model = build(config, blank(count)); // no config can make it larger than the file
  fill(model, tensors, name);
  return model;
}

/** Gives a new model the parameters and states in a file, which must be those that it has. */
export function fill(model: Pick<Vae, "parameters" | "state">, tensors: ReadonlyMap<string, StoredTensor>, name: string): void {
  const wanted = new Map([...model.parameters, ...model.state]);
  for (const [key, t] of wanted) {
    const stored = tensors.get(key);
    const layout = layoutOf(t);
    const dtype = t.dtype === "u32" ? "I64" : "F32"; // PyTorch counts in i64
    if (!stored) throw new Error(`${name}: has no ${key}, which the model of the config needs`);
    if (stored.dtype !== dtype || `${stored.shape}` !== `${layout.shape}`) {
      throw new Error(
        `${name}: ${key} is ${stored.dtype} [${stored.shape.join(", ")}], but the model needs ${dtype} [${layout.shape.join(", ")}]`,
      );
    }
    const host = t.storage?.block.host as Float32Array | Uint32Array; // a new model lies on the host until a program reads it
    if (stored.dtype === "I64") host.set(Array.from(stored.data, (n) => counted(n, `${name}: ${key}`)));
    else host.set(fromStored(stored.data as Float32Array, layout));
  }
  const extra = [...tensors.keys()].find((key) => !wanted.has(key));
  if (extra !== undefined) throw new Error(`${name}: has ${extra}, which the model of the config does not know`);
}

function counted(n: bigint, what: string): number {
  if (n >= 0n && n < 2n ** 32n) return Number(n);
  throw new Error(`${what} is ${n}; Elbo counts from 0 to ${2 ** 32 - 1}`);
}
