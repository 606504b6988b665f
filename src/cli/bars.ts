// Numbers as a row of blocks, for a terminal.

const BLOCKS = "▁▂▃▄▅▆▇█";

/** One block for each number, the largest first, as high as it is beside the largest, or beside `least` if that is less; at most `most` of them. */
export function bars(values: readonly number[], most: number, least: number): string {
  const sorted = [...values].sort((a, b) => b - a);
  const full = Math.max(sorted[0] ?? 0, least);
  const level = (value: number): number => Math.round((Math.max(value, 0) / full) * (BLOCKS.length - 1));
  const shown = sorted.slice(0, most).map((value) => BLOCKS[level(value)]);
  return shown.join("") + (sorted.length > most ? "…" : "");
}
