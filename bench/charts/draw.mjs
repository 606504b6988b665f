// A chart as SVG text: Vega-Lite says what it is, Vega draws it, and the colours follow the reader's scheme. The text is the same at every
// run, since a test compares it with the committed file.
import { parse, resetSVGDefIds, View, Warn } from "vega";
import { compile } from "vega-lite";

/** Of series, by name, in a light and in a dark scheme; each stands out from the paper and from the others. */
const SERIES = {
  blue: ["#1f6fb5", "#6cb2f7"],
  orange: ["#c0500c", "#ff9f57"],
  green: ["#23794a", "#63cf92"],
  purple: ["#7a45b8", "#c4a0f5"],
  pink: ["#b3286c", "#f58cc0"],
  grey: ["#5b6671", "#a9b4bf"],
};
const INK = { paper: ["#ffffff", "#14181d"], ink: ["#1b1f24", "#e6eaee"], faint: ["#dde2e7", "#343c45"] };

/** @param {string} name */
export const colour = (name) => `var(--${name})`;

const axis = {
  labelColor: colour("ink"),
  titleColor: colour("ink"),
  gridColor: colour("faint"),
  domainColor: colour("grey"),
  tickColor: colour("grey"),
};
const config = {
  background: colour("paper"),
  font: "system-ui, sans-serif",
  padding: 14,
  view: { stroke: null },
  axis: { ...axis, labelFontSize: 12, titleFontSize: 12, titleFontWeight: /** @type {const} */ ("normal") },
  legend: { labelColor: colour("ink"), titleColor: colour("ink"), labelFontSize: 12, titleFontSize: 12, labelLimit: 400 },
  title: {
    color: colour("ink"),
    subtitleColor: colour("grey"),
    fontSize: 15,
    subtitleFontSize: 12,
    anchor: /** @type {const} */ ("start"),
    offset: 12,
  },
  header: { labelColor: colour("ink"), titleColor: colour("ink") },
  text: { color: colour("ink"), fontSize: 11 },
};

/** The order of colours for a series of names, which is theirs in every chart. @param {readonly string[]} names */
export const scaleOf = (names) => ({
  domain: [...names],
  range: names.map((_, i) => colour(Object.keys(SERIES)[i % Object.keys(SERIES).length])),
});

/** A logarithmic axis with a line for each power of ten that these reach, and for those around them. @param {readonly number[]} values @param {string} title */
export function decades(values, title) {
  const [from, to] = [Math.floor(Math.log10(Math.min(...values))), Math.ceil(Math.log10(Math.max(...values)))];
  const marks = Array.from({ length: to - from + 1 }, (_, i) => Number(`1e${from + i}`));
  const domain = [marks[0], marks[marks.length - 1]];
  return { scale: { type: "log", domain, nice: false }, axis: { values: marks, format: "~r" }, title };
}

/** @param {any} spec of Vega-Lite, whose types are stricter than what it takes */
export async function drawn(spec) {
  resetSVGDefIds();
  const { spec: chart } = compile({ $schema: "https://vega.github.io/schema/vega-lite/v6.json", ...spec, config });
  const view = new View(parse(chart), { renderer: "none", logLevel: Warn });
  const svg = await view.toSVG();
  view.finalize();
  return `${svg.replace(/(<svg[^>]*>)/, `$1<style>${style()}</style>`)}\n`;
}

function style() {
  const all = Object.entries({ ...INK, ...SERIES });
  const scheme = (/** @type {number} */ i) => `:root{${all.map(([name, colours]) => `--${name}:${colours[i]}`).join(";")}}`;
  return `${scheme(0)}@media (prefers-color-scheme:dark){${scheme(1)}}`;
}
