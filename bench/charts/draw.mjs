// Charts of benches: drawn as the command line draws its own, with axes for numbers that differ by powers of ten.
import { charts } from "../../dist/cli/charts/draw.js";

export { colour, scaleOf } from "../../dist/cli/charts/draw.js";

/** A logarithmic axis with a line for each power of ten that these reach, and for those around them. @param {readonly number[]} values @param {string} title */
export function decades(values, title) {
  const [from, to] = [Math.floor(Math.log10(Math.min(...values))), Math.ceil(Math.log10(Math.max(...values)))];
  const marks = Array.from({ length: to - from + 1 }, (_, i) => Number(`1e${from + i}`));
  const domain = [marks[0], marks[marks.length - 1]];
  return { scale: { type: "log", domain, nice: false }, axis: { values: marks, format: "~r" }, title };
}

/** The text is the same at every run, since a test compares it with the committed file. @param {object} spec of Vega-Lite */
export const drawn = async (spec) => (await charts())({ ...spec });
