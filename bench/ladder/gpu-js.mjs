// Beside the ladder on the processor: the same product by kernels that gpu.js generates from a function of one element; nothing where
// that package is absent. Its times include that it copies the operands.
import { operands } from "./work.mjs";

const SOURCE = `function (a, b) {
  let sum = 0;
  for (let p = 0; p < this.constants.k; p++) sum += a[this.thread.y][p] * b[p][this.thread.x];
  return sum;
}`;

/** @returns {Promise<import("./rungs.mjs").Rung[]>} */
export async function gpuJsRungs() {
  const library = await import("gpu.js").catch(() => undefined);
  if (!library) return [];
  return ["cpu", "webasm"].map((mode) => ({
    name: `gpu.js, ${mode}`,
    device: mode === "cpu" ? "js" : "wasm",
    beside: true,
    open: async (work) => {
      const { m, n, k } = work.fields;
      const [a, b] = operands(work);
      const [left, right] = [rows(a, k), rows(b, n)];
      const gpu = new library.GPU({ mode: /** @type {"cpu"} */ (mode) });
      const kernel = gpu.createKernel(SOURCE).setOutput([n, m]).setConstants({ k });
      const product = () => /** @type {Float32Array[]} */ (kernel(left, right));
      return {
        run: async (times) => {
          for (let i = 0; i < times; i++) product();
        },
        results: async () => Float32Array.from(product().flatMap((row) => [...row])),
        close: () => gpu.destroy(),
      };
    },
  }));
}

/** @param {Float32Array} matrix @param {number} length */
const rows = (matrix, length) => Array.from({ length: matrix.length / length }, (_, i) => matrix.subarray(i * length, (i + 1) * length));
