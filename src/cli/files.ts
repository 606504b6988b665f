// Where a training leaves what it makes: its directory, and pictures that are whole or not there.

import { existsSync, mkdirSync, readdirSync, renameSync, rmdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/** Throws if a run must not be written there: what is no run is never touched, and a run only if that was asked for. */
export function checkRunDirectory(dir: string, overwrite: boolean): void {
  if (!existsSync(dir)) return;
  const isDraft = (file: string) => /^\..*\.tmp$/.test(file); // left by a process that was killed
  const files = attempt(`--out ${dir}: no folder to write to`, () => readdirSync(dir)).filter((file) => !isDraft(file));
  if (files.length === 0) return;
  if (!files.includes("config.json") || !files.includes("model.safetensors")) {
    const some = files.slice(0, 3).join(", ") + (files.length > 3 ? ", …" : "");
    throw new Error(`--out ${dir}: the folder holds other files (${some}); name a new or an empty one`);
  }
  if (!overwrite) throw new Error(`--out ${dir}: there is a run already; choose another name, or replace it with --overwrite`);
}

/** Makes the directory of a run: `dir`, or the first of name-1, name-2, … that is not there yet. */
export function makeRunDirectory(dir: string | undefined, name: string): string {
  const make = (path: string) => attempt(`${path}: could not be made`, () => makeDirectory(path));
  let made = dir ?? `${name}-1`;
  // By making it, not by looking for it: of two commands started at once, each gets a name of its own.
  for (let n = 2; !make(made) && dir === undefined; n++) made = `${name}-${n}`;
  process.once("exit", () => {
    try {
      rmdirSync(made); // which removes nothing but an empty directory
    } catch {}
  });
  return made;
}

/** Returns false if it is there already. */
function makeDirectory(path: string): boolean {
  // Node's own `recursive` says "no such file" where the truth is "read-only file system".
  if (!existsSync(dirname(path))) makeDirectory(dirname(path));
  try {
    mkdirSync(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** Writes beside the file and renames: whoever looks at it, at any moment, sees the old one or the new one. */
export function writeWhole(path: string, bytes: Uint8Array): void {
  const draft = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
  try {
    attempt(`${path}: could not be written`, () => {
      writeFileSync(draft, bytes);
      renameSync(draft, path);
    });
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Throws if no picture can be written there, before any work is done for it. */
export function checkPicture(path: string): void {
  const folder = dirname(path);
  const isFolder = (path: string) => existsSync(path) && statSync(path).isDirectory();
  if (!isFolder(folder)) throw new Error(`--out ${path}: there is no folder ${folder}`);
  if (isFolder(path)) throw new Error(`--out ${path}: that is a folder; name a file in it`);
}

/** Removes the pictures of an earlier run, which the next one might not replace. */
export function removePictures(dir: string): void {
  for (const file of readdirSync(dir)) if (/^(samples|reconstructions|traversal)(-epoch-\d+)?\.png$/.test(file)) rmSync(join(dir, file));
}

function attempt<T>(what: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw new Error(`${what}: ${(error as Error).message}`, { cause: error });
  }
}
