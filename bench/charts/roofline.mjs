// The roofline: how fast each kernel computed, by how much it computes for each byte that it moves, below what the machine could do at most.
import { digits } from "../markdown.mjs";
import { colour, decades, scaleOf } from "./draw.mjs";

/** Kinds of kernels, by what their names begin with. @type {[string, RegExp][]} */
const KINDS = [
  ["products", /^matmul/],
  ["convolutions", /^conv/],
  ["sums, maxima", /sum|maxima/],
  ["optimizer", /^Adam/],
  ["other passes", /./],
];

const FEW = 1e-3; // operations for each byte: random numbers are made of integers, which count as nothing, and would stretch the axes

/** @param {any} file of the bench `kernels` @param {string} device */
export function rooflineChart({ devices, results }, device) {
  const { description, isSoftware, limits } = devices[device];
  /** @type {any[]} */
  const entries = results;
  const points = entries
    .filter((e) => e.device === device && e.flops > FEW * e.bytes)
    .map(({ kernel, flops, bytes, gflops }) => ({
      kernel,
      intensity: flops / bytes,
      gflops,
      kind: KINDS.find(([, name]) => name.test(kernel))?.[0],
    }));
  if (points.length === 0) return [];
  const ridge = limits.gflops / limits.gbps;
  const x = {
    field: "intensity",
    type: "quantitative",
    ...decades(points.map(({ intensity }) => intensity).concat(ridge), "operations for each byte moved"),
  };
  const { domain } = x.scale;
  const roof = [domain[0], ridge, domain[1]].map((intensity) => ({ intensity, gflops: Math.min(limits.gflops, limits.gbps * intensity) }));
  const y = {
    field: "gflops",
    type: "quantitative",
    ...decades(
      [...points, ...roof].map(({ gflops }) => gflops),
      "GFLOP/s",
    ),
  };
  const kinds = KINDS.map(([kind]) => kind).filter((kind) => points.some((p) => p.kind === kind));
  const spec = {
    width: 640,
    height: 360,
    layer: [
      { data: { values: roof }, mark: { type: "line", color: colour("grey"), strokeWidth: 2, interpolate: "linear" }, encoding: { x, y } },
      {
        data: { values: [{ ...roof[2], text: `${digits(limits.gflops)} GFLOP/s from registers, ${digits(limits.gbps)} GB/s copying` }] },
        mark: { type: "text", align: "right", dy: -8, color: colour("ink") },
        encoding: { x, y, text: { field: "text" } },
      },
      {
        data: { values: points },
        mark: { type: "point", filled: true, size: 60, opacity: 0.9 },
        encoding: {
          x,
          y,
          color: { field: "kind", type: "nominal", scale: scaleOf(kinds), title: null },
          shape: { field: "kind", type: "nominal", title: null, sort: kinds },
          description: { field: "kernel" },
        },
      },
    ],
  };
  return [
    {
      name: `roofline-${device}`,
      title: `Kernels on ${device}`,
      subtitle: `${description}${isSoftware ? ", a driver in software" : ""}`,
      spec,
    },
  ];
}
