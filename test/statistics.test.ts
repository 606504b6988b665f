// Statistics of rows, against closed forms, brute force, and numbers that NumPy made.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { adjustedRand, normalizedMutualInformation } from "../src/vae/statistics/agreement.ts";
import { kMeans, nearestCenters } from "../src/vae/statistics/kmeans.ts";
import { minimize } from "../src/vae/statistics/lbfgs.ts";
import { accuracy, logisticRegression } from "../src/vae/statistics/logistic.ts";
import { gaussianMixture, mixtureOf } from "../src/vae/statistics/mixture.ts";
import { pca, projected, residuals } from "../src/vae/statistics/pca.ts";
import { stream } from "../src/vae/statistics/random.ts";
import { moments, type Rows, rowsOf } from "../src/vae/statistics/rows.ts";
import { eigen } from "../src/vae/statistics/symmetric.ts";
import { onEachDevice } from "./setup/each-device.ts";

const rows = (...values: number[][]): Rows => rowsOf(Float64Array.from(values.flat()), values[0].length);
/** Rows around some centers, in turn. */
const blobs = (centers: number[][], count: number, spread: number, seed = 1): Rows => {
  const { normal } = stream(seed);
  return rows(...Array.from({ length: count }, (_, i) => centers[i % centers.length].map((c) => c + spread * normal())));
};
/** Every number is within `tolerance` of the one that is wanted in its place. */
function close(found: Iterable<number>, wanted: Iterable<number>, tolerance: number): void {
  const all = [...wanted];
  expect([...found]).toHaveLength(all.length);
  for (const [i, v] of [...found].entries()) expect(Math.abs(v - all[i])).toBeLessThanOrEqual(tolerance);
}
const dot = (a: ArrayLike<number>, b: ArrayLike<number>) => Array.from(a).reduce((sum, v, i) => sum + v * b[i], 0);

describe("rows", () => {
  test("values that do not make rows, or are not finite, are refused with their place", () => {
    expect(() => rowsOf(new Float32Array(7), 2)).toThrow("7 values do not make 3.5 rows of 2 columns");
    expect(() => rowsOf(new Float32Array(0), 2)).toThrow("0 values do not make 0 rows");
    expect(() => rowsOf(Float32Array.of(1, 2, 3, Number.NaN), 2)).toThrow("the value NaN in row 1, column 1");
  });

  test("a variance beside a large mean is not lost to cancellation", () => {
    expect(moments(rows([1e9 + 1], [1e9 + 3])).variance).toEqual(Float64Array.of(1));
  });
});

describe("random numbers", () => {
  test("are the same for the same seed, others for another, and have the moments of their distributions", () => {
    const draw = (seed: number) => Array.from({ length: 20_000 }, stream(seed).normal);
    expect(draw(3)).toEqual(draw(3));
    expect(draw(3)[0]).not.toBe(draw(4)[0]);
    const mean = (x: number[]) => x.reduce((a, b) => a + b, 0) / x.length;
    const x = draw(5);
    expect(Math.abs(mean(x))).toBeLessThan(0.03);
    expect(Math.abs(mean(x.map((v) => v * v)) - 1)).toBeLessThan(0.05);
    expect(Math.abs(mean(x.map((v) => v ** 4)) - 3)).toBeLessThan(0.3);
    const { below, uniform } = stream(6);
    expect(new Set(Array.from({ length: 200 }, () => below(5)))).toEqual(new Set([0, 1, 2, 3, 4]));
    expect(Array.from({ length: 1000 }, uniform).every((u) => u >= 0 && u < 1)).toBe(true);
    expect(() => stream(-1)).toThrow("seed -1");
  });
});

describe("eigen", () => {
  test("finds eigenvalues and orthonormal eigenvectors, also equal ones and such of very different size", () => {
    expect([...eigen(Float64Array.of(2, 1, 1, 2), 2).values]).toEqual([expect.closeTo(3, 14), expect.closeTo(1, 14)]);
    const n = 7;
    const { normal } = stream(2);
    const a = Float64Array.from({ length: n * n }, normal);
    const lengths = [1e6, 3, 3, 3, 1e-2, 1e-6, 0];
    const { vectors } = eigen(
      a.map((_, i) => a[i] + a[(i % n) * n + Math.floor(i / n)]),
      n,
    ); // of some symmetric matrix: a basis
    const made = Float64Array.from({ length: n * n }, (_, at) => {
      const [i, j] = [Math.floor(at / n), at % n];
      return lengths.reduce((sum, l, v) => sum + l * vectors[v * n + i] * vectors[v * n + j], 0);
    });
    const found = eigen(made, n);
    close(found.values, lengths, 1e-9);
    for (let i = 0; i < n; i++) {
      const v = found.vectors.subarray(i * n, (i + 1) * n);
      expect(dot(v, v)).toBeCloseTo(1, 12);
      for (let r = 0; r < n; r++) expect(dot(made.subarray(r * n, (r + 1) * n), v)).toBeCloseTo(found.values[i] * v[r], 7);
    }
  });
});

describe("pca", () => {
  onEachDevice("of two columns is what one computes by hand", async () => {
    // 3² + 3² along (1, 1) on either side of the mean, 1² + 1² along (1, -1); divided by 3
    const x = rows([13, 23], [7, 17], [11, 19], [9, 21]);
    const found = await pca(x, 2);
    expect([...found.mean]).toEqual([10, 20]);
    expect(found.total).toBeCloseTo(40 / 3, 12);
    expect(found.variances[0]).toBeCloseTo(36 / 3, 5);
    expect(found.variances[1]).toBeCloseTo(4 / 3, 5);
    const half = Math.SQRT1_2;
    close(found.components, [half, half, half, -half], 1e-6);
    const one = await pca(x, 1);
    close(await projected(one, x), [6 * half, -6 * half, 0, 0], 1e-5);
    close(await residuals(one, x), [0, 0, 2, 2], 1e-5);
  });

  const { values, count, columns, wanted } = JSON.parse(readFileSync("test/fixtures/pca.json", "utf8"));
  const digits = rowsOf(Float64Array.from(values), columns);

  onEachDevice("has the variances and the components of NumPy's singular values", async () => {
    expect(digits.count).toBe(count);
    const found = await pca(digits, 6);
    close(
      found.variances.map((v, i) => v / wanted.variances[i]),
      found.variances.map(() => 1),
      1e-4,
    );
    expect(Math.abs(found.total / wanted.total - 1)).toBeLessThan(1e-12);
    for (let i = 0; i < 6; i++) {
      const own = found.components.subarray(i * columns, (i + 1) * columns);
      expect(dot(own, wanted.components[i])).toBeGreaterThan(1 - 1e-6); // the sign too
    }
  });

  onEachDevice("of more columns than a covariance is formed for: the same, with columns of zeros around", async () => {
    const wide = 1500;
    const padded = new Float32Array(count * wide);
    for (let i = 0; i < count; i++) padded.set(digits.values.subarray(i * columns, (i + 1) * columns), i * wide + 700);
    const found = await pca(rowsOf(padded, wide), 4);
    close(
      found.variances.map((v, i) => v / wanted.variances[i]),
      found.variances.map(() => 1),
      1e-4,
    );
    for (let i = 0; i < 4; i++)
      expect(dot(found.components.subarray(i * wide + 700, i * wide + 700 + columns), wanted.components[i])).toBeGreaterThan(1 - 1e-5);
  });

  onEachDevice("components are orthonormal, and residuals and projections make up the whole distance", async () => {
    const found = await pca(digits, 5);
    for (let i = 0; i < 5; i++) {
      for (let j = 0; j <= i; j++) {
        const product = dot(
          found.components.subarray(i * columns, (i + 1) * columns),
          found.components.subarray(j * columns, (j + 1) * columns),
        );
        expect(product).toBeCloseTo(i === j ? 1 : 0, 10);
      }
    }
    const [along, left] = [await projected(found, digits), await residuals(found, digits)];
    for (let i = 0; i < count; i += 17) {
      const all = Array.from(found.mean, (m, j) => (digits.values[i * columns + j] - m) ** 2).reduce((a, b) => a + b, 0);
      expect(dot(along.subarray(i * 5, i * 5 + 5), along.subarray(i * 5, i * 5 + 5)) + left[i]).toBeCloseTo(all, 4);
    }
  });

  onEachDevice("knows rows of any unit, rows that do not vary, and fewer rows than columns", async () => {
    const x = blobs([[1, 2, 3]], 50, 1);
    const [plain, tiny, huge] = await Promise.all(
      [1, 1e-25, 1e25].map((unit) =>
        pca(
          rowsOf(
            x.values.map((v) => v * unit),
            3,
          ),
          2,
        ),
      ),
    );
    close(
      tiny.variances.map((v) => v * 1e50),
      plain.variances,
      1e-4,
    );
    close(
      huge.variances.map((v) => v * 1e-50),
      plain.variances,
      1e-4,
    );
    const still = await pca(rows([4, 5, 6], [4, 5, 6], [4, 5, 6]), 2);
    expect([...still.variances, still.total]).toEqual([0, 0, 0]);
    expect(dot(still.components.subarray(0, 3), still.components.subarray(0, 3))).toBeCloseTo(1, 10);
    const two = await pca(rows([0, 0, 0, 0], [2, 0, 0, 0]), 2);
    expect([...two.variances].map((v) => Number(v.toFixed(5)))).toEqual([2, 0]);
  });

  onEachDevice("what it cannot do is refused", async () => {
    await expect(pca(rows([1, 2]), 1)).rejects.toThrow("one row does not vary");
    await expect(pca(rows([1, 2], [3, 4]), 3)).rejects.toThrow("3 components of 2 rows of 2 columns; 1 to 2");
    await expect(projected(await pca(rows([1, 2], [3, 5]), 1), rows([1, 2, 3]))).rejects.toThrow(
      "rows of 3 columns, but it was fitted to rows of 2",
    );
  });
});

describe("k-means", () => {
  test("finds the least sum of squares that trying all divisions finds", () => {
    const x = blobs(
      [
        [0, 0],
        [3, 1],
        [1, 4],
      ],
      8,
      1.2,
      4,
    );
    const best = allDivisions(8, 3).reduce((least, labels) => Math.min(least, within(x, labels, 3)), Number.POSITIVE_INFINITY);
    const found = kMeans(x, 3, { restarts: 20 });
    expect(found.inertia).toBeCloseTo(best, 10);
    expect(within(x, [...found.labels], 3)).toBeCloseTo(best, 10);
  });

  test("separates groups that lie apart, whatever the seed, and assigns others by the same centers", () => {
    const apart = [
      [0, 0, 0],
      [9, 0, 0],
      [0, 9, 0],
      [0, 0, 9],
    ];
    const x = blobs(apart, 200, 0.5);
    for (const seed of [1, 2, 3]) {
      const { centers, labels, inertia } = kMeans(x, 4, { seed });
      expect(
        adjustedRand(
          labels,
          Array.from({ length: 200 }, (_, i) => i % 4),
        ),
      ).toBe(1);
      const nearest = nearestCenters(centers, rows(...apart));
      expect([...nearest.labels]).toEqual([...labels.subarray(0, 4)]);
      expect(Math.max(...nearest.distances)).toBeLessThan(0.3);
      expect(inertia).toBeCloseTo(
        nearestCenters(centers, x).distances.reduce((a, b) => a + b, 0),
        10,
      );
    }
    expect(kMeans(x, 4, { seed: 7 })).toEqual(kMeans(x, 4, { seed: 7 }));
  });

  test("as many clusters as rows leave nothing; where fewer rows differ some clusters stay empty, and nothing is NaN", () => {
    const x = blobs([[0, 0]], 12, 1);
    const alone = kMeans(x, 12, {});
    expect(alone.inertia).toBe(0);
    expect(new Set(alone.labels).size).toBe(12);
    const same = kMeans(rows([1, 1], [1, 1], [2, 2], [2, 2]), 3, {});
    expect(same.inertia).toBe(0);
    expect(same.centers.every(Number.isFinite)).toBe(true);
    expect(() => kMeans(x, 13)).toThrow("13 clusters of 12 rows");
    expect(() => kMeans(x, 0)).toThrow("0 clusters of 12 rows");
  });
});

/** The sum of squared distances of rows to the mean of their group. */
function within({ values, columns }: Rows, labels: number[], k: number): number {
  let sum = 0;
  for (let c = 0; c < k; c++) {
    const own = labels.flatMap((label, i) => (label === c ? [Array.from(values.subarray(i * columns, (i + 1) * columns))] : []));
    for (let j = 0; j < columns; j++) {
      const mean = own.reduce((total, row) => total + row[j], 0) / own.length;
      sum += own.reduce((total, row) => total + (row[j] - mean) ** 2, 0);
    }
  }
  return sum;
}

const allDivisions = (count: number, k: number): number[][] =>
  Array.from({ length: k ** count }, (_, n) => Array.from({ length: count }, (_, i) => Math.floor(n / k ** i) % k));

describe("normal mixtures", () => {
  test("one component has the rows' own mean and covariance, and the density of a normal", () => {
    const x = blobs([[1, -2]], 400, 1);
    const skew = rowsOf(
      x.values.map((v, at) => (at % 2 === 1 ? v + 2 * x.values[at - 1] : v)),
      2,
    );
    const { mean } = moments(skew);
    const c = [0, 0, 0, 0].map((_, at) => {
      const [i, j] = [at >> 1, at & 1];
      return (
        Array.from({ length: 400 }, (_, r) => (skew.values[2 * r + i] - mean[i]) * (skew.values[2 * r + j] - mean[j])).reduce(
          (a, b) => a + b,
          0,
        ) / 400
      );
    });
    const found = gaussianMixture(skew, 1);
    close(found.means, mean, 1e-10);
    close(found.covariances, c, 1e-5 * Math.max(c[0], c[3]));
    const det = c[0] * c[3] - c[1] * c[2];
    const [dx, dy] = [0.3 - mean[0], 0.4 - mean[1]];
    const distance = (c[3] * dx * dx - 2 * c[1] * dx * dy + c[0] * dy * dy) / det;
    expect(found.logDensity(rows([0.3, 0.4]))[0]).toBeCloseTo(-Math.log(2 * Math.PI) - 0.5 * Math.log(det) - 0.5 * distance, 4);
  });

  test.each(["full", "diagonal"] as const)("%s: recovers the mixture that rows were drawn from", (covariance) => {
    const own = covariance === "full" ? [1, 0.8, 0.8, 1, 0.3, 0, 0, 2] : [1, 0.5, 0.3, 2];
    const truth = mixtureOf({
      covariance,
      columns: 2,
      weights: Float64Array.of(0.7, 0.3),
      means: Float64Array.of(0, 0, 5, -4),
      covariances: Float64Array.from(own),
    });
    const x = rowsOf(truth.sample(6000, 2), 2);
    const found = gaussianMixture(x, 2, { covariance });
    const first = found.weights[0] > found.weights[1] ? 0 : 1;
    expect(found.weights[first]).toBeCloseTo(0.7, 1);
    const [a, b] = [found.means.subarray(2 * first, 2 * first + 2), found.means.subarray(2 - 2 * first, 4 - 2 * first)];
    close([...a, ...b], truth.means, 0.1);
    const size = own.length / 2;
    const c = [
      ...found.covariances.subarray(first * size, (first + 1) * size),
      ...found.covariances.subarray((1 - first) * size, (2 - first) * size),
    ];
    close(c, own, 0.15);
    const mean = (m: typeof found) => m.logDensity(x).reduce((sum, v) => sum + v, 0) / x.count;
    expect(mean(found)).toBeGreaterThanOrEqual(mean(truth)); // it was fitted to these rows
    expect(mean(found) - mean(truth)).toBeLessThan(0.01);
    expect([...found.assign(rows([0, 0], [5, -4]))]).toEqual([first, 1 - first]);
  });

  test("a density of one column integrates to 1", () => {
    const m = mixtureOf({
      covariance: "diagonal",
      columns: 1,
      weights: Float64Array.of(0.25, 0.75),
      means: Float64Array.of(-1, 2),
      covariances: Float64Array.of(0.5, 2),
    });
    const step = 0.01;
    const grid = rowsOf(
      Float64Array.from({ length: 4000 }, (_, i) => -20 + i * step),
      1,
    );
    expect(m.logDensity(grid).reduce((sum, v) => sum + Math.exp(v) * step, 0)).toBeCloseTo(1, 9);
    expect(m.logDensity(rows([1e6]))[0]).toBeLessThan(-1e10); // far away it is small, and still a number
    expect([...m.sample(3, 9)]).toEqual([...m.sample(8, 9)].slice(0, 3));
  });

  test("rows that are equal, columns that do not vary, and a component for each row give no NaN", () => {
    const still = rows(...Array.from({ length: 30 }, (_, i) => [i % 3, 7, 1e-9 * (i % 3)]));
    for (const covariance of ["full", "diagonal"] as const) {
      for (const k of [1, 3, 5, 30]) {
        const found = gaussianMixture(still, k, { covariance });
        const numbers = [...found.weights, ...found.means, ...found.covariances, ...found.logDensity(still), ...found.sample(5, 1)];
        expect(numbers.every(Number.isFinite)).toBe(true);
        expect(found.weights.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 9);
      }
    }
    const same = gaussianMixture(rows([2, 2], [2, 2]), 2);
    expect([...same.logDensity(rows([2, 2], [3, 3]))].every(Number.isFinite)).toBe(true);
    expect(() => gaussianMixture(still, 31)).toThrow("31 components of 30 rows");
  });

  test("is the same in any unit, but for the unit of the density", () => {
    const x = blobs(
      [
        [0, 0],
        [4, 4],
      ],
      60,
      1,
    );
    const [a, b] = [1, 1e-6].map((unit) =>
      gaussianMixture(
        rowsOf(
          x.values.map((v) => v * unit),
          2,
        ),
        2,
      ),
    );
    close(
      b.means.map((m) => m * 1e6),
      a.means,
      1e-9,
    );
    expect(
      b.logDensity(
        rowsOf(
          x.values.map((v) => v * 1e-6),
          2,
        ),
      )[0] - a.logDensity(x)[0],
    ).toBeCloseTo(-2 * Math.log(1e-6), 3);
  });
});

describe("agreement", () => {
  const { below } = stream(8);
  const random = (count: number, k: number) => Array.from({ length: count }, () => below(k));

  test("the adjusted Rand index is what counting all pairs gives", () => {
    for (let time = 0; time < 20; time++) {
      const [a, b] = [random(15, 3), random(15, 4)];
      let [both, inA, inB, all] = [0, 0, 0, 0];
      for (let i = 0; i < 15; i++) {
        for (let j = 0; j < i; j++) {
          all++;
          if (a[i] === a[j]) inA++;
          if (b[i] === b[j]) inB++;
          if (a[i] === a[j] && b[i] === b[j]) both++;
        }
      }
      const chance = (inA * inB) / all;
      expect(adjustedRand(a, b)).toBeCloseTo((both - chance) / ((inA + inB) / 2 - chance), 12);
    }
  });

  test("groups are the same under other names, and have nothing in common where they are independent", () => {
    const [a, renamed] = [
      [0, 0, 1, 1, 2],
      [7, 7, 3, 3, 0],
    ];
    expect([adjustedRand(a, renamed), normalizedMutualInformation(a, renamed)]).toEqual([1, expect.closeTo(1, 12)]);
    expect(normalizedMutualInformation([0, 0, 1, 1], [0, 1, 0, 1])).toBeCloseTo(0, 12);
    expect(adjustedRand([0, 0, 1, 1], [0, 1, 0, 1])).toBeCloseTo(-0.5, 12); // 0 pairs of 2/3 that chance gives, of 2
    const [x, y] = [random(4000, 5), random(4000, 3)];
    expect(Math.abs(adjustedRand(x, y))).toBeLessThan(0.01);
  });

  test("mutual information of a division and a coarser one is the coarser one's entropy", () => {
    const [fine, coarse] = [
      [0, 1, 2, 3],
      [0, 0, 1, 1],
    ];
    expect(normalizedMutualInformation(fine, coarse)).toBeCloseTo(Math.log(2) / ((Math.log(4) + Math.log(2)) / 2), 12);
  });

  test("one group on both sides is the same division, on one side it tells nothing", () => {
    expect([adjustedRand([1, 1], [5, 5]), normalizedMutualInformation([1, 1], [5, 5])]).toEqual([1, 1]);
    expect([adjustedRand([1, 1, 1], [0, 1, 2]), normalizedMutualInformation([1, 1, 1], [0, 1, 2])]).toEqual([0, 0]);
    expect(adjustedRand([0, 1, 2], [4, 5, 6])).toBe(1);
    expect(() => adjustedRand([1], [1, 2])).toThrow("1 and 2 groups");
  });
});

describe("logistic regression", () => {
  test("of one group against another in one column that is 0 or 1 has the odds in its parameters, but for the ridge", () => {
    // p(1 | x=0) = 1/4, p(1 | x=1) = 3/5
    const x = rows(...[0, 0, 0, 0, 1, 1, 1, 1, 1].map((v) => [v]));
    const found = logisticRegression(x, [0, 0, 0, 1, 0, 0, 1, 1, 1], { ridge: 1e-9 });
    expect(found.settled).toBe(true);
    expect(found.biases[1] - found.biases[0]).toBeCloseTo(Math.log(1 / 3), 4);
    expect(found.weights[1] - found.weights[0]).toBeCloseTo(Math.log(3 / 2) - Math.log(1 / 3), 4);
    expect([...found.predict(rows([0], [1]))]).toEqual([0, 1]);
    expect(found.loss).toBeCloseTo(-(3 * Math.log(3 / 4) + Math.log(1 / 4) + 2 * Math.log(2 / 5) + 3 * Math.log(3 / 5)), 5);
  });

  test("separates three groups, also when columns have other units; a column that does not vary tells nothing", () => {
    const centers = [
      [0, 0],
      [6, 0],
      [0, 6],
    ];
    const labels = Array.from({ length: 150 }, (_, i) => i % 3);
    const x = blobs(centers, 150, 0.8);
    const stretched = rowsOf(
      x.values.map((v, at) => (at % 2 ? 1e6 * v + 1e7 : v)),
      2,
    );
    const [a, b] = [logisticRegression(x, labels), logisticRegression(stretched, labels)];
    expect(accuracy(a.predict(x), labels)).toBe(1);
    expect(b.loss).toBeCloseTo(a.loss, 6); // the ridge is on standardized columns
    expect([...b.predict(stretched)]).toEqual([...a.predict(x)]);
    expect(a.settled && b.settled).toBe(true);
    const blank = logisticRegression(rowsOf(new Float64Array(150).fill(3), 1), labels);
    expect(blank.loss).toBeCloseTo(150 * Math.log(3), 6); // a column that does not vary says nothing
  });

  test("bad labels are refused", () => {
    expect(() => logisticRegression(rows([1], [2]), [0])).toThrow("1 labels for 2 rows");
    expect(() => logisticRegression(rows([1], [2]), [0, -1])).toThrow("label -1 of row 1");
  });
});

test("L-BFGS reaches the bottom of Rosenbrock's valley", () => {
  const { x, settled } = minimize(
    ([a, b], g) => {
      g[0] = -2 * (1 - a) - 400 * a * (b - a * a);
      g[1] = 200 * (b - a * a);
      return (1 - a) ** 2 + 100 * (b - a * a) ** 2;
    },
    Float64Array.of(-1.2, 1),
  );
  expect(settled).toBe(true);
  close(x, [1, 1], 1e-5);
});
