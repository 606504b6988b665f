// Counting: 0, 1, 2, … as u32. Like a constant it is never stored; kernels use the index itself.

import { Tensor } from "../../tensor/tensor.ts";
import type { Inline } from "../op.ts";

const iotaOp: Inline = {
  name: "iota",
  loops: "source",
  js: (y) => {
    for (let i = 0; i < y.length; i++) y[i] = i;
  },
  wgsl: (_, __, at) => at.linear(),
  wasm: (_, __, at) => at.linear(),
  grad: () => [],
};

export const iota = (n: number): Tensor => new Tensor(iotaOp, [], {}, [n], "u32");
