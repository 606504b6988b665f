// Numbers as a row of blocks, for a terminal.

const BLOCKS = "▁▂▃▄▅▆▇█";

/** One block for each number, the largest first, as high as it is beside the largest; at most `most` of them. */
export function bars(values: readonly number[], most: number): string {
  const sorted = [...values].sort((a, b) => b - a);
  const [largest = 0] = sorted;
  const level = (value: number): number => (largest > 0 ? Math.round((Math.max(value, 0) / largest) * (BLOCKS.length - 1)) : 0);
  const shown = sorted.slice(0, most).map((value) => BLOCKS[level(value)]);
  return shown.join("") + (sorted.length > most ? "…" : "");
}
