// Rungs on the processor: functions of plain JavaScript, and the library's own device, on one thread and on all.
import { compile, open } from "../../dist/index.js";
import { unwritten } from "./check.mjs";
import { programOf } from "./library.mjs";
import { operands } from "./work.mjs";

/**
 * @typedef {import("./work.mjs").Work} Work
 * @typedef {(c: Float32Array, a: Float32Array, b: Float32Array, sizes: { m: number, n: number, k: number }) => void} Multiply
 */

/** @param {Work} work @param {Multiply} multiply */
export function inJavaScript(work, multiply) {
  const [a, b] = operands(work);
  const { m, n, k } = work.fields;
  const c = unwritten(m * n);
  const run = async (/** @type {number} */ times) => {
    for (let i = 0; i < times; i++) multiply(c, a, b, { m, n, k });
  };
  return { run, results: () => run(1).then(() => c), close: () => {} };
}

/** @param {Work} work @param {import("../../dist/index.js").OpenOptions} options */
export async function byLibrary(work, options) {
  const device = await open("wasm", options);
  const step = compile(programOf(work).compute);
  return {
    description: device.description,
    run: async (/** @type {number} */ times) => {
      for (let i = 0; i < times; i++) step();
      await device.idle();
    },
    results: async () => /** @type {Float32Array} */ (await step().data()),
    close: async () => {
      step.dispose();
      await device.close();
    },
  };
}
