// Where tiles that were found faster are kept from one process to the next: nowhere, unless a host registers a place (node.ts does).

import type { Tiles } from "./tiles.ts";

export interface TilesCache {
  /** What was found on this adapter; nothing where nothing was. */
  read(adapter: string): Promise<Tiles>;
  write(adapter: string, tiles: Tiles): Promise<void>;
}

let cache: TilesCache | undefined;

export function registerTilesCache(next: TilesCache): void {
  cache = next;
}

export const knownTiles = async (adapter: string): Promise<Tiles> => (await cache?.read(adapter)) ?? {};
export const keepTiles = async (adapter: string, tiles: Tiles): Promise<void> => cache?.write(adapter, tiles);
