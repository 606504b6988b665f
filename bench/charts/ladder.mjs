// The ladder: what each rung reaches.
import { digits } from "../markdown.mjs";
import { colour, scaleOf } from "./draw.mjs";

/** @param {any} ladder of the bench `ladder` */
export function ladderChart({ name, title, work, unit, on, entries }) {
  /** @type {any[]} */
  const all = entries;
  const rungs = all
    .filter(({ wrong }) => !wrong)
    .map(({ rung, device, beside, perSecond }) => ({
      rung,
      rate: perSecond,
      text: digits(perSecond),
      of: beside ? "beside the ladder" : device,
    }));
  if (rungs.length === 0) return [];
  const kinds = [...new Set(rungs.map(({ of }) => of))];
  const y = { field: "rung", type: "nominal", sort: null, title: null, axis: { labelLimit: 400, grid: false, ticks: false } };
  const x = { field: "rate", type: "quantitative", title: unit };
  const spec = {
    width: 460,
    height: { step: 26 },
    data: { values: rungs },
    layer: [
      {
        mark: { type: "bar", cornerRadiusEnd: 3 },
        encoding: {
          y,
          x,
          color: { field: "of", type: "nominal", scale: scaleOf(kinds), title: null, ...(kinds.length < 2 && { legend: null }) },
        },
      },
      {
        mark: { type: "text", align: "left", dx: 5, color: colour("ink") },
        encoding: { y, x, text: { field: "text" } },
      },
    ],
  };
  return [{ name: `ladder-${name}`, title: `${title[0].toUpperCase()}${title.slice(1)}`, subtitle: `${work}, on ${on}`, spec }];
}
