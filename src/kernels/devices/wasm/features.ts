// What the engine can do here: tried, never concluded from names or versions.

import { Module } from "./assembler.ts";
import { host } from "./host.ts";

export interface Features {
  /** Four numbers at once. Without it there is no wasm device. */
  readonly simd: boolean;
  /** The engine knows them, but may not compile what uses them: so wants the policy of the page. */
  readonly forbidden: boolean;
  /** A product and a sum in one instruction. A flag of V8 may bring it while the program runs, so ask anew. */
  readonly relaxed: boolean;
  /** How many threads to use: one per processor, eight at most, and only one where `whyOne` says so. */
  readonly threads: number;
  /** Why there cannot be more than one thread, with the remedy. */
  readonly whyOne: string | undefined;
  /** The main version of V8, which decides which tiles fit its registers; undefined in other engines. */
  readonly v8Major: number | undefined;
}

const MOST_THREADS = 8; // beyond, kernels of the sizes met here are too small to share

export function features(): Features {
  const whyOne = reasonForOne();
  const { cores, v8 } = host();
  const version = v8();
  const simd = compiles(vectors(false));
  return {
    simd,
    forbidden: !simd && WebAssembly.validate(vectors(false)),
    relaxed: compiles(vectors(true)),
    threads: whyOne === undefined ? Math.max(1, Math.min(cores(), MOST_THREADS)) : 1,
    whyOne,
    v8Major: version === undefined ? undefined : Math.floor(Number.parseFloat(version)),
  };
}

/** A module with vectors; relaxed: with `madd`. */
function vectors(relaxed: boolean): Uint8Array<ArrayBuffer> {
  const m = new Module({ initial: 1, maximum: 1, shared: false }, { relaxed, constantAt: () => 0 });
  m.func("f", [], [], (f) => {
    const zero = f.asInt(0);
    const x = f.load(zero);
    f.store(zero, x.madd(x, x));
  });
  return m.bytes();
}

function compiles(bytes: Uint8Array<ArrayBuffer>): boolean {
  try {
    // Both: a page may forbid to compile what is valid, and what was compiled once is not looked at again when a flag has changed.
    return WebAssembly.validate(bytes) && new WebAssembly.Module(bytes) instanceof WebAssembly.Module;
  } catch {
    return false;
  }
}

function reasonForOne(): string | undefined {
  if (typeof SharedArrayBuffer === "undefined" || globalThis.crossOriginIsolated === false || !sharesMemory()) {
    return "memory is not shared between threads here; a page needs the headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp";
  }
  if (!mayWait()) return "a page's main thread may not wait for others; run Elbo in a worker";
  if (!host().start) return 'there is no way to start a worker here; in Node import "elbo/node"';
  return undefined;
}

function sharesMemory(): boolean {
  try {
    return new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }).buffer instanceof SharedArrayBuffer;
  } catch {
    return false;
  }
}

function mayWait(): boolean {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1); // the word is 0, so this does not last
    return true;
  } catch {
    return false;
  }
}
