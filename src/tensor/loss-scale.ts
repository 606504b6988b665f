// Loss scaling. Gradients are small, and f16 ends at 6e-8; so in a program of mixed precision the loss is multiplied by a scale
// before it is differentiated, and each gradient multiplied by its inverse, in f32, before anybody sees it (autograd/grad.ts). The scale is
// a power of two, which changes no bit of what neither underflows nor saturates.
//
// The method is the usual one ("Mixed Precision Training", Micikevicius et al. 2018): as in PyTorch's GradScaler, the scale doubles
// after 2000 good steps and halves after a bad one. But a step is not refused for a gradient that was too large: a store keeps
// it at ±65504, raises `saturated`, and the next step has half the scale. So no gradient has to be known in full before the first
// update, and Adam stays in the kernels of the weight gradients.

import { where } from "../kernels/elementwise/table.ts";
import { fullOf } from "../kernels/layout/full.ts";
import { parameterLeaf } from "../kernels/layout/leaf.ts";
import { assign } from "../kernels/state/assign.ts";
import { hostBlock, Tensor } from "./tensor.ts";

/** Numbers on the device, to be saved by whoever wants to go on to the bit. */
export interface LossScale {
  readonly scale: Tensor;
  /** Steps since the scale changed. */
  readonly steady: Tensor;
  readonly saturated: Tensor;
}

const FIRST = 2 ** 15; // the largest that f16 holds: where values are only added up, it is their gradient
const PATIENCE = 2000;
const LEAST = 2 ** -14;
const MOST = 2 ** 24;

/** All three lie in one block, which a kernel binds once. */
export function lossScale(): LossScale {
  const block = hostBlock(Float32Array.of(FIRST, 0, 0), "f32", true);
  const at = (offset: number) => new Tensor(parameterLeaf, [], {}, [], "f32", { block, offset });
  return { scale: at(0), steady: at(1), saturated: at(2) };
}

/** Records the end of a step: the scale of the next one. */
export function adjust({ scale, steady, saturated }: LossScale): void {
  const by = "the loss scale";
  const grows = steady.greater(PATIENCE - 1.5);
  assign(scale, where(saturated, scale.mul(0.5).maximum(LEAST), where(grows, scale.mul(2).minimum(MOST), scale)), by);
  assign(steady, where(saturated.maximum(grows), 0, steady.add(1)), by);
  assign(saturated, fullOf([], 0), by);
}
