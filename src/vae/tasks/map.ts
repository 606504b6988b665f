// Codes on a plane, for people to look at. Principal components show as much of the variance as a plane can, and distances that are shadows
// of the true ones. UMAP (McInnes, Healy and Melville 2018) keeps near rows near and draws groups apart: which are neighbours can be read
// from it, but not how far apart groups are, or how dense.

import { pca, projected } from "../statistics/pca.ts";
import { stream } from "../statistics/random.ts";
import type { Rows } from "../statistics/rows.ts";

export interface PlaneMap {
  /** [count, 2] */
  readonly points: Float64Array;
  /** What the two axes are. */
  readonly axes: readonly [string, string];
}

/** The first two principal components; of two columns the columns themselves, which components would only turn round. */
export async function mapByPca(x: Rows): Promise<PlaneMap> {
  if (x.columns === 1) throw new Error("mapByPca: rows of one column lie on a line; two columns or more make a map");
  if (x.columns === 2) return { points: Float64Array.from(x.values), axes: ["latent 0", "latent 1"] };
  const found = await pca(x, 2);
  const share = (i: number) => (found.total > 0 ? (100 * found.variances[i]) / found.total : 0);
  const axis = (i: number) => `principal component ${i + 1}, ${share(i).toFixed(0)} % of the variance`;
  return { points: await projected(found, x), axes: [axis(0), axis(1)] };
}

/** As much of umap-js as is used here: `import { UMAP } from "umap-js"` is handed over, so that no page needs the package to load this file. */
export type UmapLibrary = new (settings: {
  readonly nComponents: number;
  readonly nNeighbors: number;
  readonly minDist: number;
  readonly random: () => number;
}) => { initializeFit(rows: number[][]): number; step(): number; getEmbedding(): number[][] };

export interface UmapOptions {
  readonly seed?: number;
  /** Rows that count as near each row. Fewer show finer structure, more the whole. */
  readonly neighbors?: number;
  /** How near points may lie on the map. */
  readonly distance?: number;
  /** Called before the first of `total` steps, and after each. What it returns is waited for, so that it may let other things happen. */
  readonly progress?: (done: number, total: number) => void | Promise<void>;
}

/** The map of UMAP; the same for the same seed. The time grows somewhat faster than the number of rows. */
export async function mapByUmap(Umap: UmapLibrary, x: Rows, options: UmapOptions = {}): Promise<PlaneMap> {
  const { seed = 1, neighbors = 15, distance = 0.1, progress } = options;
  if (!(Number.isInteger(neighbors) && neighbors >= 2 && neighbors < x.count)) {
    throw new Error(`mapByUmap: ${neighbors} neighbors of ${x.count} rows; 2 to ${x.count - 1} are possible`);
  }
  const umap = new Umap({ nComponents: 2, nNeighbors: neighbors, minDist: distance, random: stream(seed).uniform });
  const rows = Array.from({ length: x.count }, (_, i) => Array.from(x.values.subarray(i * x.columns, (i + 1) * x.columns)));
  const total = umap.initializeFit(rows);
  await progress?.(0, total);
  for (let done = 1; done <= total; done++) {
    umap.step();
    await progress?.(done, total);
  }
  return { points: Float64Array.from(umap.getEmbedding().flat()), axes: ["UMAP 1", "UMAP 2"] };
}
