// The one effect: a state takes a new value. Optimizers, running averages and clocks are made of it. An effect runs
// with the next program, whatever that was asked for, and its result is the state's value afterwards.

import { format, sameShape } from "../../tensor/shape.ts";
import { Tensor } from "../../tensor/tensor.ts";
import { trace } from "../../tensor/trace.ts";
import { parameterLeaf } from "../layout/leaf.ts";
import { type Effect, noGrad } from "../op.ts";

export const assignOp: Effect = {
  name: "assign",
  loops: "effect",
  js: (y, [, value]) => y.set(value),
  grad: noGrad("assign", "it is an effect; differentiate what came before it"),
};

/** Records that `state` becomes `value`. `by` is the name that error messages give to whoever overwrote it. */
export function assign(state: Tensor, value: Tensor, by = "assign"): Tensor {
  if (state.op !== parameterLeaf) throw new Error(`assign: ${state} is no state; make one with parameter() or keep()`);
  if (state.storage?.block.gone) throw new Error(`assign: ${state.storage.block.gone}`);
  if (state.dtype === "u8") throw new Error(`assign: ${state} is u8, which stores data and is not computed; cast what you assign or keep`);
  if (!sameShape(state.shape, value.shape) || state.dtype !== value.dtype) {
    throw new Error(`assign: ${state} of ${state.dtype} cannot become ${format(value.shape)} of ${value.dtype}`);
  }
  const t = new Tensor(assignOp, [state, value], { by }, state.shape, state.dtype);
  trace().effects.push(t);
  return t;
}
