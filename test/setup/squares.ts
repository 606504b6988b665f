// x · x on bare WebGPU, with nothing of the library: when this fails, the driver is at fault.

const kernel = `
@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < arrayLength(&x)) { x[id.x] *= x[id.x]; }
}`;

export async function squares(gpu: GPU, values: readonly number[]): Promise<{ squared: number[]; adapter: string }> {
  const adapter = await gpu.requestAdapter();
  if (!adapter) throw new Error("no WebGPU adapter");
  const device = await adapter.requestDevice();
  const size = 4 * values.length;
  const x = device.createBuffer({ size, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST });
  const result = device.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  device.queue.writeBuffer(x, 0, new Float32Array(values));

  const pipeline = device.createComputePipeline({ layout: "auto", compute: { module: device.createShaderModule({ code: kernel }) } });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(
    0,
    device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries: [{ binding: 0, resource: { buffer: x } }] }),
  );
  pass.dispatchWorkgroups(Math.ceil(values.length / 64));
  pass.end();
  encoder.copyBufferToBuffer(x, 0, result, 0, size);
  device.queue.submit([encoder.finish()]);

  await result.mapAsync(GPUMapMode.READ);
  const squared = [...new Float32Array(result.getMappedRange())];
  device.destroy();
  return { squared, adapter: `${adapter.info.vendor} ${adapter.info.architecture}` };
}
