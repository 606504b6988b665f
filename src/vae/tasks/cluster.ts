// Codes divided into groups without a look at any label; and, where there are labels, how the groups agree with them. Everything takes rows
// of numbers: codes are what it is for, and any other table can stand beside them.

import { adjustedRand, normalizedMutualInformation } from "../statistics/agreement.ts";
import { kMeans, nearestCenters } from "../statistics/kmeans.ts";
import { type Covariance, gaussianMixture } from "../statistics/mixture.ts";
import { firstRows, type Rows } from "../statistics/rows.ts";

export type ClusterMethod = "kmeans" | "mixture";
export const clusterMethods: readonly ClusterMethod[] = ["kmeans", "mixture"];

export interface ClusterOptions {
  /** kmeans: round groups of about the same width. mixture: ellipsoids of any width, and more to estimate. */
  readonly method?: ClusterMethod;
  readonly seed?: number;
  /** Of a mixture. */
  readonly covariance?: Covariance;
  /** At most so many of the rows are fitted to, the first ones: a step costs time for each. */
  readonly most?: number;
}

export interface Clusters {
  readonly count: number;
  /** [count, columns]: means. The clusters are numbered by how many of the rows they have, the largest first. */
  readonly centers: Float64Array;
  /** The cluster of each row, of these or of others. */
  assign(x: Rows): Uint32Array;
}

/** Clusters fitted to rows. */
export function clusterRows(x: Rows, count: number, options: ClusterOptions = {}): Clusters {
  const { method = "kmeans", seed = 1, covariance = "full", most = x.count } = options;
  const fitted = firstRows(x, most);
  const found = method === "mixture" ? mixtureOf(fitted, count, seed, covariance) : centersOf(fitted, count, seed);
  const sizes = sizesOf(found.assign(x), count);
  const order = Array.from(sizes.keys()).sort((a, b) => sizes[b] - sizes[a] || a - b);
  const rank = new Uint32Array(count);
  const centers = new Float64Array(found.centers.length);
  for (const [to, from] of order.entries()) {
    rank[from] = to;
    centers.set(found.centers.subarray(from * x.columns, (from + 1) * x.columns), to * x.columns);
  }
  return { count, centers, assign: (rows) => found.assign(rows).map((c) => rank[c]) };
}

function centersOf(x: Rows, count: number, seed: number): Clusters {
  const { centers } = kMeans(x, count, { seed });
  return { count, centers, assign: (rows) => nearestCenters(centers, rows).labels };
}

function mixtureOf(x: Rows, count: number, seed: number, covariance: Covariance): Clusters {
  const mixture = gaussianMixture(x, count, { seed, covariance });
  return { count, centers: mixture.means, assign: (rows) => mixture.assign(rows) };
}

/** How many rows each cluster has. */
export function sizesOf(assigned: ArrayLike<number>, count: number): number[] {
  const sizes = new Array<number>(count).fill(0);
  for (let i = 0; i < assigned.length; i++) sizes[assigned[i]]++;
  return sizes;
}

export interface ClusterAgreement {
  /** The adjusted Rand index: 0 on average for groups that have nothing to do with the labels, 1 for the same groups. */
  readonly adjustedRand: number;
  /** Mutual information over the mean of the entropies, from 0 to 1; not adjusted for chance. */
  readonly normalizedMutualInformation: number;
  /** Of each cluster the label that most of its rows have, and their share; undefined for a cluster without rows. */
  readonly frequent: readonly ({ readonly label: number; readonly share: number } | undefined)[];
}

/** How clusters agree with labels that they did not see. */
export function clusterAgreement(assigned: ArrayLike<number>, labels: ArrayLike<number>, count: number): ClusterAgreement {
  const tables = Array.from({ length: count }, () => new Map<number, number>());
  for (let i = 0; i < labels.length; i++) tables[assigned[i]].set(labels[i], (tables[assigned[i]].get(labels[i]) ?? 0) + 1);
  const frequent = tables.map((table) => {
    const sum = [...table.values()].reduce((a, b) => a + b, 0);
    const [best] = [...table].sort(([a, n], [b, m]) => m - n || a - b);
    return best && { label: best[0], share: best[1] / sum };
  });
  return {
    adjustedRand: adjustedRand(assigned, labels),
    normalizedMutualInformation: normalizedMutualInformation(assigned, labels),
    frequent,
  };
}

/** Of each cluster the numbers of at most `most` of its rows, those nearest to its center first. */
export function nearestMembers(x: Rows, { centers, count }: Clusters, assigned: ArrayLike<number>, most: number): number[][] {
  const { values, columns } = x;
  const distance = (i: number) => {
    let sum = 0;
    for (let j = 0; j < columns; j++) sum += (values[i * columns + j] - centers[assigned[i] * columns + j]) ** 2;
    return sum;
  };
  const members = Array.from({ length: count }, (): { i: number; d: number }[] => []);
  for (let i = 0; i < x.count; i++) members[assigned[i]].push({ i, d: distance(i) });
  return members.map((own) =>
    own
      .sort((a, b) => a.d - b.d || a.i - b.i)
      .slice(0, most)
      .map(({ i }) => i),
  );
}
