// How a number is distributed in several groups: a panel for each number, bars for each group, and a line where it is cut.

import { type Chart, colour, scaleOf } from "./draw.ts";

export interface Panel {
  readonly title: string;
  /** The numbers of each group, by its name. */
  readonly groups: Readonly<Record<string, ArrayLike<number>>>;
  /** Where the line is drawn. */
  readonly cut: number;
}

const BINS = 40;
const CALM = 0.995; // of the numbers; the axis ends there, and the last bar holds the rest too, or a few would push all others into one bar

export function histogramChart(title: string, subtitle: string, panels: readonly Panel[]): Chart {
  const names = [...new Set(panels.flatMap(({ groups }) => Object.keys(groups)))];
  const values = panels.flatMap((panel) => [...bars(panel), { panel: panel.title, cut: short(panel.cut) }]);
  const group = { field: "group", type: "nominal", scale: scaleOf(names), legend: { title: "", orient: "top" } };
  return {
    title: { text: title, subtitle },
    data: { values },
    facet: { field: "panel", type: "nominal", title: "", sort: panels.map((panel) => panel.title) },
    columns: 2,
    spec: {
      width: 330,
      height: 130,
      layer: [
        {
          transform: [{ filter: "isValid(datum.share)" }],
          mark: { type: "bar", opacity: 0.6, binSpacing: 0 },
          encoding: {
            x: { field: "from", type: "quantitative", title: "score", bin: { binned: true }, axis: { tickCount: 6 } },
            x2: { field: "to" },
            y: { field: "share", type: "quantitative", title: "share of the group", stack: null, axis: { tickCount: 4, format: "%" } },
            color: group,
          },
        },
        {
          transform: [{ filter: "isValid(datum.cut)" }],
          mark: { type: "rule", strokeWidth: 1.5, strokeDash: [5, 3], color: colour("ink") },
          encoding: { x: { field: "cut", type: "quantitative" } },
        },
      ],
    },
    resolve: { scale: { x: "independent", y: "independent" } },
  };
}

function bars({ title, groups, cut }: Panel) {
  const all = Float64Array.from(Object.values(groups).flatMap((values) => Array.from(values))).sort();
  const first = all[0];
  const last = Math.max(all[Math.min(all.length - 1, Math.floor(CALM * all.length))], cut);
  const width = (last - first || 1) / BINS;
  return Object.entries(groups).flatMap(([group, values]) => {
    const counts = new Float64Array(BINS);
    for (let i = 0; i < values.length; i++) counts[Math.min(BINS - 1, Math.max(0, Math.floor((values[i] - first) / width)))]++;
    return Array.from(counts, (count, bin) => ({
      ...{ panel: title, group, share: short(count / values.length) },
      ...{ from: short(first + bin * width), to: short(first + (bin + 1) * width) },
    })).filter(({ share }) => share > 0);
  });
}

const short = (v: number): number => Number(v.toPrecision(6));
