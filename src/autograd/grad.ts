// Reverse-mode differentiation. Gradients are ordinary tensors: nothing is computed here, and a gradient nobody asks
// for is never run.

import { fullOf } from "../kernels/layout/full.ts";
import { outputLeaf } from "../kernels/layout/leaf.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { trace } from "../tensor/trace.ts";

/**
 * dy/dx for each x: the chain rule, from the newest tensor back to the oldest. y is a scalar. The gradient of what y
 * does not depend on is zero. Gradients are differentiable in turn.
 */
export function grad(y: Tensor, xs: readonly Tensor[]): Tensor[] {
  if (y.size !== 1) throw new Error(`grad: ${y} is no scalar; reduce it with sum() or mean()`);
  if (y.dtype !== "f32") throw new Error(`grad: ${y} is ${y.dtype}; only f32 has gradients`);
  for (const x of xs) if (x.dtype !== "f32") throw new Error(`grad: with respect to ${x}, which is ${x.dtype}; only f32 has gradients`);
  const scaling = trace().scaling?.(); // where gradients on their way are stored as f16 (tensor/loss-scale.ts)
  const dys = new Map<Tensor, Tensor>([[y, scaling?.scale.reshape(y.shape) ?? fullOf(y.shape, 1)]]);
  // ids grow with creation, so descending ids visit every use of a tensor before the tensor itself
  for (const t of between(y, new Set(xs))) {
    const dy = dys.get(t);
    if (!dy || t.inputs.length === 0) continue;
    t.op.grad(dy, t).forEach((dx, i) => {
      const x = t.inputs[i];
      if (dx) dys.set(x, dys.get(x)?.add(dx) ?? dx);
    });
  }
  return xs.map((x) => {
    const dx = dys.get(x);
    if (!dx) return fullOf(x.shape, 0);
    return scaling ? dx.mul(scaling.inverse) : dx;
  });
}

/** The tensors on a way from one of the xs to y, newest first. */
function between(y: Tensor, xs: ReadonlySet<Tensor>): Tensor[] {
  const history = new Set<Tensor>();
  const stack = [y];
  for (let t = stack.pop(); t; t = stack.pop()) {
    if (history.has(t)) continue;
    history.add(t);
    stack.push(...t.inputs);
  }
  const oldestFirst = [...history].sort((a, b) => a.id - b.id);
  const leads = new Set<Tensor>();
  for (const t of oldestFirst) if (xs.has(t) || t.inputs.some((x) => leads.has(x))) leads.add(t);
  const result = oldestFirst.find((t) => t.op === outputLeaf);
  if (leads.size === 0 && result)
    throw new Error(`grad: ${result} is a result of a compiled function, which does not say how it came about; differentiate inside`);
  return oldestFirst.filter((t) => leads.has(t)).reverse();
}

/** f's value, and its gradient with respect to each x: `const { value, grads } = valueAndGrad(loss, [w, b])`. */
export function valueAndGrad(f: (...xs: Tensor[]) => Tensor, xs: readonly Tensor[]): { value: Tensor; grads: Tensor[] } {
  const value = f(...xs);
  return { value, grads: grad(value, xs) };
}
