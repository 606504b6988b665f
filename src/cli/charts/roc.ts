// ROC curves: for every threshold the share of anomalies that is found, over the share of normal images that are false alarms.

import type { RocPoint } from "../../vae/statistics/roc.ts";
import { type Chart, colour, scaleOf } from "./draw.ts";

export interface RocCurve {
  readonly name: string;
  readonly points: readonly RocPoint[];
}

/** `rate` is the false-alarm rate that was asked for, shown as a line. */
export function rocChart(title: string, subtitle: string, curves: readonly RocCurve[], rate: number): Chart {
  const values = curves.flatMap(({ name, points }) =>
    points.map(({ falseAlarms, found }, order) => ({ name, x: short(falseAlarms), y: short(found), order })),
  );
  const axis = (field: string, title: string) => ({
    ...{ field, type: "quantitative", title, scale: { domain: [0, 1] }, axis: { format: "%", tickCount: 6 } },
  });
  const dashes = curves.map((_, i) => (i < COLOURS ? [1, 0] : [6, 3])); // there are more scores than colours
  const names = curves.map(({ name }) => name);
  const legend = { title: "", symbolStrokeWidth: 2.5 };
  return {
    width: 460,
    height: 460,
    title: { text: title, subtitle },
    layer: [
      {
        data: { values: [0, 1].map((x) => ({ x, y: x })) },
        mark: { type: "line", strokeDash: [2, 4], color: colour("grey") },
        encoding: { x: axis("x", "false alarms"), y: axis("y", "anomalies found") },
      },
      {
        data: { values: [{ x: rate }] },
        mark: { type: "rule", strokeDash: [5, 3], color: colour("grey") },
        encoding: { x: axis("x", "false alarms") },
      },
      {
        data: { values },
        mark: { type: "line", strokeWidth: 2, interpolate: "linear" },
        encoding: {
          x: axis("x", "false alarms"),
          y: axis("y", "anomalies found"),
          order: { field: "order", type: "quantitative" },
          color: { field: "name", type: "nominal", scale: scaleOf(names), legend },
          strokeDash: { field: "name", type: "nominal", scale: { domain: names, range: dashes }, legend },
        },
      },
    ],
  };
}

const COLOURS = new Set(scaleOf(Array.from({ length: 100 }, (_, i) => `${i}`)).range).size;

const short = (v: number): number => Number(v.toPrecision(5));
