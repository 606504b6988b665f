// The examples of the ops and their results, for pages and their workers.
import { type Device, seed, type Tensor, type Values } from "../../src/index.ts";
import type { Callable } from "../../src/kernels/op.ts";
import * as list from "../../src/kernels/ops.ts";
import { start } from "../../src/tensor/read.ts";

type Op = Callable<(...args: readonly unknown[]) => Tensor | Tensor[]>;
const ops = list as unknown as Record<string, Op>; // their arguments differ, which a loop cannot express

export const names: readonly string[] = Object.keys(ops);

/** What the examples of an op give on a device, those aside that are refused. */
export async function results(name: string, device: Device): Promise<Values[]> {
  const values: Values[] = [];
  for (const example of ops[name].examples()) {
    if (!("shape" in example)) continue;
    seed(0); // random draws begin anew
    values.push(...(await Promise.all(start([ops[name](...example.args)].flat(), [], device))));
  }
  return values;
}

/** Throws if results are not those of js, up to what the rounding of functions and of sums of some tens may make of them. */
export function checkClose(got: readonly Values[], expected: readonly Values[]): void {
  if (got.length !== expected.length) throw new Error(`${got.length} results, js has ${expected.length}`);
  for (const [which, values] of expected.entries()) {
    if (got[which].constructor !== values.constructor || got[which].length !== values.length)
      throw new Error(
        `result ${which} is a ${got[which].constructor.name} of ${got[which].length}, on js a ${values.constructor.name} of ${values.length}`,
      );
    values.forEach((value: number, i: number) => {
      const bound = values instanceof Float32Array ? 2e-6 + 4e-5 * Math.abs(value) : 0;
      if (!(Math.abs(got[which][i] - value) <= bound)) throw new Error(`result ${which}, element ${i}: ${got[which][i]}, js has ${value}`);
    });
  }
}
