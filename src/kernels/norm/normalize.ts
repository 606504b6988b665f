// Normalization: values shifted and scaled to mean 0 and variance 1, within each example (layerNorm, groupNorm) or with statistics
// that the caller has (batchNorm). The variance is the mean of the squared differences from the mean, in that order: the mean of the
// squares minus the square of the mean would be nothing but rounding where the mean is large.

import { type Axes, axesOf, format, type Shape, sameShape } from "../../tensor/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { type Callable, callable } from "../op.ts";
import { sample } from "../sample.ts";

export interface NormOptions {
  /** What the result is multiplied by, and what is added then: 1 and 0 if left out. */
  readonly weight?: Tensor | undefined;
  readonly bias?: Tensor | undefined;
  /** Added to the variance, so that what hardly varies is not blown up. */
  readonly epsilon?: number;
}

/** (x - mean) / √(variance + ε), and the two statistics, whose axes are kept as ones. The variance is the biased one, Σ(x - mean)² / n. */
export function standardized(x: Tensor, axes: Axes, epsilon: number): { y: Tensor; mean: Tensor; variance: Tensor } {
  const mean = x.mean(axes, true);
  const difference = x.sub(mean);
  const variance = difference.square().mean(axes, true);
  return { y: difference.mul(variance.add(epsilon).rsqrt()), mean, variance };
}

/** y · weight + bias, where they are given. `shape` is theirs, `stretched` the same with ones for the axes that they do not have. */
export function affine(name: string, y: Tensor, { weight, bias }: NormOptions, shape: Shape, stretched: Shape = shape): Tensor {
  for (const [what, t] of Object.entries({ weight, bias }))
    if (t && !sameShape(t.shape, shape)) throw new Error(`${name}: the ${what} is ${format(t.shape)}, it must be ${format(shape)}`);
  const scaled = weight ? y.mul(weight.reshape(stretched)) : y;
  return bias ? scaled.add(bias.reshape(stretched)) : scaled;
}

/** Over the last `axes` axes, or over those in a list, within each example. Weight and bias have the sizes of these axes. */
export const layerNorm: Callable<(x: Tensor, axes?: number | readonly number[], options?: NormOptions) => Tensor> = callable(
  (x: Tensor, axes: number | readonly number[] = 1, options: NormOptions = {}): Tensor => {
    const { epsilon = 1e-5 } = options;
    checkInput("layerNorm", x, epsilon);
    if (typeof axes === "number" && !(Number.isInteger(axes) && axes >= 1 && axes <= x.rank))
      throw new Error(`layerNorm: the last ${axes} axes of ${x}; a number says how many, a list [${axes}] says which`);
    const over = axesOf("layerNorm", typeof axes === "number" ? x.shape.map((_, i) => i).slice(-axes) : axes, x.rank);
    if (over.length === 0) throw new Error(`layerNorm: no axes of ${x} to normalize over`);
    const y = x.size === 0 ? x : standardized(x, over, epsilon).y;
    const stretched = x.shape.map((d, i) => (over.includes(i) ? d : 1));
    return affine(
      "layerNorm",
      y,
      options,
      over.map((axis) => x.shape[axis]),
      stretched,
    );
  },
  () => [
    { args: [sample([5, 7])], shape: [5, 7] },
    { args: [sample([2, 3, 5]), 2, { weight: sample([3, 5], -3, 3, 1), bias: sample([3, 5], -3, 3, 2) }], shape: [2, 3, 5] },
    { args: [sample([2, 5, 3]), [1], { weight: sample([5], -3, 3, 1) }], shape: [2, 5, 3] },
    { args: [sample([3, 65]), 1, { bias: sample([65], -3, 3, 2), epsilon: 0.1 }], shape: [3, 65] },
    { args: [sample([5, 1]), 1], shape: [5, 1] },
    { args: [sample([2, 3, 2, 3]), [1, 2]], shape: [2, 3, 2, 3] },
    { args: [sample([0, 7]), 1], shape: [0, 7] },
    { args: [sample([5, 7]), 1, { weight: sample([5]) }], error: /layerNorm: the weight is \[5\], it must be \[7\]/ },
    { args: [sample([5, 7]), 3], error: /layerNorm: the last 3 axes of tensor \[5, 7\]/ },
    { args: [sample([5, 7]), -1], error: /layerNorm: the last -1 axes of tensor \[5, 7\].*a list \[-1\] says which/ },
    { args: [sample([5, 7]), [2]], error: /layerNorm: axis 2 is out of range for rank 2/ },
    { args: [sample([5, 7]), 1, { epsilon: -1 }], error: /layerNorm: epsilon -1/ },
  ],
);

/** Over each group of neighbouring channels with all that lies between the first axis and the last: x is [n, …, c] ("Group Normalization", Wu and He 2018). */
export const groupNorm: Callable<(x: Tensor, groups: number, options?: NormOptions) => Tensor> = callable(
  (x: Tensor, groups: number, options: NormOptions = {}): Tensor => {
    const { epsilon = 1e-5 } = options;
    checkInput("groupNorm", x, epsilon);
    if (x.rank < 2) throw new Error(`groupNorm: takes [n, …, channels], not ${x}`);
    const [channels] = x.shape.slice(-1);
    if (!Number.isInteger(groups) || groups < 1) throw new Error(`groupNorm: ${groups} groups; it is a whole number from 1`);
    if (channels % groups !== 0) throw new Error(`groupNorm: ${channels} channels of ${x} do not divide into ${groups} groups`);
    const grouped = x.reshape([...x.shape.slice(0, -1), groups, channels / groups]);
    const within = grouped.shape.map((_, axis) => axis).filter((axis) => axis !== 0 && axis !== x.rank - 1); // all but n and the groups
    const y = x.size === 0 ? x : standardized(grouped, within, epsilon).y.reshape(x.shape);
    return affine("groupNorm", y, options, [channels]);
  },
  () => [
    { args: [sample([2, 2, 2, 4]), 2, { weight: sample([4], -3, 3, 1), bias: sample([4], -3, 3, 2) }], shape: [2, 2, 2, 4] },
    { args: [sample([2, 5, 7, 6]), 3], shape: [2, 5, 7, 6] },
    { args: [sample([1, 3, 5, 2]), 1], shape: [1, 3, 5, 2] },
    { args: [sample([1, 65, 3]), 3], shape: [1, 65, 3] },
    { args: [sample([5, 6]), 2], shape: [5, 6] },
    { args: [sample([0, 5, 7, 6]), 3], shape: [0, 5, 7, 6] },
    { args: [sample([2, 5, 7, 6]), 4], error: /groupNorm: 6 channels of tensor \[2, 5, 7, 6\].* do not divide into 4 groups/ },
    { args: [sample([2, 5, 7, 6]), 0], error: /groupNorm: 0 groups; it is a whole number from 1/ },
    { args: [sample([5, 6]), 2, { bias: sample([2]) }], error: /groupNorm: the bias is \[2\], it must be \[6\]/ },
    { args: [sample([6]), 2], error: /groupNorm: takes \[n, …, channels\], not tensor \[6\]/ },
  ],
);

/** (x - mean) / √(variance + ε) for each channel, the last axis, with statistics [c] from elsewhere ("Batch Normalization", Ioffe and Szegedy 2015). */
export const batchNorm: Callable<(x: Tensor, mean: Tensor, variance: Tensor, options?: NormOptions) => Tensor> = callable(
  (x: Tensor, mean: Tensor, variance: Tensor, options: NormOptions = {}): Tensor => {
    const { epsilon = 1e-5 } = options;
    checkInput("batchNorm", x, epsilon);
    if (x.rank < 1) throw new Error(`batchNorm: takes […, channels], not ${x}`);
    const channels = x.shape.slice(-1);
    for (const [what, t] of Object.entries({ mean, variance }))
      if (!sameShape(t.shape, channels)) throw new Error(`batchNorm: the ${what} is ${format(t.shape)}, it must be ${format(channels)}`);
    return affine("batchNorm", x.sub(mean).mul(variance.add(epsilon).rsqrt()), options, channels);
  },
  () => [
    {
      args: [
        sample([2, 3, 2, 3]),
        ...[sample([3], -3, 3, 1), sample([3], 0.5, 3, 2)],
        { weight: sample([3], -3, 3, 3), bias: sample([3], -3, 3, 4) },
      ],
      shape: [2, 3, 2, 3],
    },
    { args: [sample([5, 7]), sample([7], -3, 3, 1), sample([7], 0.5, 3, 2)], shape: [5, 7] },
    { args: [sample([2, 5, 7, 1]), sample([1], -3, 3, 1), sample([1], 0.5, 3, 2), { epsilon: 0.1 }], shape: [2, 5, 7, 1] },
    { args: [sample([65]), sample([65], -3, 3, 1), sample([65], 0.5, 3, 2)], shape: [65] },
    { args: [sample([0, 7]), sample([7]), sample([7], 0.5, 3)], shape: [0, 7] },
    { args: [sample([5, 7]), sample([5]), sample([7])], error: /batchNorm: the mean is \[5\], it must be \[7\]/ },
    { args: [sample([5, 7]), sample([7]), sample([1])], error: /batchNorm: the variance is \[1\], it must be \[7\]/ },
    { args: [sample([5, 7]), sample([7]), sample([7]), { weight: sample([5]) }], error: /batchNorm: the weight is \[5\]/ },
  ],
);

function checkInput(name: string, x: Tensor, epsilon: number): void {
  if (x.dtype !== "f32") throw new Error(`${name}: takes f32, not ${x.dtype}; cast it first`);
  if (!(epsilon >= 0 && Number.isFinite(epsilon))) throw new Error(`${name}: epsilon ${epsilon}; it is a number from 0`);
}
