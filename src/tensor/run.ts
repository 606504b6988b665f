// Programs: a graph meets a device. Plans are looked up by structure, leaves are bound to memory, the plan is run.

import type { Device, Prepared } from "../kernels/devices/device.ts";
import type { Graph } from "./graph.ts";
import type { Scaling } from "./half.ts";
import { type Plan, plan } from "./plan.ts";
import type { Block, Tensor } from "./tensor.ts";

export interface Program {
  readonly plan: Plan;
  readonly prepared: Prepared;
}

const MAX_PROGRAMS = 256; // structures of eager programs that a device remembers; the oldest are forgotten
const known = new WeakMap<Device, Map<string, Program>>();

/** The program for graphs of this structure: prepared now, or found again. */
export function programFor(graph: Graph, device: Device): Program {
  const programs = known.get(device) ?? new Map<string, Program>();
  known.set(device, programs);
  const found = programs.get(graph.key);
  if (found) return found;
  const made = makeProgram(graph, device, false);
  programs.set(graph.key, made);
  if (programs.size > MAX_PROGRAMS) {
    const [[oldest, { prepared }]] = programs;
    prepared.dispose();
    programs.delete(oldest);
  }
  return made;
}

export function makeProgram(graph: Graph, device: Device, baked: boolean, scaling?: Scaling): Program {
  const made = plan(graph, device, baked, scaling);
  return { plan: made, prepared: device.prepare(made) };
}

/** Sees that every block of the graph can be read by the device. Kept blocks move there, and stay. */
export function bind(blocks: readonly Block[], device: Device): void {
  checkThere(blocks);
  for (const block of blocks) {
    if (block.device && block.device !== device) {
      throw new Error(`data: a program on ${device.name} reads a value that lives on ${block.device.name}; one program runs on one device`);
    }
    if (!block.kept || block.device) continue;
    const { host } = block;
    settle(block, device);
    if (host) device.write(block.buffer, host);
  }
}

export function checkThere(blocks: readonly Block[]): void {
  for (const { gone } of blocks) if (gone) throw new Error(`data: ${gone}`);
}

const lost = new FinalizationRegistry<() => void>((release) => release());

/** A net, not the plan: `release` runs when nobody holds its owner any more. */
export const whenLost = (owner: object, release: () => void): void => lost.register(owner, release, owner);

/** Takes the net away from an owner that released what it had. */
export const released = (owner: object): boolean => lost.unregister(owner);

/** Gives a block memory of its own on the device. */
export function settle(block: Block, device: Device): void {
  const buffer = device.alloc(block.elements, block.dtype);
  block.buffer = buffer;
  block.device = device;
  block.host = undefined;
  whenLost(block, () => device.free(buffer));
}

/** Gives that memory back. */
export function vacate(block: Block): void {
  if (block.device && block.kept && block.buffer) {
    block.device.free(block.buffer);
    released(block);
  }
  block.host = undefined;
  block.buffer = undefined;
}

/** A tensor recorded before an effect and run after it would see the wrong value of the state. */
export function checkFresh(graph: Graph): void {
  graph.nodes.forEach((t, i) => {
    for (const x of graph.inputs[i]) {
      const written = graph.nodes[x].storage?.block.written;
      if (!written || written.id < t.id || (t.op.loops === "effect" && x === graph.inputs[i][0])) continue;
      throw new Error(
        `data: ${graph.nodes[x]} was overwritten by ${written.by} before ${t} was computed; read both in the same await, or return it from the step`,
      );
    }
  });
}

/** Notes on each state which effect wrote it last. */
export function markWritten(effects: readonly Tensor[]): void {
  for (const e of effects) {
    const block = e.inputs[0].storage?.block;
    if (block) block.written = { id: e.id, by: e.attrs.by as string };
  }
}

/** Where the device is known: the device of the first state among the leaves. */
export const deviceOf = (graph: Graph): Device | undefined => graph.blocks.find((b) => b.device && !b.gone)?.device;
