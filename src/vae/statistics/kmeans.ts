// k-means: centers such that the squared distances of rows to the nearest center add up to little. Lloyd's iterations (1982) assign each row
// to its nearest center and move each center to the mean of its rows, which never raises the sum. They end in a local minimum, so they are
// started several times, from rows that are drawn far apart (k-means++, Arthur and Vassilvitskii 2007), and the best end is kept.

import { type Stream, stream } from "./random.ts";
import { checkColumns, checked, type Rows } from "./rows.ts";

export interface KMeansOptions {
  readonly seed?: number;
  readonly restarts?: number;
  /** At most so many, for each start. */
  readonly iterations?: number;
}

export interface KMeans {
  /** [k, columns] */
  readonly centers: Float64Array;
  /** The nearest center of each row. */
  readonly labels: Uint32Array;
  /** Squared distances to the nearest centers, added up. */
  readonly inertia: number;
}

/** The best of several starts. Where fewer than k rows differ, some centers are equal and the later of them have no rows. */
export function kMeans(x: Rows, k: number, { seed = 1, restarts = 4, iterations = 100 }: KMeansOptions = {}): KMeans {
  checked("kMeans", x);
  if (!(Number.isInteger(k) && k >= 1 && k <= x.count)) {
    throw new Error(`kMeans: ${k} clusters of ${x.count} rows; a whole number from 1 to ${x.count} is needed`);
  }
  for (const [name, n] of Object.entries({ restarts, iterations })) {
    if (!(Number.isInteger(n) && n >= 1)) throw new Error(`kMeans: ${name} ${n} is not a whole number of 1 or more`);
  }
  const random = stream(seed);
  let best: KMeans | undefined;
  for (let start = 0; start < restarts; start++) {
    const found = lloyd(x, spread(x, k, random), iterations);
    if (!best || found.inertia < best.inertia) best = found;
  }
  return best!;
}

/** The nearest center of each row, the first of equally near ones, and its squared distance. */
export function nearestCenters(centers: Float64Array, x: Rows): { labels: Uint32Array; distances: Float64Array } {
  const { values, count, columns } = x;
  checkColumns("nearestCenters", x, columns);
  const labels = new Uint32Array(count);
  const distances = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    let least = Number.POSITIVE_INFINITY;
    for (let c = 0; c * columns < centers.length; c++) {
      let sum = 0;
      for (let j = 0; j < columns; j++) sum += (values[i * columns + j] - centers[c * columns + j]) ** 2;
      if (sum < least) {
        least = sum;
        labels[i] = c;
      }
    }
    distances[i] = least;
  }
  return { labels, distances };
}

/** k rows: each next one drawn with a probability proportional to its squared distance to the nearest of those before it. */
function spread({ values, count, columns }: Rows, k: number, random: Stream): Float64Array {
  const centers = new Float64Array(k * columns);
  const distances = new Float64Array(count).fill(Number.POSITIVE_INFINITY);
  let row = random.below(count);
  for (let c = 0; c < k; c++) {
    const center = centers.subarray(c * columns, (c + 1) * columns);
    for (let j = 0; j < columns; j++) center[j] = values[row * columns + j];
    let total = 0;
    for (let i = 0; i < count; i++) {
      let sum = 0;
      for (let j = 0; j < columns; j++) sum += (values[i * columns + j] - center[j]) ** 2;
      distances[i] = Math.min(distances[i], sum);
      total += distances[i];
    }
    row = drawn(distances, total, random);
  }
  return centers;
}

/** An index, with a probability proportional to its weight; any, if all weights are 0. */
function drawn(weights: Float64Array, total: number, random: Stream): number {
  if (total === 0) return random.below(weights.length);
  let left = random.uniform() * total;
  let last = 0;
  for (let i = 0; i < weights.length; i++) {
    if (weights[i] === 0) continue;
    if (left < weights[i]) return i;
    left -= weights[i];
    last = i;
  }
  return last; // rounding may leave a little
}

const SETTLED = 1e-5; // of the sum, by which an iteration lowers it; 0 where no row changes its center

const sumOf = (distances: Float64Array): number => distances.reduce((sum, d) => sum + d, 0);

function lloyd(x: Rows, centers: Float64Array, iterations: number): KMeans {
  let { labels, distances } = nearestCenters(centers, x);
  let inertia = sumOf(distances);
  for (let i = 0; i < iterations; i++) {
    moveCenters(centers, x, labels, distances);
    const next = nearestCenters(centers, x);
    const before = inertia;
    ({ labels, distances } = next);
    inertia = sumOf(distances);
    if (before - inertia <= SETTLED * before) break;
  }
  return { centers, labels, inertia };
}

/** Each center to the mean of its rows. One without rows takes the row that is farthest from its own center, if any is away from it. */
function moveCenters(centers: Float64Array, { values, count, columns }: Rows, labels: Uint32Array, distances: Float64Array): void {
  const k = centers.length / columns;
  const sizes = new Uint32Array(k);
  for (let i = 0; i < count; i++) sizes[labels[i]]++;
  for (let c = 0; c < k; c++) {
    if (sizes[c] > 0) continue;
    let far = 0;
    for (let i = 1; i < count; i++) if (distances[i] > distances[far]) far = i;
    if (distances[far] === 0) break; // every row is a center: fewer than k rows differ
    sizes[labels[far]]--;
    labels[far] = c;
    distances[far] = 0;
    sizes[c] = 1;
  }
  for (let c = 0; c < k; c++) if (sizes[c] > 0) centers.fill(0, c * columns, (c + 1) * columns);
  for (let i = 0; i < count; i++)
    for (let j = 0; j < columns; j++) centers[labels[i] * columns + j] += values[i * columns + j] / sizes[labels[i]];
}
