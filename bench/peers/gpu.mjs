// navigator.gpu in Node, for libraries that know browsers only: Dawn, by the project's own package webgpu.

/** @type {GPU | undefined} */
let held; // Dawn's instance must outlive every device

export async function provideGpu() {
  const { create, globals } = await import("webgpu");
  Object.assign(globalThis, globals);
  held = create([]);
  const value = { gpu: held, userAgent: "Node", hardwareConcurrency: 1 };
  Object.defineProperty(globalThis, "navigator", { value, configurable: true });
  // TensorFlow.js still asks for what WebGPU no longer has; the answer is the same.
  Object.defineProperty(GPUAdapter.prototype, "requestAdapterInfo", {
    /** @this {GPUAdapter} */
    value: async function () {
      return this.info;
    },
  });
}
