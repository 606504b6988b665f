// Single kernels of Elbo: products, convolutions, and those that every engine is asked for; and what a replay costs.
import { assign, compile, keep, parameter, tensor, zeros } from "elbo";
import { convolutions, kernels, products, read, sampled } from "../../peers/peer.mjs";
import { OPTIONS, shapesOf } from "../../tasks/layers.mjs";
import { passes } from "../../tasks/task.mjs";
import { opened } from "./opened.mjs";

/** @typedef {import("elbo").Tensor} Tensor @typedef {import("elbo").Device} Device @typedef {import("../../peers/peer.mjs").Operand} Operand */

export async function singleKernels() {
  const device = await opened();
  const given =
    (/** @type {(...tensors: Tensor[]) => Tensor} */ f) =>
    (/** @type {Operand[]} */ ...operands) =>
      stored(device, f, operands);
  await kernels({
    matmul: given((a, b) => a.matmul(b)),
    conv: given((x, w) => x.conv2d(w, OPTIONS)),
    chain: given((x, w, b) => x.mul(x.mul(w).add(b).sigmoid())),
    sum: given((x) => x.sum()),
  });
  return { description: device.description };
}

/** What a kernel makes is assigned to a tensor: a result would be copied to where results are read. @param {Device} device @param {(...tensors: Tensor[]) => Tensor} f @param {Operand[]} operands */
function stored(device, f, operands) {
  const tensors = operands.map(({ data, shape }) => keep(tensor(data, shape)));
  const y = parameter(zeros(f(...tensors).shape));
  const computed = compile((/** @type {Tensor[]} */ ...tensors) => {
    assign(y, f(...tensors));
    return {};
  });
  const run = async (/** @type {number} */ count) => {
    for (let i = 0; i < count; i++) computed(...tensors);
    await device.idle();
  };
  const data = async () => {
    await run(1);
    return y.data();
  };
  return { run, data };
}

export async function gemm() {
  const device = await opened();
  const product = compile((/** @type {Tensor} */ a, /** @type {Tensor} */ b) => a.matmul(b));
  return {
    products: await products((left, right, m, k, n) => {
      const [a, b] = [keep(tensor(left, [m, k])), keep(tensor(right, [k, n]))];
      const run = async (/** @type {number} */ count) => {
        for (let i = 0; i < count; i++) product(a, b);
        await device.idle();
      };
      return { run, data: () => product(a, b).data() };
    }),
  };
}

/** Single convolutions, each compiled. */
export async function layers() {
  const device = await opened();
  return {
    layers: await convolutions((layer) => {
      const shapes = shapesOf(layer);
      const [x, w, dy] = /** @type {const} */ (["x", "w", "dy"]).map((name) => keep(tensor(read(`${layer}.${name}`), shapes[name])));
      const compiled = Object.entries(passes).map(([role, pass]) => {
        const computed = compile(pass);
        const run = async (/** @type {number} */ count) => {
          for (let i = 0; i < count; i++) computed(x, w, dy);
          await device.idle();
        };
        return [role, { run, data: () => computed(x, w, dy).data() }];
      });
      return Object.fromEntries(compiled);
    }),
  };
}

const KERNELS = 100;
const REPLAYS = 20; // in a row, before the device is waited for

/** What a replay costs for each kernel, where a kernel has next to nothing to do: products of [8, 8]. */
export async function replay() {
  const device = await opened();
  const matrix = (/** @type {(i: number) => number} */ value) =>
    keep(
      tensor(
        Float32Array.from({ length: 64 }, (_, i) => value(i)),
        [8, 8],
      ),
    );
  const [x, w] = [matrix(Math.sin), matrix((i) => (i % 9 === 0 ? 0.75 : -0.25))]; // w is a reflection: x w w = x
  const chain = compile((/** @type {Tensor} */ x, /** @type {Tensor} */ w) => {
    for (let i = 0; i < KERNELS; i++) x = x.matmul(w);
    return x;
  });
  const wrong = (await chain(x, w).data()).findIndex((value, i) => Math.abs(value - Math.sin(i)) > 1e-4);
  if (wrong >= 0) throw new Error(`element ${wrong} of the chain of products is wrong`);
  const kernels = chain.explain(x, w).kernels.length;
  const ms = await sampled(async () => {
    for (let i = 0; i < REPLAYS; i++) chain(x, w);
    await device.idle();
  }, 0.3);
  return { ms: ms.map((t) => t / (REPLAYS * kernels)), kernels };
}
