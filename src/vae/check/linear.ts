// A VAE about which everything is known: z ~ N(0, I), x ~ N(zW + b, s²I), and an encoder N(xA + a, diag eᵛ). Its evidence has a closed form,
// and, because the rows of W are orthogonal here, so does its posterior, which such an encoder can be exactly.

import { type Tensor, tensor } from "../../index.ts";
import { gaussian, standardNormal } from "../gaussian.ts";
import { gaussianLikelihood } from "../likelihoods.ts";
import { type Vae, vae } from "../model.ts";

export type Matrix = readonly (readonly number[])[];

/** All numbers of the model, in float64. */
export interface Numbers {
  readonly A: Matrix; // [dims, latent]
  readonly a: readonly number[];
  readonly v: readonly number[];
  readonly W: Matrix; // [latent, dims]
  readonly b: readonly number[];
}
export const NAMES = ["A", "a", "v", "W", "b"] as const;
/** How many of them are the encoder's, which come first. */
export const ENCODER = 3;

export const DIMS = 5;
export const LATENT = 3;
export const SCALE = 0.6;

const dot = (x: readonly number[], y: readonly number[]): number => x.reduce((sum, v, i) => sum + v * y[i], 0);
/** Numbers from -1 to 1 of no pattern: rows of another salt do not depend on each other. */
const numbers = (salt: number): number[] => Array.from({ length: DIMS }, (_, i) => Math.sin((i + 1) ** 2 + 1.7 * salt * (i + 2)));

/** The examples [4, dims]. */
export const X: Matrix = [5, 6, 7, 8].map((salt) => numbers(salt).map((v) => 1.5 * v));

/** The examples, each `times` times. */
export const batch = (times = 1): Tensor => tensor(Array.from({ length: times }, () => X.map((row) => [...row])).flat());

/** W with orthogonal rows, by Gram and Schmidt, each of another length. */
const W: number[][] = [];
for (let j = 0; j < LATENT; j++) {
  let row = numbers(0.3 + j);
  for (const other of W) {
    const along = dot(row, other) / dot(other, other);
    row = row.map((v, d) => v - along * other[d]);
  }
  const length = Math.sqrt(dot(row, row));
  W.push(row.map((v) => ((0.5 + 0.4 * j) * v) / length));
}
const b: readonly number[] = numbers(9).map((v) => 0.3 * v);

/** p(z|x) = N((x - b) · Wᵀ · V / s², V), V = (I + W · Wᵀ / s²)⁻¹, a diagonal matrix. */
const variances = W.map((row) => 1 / (1 + dot(row, row) / SCALE ** 2));
export const EXACT: Numbers = {
  A: Array.from({ length: DIMS }, (_, d) => W.map((row, j) => (row[d] * variances[j]) / SCALE ** 2)),
  a: W.map((row, j) => (-dot(row, b) * variances[j]) / SCALE ** 2),
  v: variances.map(Math.log),
  ...{ W, b },
};

/** The same model with an encoder that is off in its means and too wide or too narrow. */
export const OFF: Numbers = {
  ...EXACT,
  A: EXACT.A.map((row, d) => row.map((v, j) => v + 0.15 * Math.cos(d + 2 * j))),
  a: EXACT.a.map((v, j) => v + 0.2 * Math.cos(j)),
  v: EXACT.v.map((v, j) => v + 0.5 - 0.4 * j),
};

export const tensorsOf = (n: Numbers): Tensor[] => NAMES.map((name) => tensor(n[name].map((v) => (typeof v === "number" ? v : [...v]))));

/** The model as a `Vae` of these five tensors, to which its gradients go. */
export function linearVae([A, a, v, W, b]: readonly Tensor[]): Vae {
  const nothing = new Map<string, Tensor>();
  return vae(
    { model: "linear" },
    {
      ...{ shape: [DIMS], latent: LATENT, beta: 1, prior: standardNormal(LATENT), likelihood: gaussianLikelihood(SCALE) },
      encoder: { parameters: nothing, forward: (x) => x },
      posterior: { parameters: nothing, of: (x) => gaussian(x.matmul(A).add(a), v.broadcastTo([x.shape[0], LATENT])) },
      decoder: { parameters: nothing, forward: (z) => z.matmul(W).add(b) },
    },
  );
}

/** log p(x) = log N(x; b, Wᵀ · W + s²I), by the Cholesky factor of the covariance: nothing here knows of latents or bounds. */
export function logEvidence(x: readonly number[]): number {
  const L: number[][] = [];
  let squared = 0;
  let logDeterminant = 0;
  const y: number[] = []; // L · y = x - b
  for (let i = 0; i < DIMS; i++) {
    L.push([]);
    for (let j = 0; j <= i; j++) {
      const covariance = W.reduce((sum, row) => sum + row[i] * row[j], i === j ? SCALE ** 2 : 0);
      const rest = covariance - dot(L[i].slice(0, j), L[j]);
      L[i].push(i === j ? Math.sqrt(rest) : rest / L[j][j]);
    }
    y.push((x[i] - b[i] - dot(L[i].slice(0, i), y)) / L[i][i]);
    squared += y[i] ** 2;
    logDeterminant += 2 * Math.log(L[i][i]);
  }
  return -0.5 * (squared + logDeterminant + DIMS * Math.log(2 * Math.PI));
}

/** KL(q(z|x) ‖ p(z|x)) of two encoders, which is what an ELBO falls short of the evidence by. */
export function klToPosterior(q: Numbers, x: readonly number[]): number {
  const mean = (n: Numbers, j: number): number => n.a[j] + x.reduce((sum, v, d) => sum + v * n.A[d][j], 0);
  return EXACT.v.reduce((sum, v, j) => {
    const ratio = Math.exp(q.v[j] - v);
    return sum + 0.5 * ((mean(q, j) - mean(EXACT, j)) ** 2 / Math.exp(v) + ratio - 1 - Math.log(ratio));
  }, 0);
}
