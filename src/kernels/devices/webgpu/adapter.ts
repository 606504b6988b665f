// Finding a GPU: `navigator.gpu` in a browser, or what a host registered (node.ts registers Dawn).

import { NoDeviceError } from "../errors.ts";

let provider: () => Promise<GPU | undefined> = async () => (typeof navigator === "undefined" ? undefined : navigator.gpu);
// Dawn's instance must outlive every device: if it were collected, Node would abort. So it is held here for good.
let instance: Promise<GPU | undefined> | undefined;

/** Tells where WebGPU comes from, where there is no `navigator.gpu`. */
export function registerGpu(next: () => Promise<GPU | undefined>): void {
  provider = next;
  instance = undefined;
}

const held: GPU[] = [];

async function gpu(): Promise<GPU | undefined> {
  instance ??= provider();
  const found = await instance;
  if (found && !held.includes(found)) held.push(found);
  return found;
}

/** Drivers that compute on the CPU: never chosen for anybody, but good for tests. */
export const isSoftware = (adapter: GPUAdapter): boolean =>
  adapter.info.isFallbackAdapter ||
  /swiftshader|llvmpipe|lavapipe|software|basic render/i.test(`${adapter.info.description} ${adapter.info.architecture}`);

/** An adapter, or undefined. A new one each time: an adapter gives one device only. */
export async function findAdapter(): Promise<GPUAdapter | undefined> {
  const found = await gpu();
  if (!found) return undefined;
  const fast = await found.requestAdapter({ powerPreference: "high-performance" });
  return fast ?? (await found.requestAdapter({ forceFallbackAdapter: true })) ?? undefined;
}

export async function requireAdapter(): Promise<GPUAdapter> {
  if (!(await gpu())) {
    throw new NoDeviceError(
      'open: there is no WebGPU here; in Node install the package "webgpu" and import "elbo/node", or use open("wasm")',
    );
  }
  const adapter = await findAdapter();
  if (!adapter)
    throw new NoDeviceError('open: no WebGPU adapter here; install a GPU driver with Vulkan, Metal or D3D12, or use open("wasm")');
  return adapter;
}

/** What may be larger than WebGPU's defaults, where the adapter allows it. */
const LIMITS = ["maxBufferSize", "maxStorageBufferBindingSize", "maxComputeWorkgroupStorageSize"] as const;
/** Asked for where present. Only programs of mixed precision depend on any of them: on `shader-f16`. */
const FEATURES = ["timestamp-query", "subgroups", "shader-f16", "chromium-experimental-subgroup-matrix"];

export async function requestDevice(adapter: GPUAdapter): Promise<GPUDevice> {
  const requiredLimits = Object.fromEntries(LIMITS.map((name) => [name, adapter.limits[name]]));
  return adapter.requestDevice({ requiredLimits, requiredFeatures: FEATURES.filter((f) => adapter.features.has(f)) as GPUFeatureName[] });
}

export const describe = ({ info }: GPUAdapter): string =>
  [info.vendor, info.architecture, info.description].filter((part, i, all) => part && all.indexOf(part) === i).join(" ") ||
  "unnamed adapter";
