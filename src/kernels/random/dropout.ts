// Dropout: some values become 0, and the others grow so that the expected sum stays ("Dropout: A Simple Way to Prevent Neural Networks
// from Overfitting", Srivastava et al. 2014). Which ones is drawn where it is used, also in the backward pass, and never stored.

import type { Tensor } from "../../tensor/tensor.ts";
import { type Callable, callable } from "../op.ts";
import { sample } from "../sample.ts";
import { randomUniform } from "./random.ts";

export interface DropoutOptions {
  /** Otherwise x stays as it is. */
  readonly training?: boolean | undefined;
}

/** x · m / (1 - rate), where m is 0 with the probability `rate`, else 1. Outside of training x itself. */
export const dropout: Callable<(x: Tensor, rate: number, options?: DropoutOptions) => Tensor> = callable(
  (x: Tensor, rate: number, { training = false }: DropoutOptions = {}): Tensor => {
    if (!(rate >= 0 && rate < 1)) throw new Error(`dropout: rate ${rate}; it is from 0 up to, but not including, 1`);
    if (x.dtype !== "f32") throw new Error(`dropout: takes f32, not ${x.dtype}; cast it first`);
    if (!training || rate === 0) return x;
    return randomUniform(x.shape)
      .greaterEqual(rate)
      .where(x.mul(1 / (1 - rate)), 0);
  },
  () => [
    { args: [sample([5, 7]), 0.3, { training: true }], shape: [5, 7] },
    { args: [sample([65]), 0.5, { training: true }], shape: [65] },
    { args: [sample([2, 3, 1, 5]), 0.75], shape: [2, 3, 1, 5] },
    { args: [sample([5]), 0, { training: true }], shape: [5] },
    { args: [sample([0, 3]), 0.5, { training: true }], shape: [0, 3] },
    { args: [sample([5]), 1, { training: true }], error: /dropout: rate 1; it is from 0 up to, but not including, 1/ },
    { args: [sample([5]), -0.1], error: /dropout: rate -0.1/ },
    { args: [sample([5]), Number.NaN], error: /dropout: rate NaN/ },
  ],
);
