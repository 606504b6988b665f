// Charts where Vega is installed; where it is not, a line that says so, and all else goes on: figures and tables need no packages.

import { note } from "../terminal.ts";
import { charts } from "./draw.ts";

/** What draws charts, or undefined after a note that `file` is left out. */
export async function optionalCharts(file: string): Promise<Awaited<ReturnType<typeof charts>> | undefined> {
  try {
    return await charts();
  } catch (error) {
    note(`${file} is left out: ${(error as Error).message}`);
    return undefined;
  }
}
