// The state of a training as a safetensors file: what belongs to a parameter has its name, and PyTorch's layout as the weights have;
// what is no tensor stands as JSON in the header.

import { fromStored, type Layout, layoutOf, toStored } from "../layouts.ts";
import type { Vae } from "../model.ts";
import { readSafetensors, type StoredTensor, writeSafetensors } from "../safetensors.ts";
import { whole } from "../settings.ts";
import type { TrainState } from "./state.ts";

const KEY = "training";

/** The bytes of optimizer.safetensors. */
export function stateToSafetensors(model: Vae, { tensors, ...rest }: TrainState): Uint8Array<ArrayBuffer> {
  const stored = Array.from(tensors, ([name, data]): [string, StoredTensor] => {
    if (data instanceof Uint32Array) return [name, { dtype: "U32", shape: shapeOf(data), data }];
    const layout = layoutFor(model, name);
    return [name, { dtype: "F32", shape: layout?.shape ?? shapeOf(data), data: layout ? toStored(data, layout) : data }];
  });
  return writeSafetensors(new Map(stored), { format: "pt", [KEY]: JSON.stringify(rest) });
}

/** The state in a file; `name` is the file's, for messages. Whether it fits a training is found when that is resumed. */
export function stateFromSafetensors(model: Vae, bytes: Uint8Array, name: string): TrainState {
  const { tensors, metadata } = readSafetensors(bytes, name);
  const json = metadata.get(KEY);
  if (json === undefined) throw new Error(`${name}: says nothing of a training; elbo train leaves one that does`);
  const values = Array.from(tensors, ([key, { dtype, shape, data }]): [string, Float32Array | Uint32Array] => {
    if (dtype === "U32") return [key, data as Uint32Array];
    if (dtype !== "F32") throw new Error(`${name}: ${key} is ${dtype}; the state of a training is F32 and U32`);
    const layout = layoutFor(model, key);
    if (!layout) return [key, data as Float32Array];
    if (`${shape}` === `${layout.shape}`) return [key, fromStored(data as Float32Array, layout)];
    throw new Error(`${name}: ${key} is [${shape.join(", ")}], but the parameter is [${layout.shape.join(", ")}]`);
  });
  try {
    return { ...readRest(JSON.parse(json)), tensors: new Map(values) };
  } catch (error) {
    throw new Error(`${name}: ${KEY}: ${(error as Error).message}`, { cause: error });
  }
}

/** Nothing in a file is taken for granted that a training would stumble over. */
function readRest(value: Omit<TrainState, "tensors">): Omit<TrainState, "tensors"> {
  const { epoch, step, recovered, running, best, basis } = value;
  whole("images", basis?.images);
  whole("batch", basis.batch, 1, basis.images);
  whole("step", step, 0, Math.floor(basis.images / basis.batch));
  whole("epoch", epoch, 0);
  whole("recovered", recovered, 0);
  const numbers = [running?.seconds, running.sums?.weight, ...Object.values(running.sums.terms ?? {}), ...Object.values(best ?? {})];
  if (!numbers.every(Number.isFinite)) throw new Error(`running: ${JSON.stringify([running.sums, best]).slice(0, 100)} are no losses`);
  if (!Array.isArray(running.recoveries)) throw new Error("running: recoveries is no list");
  return { epoch, step, recovered, running, ...(best && { best }), basis };
}

const shapeOf = (data: ArrayLike<number>): number[] => (data.length === 1 ? [] : [data.length]);

/** That of the parameter to which it belongs, if it belongs to one. */
function layoutFor({ parameters }: Vae, name: string): Layout | undefined {
  const parameter = parameters.get(name.replace(/\.[^.]+$/, ""));
  return parameter && layoutOf(parameter);
}
