// Time per training step of the dense model against its batch size, on each device.
import { decades, scaleOf } from "./draw.mjs";

/** @param {any} file of the bench `training` */
export function batchesChart({ devices, steps }) {
  /** @type {any[]} */
  const all = steps;
  const values = all.filter(({ model }) => model === "dense").map(({ device, batch, step }) => ({ device, batch, ms: step.median / 1e3 }));
  if (new Set(values.map(({ batch }) => batch)).size < 2) return [];
  const names = Object.keys(devices).filter((device) => values.some((value) => value.device === device));
  const batches = [...new Set(values.map(({ batch }) => batch))].sort((a, b) => a - b);
  const spec = {
    width: 560,
    height: 320,
    data: { values },
    mark: { type: "line", point: { size: 60 }, strokeWidth: 2 },
    encoding: {
      x: {
        field: "batch",
        type: "quantitative",
        scale: { type: "log", base: 2, domain: [batches[0], batches[batches.length - 1]], nice: false },
        axis: { values: batches },
        title: "examples in a batch",
      },
      y: {
        field: "ms",
        type: "quantitative",
        ...decades(
          values.map(({ ms }) => ms),
          "milliseconds per step",
        ),
      },
      color: { field: "device", type: "nominal", scale: scaleOf(names), title: null },
    },
  };
  return [{ name: "batches", title: "A training step of the dense VAE, 784-400-20", spec }];
}
