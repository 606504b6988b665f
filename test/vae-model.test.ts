// Is the loss right? Distributions against their definitions, a whole model against a computation that shares no code with it.
import { describe, expect, test } from "vitest";
import { checkGradient, seed, type Tensor, tensor } from "../src/index.ts";
import { sample } from "../src/kernels/sample.ts";
import {
  activations,
  bernoulli,
  build,
  type DenseOptions,
  denseVae,
  gaussian,
  gaussianLikelihood,
  initializer,
  type Layer,
  linear,
  sequential,
  standardNormal,
  type Vae,
  vae,
} from "../src/vae/index.ts";
import { onEachDevice } from "./setup/each-device.ts";
import { plainTerms } from "./setup/plain.ts";

/** ∫ f over ±20, where everything integrated here has long been 0. */
function integral(f: (x: number) => number): number {
  const step = 1e-3;
  let sum = 0;
  for (let x = -20; x < 20; x += step) sum += f(x + step / 2) * step;
  return sum;
}
const normalDensity = (x: number, mean: number, variance: number) =>
  Math.exp((-0.5 * (x - mean) ** 2) / variance) / Math.sqrt(2 * Math.PI * variance);

describe("distributions", () => {
  const mean = [0, 1.5, -0.7];
  const logVariance = [0, -2, 1.2];

  onEachDevice("KL to the standard normal is the integral of q · log(q / p)", async () => {
    const expected = mean.map((m, i) => {
      const v = Math.exp(logVariance[i]);
      return integral((x) => {
        const q = normalDensity(x, m, v);
        return q > 0 ? q * Math.log(q / normalDensity(x, 0, 1)) : 0;
      });
    });
    const each = await gaussian(tensor(mean).reshape([3, 1]), tensor(logVariance).reshape([3, 1]))
      .klToStandard()
      .data();
    expect(each[0]).toBe(0);
    for (const i of [1, 2]) expect(each[i]).toBeCloseTo(expected[i], 5);
    const [all] = await gaussian(tensor([mean]), tensor([logVariance]))
      .klToStandard()
      .data();
    expect(all).toBeCloseTo(expected[0] + expected[1] + expected[2], 5); // summed over latents
  });

  onEachDevice("KL of a latent that carries almost nothing is not lost in rounding", async () => {
    const tiny = 1e-3; // ½ (e^t - 1 - t) = t²/4 + …
    const [kl] = await gaussian(tensor([[0]]), tensor([[tiny]]))
      .klToStandard()
      .data();
    expect(kl / (tiny ** 2 / 4 + tiny ** 3 / 12)).toBeCloseTo(1, 3);
  });

  onEachDevice("densities are those of the normal distribution", async () => {
    const q = gaussian(tensor([[0.3, -1]]), tensor([[0.5, -0.4]]));
    const [log] = await q.logDensity(tensor([[1, -0.8]])).data();
    const expected = Math.log(normalDensity(1, 0.3, Math.exp(0.5))) + Math.log(normalDensity(-0.8, -1, Math.exp(-0.4)));
    expect(log).toBeCloseTo(expected, 5);
    const [prior] = await standardNormal(2)
      .logDensity(tensor([[1, -0.8]]))
      .data();
    expect(prior).toBeCloseTo(Math.log(normalDensity(1, 0, 1) * normalDensity(-0.8, 0, 1)), 5);
  });

  onEachDevice("z is mean + σ · noise", async () => {
    const z = gaussian(tensor([[1, 2]]), tensor([[0, Math.log(9)]])).sample(tensor([[0.5, -1]]));
    const [a, b] = await z.data();
    expect(a).toBeCloseTo(1.5, 5);
    expect(b).toBeCloseTo(-1, 5);
  });

  onEachDevice("drawn latents have the mean and the variance that they should", async () => {
    seed(1);
    const q = gaussian(tensor([[2]]).broadcastTo([10_000, 1]), tensor([[Math.log(0.25)]]).broadcastTo([10_000, 1]));
    const z = [...(await q.sample().data())];
    const average = z.reduce((a, b) => a + b, 0) / z.length;
    const variance = z.reduce((a, b) => a + (b - average) ** 2, 0) / z.length;
    expect(Math.abs(average - 2)).toBeLessThan(0.02); // four standard errors
    expect(Math.abs(variance - 0.25)).toBeLessThan(0.015);
  });

  onEachDevice("a Bernoulli's log probability is right at every logit", async () => {
    const logits = [-90, -20, -1, 0, 3, 90];
    for (const x of [0, 1, 0.3]) {
      const got = await bernoulli()
        .logProb(tensor(logits.map(() => [x])), tensor(logits.map((l) => [l])))
        .data();
      logits.forEach((l, i) => {
        const exact = -(1 - x) * Math.max(l, 0) - x * Math.max(-l, 0) - Math.log1p(Math.exp(-Math.abs(l)));
        expect(Math.abs(got[i] - exact)).toBeLessThanOrEqual(1e-6 * Math.max(1, Math.abs(exact)));
      });
    }
  });

  onEachDevice("a Gaussian's log density is right, with a fixed and with a learned scale", async () => {
    const x = tensor([[0.2, 0.9]]);
    const decoded = tensor([[0.5, 1.1]]);
    const log = (scale: number) => Math.log(normalDensity(0.2, 0.5, scale ** 2) * normalDensity(0.9, 1.1, scale ** 2));
    expect((await gaussianLikelihood(0.1).logProb(x, decoded).data())[0]).toBeCloseTo(log(0.1), 4);
    const learned = gaussianLikelihood();
    const scale = Math.exp(await learned.parameters.get("logScale")!.item());
    expect((await learned.logProb(x, decoded).data())[0]).toBeCloseTo(log(scale), 5);
    learned.parameters.get("logScale")!.dispose();
  });

  onEachDevice("samples of a likelihood have its mean", async () => {
    seed(2);
    const decoded = tensor([0.8]).broadcastTo([10_000, 1]);
    const average = async (t: Tensor) => (await t.mean().data())[0];
    expect(Math.abs((await average(bernoulli().sample(decoded))) - 1 / (1 + Math.exp(-0.8)))).toBeLessThan(0.02); // four standard errors
    expect(Math.abs((await average(gaussianLikelihood(0.5).sample(decoded))) - 0.8)).toBeLessThan(0.02);
  });

  for (const [name, check] of Object.entries({
    "KL to the standard normal": () => checkGradient((m, v) => gaussian(m, v).klToStandard(), [sample([5, 3]), sample([5, 3], -2, 2, 1)]),
    "the Gaussian density": () =>
      checkGradient((z, m, v) => gaussian(m, v).logDensity(z), [sample([5, 3]), sample([5, 3], -1, 1, 1), sample([5, 3], -1, 1, 2)]),
    "the sample": () =>
      checkGradient((m, v) => gaussian(m, v).sample(sample([5, 3], -2, 2, 7)), [sample([5, 3]), sample([5, 3], -2, 2, 1)]),
    "the Bernoulli": () => checkGradient((l) => bernoulli().logProb(sample([5, 7], 0, 1), l), [sample([5, 7], -5, 5, 1)]),
    "the Gaussian likelihood": () => checkGradient((d) => gaussianLikelihood(0.7).logProb(sample([5, 7], 0, 1), d), [sample([5, 7])]),
  })) {
    test(`the gradient of ${name} matches finite differences [js]`, check);
  }
});

describe("data that a likelihood does not fit", () => {
  test("a Bernoulli refuses what is outside [0, 1] and tells which", () => {
    const { check } = bernoulli();
    check([0, 1, 0.5, 1], 2);
    expect(() => check([0, 1, 0.5, 1.01], 2)).toThrow(/bernoulli: value 1 of example 1 is 1.01, outside \[0, 1\].*"gaussian"/);
    expect(() => check([-0.1], 2)).toThrow(/value 0 of example 0 is -0.1/);
    expect(() => check([0, Number.NaN], 2)).toThrow(/value 1 of example 0 is NaN/);
    check(Uint8Array.of(0, 255), 2, 255);
    expect(() => check(Uint8Array.of(0, 1, 0, 2), 2, 1)).toThrow(/value 1 of example 1 is 2, outside \[0, 1\]/);
  });

  test("a Gaussian refuses what is not finite", () => {
    const { check } = gaussianLikelihood(1);
    check([-5, 1e6], 2);
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) expect(() => check([0, 0, 0, bad], 2)).toThrow(/value 1 of example 1/);
  });

  test("a model refuses values that are at hand", () => {
    using model = small();
    expect(() => model.terms(tensor([[0, 128, 255, 0, 0, 0]]))).toThrow(/bernoulli: value 1 of example 0 is 128/);
    expect(() => model.encode(tensor([[0, Number.NaN, 0, 0, 0, 0]]))).toThrow(/is NaN/);
    expect(() => model.encode(tensor([[0, 1]]))).toThrow(/examples are \[2, 3, 1\] here; tensor \[1, 2\]/);
    expect(() => model.decode(tensor([[0, 1]]))).toThrow(/latents are \[batch, 3\]/);
  });
});

const small = (options: Partial<DenseOptions> = {}): Vae => denseVae({ input: [2, 3, 1], hidden: 5, latent: 3, ...options });

/** The values of a tensor as rows. */
const rows = async (t: Tensor) => (await t.array()) as number[][];

describe("a dense VAE", () => {
  for (const likelihood of ["bernoulli", "gaussian"] as const) {
    onEachDevice(`has the loss of a plain computation: ${likelihood}`, async () => {
      using model = small({ likelihood, ...(likelihood === "gaussian" ? { scale: 0.3 } : {}) });
      const x = sample([7, 6], 0, 1);
      const noise = sample([7, 3], -2, 2, 1);
      const { loss, reconstruction, kl } = model.terms(x, { noise });
      const [l, r, k] = await Promise.all([loss.item(), reconstruction.item(), kl.item()]);
      const plain = await plainTerms(model, await rows(x), await rows(noise), likelihood === "gaussian" ? 0.3 : undefined);
      expect(Math.abs(l / plain.loss - 1)).toBeLessThan(1e-5);
      expect(Math.abs(r / plain.reconstruction - 1)).toBeLessThan(1e-5);
      expect(Math.abs(k / plain.kl - 1)).toBeLessThan(1e-4);

      const half = await model.terms(x, { noise, beta: 0.5 }).loss.item();
      expect(Math.abs(half / (plain.reconstruction + 0.5 * plain.kl) - 1)).toBeLessThan(1e-5);
      const each = model.elbo(x, noise);
      const [rs, ks] = await Promise.all([each.reconstruction.data(), each.kl.data()]);
      const one = await plainTerms(model, [(await rows(x))[4]], [(await rows(noise))[4]], likelihood === "gaussian" ? 0.3 : undefined);
      expect([rs.length, ks.length]).toEqual([7, 7]);
      expect(Math.abs(rs[4] / one.reconstruction - 1)).toBeLessThan(1e-5);
      expect(Math.abs(ks[4] / one.kl - 1)).toBeLessThan(1e-4);
    });
  }

  onEachDevice("takes images in their shape or flat, and gives them back in their shape", async () => {
    using model = small();
    const x = sample([4, 6], 0, 1);
    expect(model.reconstruct(x).shape).toEqual([4, 2, 3, 1]);
    expect(await model.reconstruct(x.reshape([4, 2, 3, 1])).data()).toEqual(await model.reconstruct(x).data());
    const pictures = model.sample(5);
    expect(pictures.shape).toEqual([5, 2, 3, 1]);
    for (const p of await pictures.data()) expect(p).toBeGreaterThan(0);
  });

  test("its gradient matches finite differences, through the noise to every parameter [js]", async () => {
    const layer = (w: Tensor, b: Tensor): Layer => ({ parameters: new Map(), forward: (x) => x.matmul(w).add(b) });
    const lossOf = (...p: Tensor[]) => {
      const [down, mean, logVariance, up, out] = [0, 2, 4, 6, 8].map((i) => layer(p[i], p[i + 1]));
      const model = vae(
        { model: "made of parts" },
        {
          ...{ shape: [6], latent: 3, beta: 0.5, prior: standardNormal(3), likelihood: bernoulli() },
          encoder: sequential(down, activations.tanh),
          posterior: { parameters: new Map(), of: (h) => gaussian(mean.forward(h), logVariance.forward(h)) },
          decoder: sequential(up, activations.softplus, out),
        },
      );
      return model.terms(sample([4, 6], 0, 1), { noise: sample([4, 3], -1, 1, 1) }).loss;
    };
    const sizes = [6, 5, 5, 3, 5, 3, 3, 5, 5, 6];
    const parameters = [0, 2, 4, 6, 8].flatMap((i) => [sample([sizes[i], sizes[i + 1]], -1, 1, i), sample([sizes[i + 1]], -1, 1, i + 1)]);
    await checkGradient(lossOf, parameters);
  });

  test("names its parameters as PyTorch does", () => {
    using model = small({ hidden: [5, 4], likelihood: "gaussian" });
    expect(Object.fromEntries(Array.from(model.parameters, ([name, t]) => [name, `${t.shape}`]))).toEqual({
      "encoder.0.weight": "6,5",
      "encoder.0.bias": "5",
      "encoder.2.weight": "5,4",
      "encoder.2.bias": "4",
      "mean.weight": "4,3",
      "mean.bias": "3",
      "logVariance.weight": "4,3",
      "logVariance.bias": "3",
      "decoder.0.weight": "3,4",
      "decoder.0.bias": "4",
      "decoder.2.weight": "4,5",
      "decoder.2.bias": "5",
      "decoder.4.weight": "5,6",
      "decoder.4.bias": "6",
      "likelihood.logScale": "",
    });
  });

  test("begins as PyTorch's linear layers do: uniform within 1/√inputs", async () => {
    const { parameters } = linear(100, 50, initializer(3));
    for (const t of parameters.values()) {
      const largest = Math.max(...Array.from(await t.data(), Math.abs));
      expect(largest).toBeLessThanOrEqual(0.1);
      expect(largest).toBeGreaterThan(0.09);
      t.dispose();
    }
  });

  test("is the same for the same seed, and from its config", async () => {
    using a = small({ seed: 5 });
    using b = build(JSON.parse(JSON.stringify(a.config)));
    using c = small({ seed: 6 });
    for (const [name, t] of a.parameters) {
      expect(await b.parameters.get(name)!.data()).toEqual(await t.data());
      expect(await c.parameters.get(name)!.data()).not.toEqual(await t.data());
    }
  });

  const bad: [string, Record<string, unknown>, RegExp][] = [
    ["a negative width", { hidden: [400, -1] }, /hidden: -1 is not a whole number of 1 or more/],
    ["no layers", { hidden: [] }, /hidden: 0 sizes/],
    ["a broken latent", { latent: 2.5 }, /latent: 2.5 is not a whole number/],
    ["a size that is no number", { input: "784" }, /input: "784" is not a whole number/],
    ["an unknown likelihood", { likelihood: "cauchy" }, /likelihood: "cauchy" is not one of bernoulli, continuous-bernoulli/],
    ["an unknown activation", { activation: "__proto__" }, /activation: "__proto__" is not one of elu/],
    ["a scale of zero", { likelihood: "gaussian", scale: 0 }, /scale: 0 is not a number above 0/],
    ["a scale without use", { scale: 2 }, /scale: 2 is of no use to a bernoulli/],
    ["beta that is no number", { beta: Number.NaN }, /beta: NaN is not a number of 0 or more/],
    ["a negative seed", { seed: -1 }, /seed: -1/],
    ["absurd sizes", { hidden: [2 ** 40, 2 ** 40] }, /parameters or more, which exceeds/],
  ];
  for (const [name, options, message] of bad) {
    test(`refuses ${name}`, () => {
      expect(() => small(options as Partial<DenseOptions>)).toThrow(message);
    });
  }
  test("refuses a model it does not know", () => {
    expect(() => build({ model: "toString" })).toThrow(/model: "toString" is not one of dense/);
  });
});
