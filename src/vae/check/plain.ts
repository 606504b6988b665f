// The objectives of the linear model once more, as loops over numbers in float64, from their formulas: an opinion that shares no code with
// the tensors. Their gradients are finite differences.

import { DIMS, ENCODER, LATENT, type Matrix, NAMES, type Numbers, SCALE } from "./linear.ts";

const LOG_2PI = Math.log(2 * Math.PI);
/** log N(x; mean, deviation²) */
const logNormal = (x: number, mean: number, deviation: number): number =>
  -0.5 * (((x - mean) / deviation) ** 2 + 2 * Math.log(deviation) + LOG_2PI);

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const sum = (values: readonly number[]): number => values.reduce((total, v) => total + v, 0);
const average = (values: readonly number[]): number => sum(values) / values.length;

const meanOf = (n: Numbers, x: readonly number[]): number[] =>
  range(LATENT).map((j) => n.a[j] + sum(range(DIMS).map((d) => x[d] * n.A[d][j])));
const latentOf = (n: Numbers, x: readonly number[], noise: readonly number[]): number[] =>
  meanOf(n, x).map((mean, j) => mean + Math.exp(n.v[j] / 2) * noise[j]);
const logLikelihood = (n: Numbers, x: readonly number[], z: readonly number[]): number =>
  sum(range(DIMS).map((d) => logNormal(x[d], n.b[d] + sum(range(LATENT).map((j) => z[j] * n.W[j][d])), SCALE)));

/** log p(x|z) + log p(z) - log q(z|x), with q as the numbers `q` have it. */
const logWeight = (n: Numbers, q: Numbers, x: readonly number[], z: readonly number[]): number => {
  const mean = meanOf(q, x);
  return logLikelihood(n, x, z) + sum(z.map((v, j) => logNormal(v, 0, 1) - logNormal(v, mean[j], Math.exp(q.v[j] / 2))));
};

/** w of each latent of example i. */
const weightsOf = (n: Numbers, x: Matrix, noise: readonly Matrix[], i: number): number[] =>
  noise.map((all) => Math.exp(logWeight(n, n, x[i], latentOf(n, x[i], all[i]))));

/** A loss of the linear model for noise [samples][example][latent]. */
export type PlainLoss = (n: Numbers, x: Matrix, noise: readonly Matrix[]) => number;

const reconstruction: PlainLoss = (n, x, [noise]) => average(x.map((row, i) => -logLikelihood(n, row, latentOf(n, row, noise[i]))));
/** Of each latent, averaged over the examples. */
const kls = (n: Numbers, x: Matrix): number[] =>
  range(LATENT).map((j) => average(x.map((row) => 0.5 * (meanOf(n, row)[j] ** 2 + Math.exp(n.v[j]) - 1 - n.v[j]))));

export const plain = {
  elbo:
    (beta: number): PlainLoss =>
    (n, x, noise) =>
      reconstruction(n, x, noise) + beta * sum(kls(n, x)),
  freeBits:
    (least: number): PlainLoss =>
    (n, x, noise) =>
      reconstruction(n, x, noise) + sum(kls(n, x).map((kl) => Math.max(least, kl))),
  capacity:
    (beta: number, target: number): PlainLoss =>
    (n, x, noise) =>
      reconstruction(n, x, noise) + beta * Math.abs(sum(kls(n, x)) - target),
  autoencoder: (): PlainLoss => (n, x) => average(x.map((row) => -logLikelihood(n, row, meanOf(n, row)))),
  iwae: (): PlainLoss => (n, x, noise) => average(x.map((_, i) => -Math.log(average(weightsOf(n, x, noise, i))))),
} as const;

/** The gradient with respect to all numbers, in the order of NAMES, by central differences. */
export function slopes(loss: PlainLoss, n: Numbers, x: Matrix, noise: readonly Matrix[]): number[] {
  const step = 1e-5; // losses are some ten nats, of which float64 leaves 1e-15: the differences are good to 1e-9
  return range(flat(n).length).map((at) => (loss(moved(n, at, step), x, noise) - loss(moved(n, at, -step), x, noise)) / (2 * step));
}

/** The doubly reparameterized gradient: the decoder's is that of the bound, the encoder's Σ w̃² · ∂log w/∂z · ∂z/∂φ with q itself held still. */
export function doublyReparameterized(n: Numbers, x: Matrix, noise: readonly Matrix[]): number[] {
  const squares = x.map((_, i) => {
    const weights = weightsOf(n, x, noise, i);
    return weights.map((w) => (w / sum(weights)) ** 2);
  });
  const logWeightsOf = (m: Numbers, i: number): number[] => noise.map((all) => logWeight(n, n, x[i], latentOf(m, x[i], all[i])));
  const held: PlainLoss = (m) => average(x.map((_, i) => -sum(logWeightsOf(m, i).map((log, k) => squares[i][k] * log))));
  const encoder = flat(n, NAMES.slice(0, ENCODER)).length;
  return [...slopes(held, n, x, noise).slice(0, encoder), ...slopes(plain.iwae(), n, x, noise).slice(encoder)];
}

const flat = (n: Numbers, names: readonly (typeof NAMES)[number][] = NAMES): number[] =>
  names.flatMap((name) => n[name].flat() as number[]);

/** The numbers with one of them moved. */
function moved(n: Numbers, at: number, by: number): Numbers {
  let place = 0;
  const next = (v: number): number => (place++ === at ? v + by : v);
  return { A: n.A.map((row) => row.map(next)), a: n.a.map(next), v: n.v.map(next), W: n.W.map((row) => row.map(next)), b: n.b.map(next) };
}
