// The last rung: the kernels that the library itself makes for a work, as text, taken from where it makes them. So this rung is never
// out of date, and an error in it points to the line of the library's own file.

import { conv2d, matmul, relu, tensor } from "../../dist/index.js";
import { kernelCode } from "../../dist/kernels/devices/webgpu/kernel.js";
import { graph, isLeaf } from "../../dist/tensor/graph.js";
import { plan } from "../../dist/tensor/plan.js";
import { operands } from "./work.mjs";

/** @typedef {import("./work.mjs").Work} Work @typedef {import("../../dist/index.js").Tensor} Tensor */

/** What a user writes for a work. @type {Record<string, (work: Work) => { inputs: Tensor[], compute: () => Tensor }>} */
const programs = {
  matmul: (work) => {
    const { m, n, k } = work.fields;
    const [a, b] = shaped(work, [m, k], [k, n]);
    return { inputs: [a, b], compute: () => matmul(a, b) };
  },
  conv2d: (work) => {
    const { n, h, w, c, kh, kw, oc, stride, pad } = work.fields;
    const [x, weight] = shaped(work, [n, h, w, c], [kh, kw, c, oc]);
    return { inputs: [x, weight], compute: () => conv2d(x, weight, { stride, padding: pad }) };
  },
  map: (work) => {
    const [x] = shaped(work, [work.fields.n]);
    return { inputs: [x], compute: () => relu(x) };
  },
  reduce: (work) => {
    const [x] = shaped(work, [work.fields.n, work.fields.r]);
    return { inputs: [x], compute: () => x.sum(1) };
  },
};

/** @param {Work} work @param {number[][]} shapes */
const shaped = (work, ...shapes) => operands(work).map((values, i) => tensor(values, shapes[i]));

/** @param {Work} work */
export const programOf = (work) => programs[work.name](work);

const BUFFERS = 8; // that one kernel may bind: what core WebGPU guarantees

/**
 * The dispatches of the library's program, with sizes written into products, as in a compiled step.
 * @param {Work} work @param {"tiled" | "simple"} family @returns {import("./gpu.mjs").Dispatch[]}
 */
export function libraryDispatches(work, family) {
  const { inputs, compute } = programOf(work);
  const found = graph([compute()], []);
  const made = plan(found, { buffers: BUFFERS, storesOperands: false }, true);
  const codes = made.kernels.flatMap((kernel) => kernelCode(made, kernel, { family, buffers: BUFFERS, parts: undefined }));
  return codes.map(({ linked, bindings, uniforms, groups, scratch }) => ({
    code: linked.code,
    entryPoint: "main",
    origin: linked.origin,
    bindings: bindings.map(({ node, writes }) => ({ of: node === "scratch" ? node : placeOf(found.nodes[node], inputs), writes })),
    size: uniforms.fields.map(({ value }) => /** @type {number} */ (value)), // no field is a scalar: there are none in these programs
    groups,
    scratch,
  }));
}

/** @param {Tensor} t @param {readonly Tensor[]} inputs */
const placeOf = (t, inputs) => (isLeaf(t) ? inputs.indexOf(t) : "result");
