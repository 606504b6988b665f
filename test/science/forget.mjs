// Forgets what experiments have found, so that they are done again from the beginning.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { readResults, writeResults } from "./results.mjs";

/** @param {{ path: string, scratch: string }} where @param {readonly string[]} names */
export function forget({ path, scratch }, names) {
  if (names.length === 0) return;
  const results = readResults(path);
  const { experiments } = results;
  for (const name of names) {
    const runs = Object.values(experiments[name] ?? {}).flatMap((entry) => entry.runs);
    for (const run of runs) rmSync(join(scratch, run), { recursive: true, force: true });
    delete experiments[name];
  }
  writeResults(path, results);
}
