// Tiles that were found faster, in a file of the user's cache folder for each adapter. A cache may be lost at any time: what cannot be
// read or written is a warning, never an error.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { checkedTiles, type Tiles } from "./tiles.ts";
import type { TilesCache } from "./tiles-cache.ts";

export const tilesCache: TilesCache = {
  async read(adapter) {
    const path = fileFor(adapter);
    try {
      return checkedTiles(JSON.parse(readFileSync(path, "utf8")), path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") warn(`${path} is ignored: ${(error as Error).message}`);
      return {};
    }
  },

  async write(adapter: string, tiles: Tiles) {
    const path = fileFor(adapter);
    const draft = `${path}.${process.pid}.tmp`; // renamed when it is whole
    try {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(draft, `${JSON.stringify(tiles, null, 2)}\n`);
      renameSync(draft, path);
    } catch (error) {
      if (existsSync(draft)) rmSync(draft, { force: true });
      warn(`${path} could not be written, so tiles will be the table's next time: ${(error as Error).message}`);
    }
  },
};

const warn = (message: string): void => process.emitWarning(`tune: ${message}`);

/** The adapter's name made fit for a file, and a hash, because that is not one to one. */
function fileFor(adapter: string): string {
  const name = adapter.replace(/[^A-Za-z0-9]+/g, "-").slice(0, 60);
  return join(cacheFolder(), "elbo", `tiles-${name}-${createHash("sha256").update(adapter).digest("hex").slice(0, 8)}.json`);
}

function cacheFolder(): string {
  const { XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
  if (XDG_CACHE_HOME) return XDG_CACHE_HOME;
  if (process.platform === "win32") return LOCALAPPDATA ?? join(homedir(), "AppData", "Local");
  return process.platform === "darwin" ? join(homedir(), "Library", "Caches") : join(homedir(), ".cache");
}
