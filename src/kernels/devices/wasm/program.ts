// A plan made ready for the processor: one module with a function per phase, and a table in memory through which its
// kernels find what they read and write. A run brings the table up to date and lets all threads go through the phases.

import { isLeaf } from "../../../tensor/graph.ts";
import { placeOf } from "../../../tensor/inline.ts";
import type { Plan } from "../../../tensor/plan.ts";
import { format } from "../../../tensor/shape.ts";
import type { Storage, Tensor } from "../../../tensor/tensor.ts";
import { importGemm } from "../../matmul/gemm.wasm.ts";
import type { Prepared } from "../device.ts";
import { LimitError } from "../errors.ts";
import { type Func, type FuncRef, type Int, Module } from "./assembler.ts";
import type { Memory, WasmDevice } from "./device.ts";
import { phasesOf } from "./phases.ts";
import { type Step, slotName, stepsOf, type Table } from "./steps.ts";

/** The words that a program reads besides its tensors: addresses first of all, and numbers that may change from run to run. */
class Words implements Table {
  readonly #base: number;
  readonly names = new Map<string, number>();
  readonly scalars: { readonly word: number; readonly type: "f32" | "u32"; readonly i: number; readonly read: (now: Tensor) => number }[] =
    [];
  /** Elements of each temporary. */
  readonly temporaries = new Map<string, number>();
  #count = 0;
  readonly #limit: number;

  readonly threads: number;

  constructor(base: number, limit: number, threads: number) {
    this.#base = base;
    this.#limit = limit;
    this.threads = threads;
  }

  #word(): number {
    if (this.#count === this.#limit) throw new Error(`wasm: a program needs more than ${this.#limit} words`);
    return this.#count++;
  }

  #read(f: Func, word: number): Int {
    return f.loadInt(f.asInt(0), this.#base + 4 * word);
  }

  address(f: Func, name: string): Int {
    const word = this.names.get(name) ?? this.#word();
    this.names.set(name, word);
    return this.#read(f, word);
  }

  scalar(f: Func, i: number, read: (now: Tensor) => number, type: "f32" | "u32"): Int {
    // One word however often it is asked for: the two vectors of an iteration are joined into one only if they read the same.
    const known = this.scalars.find((s) => s.i === i && s.read === read && s.type === type);
    const word = known?.word ?? this.#word();
    if (!known) this.scalars.push({ word, type, i, read });
    return this.#read(f, word);
  }

  temporary(elements: number): string {
    const name = `temporary ${this.temporaries.size}`;
    this.temporaries.set(name, elements);
    return name;
  }
}

const WORDS_PER_NODE = 16; // an address, and a number per axis for each vector of an iteration: more than any op takes

/** What a phase does, for those who time it: the steps in it, and the multiplications and additions in their products. */
export interface PhaseFacts {
  readonly steps: readonly string[];
  readonly flops: number;
}

export function prepare(device: WasmDevice, plan: Plan): Prepared & { readonly phases: readonly PhaseFacts[] } {
  const { heap } = device;
  for (const [i, t] of plan.graph.nodes.entries()) if (plan.stored[i] || isLeaf(t)) checkSize(t);
  const limit = WORDS_PER_NODE * plan.graph.nodes.length + 16;
  const base = heap.alloc(4 * limit); // not counted among the device's bytes: like the code, it is the program's
  const words = new Words(base, limit, device.threads.count);
  const module = new Module(heap.limits, device.target);
  const gemm = importGemm(module, device.tile);
  const positions = new Map(plan.graph.nodes.map((t, i) => [t, i]));
  const phases = phasesOf(plan.kernels.flatMap((k) => stepsOf(plan, k, words, gemm, positions)));
  for (const [i, steps] of phases.entries()) writePhase(module, `p${i}`, steps);
  const alone = device.threads.count === 1 || phases.flat().every((step) => step.isSmall);
  const loaded = device.threads.load(module.bytes(), { alone });
  const temporaries = placesOf(phases, words.temporaries);

  const { nodes: template } = plan.graph;
  const leaves = template.flatMap((t, i) =>
    isLeaf(t) && words.names.has(`leaf ${i}`) ? [{ i, word: words.names.get(`leaf ${i}`) as number }] : [],
  );
  const inputs = template.flatMap((t, i) => (isLeaf(t) ? [i] : []));
  const places = plan.slotOf.flatMap((slot, i) => {
    const word = slot === undefined ? undefined : words.names.get(slotName(plan, i));
    return word === undefined ? [] : [{ slot: slot as number, offset: 4 * plan.offsets[i], word }];
  });
  const scratch = words.names.get("scratch");
  let slotChanges = -1;
  /** Where the leaves lie in this run. */
  const addresses = new Map<number, number>();

  const update = (nodes: readonly Tensor[]): void => {
    let copies = plan.slots.length + temporaries.count; // slots behind the plan's own
    for (const i of inputs) {
      const { block, offset } = nodes[i].storage as Storage; // a leaf has one when it runs
      const width = block.dtype === "u8" ? 1 : 4;
      const memory = block.buffer ? (block.buffer as Memory) : device.copied(copies++, block.host as NonNullable<typeof block.host>);
      addresses.set(i, memory.address + offset * width);
    }
    if (slotChanges !== device.slotChanges) {
      const slots = plan.slots.map((elements, slot) => device.slot(slot, elements).address);
      const own = temporaries.sizes.map((elements, t) => device.slot(plan.slots.length + t, elements).address);
      const scratchAt = scratch === undefined ? 0 : device.scratch().address;
      const now = heap.words(base, limit);
      for (const { slot, offset, word } of places) now[word] = slots[slot] + offset;
      for (const [name, t] of temporaries.at) now[words.names.get(name) as number] = own[t];
      if (scratch !== undefined) now[scratch] = scratchAt;
      slotChanges = device.slotChanges;
    }
    const now = heap.words(base, limit);
    for (const { i, word } of leaves) now[word] = addresses.get(i) as number;
    if (words.scalars.length === 0) return;
    const floats = heap.floats(base, limit);
    for (const { word, type, i, read } of words.scalars) (type === "f32" ? floats : now)[word] = read(nodes[i]);
  };

  /** Copies the outputs out of slots and states, which the next run overwrites. */
  const leave = (nodes: readonly Tensor[], time: number, into: readonly unknown[]): void => {
    plan.graph.outputs.forEach((i, which) => {
      const t = nodes[i];
      const at = placeOf(plan.graph, i);
      const bytes = t.size * (t.dtype === "u8" ? 1 : 4);
      const from = addresses.get(at) ?? device.slot(plan.slotOf[at] as number, 0).address + 4 * plan.offsets[at];
      const to = (into[which] as Memory).address + time * bytes;
      heap.octets(to, bytes).set(heap.octets(from, bytes));
    });
  };

  return {
    phases: phases.map((steps) => ({ steps: steps.map((s) => s.label), flops: steps.reduce((sum, s) => sum + s.flops, 0) })),
    dispatches: plan.kernels.map(() => 1),
    run: (nodes, times, into) => {
      device.finish();
      update(nodes);
      for (let time = 0; time < times; time++) device.threads.run(loaded, () => leave(nodes, time, into));
    },
    dispose: () => {
      if (device.isClosed || device.threads.isLost) return; // the memory went with it, and what ended in an error is not to end in two
      device.finish();
      device.threads.unload(loaded);
      heap.free(base);
    },
  };
}

/** Loops count bytes in signed numbers. */
function checkSize(t: Tensor): void {
  const bytes = t.size * (t.dtype === "u8" ? 1 : 4);
  if (bytes >= 2 ** 31)
    throw new LimitError(`wasm: ${t.op.name} ${format(t.shape)} takes ${bytes} bytes; a tensor may take 2 GiB here; use smaller batches`);
}

/** One function for the steps of a phase, each of which is a function of its own. */
function writePhase(module: Module, name: string, steps: readonly Step[]): void {
  const made: (readonly [Step, FuncRef])[] = steps.map((step) => [
    step,
    module.func(undefined, ["i32", "i32"], [], (f) => step.write(f, f.param(0), f.param(1))),
  ]);
  module.func(name, ["i32", "i32"], [], (f) => {
    const [thread, threads] = [f.param(0), f.param(1)];
    for (const [step, ref] of made) {
      if (step.isSmall) f.if(thread.eq(0), () => void f.call(ref, 0, 1));
      else f.call(ref, thread, threads);
    }
  });
}

/** Temporaries whose phases do not overlap share memory. */
function placesOf(phases: readonly (readonly Step[])[], elements: ReadonlyMap<string, number>) {
  const at = new Map<string, number>();
  const sizes: number[] = [];
  const busyUntil: number[] = [];
  for (const [name, n] of elements) {
    const used = phases.flatMap((steps, p) => (steps.some((s) => s.reads.has(name) || s.writes.has(name)) ? [p] : []));
    const [first, last] = [used[0] ?? 0, used.at(-1) ?? 0];
    let t = busyUntil.findIndex((until) => until < first);
    if (t < 0) t = busyUntil.push(-1) - 1;
    busyUntil[t] = last;
    sizes[t] = Math.max(sizes[t] ?? 0, n);
    at.set(name, t);
  }
  return { at, sizes, count: sizes.length };
}
