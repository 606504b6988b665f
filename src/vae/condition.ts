// What makes a VAE conditional: a class for each example, told to the encoder and to the decoder, so that the latents need not say it
// ("Learning Structured Output Representation using Deep Conditional Generative Models", Sohn et al. 2015).

import { concat, type Tensor } from "../index.ts";

/** Labels u32 [batch] as [batch, classes]: 1 at the class, else 0. Undefined for a model without classes, which takes no labels. */
export function oneHotOf(labels: Tensor | undefined, classes: number, batch: number): Tensor | undefined {
  if (classes === 0) {
    if (labels) throw new Error("vae: labels for a model that is not conditional; make it with `classes`, or leave them out");
    return undefined;
  }
  if (!labels) throw new Error(`vae: a conditional model of ${classes} classes needs labels: { labels: tensor(Uint32Array.of(…)) }`);
  if (labels.dtype === "f32" || labels.rank !== 1 || labels.shape[0] !== batch) {
    throw new Error(`vae: labels are u32 [${batch}], one for each example, not ${labels.dtype} ${labels}`);
  }
  const { block, offset } = labels.storage ?? {};
  if (block?.host) checkLabels("vae", block.host.subarray(offset, (offset ?? 0) + batch), classes);
  return labels.cast("u32").oneHot(classes);
}

/** Throws if a label names no class. */
export function checkLabels(caller: string, labels: ArrayLike<number>, classes: number): void {
  for (let i = 0; i < labels.length; i++) {
    if (Number.isInteger(labels[i]) && labels[i] >= 0 && labels[i] < classes) continue;
    throw new Error(`${caller}: label ${labels[i]} of example ${i}; the model knows classes 0 to ${classes - 1}`);
  }
}

/** x with the class behind its last axis: behind the values of a vector, behind the channels of each pixel. */
export function withClass(x: Tensor, oneHot: Tensor | undefined): Tensor {
  if (!oneHot) return x;
  const [batch, classes] = oneHot.shape;
  const between = x.shape.slice(1, -1);
  const everywhere = oneHot.reshape([batch, ...between.map(() => 1), classes]).broadcastTo([batch, ...between, classes]);
  return concat([x, everywhere], -1);
}
