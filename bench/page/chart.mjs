// A bar for each kernel, as SVG, and the table of the same numbers.
import { cells } from "../ladder/climb.mjs";
import { digits } from "../markdown.mjs";

/** @typedef {import("../ladder/climb.mjs").Entry} Entry */

const [WIDTH, LINE, LABELS, NUMBERS] = [960, 26, 320, 110];

/** @param {readonly Entry[]} entries @param {string} unit @param {(entry: Entry) => boolean} isOwn */
export function chart(entries, unit, isOwn) {
  const timed = entries.filter(({ perSecond }) => perSecond);
  const best = Math.max(...timed.map(({ perSecond = 0 }) => perSecond));
  const bars = timed.flatMap((entry, i) => {
    const { rung, beside, perSecond = 0 } = entry;
    const y = i * LINE;
    const width = Math.max(1, (perSecond / best) * (WIDTH - LABELS - NUMBERS));
    const kind = isOwn(entry) ? "own" : beside ? "beside" : "rung";
    return [
      svg("text", { x: LABELS - 10, y: y + 17, "text-anchor": "end" }, rung),
      svg("rect", { x: LABELS, y: y + 4, width, height: LINE - 8, rx: 2, class: kind }),
      svg("text", { x: LABELS + width + 8, y: y + 17 }, `${digits(perSecond)} ${unit}`),
    ];
  });
  const label = `${unit} of each kernel; the table below has the same numbers`;
  const picture = svg("svg", { viewBox: `0 0 ${WIDTH} ${timed.length * LINE}`, role: "img", "aria-label": label });
  picture.append(...bars);
  return picture;
}

/** @param {string} name @param {Record<string, string | number>} attributes @param {string} [text] */
function svg(name, attributes, text) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, String(value));
  if (text !== undefined) node.textContent = text;
  return node;
}

/** The rows of a table. @param {readonly Entry[]} entries @param {string} unit */
export function rows(entries, unit) {
  const [head, ...body] = cells(entries, unit, "kernel");
  return [head, ...body].map((texts, i) => {
    const row = document.createElement("tr");
    for (const text of texts) row.append(element(i === 0 ? "th" : "td", text));
    const wrong = entries[i - 1]?.wrong;
    if (wrong) row.replaceChildren(row.cells[0], Object.assign(element("td", wrong), { colSpan: texts.length - 1, className: "wrong" }));
    return row;
  });
}

/** @template {keyof HTMLElementTagNameMap} K @param {K} name @param {string} text */
function element(name, text) {
  const node = document.createElement(name);
  node.textContent = text;
  return node;
}
