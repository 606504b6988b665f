// What a kernel costs that has next to nothing to do, against how many of them are replayed together.
import { colour, decades, scaleOf } from "./draw.mjs";

const KINDS = { call: "until the call returns", done: "until the device is idle" };
const [SOLID, DASHED] = [
  [1, 0],
  [5, 4],
];

/** @param {any} file of the bench `training` */
export function costsChart({ devices, costs }) {
  /** @type {any[]} */
  const all = costs;
  const values = all.flatMap(({ device, dispatches, ...times }) =>
    Object.entries(KINDS).map(([kind, what]) => ({ device, dispatches, us: times[kind].median, what })),
  );
  if (values.length === 0) return [];
  const names = Object.keys(devices).filter((device) => values.some((value) => value.device === device));
  const lengths = [...new Set(values.map(({ dispatches }) => dispatches))].sort((a, b) => a - b);
  const x = {
    field: "dispatches",
    type: "quantitative",
    scale: { type: "log", domain: [lengths[0], lengths[lengths.length - 1]], nice: false },
    axis: { values: lengths },
    title: "kernels replayed in a row",
  };
  const times = values.map(({ us }) => us);
  const y = { field: "us", type: "quantitative", ...decades(times, "microseconds per kernel") };
  const color = { field: "device", type: "nominal", scale: scaleOf(names), title: null };
  const strokeDash = {
    ...{ field: "what", type: "nominal", title: null, scale: { domain: Object.values(KINDS), range: [SOLID, DASHED] } },
    legend: { symbolType: "stroke", symbolSize: 500, symbolStrokeWidth: 2, symbolStrokeColor: colour("ink") },
  };
  const spec = {
    width: 560,
    height: 320,
    data: { values },
    layer: [
      { mark: { type: "line", strokeWidth: 2 }, encoding: { x, y, color, strokeDash } },
      { mark: { type: "point", filled: true, size: 50, opacity: 1 }, encoding: { x, y, color, detail: { field: "what" } } },
    ],
  };
  return [{ name: "dispatches", title: "The cost of a kernel that does next to nothing, a product of [8, 8]", spec }];
}
