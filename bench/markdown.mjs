// Tables as text, and numbers with three digits.

/** @param {readonly (readonly string[])[]} rows the first is the head */
export function markdown(rows) {
  const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => row[i].length)));
  const line = (/** @type {readonly string[]} */ row) => `| ${row.map((text, i) => text.padEnd(widths[i])).join(" | ")} |`;
  const [head, ...body] = rows.map(line);
  return [head, line(widths.map((n) => "-".repeat(n))), ...body].join("\n");
}

/** In the unit that suits. @param {number} us */
export function duration(us) {
  if (us < 1e3) return `${digits(us)} µs`;
  return us < 1e6 ? `${digits(us / 1e3)} ms` : `${digits(us / 1e6)} s`;
}

/** @param {number} x */
export const digits = (x) => (x < 100 ? x.toPrecision(x < 0.1 ? 2 : 3) : x.toFixed());

/** A median with half the distance between the quartiles, in which half of the samples lie. @param {{ median: number, spread: number }} times */
export const withSpread = ({ median, spread }) => `${duration(median)} ± ${Math.round(spread * 50)} %`;
