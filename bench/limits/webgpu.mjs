// What an adapter can do at most, by kernels of the bench's own: arithmetic, memory, and what it costs to start something and to hear of it.
import { readFileSync } from "node:fs";
import { time } from "../time.mjs";
import { least, perSecond } from "./rate.mjs";

/** @param {string} name */
const source = (name) => readFileSync(new URL(name, import.meta.url), "utf8");
const STORAGE = 0x80 | 0x4 | 0x8; // GPUBufferUsage.STORAGE, COPY_SRC, COPY_DST
const UNIFORM = 0x40 | 0x8;
const READ = 0x1 | 0x8; // MAP_READ
const EMPTY = "@compute @workgroup_size(1) fn main() {}";
/** How much of each is asked of a GPU, and of a driver that computes on the CPU. */
const HARDWARE = { invocations: 2 ** 20, copied: 2 ** 28, dispatches: 1000 };
const SOFTWARE = { invocations: 2 ** 12, copied: 2 ** 25, dispatches: 100 };

/** @param {GPUDevice} gpu @param {{ isSoftware: boolean, enough: number }} options */
export async function webgpuLimits(gpu, { isSoftware, enough }) {
  const empty = await kernel(gpu, EMPTY, []);
  const submitted = () => dispatched(gpu, empty, 1, 1);
  const { invocations, copied, dispatches } = isSoftware ? SOFTWARE : HARDWARE;
  const flops = await arithmetic(gpu, invocations, enough);
  const bytes = await memory(gpu, copied, enough);
  const [one, many] = [await least(submitted), await least(() => dispatched(gpu, empty, 1, dispatches))];
  return {
    gflops: flops / 1e9,
    gbps: bytes / 1e9,
    /** In microseconds. */
    dispatch: Math.max(0, ((many - one) / (dispatches - 1)) * 1e3),
    submit: await time(submitted, 1, enough / 50),
    readBack: await time(readBack(gpu), 1, enough / 50),
  };
}

const [SUMS, STEPS] = [12, 8]; // of fma.wgsl
const ROUNDS = 8; // at once, after which a sum has come to where it tends to

/** Operations in a second. @param {GPUDevice} gpu @param {number} invocations @param {number} enough */
async function arithmetic(gpu, invocations, enough) {
  const sums = gpu.createBuffer({ size: 16 * invocations, usage: STORAGE });
  const given = gpu.createBuffer({ size: 16, usage: UNIFORM });
  const { pipeline, group } = await kernel(gpu, source("fma.wgsl"), [sums, given]);
  const rounds = await perSecond((times) => {
    gpu.queue.writeBuffer(given, 0, new Float32Array([0.5, 1])); // s ← s / 2 + 1, which tends to 2
    gpu.queue.writeBuffer(given, 8, new Uint32Array([ROUNDS * times]));
    return dispatched(gpu, { pipeline, group }, invocations / 64, 1);
  }, enough);
  const last = new Float32Array(await bytesIn(gpu, sums, 16 * invocations - 16, 16));
  if (last.some((value) => Math.abs(value - 6) > 1e-4)) throw new Error(`three sums that tend to 2 are ${last} together`);
  for (const buffer of [sums, given]) buffer.destroy();
  return rounds * ROUNDS * invocations * SUMS * STEPS * 2;
}

/** Bytes read and written in a second. @param {GPUDevice} gpu @param {number} wanted bytes to copy @param {number} enough */
async function memory(gpu, wanted, enough) {
  const size = Math.min(wanted, 2 ** Math.floor(Math.log2(gpu.limits.maxStorageBufferBindingSize)));
  const [to, from] = [0, 1].map(() => gpu.createBuffer({ size, usage: STORAGE }));
  const part = Uint32Array.from({ length: 2 ** 18 }, (_, i) => Math.imul(i + 1, 0x9e3779b1)); // not all alike, in case memory is compressed
  for (let at = 0; at < size; at += part.byteLength) gpu.queue.writeBuffer(from, at, part);
  const copy = await kernel(gpu, source("copy.wgsl"), [to, from]);
  const copies = await perSecond((times) => dispatched(gpu, copy, size / 16 / 1024, times), enough);
  const last = new Uint32Array(await bytesIn(gpu, to, size - 16, 16));
  if (last.join() !== part.subarray(-4).join()) throw new Error(`a copy ends in ${last}, and ${part.subarray(-4)} was expected`);
  for (const buffer of [to, from]) buffer.destroy();
  return copies * 2 * size;
}

/** Four bytes from the GPU to the host. @param {GPUDevice} gpu */
function readBack(gpu) {
  const from = gpu.createBuffer({ size: 4, usage: STORAGE });
  const staging = gpu.createBuffer({ size: 4, usage: READ });
  return async () => {
    const encoder = gpu.createCommandEncoder();
    encoder.copyBufferToBuffer(from, 0, staging, 0, 4);
    gpu.queue.submit([encoder.finish()]);
    await staging.mapAsync(0x1);
    staging.unmap();
  };
}

/** @param {GPUDevice} gpu @param {string} code @param {GPUBuffer[]} buffers */
async function kernel(gpu, code, buffers) {
  const pipeline = await gpu.createComputePipelineAsync({ layout: "auto", compute: { module: gpu.createShaderModule({ code }) } });
  const entries = buffers.map((buffer, binding) => ({ binding, resource: { buffer } }));
  return { pipeline, group: gpu.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }) };
}

/** So many dispatches of so many workgroups, in one submission, done. @param {GPUDevice} gpu @param {Awaited<ReturnType<typeof kernel>>} kernel @param {number} groups @param {number} times */
async function dispatched(gpu, { pipeline, group }, groups, times) {
  const encoder = gpu.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, group);
  for (let i = 0; i < times; i++) pass.dispatchWorkgroups(groups);
  pass.end();
  gpu.queue.submit([encoder.finish()]);
  await gpu.queue.onSubmittedWorkDone();
}

/** @param {GPUDevice} gpu @param {GPUBuffer} from @param {number} at @param {number} size */
async function bytesIn(gpu, from, at, size) {
  const staging = gpu.createBuffer({ size, usage: READ });
  const encoder = gpu.createCommandEncoder();
  encoder.copyBufferToBuffer(from, at, staging, 0, size);
  gpu.queue.submit([encoder.finish()]);
  await staging.mapAsync(0x1);
  const bytes = staging.getMappedRange().slice(0);
  staging.destroy();
  return bytes;
}
