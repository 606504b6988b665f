// compile(f): f is traced once per shape of its arguments, planned once, and replayed. A replay does no work per op
// in JavaScript beyond handing its kernels to the device.

import { type Device, device as openDevice } from "../kernels/devices/device.ts";
import type { Tiles } from "../kernels/devices/webgpu/tiles.ts";
import { inputLeaf, outputLeaf } from "../kernels/layout/leaf.ts";
import { assign } from "../kernels/state/assign.ts";
import { scalar } from "./create.ts";
import { type Explained, explain } from "./explain.ts";
import { type Graph, graph } from "./graph.ts";
import type { Scaling } from "./half.ts";
import { adjust, type LossScale, lossScale } from "./loss-scale.ts";
import { runEffects } from "./read.ts";
import { bind, checkFresh, deviceOf, makeProgram, type Program, released, whenLost } from "./run.ts";
import { type Block, nextId, Tensor } from "./tensor.ts";
import { isTracing, type Trace, within } from "./trace.ts";

/** What a compiled function may return: tensors, alone or in an array or a record. */
export type Outputs = Tensor | readonly Tensor[] | { readonly [name: string]: Tensor };

export interface Compiled<A extends readonly Tensor[], R extends Outputs> {
  (...args: A): R;
  /** Runs `times` steps in one submission, with the same arguments; each output has one row per step. */
  repeat(times: number, ...args: A): R;
  /** Counts the replays that draw, u32, on the device: what random numbers and the order of the data derive from. Save it to resume. */
  readonly clock: Tensor;
  /** By what losses are multiplied before they are differentiated, where gradients are stored as f16. Save it to resume. */
  readonly lossScale: LossScale | undefined;
  /** The kernels of the program for these arguments, one line each. */
  explain(...args: A): Explained;
  /**
   * Finds the fastest kernels for these arguments on this device, by trying, and goes on with them. What it found is plain JSON, for
   * `open("webgpu", { tiles })`; nothing where there is nothing to choose from. Values do not change, and the function does not run.
   */
  tune(...args: A): Promise<Tiles>;
  dispose(): void;
  [Symbol.dispose](): void;
}

export interface CompileOptions {
  /** For the random draws inside. */
  readonly seed?: number;
  /**
   * `f16` is mixed precision: what is large and passes from one product to another is stored in two bytes, and gradients are
   * scaled on their way. Arithmetic, parameters, states and results stay in f32. It needs a GPU that can store f16.
   */
  readonly precision?: Precision;
}

export type Precision = "f32" | "f16";

/** Results stay readable while this many later runs of their program are made. */
const RING = 4;

interface Traced<R extends Outputs> extends Program {
  readonly device: Device;
  readonly graph: Graph;
  /** The graph's nodes, with each run's arguments in the place of the inputs. */
  readonly nodes: Tensor[];
  /** Where each argument stands among the nodes; -1 if the function does not use it. */
  readonly inputs: readonly number[];
  readonly outputs: readonly Tensor[];
  /** The outputs' places in what the function returned. */
  readonly rebuild: (tensors: readonly Tensor[]) => R;
  readonly effects: readonly Tensor[];
  /** What was captured, and where it lay. An optimizer moves its parameters when it is made: then another plan is needed. */
  readonly places: readonly (readonly [Tensor, Block])[];
  /** Buffers of earlier results, by the rows they hold. */
  readonly rings: Map<number, { buffers: unknown[][]; results: Block[][]; next: number }>;
}

export function compile<A extends readonly Tensor[], R extends Outputs>(
  f: (...args: A) => R,
  { seed = 0, precision = "f32" }: CompileOptions = {},
): Compiled<A, R> {
  if (precision !== "f32" && precision !== "f16")
    throw new Error(`compile: precision "${precision satisfies never}"; there are f32 and f16`);
  const clock = scalar(0, "u32");
  const scale = precision === "f16" ? lossScale() : undefined;
  const programs = new Map<string, Traced<R>>();
  let isDisposed = false;

  const keyOf = (args: A): string => args.map((x, i) => `${tensorArgument(x, i).dtype}[${x.shape}]`).join();

  const traced = (args: A): Traced<R> => {
    if (isDisposed) throw new Error("compile: the function was disposed");
    if (isTracing())
      throw new Error("compile: a compiled function is called inside another, which would freeze its result; call the plain one");
    const key = keyOf(args);
    const found = programs.get(key);
    if (found?.places.every(([t, block]) => t.storage?.block === block)) return found;
    runEffects();
    found?.prepared.dispose();
    const made = { ...capture(f, args, { clock, seed, scale }), rings: found?.rings ?? new Map() };
    programs.set(key, made);
    return made;
  };

  const run = (times: number, args: A): R => {
    const program = traced(args);
    runEffects();
    return replay(program, args, times);
  };

  const compiled = (...args: A): R => run(1, args);
  const release = releasing(programs);
  const dispose = () => {
    isDisposed = true;
    release();
    clock.dispose();
    for (const state of Object.values(scale ?? {})) state.dispose();
    released(compiled);
  };
  whenLost(compiled, release);
  return Object.assign(compiled, {
    clock,
    lossScale: scale,
    repeat: (times: number, ...args: A): R => {
      if (!Number.isInteger(times) || times < 1) throw new Error(`repeat: ${times} times; it is a whole number from 1`);
      return run(times, args);
    },
    explain: (...args: A) => {
      const { plan, prepared } = traced(args);
      return explain(plan, prepared);
    },
    tune: async (...args: A) => {
      const program = traced(args);
      const { device, plan } = program;
      const tiles = await device.tune?.(plan);
      if (!tiles || programs.get(keyOf(args)) !== program) return tiles ?? {};
      program.prepared.dispose();
      programs.set(keyOf(args), { ...program, prepared: device.prepare(plan) });
      return tiles;
    },
    dispose,
    [Symbol.dispose]: dispose,
  });
}

/** Gives back what the programs hold. Written outside of `compile`, because what the net holds must not hold the compiled function. */
const releasing =
  <R extends Outputs>(programs: Map<string, Traced<R>>) =>
  (): void => {
    for (const { device, prepared, rings } of programs.values()) {
      prepared.dispose();
      for (const { buffers, results } of rings.values()) {
        for (const b of buffers.flat()) device.free(b);
        for (const block of results.flat()) block.gone ??= "the compiled function it is a result of was disposed";
      }
    }
    programs.clear();
  };

function tensorArgument(x: Tensor, i: number): Tensor {
  if (x instanceof Tensor) return x;
  throw new Error(`compile: argument ${i} is ${typeof x}, which the trace would freeze; pass a tensor, or scalar(v) and set it`);
}

/** What the programs of one compiled function share. */
interface Shared {
  readonly clock: Tensor;
  readonly seed: number;
  readonly scale: LossScale | undefined;
}

/** Runs f on placeholders and plans what it recorded. */
function capture<A extends readonly Tensor[], R extends Outputs>(
  f: (...args: A) => R,
  args: A,
  { clock, seed, scale }: Shared,
): Omit<Traced<R>, "rings"> {
  const begin = nextId();
  const inputs = args.map((x) => new Tensor(inputLeaf, [], {}, x.shape, x.dtype));
  let ticks = false;
  const readClock = () => {
    ticks = true;
    return clock;
  };
  let inverse: Tensor | undefined;
  const scaling = () => {
    if (!scale) return undefined;
    inverse ??= scale.scale.reciprocal();
    return { scale: scale.scale, inverse };
  };
  const trace: Trace = { effects: [], draws: 0, clock: readClock, seed, scaling };
  const { outputs, rebuild } = within(trace, () => {
    const result = f(...(inputs as readonly Tensor[] as A)); // one placeholder per argument: the same tuple
    if (result instanceof Promise) throw new Error("compile: the function is async; a step records, it does not wait");
    return flat(result);
  });
  if (ticks) within(trace, () => assign(clock, clock.add(1), "the clock"));
  if (scale && inverse) within(trace, () => adjust(scale));
  const g = graph(outputs, trace.effects);
  checkRecordedInside(g, begin);
  for (const block of g.blocks) block.kept = true; // captured data stays on the device with the program
  const device = deviceOf(g) ?? openDevice();
  if (scale && device.lacksHalf)
    throw new Error(`compile: precision "f16" is not possible here: ${device.lacksHalf}; leave it out for f32`);
  bind(g.blocks, device);
  return {
    device,
    graph: g,
    nodes: [...g.nodes],
    inputs: inputs.map((t) => g.nodes.indexOf(t)),
    outputs,
    rebuild,
    effects: trace.effects,
    places: g.nodes.flatMap((t, i) => (g.blockOf[i] < 0 ? [] : [[t, g.blocks[g.blockOf[i]]] as const])),
    ...makeProgram(g, device, true, scale && positions(g, scale, inverse)),
  };
}

const positions = ({ nodes }: Graph, { scale, saturated }: LossScale, inverse: Tensor | undefined): Scaling => ({
  scale: nodes.indexOf(scale),
  inverse: inverse ? nodes.indexOf(inverse) : -1,
  saturated: nodes.indexOf(saturated),
});

/** What was recorded before the trace saw a state as it was then; a replay would give it the state as it is. */
function checkRecordedInside(g: Graph, begin: number): void {
  checkFresh(g);
  const overwritten = new Set(g.effects.map((e) => g.inputs[e][0]));
  g.nodes.forEach((t, i) => {
    const state = g.inputs[i].find((x) => overwritten.has(x));
    if (t.id < begin && state !== undefined)
      throw new Error(`compile: ${t} was recorded outside of the function, which overwrites ${g.nodes[state]}; record it inside`);
  });
}

/** The tensors of a result, and the way back to its form. */
function flat<R extends Outputs>(result: R): { outputs: Tensor[]; rebuild: (tensors: readonly Tensor[]) => R } {
  const entries = Object.entries(result instanceof Tensor ? [result] : (result ?? {}));
  for (const [name, t] of entries) {
    if (!(t instanceof Tensor)) throw new Error(`compile: result ${name} is no tensor`);
    if (t.dtype === "u8") throw new Error(`compile: result ${name} is u8, which stores and is not computed; cast it`);
  }
  const outputs = entries.map(([, t]) => t as Tensor);
  if (result instanceof Tensor) return { outputs, rebuild: ([t]) => t as R };
  if (Array.isArray(result)) return { outputs, rebuild: (tensors) => [...tensors] as readonly Tensor[] as R };
  return { outputs, rebuild: (tensors) => Object.fromEntries(entries.map(([name], i) => [name, tensors[i]])) as R };
}

function replay<R extends Outputs>(program: Traced<R>, args: readonly Tensor[], times: number): R {
  const { device, graph: g, inputs, nodes, prepared } = program;
  device.check();
  for (const block of g.blocks) if (block.gone) throw new Error(`compile: ${block.gone}`);
  args.forEach((x, i) => {
    const block = x.storage?.block;
    if (!block) throw new Error(`compile: argument ${i}, ${x}, has no value yet; await its data() or keep() it first`);
    bind([block], device);
    if (program.effects.some((e) => e.inputs[0].storage?.block === block))
      throw new Error(`compile: argument ${i}, ${x}, is a state that the function overwrites; let it use the state itself`);
  });
  inputs.forEach((at, i) => {
    if (at >= 0) nodes[at] = args[i];
  });
  const { buffers, results } = ring(program, times);
  prepared.run(nodes, times, buffers);
  for (const e of program.effects) {
    const block = e.inputs[0].storage?.block;
    if (block) block.written = { id: nextId(), by: e.attrs.by as string };
  }
  const out = program.outputs.map((t, i) => {
    const shape = times === 1 ? t.shape : [times, ...t.shape];
    const elements = times * t.size;
    const block: Block = {
      host: undefined,
      device,
      buffer: buffers[i],
      elements,
      dtype: t.dtype,
      kept: false,
      written: undefined,
      gone: undefined,
    };
    results.push(block);
    return new Tensor(outputLeaf, [], {}, shape, t.dtype, { block, offset: 0 });
  });
  return program.rebuild(out);
}

/** The oldest buffers of the ring, and a place to note who reads them; what lay there before is gone. */
function ring(program: Traced<Outputs>, times: number): { buffers: unknown[]; results: Block[] } {
  const { device, outputs, rings } = program;
  const r = rings.get(times) ?? { buffers: [], results: [], next: 0 };
  rings.set(times, r);
  const slot = r.next++ % RING;
  r.buffers[slot] ??= outputs.map((t) => device.alloc(times * t.size, t.dtype));
  for (const old of r.results[slot] ?? []) {
    old.gone ??= `a result of a compiled step was not read before ${RING} later steps; await it, or keep() it`;
  }
  r.results[slot] = [];
  return { buffers: r.buffers[slot], results: r.results[slot] };
}
