// The [8, 8] product by kernels that gpu.js generates, for context beside our own call; nothing where the package is absent.

const N = 8;
const SOURCE = `function (a, b) {
  let sum = 0;
  for (let p = 0; p < ${N}; p++) sum += a[this.thread.y][p] * b[p][this.thread.x];
  return sum;
}`;

/** A function of two matrices for each mode that runs without a GPU. @param {ArrayLike<number>} a @param {ArrayLike<number>} b */
export async function gpuJsProducts(a, b) {
  const library = await import("gpu.js").catch(() => undefined);
  if (!library) return [];
  const [left, right] = [rows(a), rows(b)];
  return ["cpu", "webasm"].map((mode) => {
    const kernel = new library.GPU({ mode: /** @type {"cpu"} */ (mode) }).createKernel(SOURCE).setOutput([N, N]);
    return { mode, product: () => /** @type {Float32Array[]} */ (kernel(left, right)) };
  });
}

/** @param {ArrayLike<number>} m */
const rows = (m) => Array.from({ length: N }, (_, i) => Array.from(m).slice(N * i, N * (i + 1)));
