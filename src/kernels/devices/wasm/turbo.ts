// Turbo: flags of V8 that make the kernels faster and are not on by themselves, because V8 calls them experiments. They
// are flags of the whole process, so nobody sets them but who opens a device with `turbo: true`.
//
// - V8 13 and newer (Node 24): two vectors of an iteration are joined into one of 256 bits.
// - Before, where relaxed SIMD is not on: a product and a sum become one instruction.

import { type Features, features } from "./features.ts";
import { host } from "./host.ts";

/** What became of the wish for turbo. */
export interface Turbo {
  readonly on: boolean;
  /** The flag that is set, or why none is. */
  readonly why: string;
}

const JOINS = { flag: "experimental-wasm-revectorize", major: 13 };
const RELAXED = "experimental-wasm-relaxed-simd";

function flagFor({ v8Major = 0, relaxed }: Features): string | undefined {
  if (v8Major >= JOINS.major) return JOINS.flag;
  return relaxed ? undefined : RELAXED;
}

interface Closable {
  close(): Promise<void>;
}

/**
 * A device with turbo, if there is such a thing here and `wrongIn` finds nothing wrong in what it computes; else one
 * without, which says why.
 */
export async function withTurbo<D extends Closable>(
  make: (turbo: Turbo) => Promise<D>,
  wrongIn: (device: D) => Promise<string | undefined>,
): Promise<D> {
  const { setFlags } = host();
  if (!setFlags) return make({ on: false, why: "only Node sets flags of V8" });
  const flag = flagFor(features());
  if (!flag) return make({ on: false, why: "this version of V8 has no flag for it" });
  setFlags(`--${flag}`);
  setFlags("--no-liftoff"); // straight to optimized code, which is what the flag changes: else the first runs would test something else
  try {
    const device = await make({ on: true, why: flag });
    const wrong = await wrongIn(device);
    if (wrong === undefined) return device;
    await device.close();
    setFlags(`--no-${flag}`);
    return await make({ on: false, why: `with ${flag} this V8 computes ${wrong}` });
  } finally {
    setFlags("--liftoff");
  }
}
