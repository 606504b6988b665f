// What lies in a folder: sorted, so that the same files always come in the same order.

import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";

/** The names in a folder, sorted; `expected` says what should be there, for messages. */
export function list(folder: string, expected: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT") throw new Error(`${folder}: no such folder; expected one with ${expected}`, { cause: error });
    if (code === "ENOTDIR") throw new Error(`${folder}: a file, not a folder; give the folder that holds it`, { cause: error });
    throw new Error(`${folder}: cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

/** The first of some names, and how many there are. */
export const some = (files: readonly string[]): string => {
  if (files.length === 0) return "an empty folder";
  return files.slice(0, 5).join(", ") + (files.length > 5 ? ` and ${files.length - 5} more` : "");
};

const PICTURE = /\.(png|jpe?g)$/i;
const UNREAD = /\.(webp|gif|bmp|tiff?|avif|heic|heif|jxl|jp2|p[bgpn]m)$/i;
const DEEPEST = 16;

/** The PNG and JPEG files in a folder and its sub-folders, by their paths from there on. Names that begin with a dot are passed over. */
export function pictureFiles(folder: string): string[] {
  const pictures: string[] = [];
  const others: string[] = [];
  const walk = (path: string, depth: number): void => {
    if (depth > DEEPEST) throw new Error(`${join(folder, path)}: more than ${DEEPEST} folders deep; does a link lead back?`);
    for (const name of list(join(folder, path), "PNG or JPEG files")) {
      const inside = path === "" ? name : `${path}/${name}`;
      if (name.startsWith(".")) continue;
      const found = statSync(join(folder, inside), { throwIfNoEntry: false });
      if (!found) throw new Error(`${join(folder, inside)}: a link to a file that is not there`);
      if (found.isDirectory()) walk(inside, depth + 1);
      else (PICTURE.test(name) ? pictures : others).push(inside);
    }
  };
  walk("", 0);

  const unread = others.filter((file) => UNREAD.test(file));
  if (unread.length > 0) {
    throw new Error(`${folder}: pictures that are neither PNG nor JPEG, ${some(unread)}; convert them, or move them elsewhere`);
  }
  if (pictures.length === 0) throw new Error(`${folder}: looked for PNG and JPEG files; found ${some(others)}`);
  return pictures.sort();
}
