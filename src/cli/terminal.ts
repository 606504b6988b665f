// Writing to the terminal: results to stdout, everything else to stderr, and at most one line there that keeps changing.

import { stripVTControlCharacters, styleText } from "node:util";

type Style = Parameters<typeof styleText>[0];

/** Colour on stderr, if it is a terminal and the user has not said otherwise (NO_COLOR, FORCE_COLOR). */
export const forStderr = (style: Style, text: string): string => styleText(style, text, { stream: process.stderr });

/** The same on stdout. */
export const forStdout = (style: Style, text: string): string => styleText(style, text, { stream: process.stdout });

/** A line of the result. */
export function print(line: string): void {
  above(() => process.stdout.write(`${line}\n`));
}

/** A line about what is going on. */
export function note(line: string): void {
  above(() => process.stderr.write(`${line}\n`));
}

/** Whether a line can be drawn over. */
export const isTerminal = (): boolean => process.stderr.isTTY && process.env["TERM"] !== "dumb";

/** Some terminals say 0 when they do not know. */
export const terminalWidth = (stream: NodeJS.WriteStream): number => stream.columns || 80;

let live = ""; // the line that is showing

/** Draws the changing line anew; "" removes it. */
export function showLive(line: string): void {
  if (line === live) return;
  // A terminal made narrower since has folded the line it shows, and the cursor stands at the last of the rows.
  const rows = Math.ceil(stripVTControlCharacters(live).length / terminalWidth(process.stderr));
  const up = rows > 1 ? `\x1b[${rows - 1}A` : "";
  process.stderr.write(`${live ? `\r${up}\x1b[J` : ""}${line}`);
  live = line;
}

/** Writes something above the changing line. */
function above(write: () => void): void {
  const line = live;
  showLive("");
  write();
  showLive(line);
}
