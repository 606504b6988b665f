// Pooling: the largest or the average of each window of a picture. Not kernels of their own: a reduction of windows, which are a view.
// All of a picture is no window but two axes: x.mean([1, 2]).

import type { Tensor } from "../../tensor/tensor.ts";
import { fullOf } from "../layout/full.ts";
import { pad } from "../layout/layout.ts";
import { type Callable, callable, type Example } from "../op.ts";
import { sample } from "../sample.ts";
import { type PoolOptions, type Span, spansOf } from "./spans.ts";
import { windows } from "./windows.ts";

/** The lowest f32. Not -∞: WGSL may assume that there is none. */
const LOWEST = -3.4028234663852886e38;

/** [n, i, u, j, v, c]: element (u, v) of window (i, j), with `value` in the padding. */
function windowsOf(x: Tensor, [h, w]: readonly [Span, Span], value: number): Tensor {
  const widths = [[0, 0] as const, [h.before, h.after] as const, [w.before, w.after] as const, [0, 0] as const];
  const padded = widths.flat().some((n) => n > 0) ? pad(x, widths, value) : x;
  return windows(windows(padded, 1, h.size, h), 3, w.size, w);
}
const WITHIN = [2, 4]; // the axes of u and v

type Pool = Callable<(x: Tensor, options: PoolOptions) => Tensor>;

/** The largest element of each window: [n, h, w, c] to [n, windows, windows, c]. The padding never is; equal ones share the gradient. */
export const maxPool2d: Pool = callable((x: Tensor, options: PoolOptions): Tensor => {
  const [h, w] = spansOf("maxPool2d", x, options);
  if (x.size === 0) return fullOf([x.shape[0], h.count, w.count, x.shape[3]], 0);
  return windowsOf(x, [h, w], LOWEST).max(WITHIN);
}, examples("maxPool2d"));

/**
 * The average of each window: [n, h, w, c] to [n, windows, windows, c]. The padding does not count, neither in the sum nor in how
 * many there are: as in ONNX and Keras; in PyTorch that is count_include_pad=False.
 */
export const avgPool2d: Pool = callable((x: Tensor, options: PoolOptions): Tensor => {
  const [h, w] = spansOf("avgPool2d", x, options);
  if (![h, w].some(({ before, after }) => before > 0 || after > 0)) return windowsOf(x, [h, w], 0).mean(WITHIN);
  const total = (t: Tensor) => windowsOf(t, [h, w], 0).sum(WITHIN);
  return total(x).div(total(fullOf([1, x.shape[1], x.shape[2], 1], 1))); // as many as there are ones
}, examples("avgPool2d"));

function examples(name: string): () => Example[] {
  const error = (text: string) => new RegExp(`${name}: ${text}`);
  return () => [
    { args: [sample([1, 4, 6, 2]), { size: 2 }], shape: [1, 2, 3, 2] },
    { args: [sample([2, 5, 7, 3]), { size: 2 }], shape: [2, 2, 3, 3] },
    { args: [sample([1, 5, 4, 1]), { size: 3, stride: 2, padding: 1 }], shape: [1, 3, 2, 1] },
    { args: [sample([2, 5, 7, 3]), { size: 3, stride: 1, padding: "same" }], shape: [2, 5, 7, 3] },
    { args: [sample([2, 5, 7, 3]), { size: 4, stride: 2, padding: "same" }], shape: [2, 3, 4, 3] },
    { args: [sample([1, 7, 5, 1]), { size: [3, 1], stride: [1, 2], dilation: [2, 1] }], shape: [1, 3, 3, 1] },
    {
      args: [
        sample([1, 4, 5, 1]),
        {
          size: [2, 3],
          padding: [
            [0, 1],
            [2, 0],
          ],
        },
      ],
      shape: [1, 2, 2, 1],
    },
    { args: [sample([1, 1, 65, 5]), { size: [1, 5], stride: 3, padding: "valid" }], shape: [1, 1, 21, 5] },
    { args: [sample([0, 5, 7, 3]), { size: 3, stride: 2 }], shape: [0, 2, 3, 3] },
    { args: [sample([5, 7]), { size: 2 }], error: error("takes pictures \\[n, h, w, c\\], not tensor \\[5, 7\\]") },
    { args: [sample([1, 5, 7, 1]), { size: 6 }], error: error("a window spans 6 elements, more than h 5 with a padding of 0 and 0") },
    {
      args: [sample([1, 9, 3, 1]), { size: 3, dilation: 3, padding: 1 }],
      error: error("a window spans 7 elements, more than w 3 with a padding of 1 and 1"),
    },
    { args: [sample([1, 5, 7, 1]), { size: 2, padding: 2 }], error: error("window 0 along h .* padding of 2 and 2 only") },
    { args: [sample([1, 5, 7, 1]), { size: 0 }], error: error("size 0; it is a whole number from 1") },
    { args: [sample([1, 5, 7, 1]), { size: 2, stride: 1.5 }], error: error("stride 1.5") },
    { args: [sample([1, 5, 7, 1]), { size: 2, padding: -1 }], error: error("padding -1; it is a whole number from 0") },
    { args: [sample([1, 5, 7, 1]), { size: 2, padding: [1, 1] }], error: error("padding \\[1,1\\]") },
  ];
}
