// One method per op: add(a, b) is also a.add(b). Importing this file installs them.

import { Tensor } from "../tensor/tensor.ts";
import * as ops from "./ops.ts";

type Ops = typeof ops;
/** What joins several tensors, or makes one from a shape, has no first tensor to belong to. */
type Functions = "batchOrder" | "concat" | "stack" | "randomBits" | "randomNormal" | "randomUniform";
const functions: readonly string[] = ["batchOrder", "concat", "stack", "randomBits", "randomNormal", "randomUniform"] satisfies Functions[];

type Method<F> = F extends (x: never, ...rest: infer R) => infer Y ? (...rest: R) => Y : never;

export type Methods = { [K in Exclude<keyof Ops, Functions>]: Method<Ops[K]> };

for (const [name, op] of Object.entries(ops)) {
  if (functions.includes(name)) continue;
  Object.defineProperty(Tensor.prototype, name, {
    value(this: Tensor, ...rest: never[]) {
      return (op as (x: Tensor, ...rest: never[]) => unknown)(this, ...rest);
    },
    writable: true,
  });
}
