// Reading: the one place where something is computed for somebody. The reads of one microtask, and all effects
// recorded so far, form one program.

import { type Device, device as openDevice } from "../kernels/devices/device.ts";
import { graph } from "./graph.ts";
import { bind, checkFresh, checkThere, deviceOf, markWritten, programFor } from "./run.ts";
import { type Block, hostBlock, type Tensor, type Values } from "./tensor.ts";
import { hasEffects, isTracing, takeEffects } from "./trace.ts";

interface Waiting {
  readonly t: Tensor;
  readonly resolve: (values: Values) => void;
  readonly reject: (error: unknown) => void;
}
let waiting: Waiting[] = [];

/** The values of t, once the program of this microtask has run. */
export function read(t: Tensor): Promise<Values> {
  if (isTracing()) throw new Error(`data: ${t} is read inside compile, where nothing is computed; return it from the step instead`);
  const here = t.storage?.block;
  if (here?.gone) throw new Error(`data: ${here.gone}`);
  // What has its value needs no program, unless an effect is about to change it.
  if (here && !(here.kept && hasEffects())) {
    const offset = t.storage?.offset ?? 0;
    if (here.host) return Promise.resolve(here.elements === t.size ? here.host : here.host.subarray(offset, offset + t.size));
    if (here.device) return fetch(t, here.device, here, offset);
  }
  // Bytes are packed where they were uploaded; a view of them is computed in words.
  if (t.dtype === "u8" && !here) return read(t.cast("u32")).then((words) => Uint8Array.from(words));
  return new Promise((resolve, reject) => {
    if (waiting.push({ t, resolve, reject }) === 1) queueMicrotask(flush);
  });
}

/** Values from a device. A result of a compiled program is the tensor's own from then on; a state may change, and is read anew each time. */
async function fetch(t: Tensor, from: Device, block: Block, offset: number): Promise<Values> {
  const values = await from.read(block.buffer, offset, t.size, t.dtype);
  if (!block.kept) t.storage = { block: hostBlock(values, t.dtype), offset: 0 };
  return values;
}

/** Runs the effects recorded so far, and waits until the device is idle. */
export async function sync(): Promise<void> {
  if (hasEffects()) runEffects();
  await openDevice().idle();
}

/** Starts the pending effects without waiting: what compiled programs do first. */
export function runEffects(): void {
  const effects = takeEffects();
  if (effects.length > 0) start([], effects);
}

function flush(): void {
  const readers = waiting;
  waiting = [];
  answer(readers, takeEffects());
}

function answer(readers: readonly Waiting[], effects: readonly Tensor[]): void {
  if (readers.length + effects.length === 0) return;
  try {
    const results = start(
      readers.map((r) => r.t),
      effects,
    );
    readers.forEach((r, i) => {
      results[i].then(r.resolve, r.reject);
    });
  } catch (error) {
    // A reader that comes too late must not take the others with it, nor the training: nothing has run so far.
    const inTime = readers.filter((r) => !refused(r));
    if (inTime.length < readers.length) answer(inTime, effects);
    else if (readers.length > 1) separately(readers, effects);
    else for (const r of readers) r.reject(error);
  }
}

/** A program for each reader: together they may live on several devices. */
function separately(readers: readonly Waiting[], effects: readonly Tensor[]): void {
  try {
    if (effects.length > 0) start([], effects);
    for (const r of readers) answer([r], []);
  } catch (error) {
    for (const r of readers) r.reject(error);
  }
}

/** Rejects a reader whose states are gone or were overwritten. */
function refused({ t, reject }: Waiting): boolean {
  try {
    const g = graph([t], []);
    checkThere(g.blocks);
    checkFresh(g);
    return false;
  } catch (error) {
    reject(error);
    return true;
  }
}

/** Runs one eager program and returns its outputs' values, each to come. Values read once stay with their tensor. */
export function start(outputs: readonly Tensor[], effects: readonly Tensor[], on?: Device): Promise<Values>[] {
  const g = graph(outputs, effects);
  const device = on ?? deviceOf(g) ?? openDevice();
  device.check();
  bind(g.blocks, device);
  checkFresh(g);
  const { prepared } = programFor(g, device);
  const into = outputs.map((t) => device.alloc(t.size, t.dtype));
  try {
    prepared.run(g.nodes, 1, into);
  } catch (error) {
    for (const buffer of into) device.free(buffer);
    throw error;
  }
  markWritten(effects);
  return outputs.map(async (t, i) => {
    try {
      const values = await device.read(into[i], 0, t.size, t.dtype);
      t.storage ??= { block: hostBlock(values, t.dtype), offset: 0 };
      return values;
    } finally {
      device.free(into[i]);
    }
  });
}
