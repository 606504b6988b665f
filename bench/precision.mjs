// node bench/precision.mjs [--filter TEXT]: products and training steps in f32, in f16 by tiles, and in f16 by tensor cores, by the GPU's clock.
// What is timed here is checked by verify-f16.mjs, not here. It needs dist/ and the package `webgpu` alone.
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { create, globals } from "webgpu";
import { registerGpu } from "../dist/kernels/devices/webgpu/adapter.js";
import { sample } from "../dist/kernels/sample.js";
import { adam, compile, convVae, denseVae, keep, open, sync } from "../dist/node.js";
import { markdown } from "./markdown.mjs";

/** @typedef {import("../dist/node.js").Tensor} Tensor @typedef {{ work: string, how: string, us: number, flops: number, bytes: number, dispatches: number }} Row */

const HOW = /** @type {const} */ ([
  ["f32", "f32", { kernels: "tiled" }],
  ["f16, tiles", "f16", { kernels: "tiled", matrices: false }],
  ["f16, tensor cores", "f16", { kernels: "tiled" }],
]);

/** Two products, one after the other: the second reads what the first stored. @param {number} n */
const products = (n) => ({
  shape: [n, n],
  prepare: () => {
    const [w, v] = [keep(sample([n, n], -1, 1, 1)), keep(sample([n, n], -1, 1, 2))];
    return (/** @type {Tensor} */ x) => x.matmul(w).matmul(v);
  },
});

/** @param {() => import("../dist/node.js").Vae} make @param {number[]} shape */
const training = (make, shape) => ({
  shape,
  prepare: () => {
    const model = make();
    const optimizer = adam([...model.parameters.values()]);
    return (/** @type {Tensor} */ x) => {
      const { loss } = model.terms(x);
      optimizer.step(loss);
      return loss;
    };
  },
});

const works = () =>
  /** @type {const} */ ([
    ...[256, 512, 1024, 2048, 4096].map((n) => /** @type {const} */ ([`two products of ${n} × ${n}`, products(n)])),
    ["step of the dense VAE, 784-400-20, batch 128", training(() => denseVae({ input: 784, hidden: 400, latent: 20 }), [128, 784])],
    ["step of conv28, batch 64", training(() => convVae({ model: "conv28" }), [64, 28, 28, 1])],
  ]);

const RUNS = 15;

/** @param {{ filter?: string, log?: (line: string) => void }} settings */
export async function run({ filter = "", log = () => {} }) {
  /** @type {Row[]} */
  const rows = [];
  for (const [how, precision, options] of HOW) {
    const device = await open("webgpu", options);
    const isThere = how === "f32" || (!device.lacksHalf && (!how.includes("tensor") || device.matrices));
    if (!isThere) log(`${how}: not on ${device.description}`);
    for (const [work, { shape, prepare }] of isThere ? works().filter(([work]) => work.includes(filter)) : []) {
      const f = compile(prepare(), { precision });
      const x = keep(sample(shape, 0, 1));
      await sync();
      const { flops, bytes, dispatches } = f.explain(x);
      const times = [];
      for (let i = 0; i < RUNS + 3; i++) {
        const kernels = await device.profile(() => f(x));
        if (i >= 3) times.push(kernels.reduce((sum, { ns }) => sum + ns, 0) / 1e3); // the first ones compile and fill caches
      }
      rows.push({ work, how, us: times.sort((a, b) => a - b)[RUNS >> 1], flops, bytes, dispatches });
      log(JSON.stringify(rows.at(-1)));
      f.dispose();
      x.dispose();
    }
    await sync();
    await device.close();
  }
  return { rows };
}

/** @param {{ rows: readonly Row[] }} results */
export const tables = ({ rows }) => ({
  precision: markdown([
    ["work", "how", "µs by the GPU's clock", "TFLOP/s", "MB moved"],
    ...rows.map(({ work, how, us, flops, bytes }) => [work, how, us.toFixed(1), (flops / us / 1e6).toFixed(2), (bytes / 1e6).toFixed(1)]),
  ]),
});

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  Object.assign(globalThis, globals);
  const toggles = ["enable-dawn-features=allow_unsafe_apis,vulkan_enable_f16_on_nvidia", "disable-dawn-features=timestamp_quantization"];
  registerGpu(async () => create(toggles));
  const { values } = parseArgs({ options: { filter: { type: "string", default: "" } } });
  console.log(tables(await run({ ...values, log: console.log })).precision);
}
