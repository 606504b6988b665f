// Every layer under its own name, for those who build a model: `layers.conv2d` is a layer, `conv2d` the op.

export {
  type ConvLayerOptions,
  type ConvTransposeLayerOptions,
  conv2d,
  convTranspose2d,
  flatten,
  norms,
  type ResidualOptions,
  residual,
  unflatten,
  upsample,
} from "./conv-layers.ts";
export { activations, batchNorm, dropout, groupNorm, layerNorm, linear, sequential } from "./layers.ts";
