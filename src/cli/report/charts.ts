// The charts of a report: HTML and SVG by hand, in the page's own colours, so that the page needs nothing and nobody to draw it.

import { type Html, html } from "./html.ts";

export interface Line {
  readonly name: string;
  /** Of the page's colours. */
  readonly colour: "blue" | "orange";
  /** By epoch. */
  readonly values: readonly number[];
}

const WIDTH = 360;
const HEIGHT = 200;
const LEFT = 56; // for the numbers
const RIGHT = 10;
const TOP = 10;
const BOTTOM = 34;

/** Values over epochs 1, 2, …: the first line with points, of which each tells its value. */
export function curve(lines: readonly Line[], unit: string): Html {
  const all = lines.flatMap(({ values }) => values).filter(Number.isFinite);
  const epochs = Math.max(...lines.map(({ values }) => values.length));
  if (all.length === 0) return html`<p class="absent">no epoch was recorded</p>`;
  const ticks = niceTicks(Math.min(...all), Math.max(...all));
  const [low, high] = [ticks[0], ticks[ticks.length - 1]];
  const x = (epoch: number): number => at(LEFT + (epochs === 1 ? 0.5 : (epoch - 1) / (epochs - 1)) * (WIDTH - LEFT - RIGHT));
  const y = (value: number): number => at(HEIGHT - BOTTOM - ((value - low) / (high - low)) * (HEIGHT - TOP - BOTTOM));
  const points = (values: readonly number[]) =>
    values.flatMap((value, i) => (Number.isFinite(value) ? [{ x: x(i + 1), y: y(value), epoch: i + 1, value }] : []));
  return html`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${lines.map(({ name }) => name).join(" and ")} by epoch, in ${unit}">
${ticks.map((tick) => html`<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(tick)}" y2="${y(tick)}"/><text x="${LEFT - 6}" y="${y(tick) + 4}" text-anchor="end">${decimal(tick)}</text>`)}
<text x="${LEFT}" y="${HEIGHT - 16}" text-anchor="middle">1</text>${epochs > 1 ? html`<text x="${WIDTH - RIGHT}" y="${HEIGHT - 16}" text-anchor="end">${epochs}</text>` : ""}<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 4}" text-anchor="middle">epoch</text>
${lines.map(
  ({ name, colour, values }) => html`<polyline class="line ${colour}" points="${points(values)
    .map((p) => `${p.x},${p.y}`)
    .join(" ")}"/>
${points(values).map((p) => html`<circle class="dot ${colour}" cx="${p.x}" cy="${p.y}" r="${values.length > 40 ? 1.2 : 2.5}"><title>${name}, epoch ${p.epoch}: ${p.value.toFixed(2)} ${unit}</title></circle>`)}`,
)}
</svg>
<p class="legend">${lines.map(({ name, colour }) => html`<span><i class="swatch ${colour}"></i>${name}</span> `)}<span>${unit}</span></p>`;
}

export interface Bar {
  readonly name: string;
  readonly value: number;
  /** Drawn over it, narrower. */
  readonly inner: number;
}

/** Bars from 0 to the largest value, and in each a second, narrower one. Values below 0, which are estimates of 0, have no length. */
export function bars(rows: readonly Bar[], digits: number): Html {
  const most = Math.max(...rows.flatMap(({ value, inner }) => [value, inner]), 1e-9);
  const width = (value: number): string => `${((100 * Math.max(0, value)) / most).toFixed(2)}%`;
  return html`<div class="bars">${rows.map(
    ({ name, value, inner }) => html`
<span class="name">${name}</span><span class="track"><i class="blue" style="width:${width(value)}"></i><i class="orange" style="width:${width(inner)}"></i></span><span class="number">${value.toFixed(digits)} · ${inner.toFixed(digits)}</span>`,
  )}
</div>`;
}

const at = (pixels: number): number => Math.round(pixels * 10) / 10;
const decimal = (value: number): string => `${Number(value.toPrecision(6))}`;

/** Three to six round numbers of which the first is no more than `low` and the last no less than `high`. */
export function niceTicks(low: number, high: number): number[] {
  const span = high - low || Math.abs(high) || 1;
  const power = 10 ** Math.floor(Math.log10(span / 4));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => span / s <= 4) ?? 10 * power;
  const first = Math.floor(low / step);
  const last = Math.max(first + 1, Math.ceil(high / step));
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
}
