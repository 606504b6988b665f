// The state of a training between two steps: with the model, all that the next step depends on. Numbers and arrays, so that it can be
// written down (saved.ts) and gone on with, bit for bit on the same device.

import type { Images } from "../../data/images.ts";
import { type Optimizer, type Precision, set, type Tensor } from "../../index.ts";
import type { LossScale } from "../../tensor/loss-scale.ts";
import type { Binarize } from "../binarize.ts";
import type { EpochLosses } from "../diagnosis/findings.ts";
import type { Vae } from "../model.ts";
import type { Sums } from "../pipeline.ts";
import type { RecoveryEvent } from "./events.ts";

export interface TrainState {
  /** Epochs that have ended. */
  readonly epoch: number;
  /** Steps of the next one that are done: 0, unless the training was aborted in it. The clock, and with it the noise, follows from the two. */
  readonly step: number;
  /** What is remembered of these steps. */
  readonly running: Running;
  /** How often a step had to be given up. */
  readonly recovered: number;
  /** The losses of the epoch that did best on the test images, for a word on overfitting. */
  readonly best?: EpochLosses | undefined;
  readonly basis: Basis;
  /** Of the optimizer and of loss scaling: `encoder.0.weight.mean`, `optimizer.steps`, … */
  readonly tensors: ReadonlyMap<string, Float32Array | Uint32Array>;
}

export interface Running {
  readonly sums: Sums;
  readonly seconds: number;
  readonly recoveries: readonly RecoveryEvent[];
}

/** What the order of the images and all noise follow from: a training that goes on has the same. */
export interface Basis {
  readonly images: number;
  /** A hash of their pixels. */
  readonly pixels: number;
  readonly batch: number;
  readonly seed: number;
  readonly precision: Precision;
  readonly binarize: Binarize | "none";
}

export const stepsPerEpoch = ({ images, batch }: Basis): number => Math.floor(images / batch);
export const clockOf = (state: Pick<TrainState, "epoch" | "step" | "basis">): number =>
  state.epoch * stepsPerEpoch(state.basis) + state.step;

type Asked = Pick<Basis, "batch" | "seed" | "precision"> & { readonly binarize?: Binarize | undefined };

export function basisOf(images: Images, { batch, seed, precision, binarize }: Asked): Basis {
  return { images: images.count, pixels: hash(images.pixels), batch, seed, precision, binarize: binarize ?? "none" };
}

/** FNV-1a: enough to notice that a folder holds other pictures than it did. */
function hash(bytes: Uint8Array): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < bytes.length; i++) h = Math.imul(h ^ bytes[i], 0x01000193);
  return h >>> 0;
}

/** Throws if a state belongs to another training. */
export function checkState({ basis, epoch }: TrainState, now: Basis, epochs: number): void {
  for (const key of Object.keys(now) as (keyof Basis)[]) {
    if (basis[key] === now[key]) continue;
    const difference = key === "pixels" ? "other pixels" : `${key} ${basis[key]} and not ${now[key]}`;
    throw new Error(`train: the state to resume is of a training with ${difference}`);
  }
  if (epoch >= epochs) throw new Error(`train: ${epoch} epochs are done, and ${epochs} are asked for in all`);
}

/** The tensors of a state, by the names that they have there: those of an optimizer go by the parameter that they belong to. */
export function stateTensors(model: Vae, optimizer: Optimizer, lossScale: LossScale | undefined): Map<string, Tensor> {
  const names = [...model.parameters.keys()];
  const own = Array.from(optimizer.state, ([key, t]): [string, Tensor] => {
    const [, i, kind] = /^(\d+)\.(.+)$/.exec(key) ?? [];
    return [i === undefined ? `optimizer.${key}` : `${names[Number(i)]}.${kind}`, t];
  });
  return new Map([...own, ...Object.entries(lossScale ?? {}).map(([key, t]): [string, Tensor] => [`lossScale.${key}`, t])]);
}

/** The values of tensors, copied. */
export async function valuesOf(tensors: ReadonlyMap<string, Tensor>): Promise<Map<string, Float32Array | Uint32Array>> {
  const all = await Promise.all([...tensors.values()].map((t) => t.data()));
  return new Map([...tensors.keys()].map((name, i) => [name, all[i].slice() as Float32Array | Uint32Array]));
}

/** Gives tensors the values that a state has for them. Nothing changes if they are not each other's. */
export function put(tensors: ReadonlyMap<string, Tensor>, values: TrainState["tensors"]): void {
  for (const [name, t] of tensors) {
    const found = values.get(name);
    if (!found) throw new Error(`train: the state to resume has no ${name}, which the optimizer needs`);
    if (found.length !== t.size) throw new Error(`train: the state to resume has ${found.length} numbers for ${name}, not ${t.size}`);
  }
  const extra = [...values.keys()].find((name) => !tensors.has(name));
  if (extra !== undefined) throw new Error(`train: the state to resume has ${extra}, which the optimizer does not know`);
  for (const [name, t] of tensors) write(t, values.get(name) as Float32Array | Uint32Array);
}

/** What no device has seen yet is written where it lies, without a program. */
export function write(t: Tensor, values: ArrayLike<number>): void {
  const { block, offset } = t.storage as NonNullable<Tensor["storage"]>; // a state always has one
  if (block.host) block.host.set(values, offset);
  else set(t, t.rank === 0 ? values[0] : (values as Float32Array | Uint32Array));
}
