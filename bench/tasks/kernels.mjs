// Single kernels, by name: what they are given, what they cost at least, and what is wrong with an answer, if anything is.
//   matmul 512         c = a · b of [512, 512]
//   matmul 4096 f16    the same, of numbers that f16 has
//   conv 14x14x32x64   a layer of layers.mjs, forward
//   chain 4194304      y = x · sigmoid(x · w + b), element by element
//   sum 4194304        of all elements
import { wrongMatrix } from "./judge.mjs";
import { flopOf, OPTIONS, shapesOf } from "./layers.mjs";

/**
 * `wrong` compares with float64: every sum may be off by `relative` of the magnitudes in it.
 * @typedef {{ given: Record<string, number[]>, flop: number, bytes: number, wrong(given: Float32Array[], got: Float32Array, relative: number): string | undefined }} Kernel
 */

/** @type {Record<string, (size: string) => Kernel>} */
const kinds = { matmul, conv, chain, sum };

/** @param {string} name @returns {Kernel & { kind: string, isHalf: boolean }} */
export function kernelOf(name) {
  const [kind, size, precision] = name.split(" ");
  return { kind, isHalf: precision === "f16", ...kinds[kind](size) };
}

/** f32 throughout, unless an engine says otherwise. */
export const RELATIVE = 1e-5;

/** @param {string} size @returns {Kernel} */
function matmul(size) {
  const n = Number(size);
  return {
    given: { a: [n, n], b: [n, n] },
    flop: 2 * n ** 3,
    bytes: 4 * 3 * n ** 2,
    wrong: ([a, b], c, relative) => wrongMatrix(a, b, c, [n, n, n], relative),
  };
}

/** @param {string} layer @returns {Kernel} */
function conv(layer) {
  const { x, w, y } = shapesOf(layer);
  return {
    given: { x, w },
    flop: flopOf(layer),
    bytes: 4 * (length(x) + length(w) + length(y)),
    wrong: (given, got, relative) => wrongConv(given, got, { x, w, y }, relative),
  };
}

/** @param {string} size @returns {Kernel} */
function chain(size) {
  const n = Number(size);
  return {
    given: { x: [n], w: [n], b: [n] },
    flop: 4 * n,
    bytes: 4 * 4 * n,
    wrong: ([x, w, b], got, relative) => different(got, n, (i) => x[i] / (1 + Math.exp(-(x[i] * w[i] + b[i]))), relative),
  };
}

/** @param {string} size @returns {Kernel} */
function sum(size) {
  const n = Number(size);
  return {
    given: { x: [n] },
    flop: n,
    bytes: 4 * n,
    // The terms have both signs, so what is missing is small beside their magnitudes: a tenth of what is allowed elsewhere.
    wrong: ([x], got, relative) =>
      different(got, 1, () => x.reduce((a, b) => a + b, 0), (relative / 10) * x.reduce((a, b) => a + Math.abs(b), 0)),
  };
}

/** @param {Float32Array} got @param {number} count @param {(i: number) => number} expected @param {number} bound */
function different(got, count, expected, bound) {
  if (got.length !== count) return `there are ${got.length} values, and ${count} expected`;
  const at = got.findIndex((value, i) => !(Math.abs(value - expected(i)) <= bound));
  return at < 0 ? undefined : `element ${at} is ${got[at]}, and ${expected(at)} in float64`;
}

/**
 * Of the first picture and of the last, all:
 * y[n, i, j, o] = Σ x[n, i·stride + u − padding, j·stride + v − padding, c] · w[u, v, c, o]
 * @param {Float32Array[]} given @param {Float32Array} got @param {Record<"x" | "w" | "y", number[]>} shapes @param {number} relative
 */
function wrongConv([x, w], got, shapes, relative) {
  const [[, height, width, channels], [kh, kw], [batch, h, wide, filters]] = [shapes.x, shapes.w, shapes.y];
  const { stride, padding } = OPTIONS;
  if (got.length !== length(shapes.y)) return `there are ${got.length} values, and ${length(shapes.y)} expected`;
  for (const n of [0, batch - 1]) {
    for (let at = 0; at < h * wide * filters; at++) {
      const [i, j, o] = [Math.floor(at / filters / wide), Math.floor(at / filters) % wide, at % filters];
      let [y, magnitude] = [0, 0];
      for (let u = 0; u < kh; u++) {
        for (let v = 0; v < kw; v++) {
          const [row, column] = [i * stride + u - padding, j * stride + v - padding];
          if (row < 0 || row >= height || column < 0 || column >= width) continue;
          for (let c = 0; c < channels; c++) {
            const term = x[((n * height + row) * width + column) * channels + c] * w[((u * kw + v) * channels + c) * filters + o];
            y += term;
            magnitude += Math.abs(term);
          }
        }
      }
      const value = got[n * h * wide * filters + at];
      if (!(Math.abs(value - y) <= relative * magnitude)) return `y[${n}, ${i}, ${j}, ${o}] is ${value}, and ${y} in float64`;
    }
  }
  return undefined;
}

/** @param {readonly number[]} shape */
const length = (shape) => shape.reduce((a, b) => a * b);
