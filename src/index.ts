// Elbo's public surface: tensors, their ops, gradients, optimizers, compilation and devices. The VAE part is `elbo/vae`,
// the data part `elbo/data`. Nothing here imports a Node module.

import "./kernels/methods.ts";

export { checkGradient } from "./autograd/check.ts";
export { grad, valueAndGrad } from "./autograd/grad.ts";
export * from "./autograd/optimizers.ts";
export { type CyclicalOptions, cosineDecay, cyclical, linearWarmup, ramp, type Schedule, stages, stepDecay } from "./autograd/schedules.ts";
export type { Device } from "./kernels/devices/device.ts";
export { type DeviceName, type OpenOptions, open } from "./kernels/devices/open.ts";
export type { WebGpuDevice } from "./kernels/devices/webgpu/device.ts";
export type { KernelTime } from "./kernels/devices/webgpu/profile.ts";
export type { Tiles } from "./kernels/devices/webgpu/tiles.ts";
export * from "./kernels/ops.ts";
export { assign } from "./kernels/state/assign.ts";
export { type Compiled, type CompileOptions, compile, type Precision } from "./tensor/compile.ts";
export { arange, eye, full, keep, ones, parameter, scalar, set, tensor, zeros } from "./tensor/create.ts";
export { sync } from "./tensor/read.ts";
export { type DType, Tensor, type Values } from "./tensor/tensor.ts";
export { seed } from "./tensor/trace.ts";
