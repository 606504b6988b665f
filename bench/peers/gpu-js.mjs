// @ts-nocheck: its kernels are text to gpu.js, which is no part of the types here.
// gpu.js: a kernel is a function of one element, written by hand. It trains nothing. Its modes `cpu` and `webasm` compute at once and bring
// the values back; on `webgpu` operands and results stay on the device.
import { createRequire } from "node:module";
import { provideGpu } from "./gpu.mjs";
import { answer, kernels, options } from "./peer.mjs";

const isGpu = options.backend === "webgpu";
const PARTS = 1024; // of a sum

async function allKernels() {
  if (isGpu) await provideGpu();
  const { default: library } = await import("gpu.js");
  const gpu = new library.GPU({ mode: options.backend });
  const settings = {
    cpu: {},
    webasm: { asyncMode: options.threads > 1, poolSize: options.threads }, // threads only where a promise is returned
    webgpu: { pipeline: true, immutable: true },
  }[options.backend];
  const kernel = (source, output) => gpu.createKernel(source, { output, ...settings });
  /** As the kernels of that mode take it again and again. */
  const held = ({ data, shape }) => {
    if (isGpu) return kernel("function (x) { return x[this.thread.x]; }", [data.length])(data);
    return shape.length === 2 ? library.input(data, [shape[1], shape[0]]) : data;
  };
  const repeated = (f) => {
    const run = async (count) => {
      let last;
      for (let i = 0; i < count; i++) {
        if (isGpu) last?.delete();
        last = await f();
      }
      if (isGpu) await last.context.device.queue.onSubmittedWorkDone();
    };
    const data = async () => {
      const y = await f();
      const values = isGpu ? await y.toArray() : y;
      return flat(values);
    };
    return { run, data };
  };
  const given =
    (make) =>
    async (...operands) => {
      const values = await Promise.all(operands.map(held));
      const compute = make(...operands.map(({ shape }) => shape));
      return repeated(() => compute(...values));
    };

  await kernels({
    matmul: given(([n]) => {
      const source = isGpu
        ? `function (a, b) {
            let sum = 0;
            for (let p = 0; p < ${n}; p++) sum += a[this.thread.y * ${n} + p] * b[p * ${n} + this.thread.x];
            return sum;
          }`
        : `function (a, b) {
            let sum = 0;
            for (let p = 0; p < ${n}; p++) sum += a[this.thread.y][p] * b[p][this.thread.x];
            return sum;
          }`;
      return kernel(source, [n, n]);
    }),
    conv: given(([batch, h, w, c], [kh, kw, , o]) =>
      kernel(
        `function (x, k) {
          const i = Math.floor(this.thread.y / ${w / 2});
          const j = this.thread.y - i * ${w / 2};
          let y = 0;
          for (let u = 0; u < ${kh}; u++) {
            for (let v = 0; v < ${kw}; v++) {
              const row = 2 * i + u - 1;
              const column = 2 * j + v - 1;
              if (row >= 0 && row < ${h} && column >= 0 && column < ${w}) {
                for (let q = 0; q < ${c}; q++) {
                  y += x[((this.thread.z * ${h} + row) * ${w} + column) * ${c} + q] * k[((u * ${kw} + v) * ${c} + q) * ${o} + this.thread.x];
                }
              }
            }
          }
          return y;
        }`,
        [o, (h / 2) * (w / 2), batch],
      ),
    ),
    chain: given(([n]) =>
      kernel(
        `function (x, w, b) {
          const value = x[this.thread.x];
          return value / (1 + Math.exp(-(value * w[this.thread.x] + b[this.thread.x])));
        }`,
        [n],
      ),
    ),
    sum: given(([n]) => {
      const part = kernel(
        `function (x) {
          let sum = 0;
          for (let i = 0; i < ${n / PARTS}; i++) sum += x[i * ${PARTS} + this.thread.x];
          return sum;
        }`,
        [PARTS],
      );
      const whole = kernel(
        `function (x) {
          let sum = 0;
          for (let i = 0; i < ${PARTS}; i++) sum += x[i];
          return sum;
        }`,
        [1],
      );
      return async (x) => {
        const parts = await part(x);
        const sum = await whole(parts);
        if (isGpu) parts.delete();
        return sum;
      };
    }),
  });
  const { version } = createRequire(import.meta.url)("gpu.js/package.json");
  return { versions: { "gpu.js": version } };
}

/** Arrays of rows as one array. */
function flat(values) {
  if (!Array.isArray(values)) return values;
  const parts = values.map(flat);
  const all = new Float32Array(parts.length * parts[0].length);
  for (const [i, part] of parts.entries()) all.set(part, i * part.length);
  return all;
}

await answer({ kernels: allKernels });
