// What recording needs to remember besides the tensors themselves: effects nobody has run yet, and the
// random draws made so far. There is one such record for eager use, and one while `compile` traces a function.

import type { Block, Tensor } from "./tensor.ts";

export interface Trace {
  /** Effects in the order they were recorded: roots of the next program, so that reading a loss also trains. */
  effects: Tensor[];
  /** Ordinal of the next random draw: its stream. */
  draws: number;
  /** What counts replays: a state on the device while tracing, a host number for eager draws. */
  clock: (() => Tensor) | undefined;
  seed: number;
  /** By what a program of mixed precision multiplies losses, and its gradients afterwards. */
  readonly scaling?: (() => { readonly scale: Tensor; readonly inverse: Tensor } | undefined) | undefined;
}

const eager: Trace = { effects: [], draws: 0, clock: undefined, seed: 0 };
let current = eager;

export const trace = (): Trace => current;
export const isTracing = (): boolean => current !== eager;

/** Records with `t` in place of the current trace. */
export function within<T>(t: Trace, body: () => T): T {
  const outer = current;
  current = t;
  try {
    return body();
  } finally {
    current = outer;
  }
}

/** Takes the pending eager effects: whoever asks for them runs them. */
export function takeEffects(): Tensor[] {
  const effects = eager.effects;
  eager.effects = [];
  return effects;
}

export const hasEffects = (): boolean => eager.effects.length > 0;

/** Effects on a block that no longer exists will not run. */
export function discard(block: Block): void {
  current.effects = current.effects.filter((e) => e.inputs[0].storage?.block !== block);
}

/** Seeds the eager random draws that follow: the same seed gives the same numbers. */
export function seed(value: number): void {
  eager.seed = value >>> 0;
  eager.draws = 0;
}
