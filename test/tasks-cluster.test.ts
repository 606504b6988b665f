// What is made of codes: groups, maps and probes. On rows with known answers, and on a small model.
import { UMAP } from "umap-js";
import { beforeAll, describe, expect, test } from "vitest";
import { digits } from "../src/data/index.ts";
import { open } from "../src/node.ts";
import {
  clusterAgreement,
  clusterRows,
  denseVae,
  embed,
  encodeImages,
  linearProbe,
  mapByPca,
  mapByUmap,
  nearestMembers,
  pixelComponents,
  pixelRows,
  type Rows,
  rowsOf,
  sizesOf,
  stream,
} from "../src/vae/index.ts";

beforeAll(async () => {
  await open("wasm");
});

/** So many rows around each center, one group after another. */
function groups(sizes: readonly number[], spread: number, seed = 1): { rows: Rows; labels: number[] } {
  const { normal } = stream(seed);
  const labels = sizes.flatMap((size, group) => new Array<number>(size).fill(group));
  const values = labels.flatMap((group) => [0, 1, 2, 3].map((j) => (j === group ? 8 : 0) + spread * normal()));
  return { rows: rowsOf(Float32Array.from(values), 4), labels };
}

describe("clusters", () => {
  const { rows, labels } = groups([20, 60, 40], 0.7);

  test.each(["kmeans", "mixture"] as const)("%s: groups that lie apart are found, the largest first", (method) => {
    const found = clusterRows(rows, 3, { method, covariance: "diagonal" });
    const assigned = found.assign(rows);
    expect(sizesOf(assigned, 3)).toEqual([60, 40, 20]);
    const agreement = clusterAgreement(assigned, labels, 3);
    expect(agreement.adjustedRand).toBe(1);
    expect(agreement.normalizedMutualInformation).toBeCloseTo(1, 12);
    expect(agreement.frequent).toEqual([1, 2, 0].map((label) => ({ label, share: 1 })));
    for (const [c, group] of [1, 2, 0].entries()) expect(found.centers[c * 4 + group]).toBeGreaterThan(7);
    expect([...found.assign(rowsOf(Float32Array.of(0, 8, 0, 0), 4))]).toEqual([0]); // a row that it was not fitted to
  });

  test("the most frequent label of a group, the smaller of two as frequent, and of a group without rows none", () => {
    const { frequent } = clusterAgreement([0, 0, 0, 2, 2], [5, 1, 5, 9, 4], 3);
    expect(frequent).toEqual([{ label: 5, share: 2 / 3 }, undefined, { label: 4, share: 1 / 2 }]);
  });

  test("the members nearest to a center come first, and none of another group", () => {
    const found = clusterRows(rows, 3);
    const assigned = found.assign(rows);
    const distance = (i: number, c: number) => Math.hypot(...[0, 1, 2, 3].map((j) => rows.values[i * 4 + j] - found.centers[c * 4 + j]));
    nearestMembers(rows, found, assigned, 25).forEach((own, c) => {
      expect(own).toHaveLength(c === 2 ? 20 : 25);
      expect(own.every((i) => assigned[i] === c)).toBe(true);
      const distances = own.map((i) => distance(i, c));
      expect(distances).toEqual([...distances].sort((a, b) => a - b));
      const others = [...assigned.keys()].filter((i) => assigned[i] === c && !own.includes(i));
      expect(others.every((i) => distance(i, c) >= distances[distances.length - 1])).toBe(true);
    });
  });
});

describe("maps", () => {
  test("principal components keep the distances of rows that lie in a plane [wasm]", async () => {
    const { normal } = stream(3);
    const plane = Array.from({ length: 40 }, () => [normal(), 3 * normal()]);
    const x = rowsOf(Float64Array.from(plane.flatMap(([a, b]) => [a + b, a - b, 2 * a])), 3);
    const { points, axes } = await mapByPca(x);
    for (let i = 1; i < 40; i++) {
      const true3 = Math.hypot(...[0, 1, 2].map((j) => x.values[3 * i + j] - x.values[j]));
      expect(Math.hypot(points[2 * i] - points[0], points[2 * i + 1] - points[1])).toBeCloseTo(true3, 4);
    }
    const shares = axes.map((axis) => Number(/(\d+) % of the variance/.exec(axis)![1]));
    expect(shares[0] + shares[1]).toBeGreaterThanOrEqual(99); // each is rounded
  });

  test("two columns are their own map, one column is none", async () => {
    const two = rowsOf(Float64Array.of(1, 2, 3, 4), 2);
    expect(await mapByPca(two)).toEqual({ points: two.values, axes: ["latent 0", "latent 1"] });
    await expect(mapByPca(rowsOf(Float64Array.of(1, 2), 1))).rejects.toThrow("lie on a line");
  });

  test("UMAP keeps groups together, draws the same map for the same seed, and tells how far it is", async () => {
    const { rows, labels } = groups([25, 25, 25], 0.7);
    const seen: number[] = [];
    const draw = (seed: number) => mapByUmap(UMAP, rows, { seed, neighbors: 8, progress: (done, total) => void (seen[done] = total) });
    const { points, axes } = await draw(2);
    expect(seen.length).toBe(seen[0] + 1);
    expect(axes).toEqual(["UMAP 1", "UMAP 2"]);
    expect((await draw(2)).points).toEqual(points);
    expect((await draw(3)).points).not.toEqual(points);
    // of each point the nearest other one is of its group
    for (let i = 0; i < 75; i++) {
      const distances = labels.map((_, j) =>
        i === j ? Number.POSITIVE_INFINITY : Math.hypot(points[2 * i] - points[2 * j], points[2 * i + 1] - points[2 * j + 1]),
      );
      expect(labels[distances.indexOf(Math.min(...distances))]).toBe(labels[i]);
    }
    await expect(mapByUmap(UMAP, rows, { neighbors: 75 })).rejects.toThrow("75 neighbors of 75 rows; 2 to 74");
  });
});

describe("linear probe", () => {
  test("is right where groups lie apart, and no better than chance where labels have nothing to do with rows", () => {
    const [train, other] = [groups([30, 50, 30], 0.7), groups([10, 20, 10], 0.7, 2)];
    expect(linearProbe(train, other)).toEqual({ train: 1, test: 1, chance: 0.5, settled: true });
    const { below } = stream(4);
    const shuffled = ({ rows }: { rows: Rows }) => ({ rows, labels: Array.from({ length: rows.count }, () => below(2)) });
    const blind = linearProbe(shuffled(groups([400, 400, 400], 0.7)), shuffled(groups([400, 400, 400], 0.7, 2)));
    expect(Math.abs(blind.test - 0.5)).toBeLessThan(0.06); // four standard deviations
    expect(() => linearProbe({ ...train, labels: new Uint8Array(110).fill(3) }, other)).toThrow("all training rows have the label 3");
  });

  test("pixels along the principal components of the training pixels tell digits apart [wasm]", async () => {
    const [train, other] = [digits({ count: 300, size: 12 }), digits({ count: 90, start: 300, size: 12 })];
    const { train: a, test: b } = await pixelComponents(train, other, 12);
    expect([a.count, a.columns, b.count, b.columns]).toEqual([300, 12, 90, 12]);
    for (let j = 0; j < 12; j++)
      expect(Math.abs(Array.from({ length: 300 }, (_, i) => a.values[i * 12 + j]).reduce((x, y) => x + y))).toBeLessThan(1e-3);
    const { test: right, chance } = linearProbe({ rows: a, labels: train.labels! }, { rows: b, labels: other.labels! });
    expect(right).toBeGreaterThan(3 * chance);
    expect(pixelRows(train).values[200]).toBeCloseTo(train.pixels[200] / 255, 6);
  });
});

test("codes are the means of the posterior, beside the logarithms of its variances [wasm]", async () => {
  const images = digits({ count: 70, size: 8 });
  const model = denseVae({ input: [8, 8, 1], hidden: 9, latent: 3, seed: 1 });
  const { codes, logVariances } = await embed(model, images);
  const { mean, logVariance } = await encodeImages(model, images);
  expect(codes).toEqual({ values: mean, count: 70, columns: 3 });
  expect(logVariances).toEqual({ values: logVariance, count: 70, columns: 3 });
});
