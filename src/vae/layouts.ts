// How parameters lie in a file. Here pictures are [h, w, c], and weights are as products with them want them; PyTorch, whose names and
// layouts saved runs have, puts channels first. A parameter says so where it is made: nothing is guessed from its shape.

import { type Shape, size, strides } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";

export interface Layout {
  /** The parameter's values as an array of these sizes … */
  readonly sizes: Shape;
  /** … are stored with its axes in this order … */
  readonly order: readonly number[];
  /** … as a tensor of this shape. */
  readonly shape: Shape;
}

const layouts = new WeakMap<Tensor, Layout>();

/** The parameter itself, of which is known from now on how it is stored. */
export function storedAs(t: Tensor, layout: Layout): Tensor {
  layouts.set(t, layout);
  return t;
}

/** As it was declared, or else just as it is. */
export const layoutOf = (t: Tensor): Layout => layouts.get(t) ?? { sizes: t.shape, order: t.shape.map((_, axis) => axis), shape: t.shape };

/** W is [in, out] here, [out, in] in PyTorch; and a picture on either side, [h, w, c] here, was flattened there as [c, h, w]. */
export function linearLayout(inputs: Shape, outputs: Shape): Layout {
  const order = [...channelsFirst(outputs).map((axis) => inputs.length + axis), ...channelsFirst(inputs)];
  return { sizes: [...inputs, ...outputs], order, shape: [size(outputs), size(inputs)] };
}

/** One number for each output. */
export const biasLayout = (outputs: Shape): Layout => ({ sizes: outputs, order: channelsFirst(outputs), shape: [size(outputs)] });

/** [kh, kw, a, b] here, [b, a, kh, kw] in PyTorch: of a convolution that is [out, in, …], of a transposed one [in, out, …]. */
export const kernelLayout = ([kh, kw, a, b]: Shape): Layout => ({ sizes: [kh, kw, a, b], order: [3, 2, 0, 1], shape: [b, a, kh, kw] });

/** Three axes are a picture; anything else has no channels to move. */
const channelsFirst = (shape: Shape): number[] => (shape.length === 3 ? [2, 0, 1] : shape.map((_, axis) => axis));

/** Values as they are stored. */
export const toStored = (values: Float32Array, { sizes, order }: Layout): Float32Array => permuted(values, sizes, order);

/** Stored values as they are here. */
export const fromStored = (values: Float32Array, { sizes, order }: Layout): Float32Array =>
  permuted(
    values,
    order.map((axis) => sizes[axis]),
    order.map((_, axis) => order.indexOf(axis)),
  );

/** y = x with its axes in another order: axis i of y is axis order[i] of x. */
function permuted(x: Float32Array, sizes: Shape, order: readonly number[]): Float32Array {
  const steps = strides(sizes);
  const y = new Float32Array(x.length);
  let at = 0;
  const visit = (axis: number, from: number): void => {
    if (axis === order.length) {
      y[at++] = x[from];
      return;
    }
    const step = steps[order[axis]];
    for (let i = 0; i < sizes[order[axis]]; i++) visit(axis + 1, from + i * step);
  };
  visit(0, 0);
  return y;
}
