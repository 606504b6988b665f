// Faster code by experimental flags of V8, for those who ask for it. In Node such a flag can be set while the program
// runs; it holds for the whole process and for all that is compiled from then on.
//
// Experimental means that V8 makes no promise. So before the flag is trusted, a sample of each family of kernels is
// computed three times: by js, which is the specification; by wasm without the flag; and by wasm with it, compiled by
// TurboFan at once, for V8's other compiler does not know the flag. With it and without, all bits must be the same
// (unless the flag changes how often is rounded), and all must agree with js. If anything differs, the flag is taken back.

import type { Values } from "../../../tensor/tensor.ts";
import type { Device } from "../device.ts";
import { JsDevice } from "../js.ts";
import { Module, marked } from "./assembler.ts";
import { type Features, features } from "./features.ts";
import { host } from "./host.ts";
import { type Outcome, outcomes } from "./selftest.ts";
import { compile } from "./worker.ts";

/** What became of the wish for turbo. */
export interface Turbo {
  readonly on: boolean;
  /** What it brings, or why there is none. */
  readonly why: string;
}

interface Flag {
  readonly name: string;
  readonly gives: string;
  /** Does it leave all bits as they are? */
  readonly exact: boolean;
  /** Whether it does anything here; asked when it is set. */
  readonly works: () => boolean;
}

const pairing: Flag = {
  name: "experimental-wasm-revectorize",
  gives: "vectors of 256 bits",
  exact: true,
  works: joinsPairs,
};
const relaxed: Flag = {
  name: "experimental-wasm-relaxed-simd",
  gives: "a product and a sum in one instruction",
  exact: false,
  works: () => features().relaxed,
};

/** The flag that helps this engine. V8 11 is Node 20; later it has relaxed SIMD without a flag, and joins vectors from 13 on. */
function flagFor({ relaxed: isRelaxed, v8Major = 0 }: Features): Flag | undefined {
  if (v8Major >= 13) return pairing;
  return v8Major === 11 && !isRelaxed ? relaxed : undefined;
}

/** Opens a device with one thread to test on, otherwise as one with turbo is; it gets the functions of its modules by `functions`. */
export type OpenToTest = (turbo: Turbo, functions: typeof compile) => Promise<Device>;

/** For tests of this: changes what was computed with the flag. */
export type Spoil = (name: string, values: Values) => void;

let found: Promise<Turbo> | undefined; // once: a flag is the whole process's, and so is what it does

/** Sets the flag that helps, if there is one, and leaves it set if it works and is right. */
export async function turbo(open: OpenToTest, spoil?: Spoil): Promise<Turbo> {
  found ??= tried(open, spoil);
  const turbo = await found;
  if (!turbo.on) found = undefined;
  return turbo;
}

async function tried(open: OpenToTest, spoil: Spoil | undefined): Promise<Turbo> {
  const { setFlags, v8 } = host();
  const off = (why: string): Turbo => ({ on: false, why });
  if (!setFlags) return off("flags of V8 are set by Node only");
  const flag = flagFor(features());
  if (!flag) return off(`V8 ${v8()} has no flag that makes kernels faster; in Node 24 it has`);

  let isSet = false;
  const device = () => open({ on: true, why: flag.gives }, (bytes, env) => twice(bytes, env, () => isSet));
  const specified = await outcomes(new JsDevice());
  await using before = flag.exact ? await device() : undefined;
  const plain = before && (await outcomes(before));
  try {
    setFlags(`--${flag.name}`);
  } catch (error) {
    return off(`flags of V8 cannot be set here: ${(error as Error).message}`);
  }
  isSet = true;
  setFlags("--no-liftoff"); // and so TurboFan compiles whatever is called
  try {
    if (!flag.works()) throw new Error("it changes nothing on this machine");
    await using after = before ?? (await device());
    const computed = await outcomes(after);
    if (spoil) for (const { name, values } of computed) spoil(name, values);
    compare(computed, specified, closeTo);
    if (plain) compare(computed, plain, equalTo);
    return { on: true, why: flag.gives };
  } catch (error) {
    setFlags(`--no-${flag.name}`);
    return off(`V8's --${flag.name} is off again: ${(error as Error).message}`);
  } finally {
    setFlags("--liftoff");
  }
}

/** Functions that are compiled a second time once the flag is set: the kernels are written only once. */
function twice(bytes: Uint8Array<ArrayBuffer>, env: WebAssembly.ModuleImports, isSet: () => boolean): WebAssembly.Exports {
  type Functions = Record<string, (...args: number[]) => number>;
  const before = isSet() ? undefined : (compile(marked(bytes, "before"), env) as Functions);
  let after: Functions | undefined;
  const now = (): Functions => {
    if (before && !isSet()) return before;
    after ??= compile(bytes, env) as Functions;
    return after;
  };
  return Object.fromEntries(Object.keys(now()).map((name) => [name, (...args: number[]) => now()[name](...args)]));
}

/** How a number may relate to the one that it should be. */
type Agrees = (value: number, expected: number, tolerance: number) => boolean;
const closeTo: Agrees = (x, y, tolerance) => Math.abs(x - y) <= tolerance * (1 + Math.abs(y)) || Object.is(x, y);
const equalTo: Agrees = (x, y) => Object.is(x, y);

/** Throws at the first number that is not as it should be. */
function compare(computed: readonly Outcome[], expected: readonly Outcome[], agrees: Agrees): void {
  for (const [which, { name, values, tolerance }] of computed.entries()) {
    const right = expected[which].values;
    const i = right.findIndex((y, i) => !agrees(values[i], y, tolerance));
    if (i >= 0) throw new Error(`it makes ${name} wrong here, ${values[i]} instead of ${right[i]}`);
  }
}

const ELEMENTS = 2048; // of each of three rows, so that all of it stays in the first cache
const RUNS = 50;

/**
 * Does V8 join vectors in pairs? It accepts the flag on processors without vectors of 256 bits as well, where a tile that
 * is meant for them takes twice as long as another. Two loops do the same arithmetic; one stores its two vectors side by
 * side, the other in two rows, so that they cannot be joined. Then one takes half as long as the other, else the same.
 */
export function joinsPairs(): boolean {
  const limits = { initial: 1, maximum: 1, shared: false };
  const module = new Module(limits, { relaxed: false, mark: `${performance.now()}`, constantAt: () => 0 }); // compiled now, whatever was before
  module.func("run", ["i32"], [], (f) => {
    const one = f.constants(1, 1, 1, 1).asFloats();
    const loop = (second: number): void =>
      f.for(0, 4 * ELEMENTS, 32, (at) => {
        const ys = [0, 16].map((offset) => {
          let y = f.load(at, offset);
          for (let i = 0; i < 12; i++) y = y.mul(one).add(one);
          return y;
        });
        f.store(at, ys[1], 4 * ELEMENTS + second);
        f.store(at, ys[0], 4 * ELEMENTS);
      });
    f.if(
      f.param(0),
      () => loop(16),
      () => loop(4 * ELEMENTS),
    ); // in one function, so that no compiler has come to one of them only
  });
  const memory = new WebAssembly.Memory(limits);
  const { run } = compile(module.bytes(), { memory }) as { run: (joined: number) => void };
  const time = (joined: number): number => {
    const begin = performance.now();
    run(joined);
    return performance.now() - begin;
  };
  const ratios = Array.from({ length: RUNS }, () => time(1) / time(0)).sort((a, b) => a - b);
  return ratios[RUNS / 2] < 0.75;
}
