// Channels turned into pixels and back ("Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel Convolutional
// Neural Network", Shi et al. 2016): reshapes around a permutation. Channels are counted as in PyTorch, c · r² + i · r + j, so that
// a convolution's weights from there fit here.

import type { Tensor } from "../../tensor/tensor.ts";
import { type Callable, callable } from "../op.ts";
import { sample } from "../sample.ts";
import { checkPictures } from "./spans.ts";

type Shuffle = Callable<(x: Tensor, r: number) => Tensor>;

/** y[n, h · r + i, w · r + j, c] = x[n, h, w, c · r² + i · r + j] */
export const pixelShuffle: Shuffle = callable(
  (x: Tensor, r: number): Tensor => {
    check("pixelShuffle", x, r);
    const [n, h, w, channels] = x.shape;
    if (channels % (r * r) !== 0) throw new Error(`pixelShuffle: ${channels} channels of ${x} do not divide by ${r} × ${r}`);
    const c = channels / (r * r);
    return x
      .reshape([n, h, w, c, r, r])
      .permute([0, 1, 4, 2, 5, 3])
      .reshape([n, h * r, w * r, c]);
  },
  () => [
    { args: [sample([1, 2, 3, 4]), 2], shape: [1, 4, 6, 1] },
    { args: [sample([2, 5, 1, 18]), 3], shape: [2, 15, 3, 2] },
    { args: [sample([1, 5, 7, 3]), 1], shape: [1, 5, 7, 3] },
    { args: [sample([0, 5, 7, 4]), 2], shape: [0, 10, 14, 1] },
    { args: [sample([1, 2, 3, 6]), 2], error: /pixelShuffle: 6 channels of tensor \[1, 2, 3, 6\].* do not divide by 2 × 2/ },
    { args: [sample([1, 2, 3, 4]), 0], error: /pixelShuffle: r 0; it is a whole number from 1/ },
    { args: [sample([5, 7]), 2], error: /pixelShuffle: takes pictures/ },
  ],
);

/** The way back: y[n, h, w, c · r² + i · r + j] = x[n, h · r + i, w · r + j, c] */
export const pixelUnshuffle: Shuffle = callable(
  (x: Tensor, r: number): Tensor => {
    check("pixelUnshuffle", x, r);
    const [n, height, width, c] = x.shape;
    if (height % r !== 0 || width % r !== 0) throw new Error(`pixelUnshuffle: h ${height} and w ${width} of ${x} do not divide by ${r}`);
    const [h, w] = [height / r, width / r];
    return x
      .reshape([n, h, r, w, r, c])
      .permute([0, 1, 3, 5, 2, 4])
      .reshape([n, h, w, c * r * r]);
  },
  () => [
    { args: [sample([1, 4, 6, 1]), 2], shape: [1, 2, 3, 4] },
    { args: [sample([2, 15, 3, 2]), 3], shape: [2, 5, 1, 18] },
    { args: [sample([1, 5, 7, 3]), 1], shape: [1, 5, 7, 3] },
    { args: [sample([0, 4, 2, 1]), 2], shape: [0, 2, 1, 4] },
    { args: [sample([1, 4, 5, 1]), 2], error: /pixelUnshuffle: h 4 and w 5 of tensor \[1, 4, 5, 1\].* do not divide by 2/ },
    { args: [sample([1, 4, 6, 1]), 1.5], error: /pixelUnshuffle: r 1.5/ },
    { args: [sample([5, 7]), 2], error: /pixelUnshuffle: takes pictures/ },
  ],
);

function check(name: string, x: Tensor, r: number): void {
  checkPictures(name, x);
  if (!Number.isInteger(r) || r < 1) throw new Error(`${name}: r ${r}; it is a whole number from 1`);
}
