// Is a gradient right? Compared with finite differences, in float64, where they are good to ten digits.

import { JsDevice } from "../kernels/devices/js.ts";
import { leaf } from "../kernels/layout/leaf.ts";
import { graph, isLeaf } from "../tensor/graph.ts";
import { makeProgram } from "../tensor/run.ts";
import { format, sameShape } from "../tensor/shape.ts";
import { hostBlock, Tensor, type Values } from "../tensor/tensor.ts";
import { type Trace, within } from "../tensor/trace.ts";
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
  const xs = await Promise.all(inputs.map(async (x) => doubles(x, await x.data())));
  // f is recorded once, so that its random draws are the same at every point; the points are written into its leaves.
  const clockless: Trace = { effects: [], draws: 0, clock: undefined, seed: 0 };
  const y = within(clockless, () => f(...xs));
  const weights = Float64Array.from({ length: y.size }, (_, i) => 1 + Math.sin(i + 1) / 2); // no symmetry to hide behind
  const objective = y.mul(leafOf(y, weights)).sum();
  const differentiable = xs.filter((x) => x.dtype === "f32");
  const gradients = grad(objective, differentiable);

  const valueAt = await program([objective], xs, device);
  const analytic = (await program(gradients, xs, device))();
  for (const [which, x] of differentiable.entries()) {
    const name = `checkGradient: input ${xs.indexOf(x)}`;
    if (!sameShape(gradients[which].shape, x.shape))
      throw new Error(`${name} is ${format(x.shape)}, its gradient ${format(gradients[which].shape)}`);
    const point = x.storage?.block.host as Values; // leafOf put it there
    point.forEach((at, i) => {
      const shifted = (by: number) => {
        point[i] = at + by;
        return valueAt()[0][0];
      };
      const numeric = (shifted(epsilon) - shifted(-epsilon)) / (2 * epsilon);
      point[i] = at;
      const error = Math.abs(numeric - analytic[which][i]);
      if (!(error <= absolute + relative * Math.abs(numeric)))
        throw new Error(`${name}, element ${i}: the gradient is ${analytic[which][i]}, differences give ${numeric}`);
    });
  }
}

/** The outputs as a function of the values that lie in the xs. Whatever else is read is copied, wherever it lives. */
async function program(outputs: readonly Tensor[], xs: readonly Tensor[], device: JsDevice): Promise<() => readonly Values[]> {
  const g = graph(outputs, []);
  const nodes = await Promise.all(g.nodes.map(async (t) => (isLeaf(t) && !xs.includes(t) ? doubles(t, await t.data()) : t)));
  const { prepared } = makeProgram(g, device, false);
  const into = outputs.map((t) => device.alloc(t.size, t.dtype));
  return () => {
    prepared.run(nodes, 1, into);
    return into;
  };
}

/** A leaf like t, with a copy of its values, in float64. */
const doubles = (t: Tensor, values: Values): Tensor => leafOf(t, t.dtype === "f32" ? Float64Array.from(values) : values.slice());

const leafOf = (t: Tensor, values: Values): Tensor =>
  new Tensor(leaf, [], {}, t.shape, t.dtype, { block: hostBlock(values, t.dtype), offset: 0 });
