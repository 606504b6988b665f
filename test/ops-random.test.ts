// Random numbers: the known answers of the cipher, the same bits everywhere, and the statistics of large samples.
// Seeds are fixed, so that nothing here fails by chance: the bounds are what a good generator passes in 9,999 of 10,000 cases.
import { expect, test } from "vitest";
import { compile, randomBits, randomNormal, randomUniform, seed, type Tensor } from "../src/index.ts";
import { erf } from "../src/kernels/elementwise/erf.ts";
import { permuted } from "../src/kernels/random/permutation.ts";
import { threefry } from "../src/kernels/random/threefry.ts";
import { onEachDevice } from "./setup/each-device.ts";

test("Threefry-2x32-20 gives the known answers of Random123", () => {
  const hex = (words: readonly number[]) => words.map((w) => w.toString(16).padStart(8, "0")).join(" ");
  const ones = 0xffffffff;
  expect(hex(threefry(0, 0, 0, 0))).toBe("6b200159 99ba4efe");
  expect(hex(threefry(ones, ones, ones, ones))).toBe("1cb996fc bb002be7");
  expect(hex(threefry(0x13198a2e, 0x03707344, 0x243f6a88, 0x85a308d3))).toBe("c4923a9c 483df7a0");
});

onEachDevice("a million random words are the cipher's, bit for bit", async () => {
  const n = 1_000_000;
  seed(5);
  const words = await randomBits([n]).data();
  const again = await randomBits([n], { seed: 0xfffffff0 }).data(); // the second stream, with another key
  for (let i = 0; i < n; i++) {
    if (words[i] !== threefry(5, 0, 0, i)[0]) expect.fail(`word ${i}`);
    if (i % 10 === 0 && again[i] !== threefry(0xfffffff0, 1, 0, i)[0]) expect.fail(`word ${i} of the second stream`);
  }
});

onEachDevice("uniform numbers are the upper 24 bits", async () => {
  const draw = async (f: typeof randomBits) => {
    seed(9);
    return f([1000]).data();
  };
  const [bits, uniform] = [await draw(randomBits), await draw(randomUniform)];
  expect([...uniform]).toEqual(Array.from(bits, (w) => (w >>> 8) / 2 ** 24));
});

const N = 100_000;
const sampled = async (draw: (shape: readonly number[]) => Tensor): Promise<readonly number[]> => {
  seed(1);
  return [...(await draw([N]).data())];
};

const mean = (xs: readonly number[]): number => xs.reduce((a, b) => a + b, 0) / xs.length;
const moment = (xs: readonly number[], order: number): number => mean(xs.map((x) => x ** order));

/** The largest distance between the sample's distribution function and F, times √n: Kolmogorov and Smirnov's statistic. */
function kolmogorov(xs: readonly number[], F: (x: number) => number): number {
  const sorted = [...xs].sort((a, b) => a - b);
  const distances = sorted.map((x, i) => Math.max((i + 1) / xs.length - F(x), F(x) - i / xs.length));
  return Math.sqrt(xs.length) * distances.reduce((a, b) => Math.max(a, b));
}

const KS = 2.23; // exceeded once in 10,000 cases
const Z = 3.9; // standard deviations, likewise

onEachDevice("uniform numbers are uniform, and do not follow from each other", async () => {
  const xs = await sampled(randomUniform);
  expect(xs.every((x) => x >= 0 && x < 1)).toBe(true);
  expect(Math.abs(mean(xs) - 0.5)).toBeLessThan(Z / Math.sqrt(12 * N));
  expect(kolmogorov(xs, (x) => x)).toBeLessThan(KS);
  const cells = new Array<number>(256).fill(0);
  for (let i = 0; i + 1 < N; i += 2) cells[Math.floor(xs[i] * 16) * 16 + Math.floor(xs[i + 1] * 16)]++; // pairs of neighbours
  const expected = N / 2 / 256;
  const chi = cells.reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
  expect(Math.abs(chi - 255) / Math.sqrt(2 * 255)).toBeLessThan(Z + 0.5);
});

onEachDevice("normal numbers are normal", async () => {
  const xs = await sampled(randomNormal);
  expect(Math.abs(mean(xs))).toBeLessThan(Z / Math.sqrt(N));
  expect(Math.abs(moment(xs, 2) - 1)).toBeLessThan(Z * Math.sqrt(2 / N));
  expect(Math.abs(moment(xs, 3))).toBeLessThan(Z * Math.sqrt(15 / N));
  expect(Math.abs(moment(xs, 4) - 3)).toBeLessThan(Z * Math.sqrt(96 / N));
  expect(kolmogorov(xs, (x) => (1 + erf(x * Math.SQRT1_2)) / 2)).toBeLessThan(KS);
  expect(Math.max(...xs)).toBeGreaterThan(3.9); // the tail is there
  const lagged = mean(xs.slice(1).map((x, i) => x * xs[i]));
  expect(Math.abs(lagged)).toBeLessThan(Z / Math.sqrt(N));
});

onEachDevice("streams, seeds and clocks do not follow from each other", async () => {
  using draw = compile(() => [randomNormal([N]), randomNormal([N])], { seed: 1 });
  using other = compile(() => randomNormal([N]), { seed: 2 });
  const [a, b] = await Promise.all(draw().map((t) => t.data()));
  const [later] = await Promise.all(draw().map((t) => t.data()));
  const seeded = await other().data();
  for (const ys of [b, later, seeded]) expect(Math.abs(mean(Array.from(a, (x, i) => x * ys[i])))).toBeLessThan(Z / Math.sqrt(N));
});

onEachDevice("eager draws differ from each other, and begin anew with the seed", async () => {
  seed(3);
  const [a, b] = await Promise.all([randomNormal([4]).data(), randomNormal([4]).data()]);
  expect([...b]).not.toEqual([...a]);
  seed(3);
  expect([...(await randomNormal([4]).data())]).toEqual([...a]);
  seed(4);
  expect([...(await randomNormal([4]).data())]).not.toEqual([...a]);
});

test("the order of the data is a permutation, for every size", () => {
  for (const n of [1, 2, 3, 4, 5, 7, 16, 17, 100, 1000, 4096, 60_000]) {
    const rows = Array.from({ length: n }, (_, i) => permuted(i, n, 7, 3));
    expect(new Set(rows).size).toBe(n);
    expect(rows.every((r) => r >= 0 && r < n)).toBe(true);
  }
});

test("every row is as likely in every place", () => {
  const n = 5;
  const epochs = 20_000;
  const counts = new Array<number>(n * n).fill(0);
  for (let epoch = 0; epoch < epochs; epoch++) for (let i = 0; i < n; i++) counts[i * n + permuted(i, n, 1, epoch)]++;
  const expected = epochs / n;
  const chi = counts.reduce((sum, c) => sum + (c - expected) ** 2 / expected, 0);
  const freedom = (n - 1) ** 2;
  expect(Math.abs(chi - freedom) / Math.sqrt(2 * freedom)).toBeLessThan(Z + 1);
});

test("neighbours in the data are not neighbours in an epoch", () => {
  const n = 10_000;
  const rows = Array.from({ length: n }, (_, i) => permuted(i, n, 1, 0));
  const middle = (n - 1) / 2;
  const covariance = mean(rows.slice(1).map((r, i) => (r - middle) * (rows[i] - middle)));
  expect(Math.abs(covariance / ((n * n) / 12))).toBeLessThan(Z / Math.sqrt(n));
  const fixed = rows.filter((r, i) => r === i).length;
  expect(fixed).toBeLessThan(9); // one is to be expected
});
