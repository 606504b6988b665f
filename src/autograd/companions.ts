// States that lie beside their parameter in one block: an optimizer's moments. A kernel binds the block once, so that a
// weight gradient's kernel can update the weight as well and stay within eight buffers.

import { parameterLeaf } from "../kernels/layout/leaf.ts";
import { runEffects } from "../tensor/read.ts";
import { settle, vacate } from "../tensor/run.ts";
import { arrayOf, type Block, hostBlock, type Storage, Tensor } from "../tensor/tensor.ts";

/** States of each parameter's shape, zero at first, moved with the parameter into one block. */
export function withCompanions(parameters: readonly Tensor[], count: number): Tensor[][] {
  return parameters.map((p) => {
    const joint = moved(p, p.size * (1 + count));
    return Array.from(
      { length: count },
      (_, i) => new Tensor(parameterLeaf, [], {}, p.shape, p.dtype, { block: joint, offset: p.size * (i + 1) }),
    );
  });
}

/** The way back: parameters in blocks of their own again. The companions are gone, for the reason given. */
export function withoutCompanions(parameters: readonly Tensor[], companions: readonly (readonly Tensor[])[], why: string): void {
  runEffects(); // the last update may not have run yet
  companions.forEach(([first], i) => {
    const { block } = first.storage as Storage; // a state always has one
    const p = parameters[i];
    if (p.storage?.block === block && !block.gone) moved(p, p.size);
    vacate(block);
    block.gone ??= why;
  });
}

/** Moves a parameter to the front of a new block of so many elements, on the device if it is there. */
function moved(p: Tensor, elements: number): Block {
  const { block: from, offset } = p.storage as Storage;
  const to: Block = { ...hostBlock(arrayOf(p.dtype, 0), p.dtype, true), elements };
  if (from.device) {
    settle(to, from.device);
    from.device.write(to.buffer, arrayOf(p.dtype, elements));
    from.device.copy(from.buffer, to.buffer, p.size);
  } else {
    to.host = arrayOf(p.dtype, elements);
    if (from.host) to.host.set(from.host.subarray(offset, offset + p.size));
  }
  if (from.elements === p.size) vacate(from); // else it is shared with the companions of another optimizer
  p.storage = { block: to, offset: 0 };
  return to;
}
