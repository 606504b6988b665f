// A dense VAE's loss written out in float64 with loops over arrays, from nothing but the numbers: an opinion that shares no code with Elbo.
import type { Vae } from "../../src/vae/index.ts";

type Matrix = number[][];

/** Loss terms of one batch for a Bernoulli, or a Gaussian with the given scale, and noise [batch][latent]. */
export async function plainTerms(model: Vae, x: Matrix, noise: Matrix, scale?: number) {
  const values = new Map<string, number[]>();
  for (const [name, t] of model.parameters) values.set(name, [...(await t.data())]);
  const layer = (name: string, row: number[]) => {
    const w = values.get(`${name}.weight`)!;
    const b = values.get(`${name}.bias`)!;
    return b.map((start, j) => row.reduce((sum, v, i) => sum + v * w[i * b.length + j], start)); // W is [in, out]
  };
  const relu = (row: number[]) => row.map((v) => Math.max(v, 0));
  let reconstruction = 0;
  let kl = 0;
  x.forEach((row, n) => {
    const h = relu(layer("encoder.0", row));
    const mean = layer("mean", h);
    const logVariance = layer("logVariance", h);
    const z = mean.map((m, i) => m + Math.sqrt(Math.exp(logVariance[i])) * noise[n][i]);
    const out = layer("decoder.2", relu(layer("decoder.0", z)));
    row.forEach((v, i) => {
      const p = 1 / (1 + Math.exp(-out[i]));
      if (scale === undefined) reconstruction -= v * Math.log(p) + (1 - v) * Math.log(1 - p);
      else reconstruction += (v - out[i]) ** 2 / (2 * scale ** 2) + Math.log(scale * Math.sqrt(2 * Math.PI));
    });
    mean.forEach((m, i) => {
      kl += 0.5 * (m * m + Math.exp(logVariance[i]) - 1 - logVariance[i]);
    });
  });
  return { loss: (reconstruction + kl) / x.length, reconstruction: reconstruction / x.length, kl: kl / x.length };
}
