// Tables as text: a line of names, then a line for each row (RFC 4180).

/** Numbers and words; what is undefined is left empty. */
export type Cell = number | string | undefined;

/** The rows under the names of their columns. */
export function csv(names: readonly string[], rows: Iterable<readonly Cell[]>): string {
  const lines = [names.map(written).join(",")];
  for (const row of rows) lines.push(row.map(written).join(","));
  return `${lines.join("\n")}\n`;
}

function written(cell: Cell): string {
  if (cell === undefined) return "";
  const text = `${cell}`;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll(`"`, `""`)}"` : text;
}
