// Who is compared: Elbo and every peer on one device. On `cuda` that is PyTorch beside all that run on WebGPU on the same GPU.
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { cores } from "../engines/process.mjs";
import { commandOf, pythonWith } from "../engines/programs.mjs";

/** @typedef {import("../engines/process.mjs").Engine & { trains: boolean }} Engine */

export const DEVICES = ["cpu", "webgpu", "cuda"];

/** @param {string} path */
const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** What a sum may be off with TF32, which takes ten bits of each factor's fraction; of losses as much. */
const TF32 = 1e-3;

/** @param {string} device one of DEVICES @param {readonly string[] | Error} python that has PyTorch @returns {Engine[]} */
export function engines(device, python) {
  const threads = cores.length || availableParallelism();
  /** Of one script, on one of its backends. @param {string} engine @param {string} script @param {string} backend @param {Partial<Engine>} [rest] @returns {Engine} */
  const node = (engine, script, backend, rest) => ({
    ...{ engine, runtime: backend, threads, trains: true, isSlow: false },
    command: [process.execPath, here(script), "--backend", backend],
    ...rest,
  });
  const elbo = (/** @type {string} */ backend) => node("Elbo", "../engines/elbo.mjs", backend);
  const kernelsOnly = { trains: false };
  if (device === "cpu")
    return [
      elbo("wasm"),
      node("jax-js", "../peers/jax-js.mjs", "wasm"),
      node("tfjs", "../peers/tfjs.mjs", "wasm", { threads: 1 }),
      node("tfjs", "../peers/tfjs.mjs", "cpu", { threads: 1, isSlow: true }),
      node("gpu.js", "../peers/gpu-js.mjs", "webasm", kernelsOnly),
      node("gpu.js", "../peers/gpu-js.mjs", "cpu", { ...kernelsOnly, threads: 1 }),
      node("ONNX Runtime", "../peers/onnxruntime.mjs", "cpu", kernelsOnly),
      ...pytorch("cpu", [["eager", []]], python, threads),
    ];
  const onGpu = [
    elbo("webgpu"),
    node("jax-js", "../peers/jax-js.mjs", "webgpu"),
    node("tfjs", "../peers/tfjs.mjs", "webgpu"),
    node("gpu.js", "../peers/gpu-js.mjs", "webgpu", kernelsOnly),
    node("ONNX Runtime", "../peers/onnxruntime.mjs", "webgpu", kernelsOnly),
  ];
  if (device === "webgpu") return onGpu;
  const modes = ["eager", "compile", "graph"].flatMap((mode) => [
    /** @type {const} */ ([mode, []]),
    /** @type {const} */ ([`${mode}, TF32`, ["--tf32"]]),
  ]);
  return [...onGpu, ...pytorch("cuda", modes, python, threads)];
}

/** A Python whose PyTorch computes on that device, or why there is none. @param {string} device */
export const pythonFor = (device) =>
  commandOf(() => pythonWith(device === "cuda" ? "import torch; assert torch.cuda.is_available()" : "import torch"));

/**
 * Each mode is a process of its own, so that one that fails is an error of its own.
 * @param {"cpu" | "cuda"} device @param {readonly (readonly [string, readonly string[]])[]} modes @param {readonly string[] | Error} python
 * @param {number} threads @returns {Engine[]}
 */
function pytorch(device, modes, python, threads) {
  return modes.map(([runtime, flags]) => {
    const [mode] = runtime.split(",");
    const script = [here("../peers/pytorch.py"), "--device", device, "--mode", mode, ...flags];
    const command = python instanceof Error ? python : [...python, ...script];
    return { engine: "PyTorch", runtime, threads, trains: true, isSlow: false, command, ...(flags.length > 0 && { relative: TF32 }) };
  });
}
