// Where a command leaves several files: a folder, made if it is missing. Files of other names there are left alone.

import { existsSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { writeWhole } from "./files.ts";
import { type Option, text } from "./options.ts";

export const folderOption = (name: string): Option<string> =>
  text("DIR", {
    default: name,
    help: "the folder that the files go to, made if missing; files of the same names are replaced",
    wanted: "a folder",
  });

/** Throws if no folder can be there, before any work is done for it. */
export function checkFolder(path: string): void {
  if (existsSync(path) && !statSync(path).isDirectory()) throw new Error(`--out ${path}: that is a file; name a folder`);
}

/** Writes each file whole, and returns where they are. What is undefined is not written. */
export function writeFolder(path: string, files: Readonly<Record<string, Uint8Array | string | undefined>>): string[] {
  try {
    mkdirSync(path, { recursive: true });
  } catch (error) {
    throw new Error(`--out ${path}: the folder could not be made: ${(error as Error).message}`, { cause: error });
  }
  return Object.entries(files).flatMap(([name, content]) => {
    if (content === undefined) return [];
    writeWhole(join(path, name), typeof content === "string" ? Buffer.from(content) : content);
    return [join(path, name)];
  });
}
