// Elementwise functions composed of the rows of table.ts: no kernels of their own, fused all the same.

import type { Axes } from "../../tensor/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { type Callable, callable, type Example } from "../op.ts";
import { sample } from "../sample.ts";
import { unaryExamples } from "./map.ts";
import { where } from "./table.ts";

type Fn<A extends unknown[] = []> = Callable<(x: Tensor, ...args: A) => Tensor>;

/** x limited to [low, high]. */
export const clip: Fn<[low: number, high: number]> = callable(
  (x: Tensor, low: number, high: number): Tensor => {
    if (!(low <= high)) throw new Error(`clip: low ${low} is above high ${high}`);
    return x.maximum(low).minimum(high);
  },
  () => [
    { args: [sample([5, 7]), -1, 2], shape: [5, 7] },
    { args: [sample([5]), 2, 1], error: /clip: low 2 is above high 1/ },
  ],
);

/** x where positive, else slope · x. */
export const leakyRelu: Fn<[slope?: number]> = callable(
  (x: Tensor, slope = 0.01): Tensor => where(x.greater(0), x, x.mul(slope)),
  unaryExamples,
);

/** x where positive, else alpha · (exp(x) - 1). The exponent is never positive, so that nothing overflows. */
export const elu: Fn<[alpha?: number]> = callable((x: Tensor, alpha = 1): Tensor => {
  const positive = x.greater(0);
  return where(positive, x, where(positive, 0, x).expm1().mul(alpha)); // not minimum(x, 0), which halves the gradient at 0
}, unaryExamples);

/** x · Φ(x), with the normal distribution function Φ ("Gaussian Error Linear Units", Hendrycks and Gimpel 2016). */
export const gelu: Fn = callable((x: Tensor): Tensor => x.mul(0.5).mul(x.mul(Math.SQRT1_2).erf().add(1)), unaryExamples);

/** x · sigmoid(x), also called swish. */
export const silu: Fn = callable((x: Tensor): Tensor => x.mul(x.sigmoid()), unaryExamples);

const alongAnAxis = (): Example[] => [
  { args: [sample([5, 7])], shape: [5, 7] },
  { args: [sample([5, 7]), 0], shape: [5, 7] },
  { args: [sample([3, 1, 5]), -2], shape: [3, 1, 5] },
  { args: [sample([2, 3]), 2], error: /axis 2 is out of range for rank 2/ },
];

/** exp(x) / Σ exp(x) along an axis, shifted by the largest so that nothing overflows. */
export const softmax: Fn<[axis?: number]> = callable((x: Tensor, axis = -1): Tensor => {
  const e = x.sub(x.max(axis, true).stopGradient()).exp();
  return e.div(e.sum(axis, true));
}, alongAnAxis);

/** log softmax(x) along an axis. */
export const logSoftmax: Fn<[axis?: number]> = callable((x: Tensor, axis = -1): Tensor => {
  const shifted = x.sub(x.max(axis, true).stopGradient());
  return shifted.sub(shifted.exp().sum(axis, true).log());
}, alongAnAxis);

/** log Σ exp(x) over any axes, shifted by the largest so that nothing overflows. */
export const logSumExp: Fn<[axes?: Axes, keepDims?: boolean]> = callable(
  (x: Tensor, axes?: Axes, keepDims = false): Tensor => {
    const largest = x.max(axes, true).stopGradient();
    const sum = x.sub(largest).exp().sum(axes, true).log().add(largest);
    return keepDims ? sum : sum.reshape(x.sum(axes).shape);
  },
  () => [
    { args: [sample([5, 7]), 1], shape: [5] },
    { args: [sample([5, 7])], shape: [] },
    { args: [sample([2, 3, 5]), [0, 2], true], shape: [1, 3, 1] },
  ],
);
