// Convolution, its input gradient (which is the transposed convolution) and its weight gradient. All three are one sum of products,
//
//   Σ x[n, h, l, c] · w[u, v, c, o] · y[n, i, j, o]   over all that meet (geometry.ts),
//
// with one of the three factors left out, for which it is the gradient. So the gradients of each are the other two, to any order.

import { size } from "../../tensor/shape.ts";
import { Tensor } from "../../tensor/tensor.ts";
import { fullOf } from "../layout/full.ts";
import type { Product } from "../op.ts";
import { views } from "./as-product.ts";
import { type Geometry, geometryOf } from "./geometry.ts";

export type Role = "x" | "w" | "y";

/** What each is computed from, in the order of its inputs. */
const OTHERS: Readonly<Record<Role, readonly [Role, Role]>> = { y: ["x", "w"], x: ["y", "w"], w: ["x", "y"] };
const NAMES: Readonly<Record<Role, string>> = { y: "conv2d", x: "convTranspose2d", w: "conv2dWeight" };

function family(role: Role): Product {
  const { sizes, wgsl, wasm, plainB } = views[role];
  return {
    name: NAMES[role],
    loops: "product",
    structure: (t) => {
      const { stride, dilation, pad, groups } = geometryOf(t);
      return `${stride} ${dilation} ${pad} ${groups}`;
    },
    sizes: (t) => sizes(geometryOf(t)),
    js: (result, inputs, t) => sumOver(role, geometryOf(t), result, inputs),
    wgsl,
    wasm,
    plainB: (t) => plainB(geometryOf(t)),
    grad: (dt, t) => {
      const parts = { [role]: dt, [OTHERS[role][0]]: t.inputs[0], [OTHERS[role][1]]: t.inputs[1] } as Record<Role, Tensor>;
      return OTHERS[role].map((other) => form(other, parts, geometryOf(t)));
    },
  };
}

const ops: Readonly<Record<Role, Product>> = { y: family("y"), x: family("x"), w: family("w") };

/** One of the three from the other two. */
export function form(role: Role, parts: Partial<Record<Role, Tensor>>, g: Geometry): Tensor {
  const inputs = OTHERS[role].map((other) => parts[other] as Tensor);
  if (inputs.some((t) => t.size === 0)) return fullOf(g[role], 0); // sums of nothing
  return new Tensor(ops[role], inputs, { ...g }, g[role], "f32");
}

/** The definition: over n, i, j, u, v, then c and o, each product is added where the one left out has its place. */
function sumOver(role: Role, g: Geometry, result: { set(values: Float64Array): void }, inputs: readonly ArrayLike<number>[]): void {
  const [left, right] = inputs;
  const sums = new Float64Array(size(g[role]));
  const [count, height, width, channels] = g.x;
  const [kh, kw, c1, filters] = g.w;
  const [, rows, columns] = g.y;
  const o1 = filters / g.groups;
  for (let n = 0; n < count; n++) {
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        for (let u = 0; u < kh; u++) {
          const h = i * g.stride[0] + u * g.dilation[0] - g.pad[0];
          if (h < 0 || h >= height) continue; // padding: zeros
          for (let v = 0; v < kw; v++) {
            const l = j * g.stride[1] + v * g.dilation[1] - g.pad[1];
            if (l < 0 || l >= width) continue;
            for (let group = 0; group < g.groups; group++) {
              const x = ((n * height + h) * width + l) * channels + group * c1;
              const w = (u * kw + v) * c1 * filters + group * o1;
              const y = ((n * rows + i) * columns + j) * filters + group * o1;
              meet(role, sums, left, right, { x, w, y, c1, o1, filters });
            }
          }
        }
      }
    }
  }
  result.set(sums);
}

/** Where the channels of one pixel begin in each of the three, and how many there are. */
interface Meeting {
  readonly x: number;
  readonly w: number;
  readonly y: number;
  readonly c1: number;
  readonly o1: number;
  readonly filters: number;
}

/** The two innermost loops: all channels of one pixel of x with all of one of y. */
function meet(role: Role, sums: Float64Array, a: ArrayLike<number>, b: ArrayLike<number>, { x, w, y, c1, o1, filters }: Meeting): void {
  for (let c = 0; c < c1; c++) {
    const at = w + c * filters;
    if (role === "y") for (let o = 0; o < o1; o++) sums[y + o] += a[x + c] * b[at + o];
    if (role === "x") for (let o = 0; o < o1; o++) sums[x + c] += a[y + o] * b[at + o];
    if (role === "w") for (let o = 0; o < o1; o++) sums[at + o] += a[x + c] * b[y + o];
  }
}
