// Points on a plane, each of a group: codes by label or by cluster. A group has a colour and, since there are more groups than colours that
// tell apart, a shape.

import { type Chart, colour } from "./draw.ts";

export interface Scatter {
  readonly title: string;
  readonly subtitle: string;
  readonly axes: readonly [string, string];
  /** [count, 2] */
  readonly points: ArrayLike<number>;
  /** The group of each point, a number in the list of names; without, there is one group. */
  readonly groups?: ArrayLike<number> | undefined;
  readonly names?: readonly string[] | undefined;
  /** Of the groups. */
  readonly legend?: string;
}

/** Ten colours of a middle lightness, which stand out from light and from dark paper (those of Tableau, as Vega has them). */
const COLOURS = ["#4c78a8", "#f58518", "#e45756", "#72b7b2", "#54a24b", "#eeca3b", "#b279a2", "#ff9da6", "#9d755d", "#8a8f94"];
const SHAPES = ["circle", "triangle-up", "square", "cross"];
const MOST_GROUPS = 24; // with more, no reader finds a group in the legend

/** A dot for each point, drawn in the order given. */
export function scatterChart({ title, subtitle, axes, points, groups, names = [], legend = "" }: Scatter): Chart {
  const shown = groups && names.length <= MOST_GROUPS ? names : undefined;
  const values = Array.from({ length: points.length / 2 }, (_, i) => ({
    ...{ x: short(points[2 * i]), y: short(points[2 * i + 1]) },
    ...(shown && groups && { group: shown[groups[i]] }),
  }));
  const axis = (field: "x" | "y", title: string) => ({
    field,
    type: "quantitative",
    title,
    scale: { zero: false },
    axis: { tickCount: 6 },
  });
  const domain = shown ?? [];
  const range = domain.map((_, i) => COLOURS[i % COLOURS.length]);
  const field = { field: "group", type: "nominal", legend: { title: legend, symbolSize: 60, symbolOpacity: 1 } };
  const shapes = domain.map((_, i) => SHAPES[Math.floor(i / COLOURS.length) % SHAPES.length]);
  return {
    width: 560,
    height: 480,
    title: {
      text: title,
      subtitle: groups && !shown ? [subtitle, `one colour: ${names.length} groups are more than a legend tells apart`] : subtitle,
    },
    data: { values },
    mark: { type: "point", filled: true, size: 20, opacity: 0.75, ...(!shown && { color: colour("blue") }) },
    encoding: {
      x: axis("x", axes[0]),
      y: axis("y", axes[1]),
      ...(shown && { color: { ...field, scale: { domain, range } }, shape: { ...field, scale: { domain, range: shapes } } }),
    },
  };
}

const short = (v: number): number => Number(v.toPrecision(4)); // less than the width of a dot is lost, and half the text
