// Is a gradient right? Compared with finite differences, in float64, where they are good to ten digits.

import { JsDevice } from "../kernels/devices/js.ts";
import { leaf } from "../kernels/layout/leaf.ts";
import { start } from "../tensor/read.ts";
import { hostBlock, Tensor, type Values } from "../tensor/tensor.ts";
import { grad } from "./grad.ts";

export interface GradientCheck {
  /** Half the distance between the two points of a difference. */
  readonly epsilon?: number;
  readonly absolute?: number;
  readonly relative?: number;
}

/**
 * Throws unless the gradients of Σ f(xs)·c, with fixed random c, agree with central differences at every element of
 * every f32 input. Computed by the `js` device in float64; the tolerances are those of PyTorch's gradcheck.
 */
export async function checkGradient(
  f: (...xs: Tensor[]) => Tensor,
  inputs: readonly Tensor[],
  { epsilon = 1e-6, absolute = 1e-5, relative = 1e-3 }: GradientCheck = {},
): Promise<void> {
  const device = new JsDevice({ precision: "f64" });
  const points = await Promise.all(inputs.map(async (x) => Float64Array.from(await x.data())));
  const leaves = (values: readonly Values[]) => inputs.map((x, i) => doubles(x, values[i]));
  const objective = (xs: Tensor[]): Tensor => {
    const y = f(...xs);
    const weights = Float64Array.from({ length: y.size }, (_, i) => 1 + Math.sin(i + 1) / 2); // no symmetry to hide behind
    return y.mul(doubles(y, weights)).sum();
  };
  const valueAt = async (values: readonly Values[]): Promise<number> => (await start([objective(leaves(values))], [], device)[0])[0];

  const xs = leaves(points);
  const differentiable = inputs.map((_, i) => i).filter((i) => inputs[i].dtype === "f32");
  const gradients = grad(
    objective(xs),
    differentiable.map((i) => xs[i]),
  );
  const analytic = await Promise.all(start(gradients, [], device));
  for (const [which, i] of differentiable.entries()) {
    for (let at = 0; at < inputs[i].size; at++) {
      const shifted = (by: number) => points.map((p, j) => (j === i ? p.with(at, p[at] + by) : p));
      const numeric = ((await valueAt(shifted(epsilon))) - (await valueAt(shifted(-epsilon)))) / (2 * epsilon);
      const error = Math.abs(numeric - analytic[which][at]);
      if (!(error <= absolute + relative * Math.abs(numeric))) {
        throw new Error(`checkGradient: input ${i}, element ${at}: the gradient is ${analytic[which][at]}, differences give ${numeric}`);
      }
    }
  }
}

/** A leaf like x, with values in float64. */
function doubles(x: Tensor, values: Values): Tensor {
  const typed = x.dtype === "f32" ? values : x.dtype === "u32" ? Uint32Array.from(values) : Uint8Array.from(values);
  return new Tensor(leaf, [], {}, x.shape, x.dtype, { block: hostBlock(typed, x.dtype), offset: 0 });
}
