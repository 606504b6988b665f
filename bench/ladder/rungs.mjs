// The ladders: which rungs there are, in order. A rung is opened for a work, and can then be run, and asked for its result.
import { dispatchOf } from "./declared.mjs";
import { libraryDispatches } from "./library.mjs";
import { byLibrary, inJavaScript } from "./processor.mjs";

/**
 * `clock` gives the microseconds of one run of so many by the clock of what runs it, where it has one.
 * @typedef {{
 *   run(times: number): Promise<void>, results(): Promise<Float32Array>, clock?(times: number): Promise<number | undefined>,
 *   close(): unknown, description?: string,
 * }} Opened
 * @typedef {{ gpu: import("./gpu.mjs").Gpu | undefined, read(url: URL): Promise<string> }} Context
 * @typedef {import("./work.mjs").Work} Work
 * @typedef {"js" | "wasm" | "webgpu"} Device
 */
/**
 * What stands `beside` the ladder is no rung of it: nothing is gained over it.
 * @typedef {{ name: string, device: Device, url?: URL, beside?: boolean, open(work: Work, context: Context): Promise<Opened> }} Rung
 * @typedef {{ title: string, work: string, size?: string, rungs: readonly Rung[] }} Ladder
 */

const here = (/** @type {string} */ file) => new URL(file, import.meta.url);

/** A kernel in a file of this folder. @param {string} file @returns {Rung} */
function inWgsl(file) {
  const url = here(`./${file}.wgsl`);
  const open = async (/** @type {Work} */ work, /** @type {Context} */ { gpu, read }) =>
    needed(gpu).prepare(work, [dispatchOf({ file: `${file}.wgsl`, text: await read(url) }, work)]);
  return { name: file, device: "webgpu", url, open };
}

/** @param {string} name @param {"tiled" | "simple"} family @returns {Rung} */
function inLibrary(name, family) {
  return { name, device: "webgpu", open: (work, { gpu }) => needed(gpu).prepare(work, libraryDispatches(work, family)) };
}

/** @param {Context["gpu"]} gpu */
function needed(gpu) {
  if (gpu) return gpu;
  throw new Error("this rung needs a GPU");
}

/** A function in a file of this folder. @param {string} file @returns {Rung} */
function inPlainLoops(file) {
  const url = here(`./${file}.mjs`);
  return { name: file, device: "js", url, open: async (work) => inJavaScript(work, (await import(url.href)).multiply) };
}

const library = [inLibrary("the library's, tiled", "tiled"), { ...inLibrary("the library's, simple", "simple"), beside: true }];

/** @type {Record<string, Ladder>} */
export const ladders = {
  cpu: {
    title: "the matrix product on the processor",
    work: "matmul",
    size: "512",
    rungs: [
      ...["cpu-1-naive", "cpu-2-order", "cpu-3-blocked", "cpu-4-packed", "cpu-5-registers"].map(inPlainLoops),
      { name: "cpu-6, the library's, SIMD", device: "wasm", open: (work) => byLibrary(work, { threads: 1 }) },
      { name: "cpu-7, the library's, SIMD on all threads", device: "wasm", open: (work) => byLibrary(work, {}) },
    ],
  },
  matmul: {
    title: "the matrix product on WebGPU",
    work: "matmul",
    rungs: [
      ...["matmul-1-naive", "matmul-2-neighbours", "matmul-3-tiled", "matmul-4-registers", "matmul-5-vectors"].map(inWgsl),
      ...named("matmul-6", library),
    ],
  },
  conv: {
    title: "the convolution on WebGPU",
    work: "conv2d",
    rungs: [...["conv-1-naive", "conv-2-vectors", "conv-3-product"].map(inWgsl), ...named("conv-4", library)],
  },
};

/** The rungs between which a kernel of one's own stands, by what it claims to be. */
export const rungsFor = (/** @type {string} */ work) =>
  Object.values(ladders).find((ladder) => ladder.work === work && ladder.rungs.some(({ device }) => device === "webgpu"))?.rungs ?? library;

/** @param {string} name @param {readonly Rung[]} rungs */
function named(name, rungs) {
  return rungs.map((rung) => ({ ...rung, name: rung.beside ? rung.name : `${name}, ${rung.name}` }));
}

/** A kernel of one's own. @param {import("./declared.mjs").Source} source @param {import("./declared.mjs").Groups} [groups] @returns {Rung} */
export function own(source, groups) {
  return {
    name: source.file,
    device: "webgpu",
    open: async (work, { gpu }) => needed(gpu).prepare(work, [dispatchOf(source, work, groups)]),
  };
}
