// Is the loss right? A check that anybody can run on the device that is to be trusted: a linear Gaussian VAE, of which the evidence is known
// (check/linear.ts), so that it can be seen which bounds lie below it and by how much; all objectives and their gradients against float64
// (check/plain.ts); and that each likelihood is a distribution.

import { compile, grad, type Tensor, tensor } from "../index.ts";
import { normal, threefry } from "../kernels/random/threefry.ts";
import {
  ENCODER,
  EXACT,
  klToPosterior,
  LATENT,
  linearVae,
  logEvidence,
  type Matrix,
  type Numbers,
  OFF,
  tensorsOf,
  X,
} from "./check/linear.ts";
import { doublyReparameterized, type PlainLoss, plain, slopes } from "./check/plain.ts";
import { likelihoodNames, likelihoods, type Support } from "./likelihoods.ts";
import { autoencoder, dreg, elbo, iwae, type Objective } from "./objectives.ts";

/** One thing that must hold: `found` is `expected`, or at most that, but for what is `allowed`. */
export interface Finding {
  readonly what: string;
  readonly expected: number;
  readonly found: number;
  readonly relation: "equal" | "at most";
  readonly allowed: number;
  readonly holds: boolean;
}

/** All findings, as they are made, on the device that was opened last. */
export async function* selfCheck(): AsyncGenerator<Finding, void> {
  yield* gradients();
  yield* exactBounds();
  yield* bounds();
  yield* masses();
}

function finding(what: string, found: number, expected: number, allowed: number, relation: Finding["relation"] = "equal"): Finding {
  const distance = relation === "equal" ? Math.abs(found - expected) : found - expected;
  return { what, expected, found, relation, allowed, holds: distance <= allowed };
}

/** An objective beside its formula in float64. */
export interface Checked {
  readonly title: string;
  readonly objective: Objective;
  readonly samples: number;
  readonly loss: PlainLoss;
  /** If it is not the loss's own. */
  readonly gradient?: (n: Numbers, x: Matrix, noise: readonly Matrix[]) => number[];
}

const SAMPLES = 5;
export const checked: readonly Checked[] = [
  { title: "vae", objective: elbo(), samples: 1, loss: plain.elbo(1) },
  { title: "vae, beta 4", objective: elbo({ beta: 4 }), samples: 1, loss: plain.elbo(4) },
  { title: "vae, free bits 0.6", objective: elbo({ freeBits: 0.6 }), samples: 1, loss: plain.freeBits(0.6) },
  { title: "vae, capacity 3, beta 2", objective: elbo({ capacity: 3, beta: 2 }), samples: 1, loss: plain.capacity(2, 3) },
  { title: "ae", objective: autoencoder(), samples: 1, loss: plain.autoencoder() },
  { title: `iwae, ${SAMPLES} samples`, objective: iwae({ samples: SAMPLES }), samples: SAMPLES, loss: plain.iwae() },
  {
    title: `dreg, ${SAMPLES} samples`,
    objective: dreg({ samples: SAMPLES }),
    samples: SAMPLES,
    loss: plain.iwae(),
    gradient: doublyReparameterized,
  },
];

async function* gradients(): AsyncGenerator<Finding, void> {
  for (const each of checked) yield* checkObjective(each);
}

/** Loss and gradient of an objective of the linear model, for given noise, against float64. */
export async function* checkObjective({ title, objective, samples, loss, gradient }: Checked): AsyncGenerator<Finding, void> {
  const noise = Array.from({ length: samples }, (_, k) =>
    X.map((_, i) => Array.from({ length: LATENT }, (_, j) => normal(...threefry(k, i, 0, j)))),
  );
  const drawn = tensor(samples === 1 ? noise[0] : noise);
  const parameters = tensorsOf(OFF);
  const terms = objective.terms(linearVae(parameters), batch(), { noise: drawn, training: true });
  const [[value], ...gradients] = await Promise.all([terms.loss, ...grad(terms.loss, parameters)].map((t) => t.data()));
  const expected = loss(OFF, X, noise);
  yield finding(`${title}: loss`, value, expected, 1e-5 * Math.abs(expected));
  const slope = gradient ? gradient(OFF, X, noise) : slopes(loss, OFF, X, noise);
  const found = gradients.flatMap((values) => [...values]);
  const error = Math.max(...found.map((v, i) => Math.abs(v - slope[i]))) / Math.max(...slope.map(Math.abs));
  yield finding(`${title}: gradient, error / largest slope`, error, 0, 1e-4);
}

/** The examples, each `times` times. */
const batch = (times = 1): Tensor => tensor(Array.from({ length: times }, () => X.map((row) => [...row])).flat());
const average = (values: readonly number[]): number => values.reduce((sum, v) => sum + v, 0) / values.length;
const evidence = average(X.map(logEvidence));

/** With q(z|x) = p(z|x) each weight p(x|z) p(z) / q(z|x) is p(x), whatever z: nothing is left to chance. */
async function* exactBounds(): AsyncGenerator<Finding, void> {
  for (const samples of [1, 8]) {
    const bounds = await drawn(iwae({ samples }), EXACT, { times: 1, replays: 50 });
    const furthest = bounds.reduce((worst, bound) => (Math.abs(bound - evidence) > Math.abs(worst - evidence) ? bound : worst));
    yield finding(`exact q: bound of k = ${samples}, the worst of 50, is log p(x)`, furthest, evidence, 1e-5 * Math.abs(evidence));
  }
  const parameters = tensorsOf(EXACT);
  const { loss } = dreg({ samples: 8 }).terms(linearVae(parameters), batch(), { training: true });
  const slopes = await Promise.all(grad(loss, parameters.slice(0, ENCODER)).map((t) => t.data()));
  const steepest = Math.max(...slopes.flatMap((values) => [...values].map(Math.abs)));
  yield finding("exact q: dreg gives the encoder no slope", steepest, 0, 1e-4);
}

/** With chance: what is allowed are four standard errors. */
async function* bounds(): AsyncGenerator<Finding, void> {
  const elboOfExact = await estimate(elbo(), EXACT);
  yield finding("exact q: ELBO is log p(x)", elboOfExact.mean, evidence, elboOfExact.allowed);
  const gap = average(X.map((x) => klToPosterior(OFF, x)));
  const elboOfOff = await estimate(elbo(), OFF);
  yield finding("other q: ELBO is log p(x) - KL(q || p(z|x))", elboOfOff.mean, evidence - gap, elboOfOff.allowed);
  let last = elboOfOff;
  for (const samples of [1, 4, 16, 64]) {
    const bound = await estimate(iwae({ samples }), OFF);
    if (samples === 1) yield finding("other q: bound of k = 1 is the ELBO", bound.mean, evidence - gap, bound.allowed);
    else
      yield finding(
        `other q: bound of k = ${samples} is no worse than of fewer`,
        last.mean,
        bound.mean,
        last.allowed + bound.allowed,
        "at most",
      );
    yield finding(`other q: bound of k = ${samples} is below log p(x)`, bound.mean, evidence, bound.allowed, "at most");
    last = bound;
  }
}

async function estimate(objective: Objective, n: Numbers): Promise<{ mean: number; allowed: number }> {
  const values = await drawn(objective, n, { times: 64, replays: 32 });
  const mean = average(values);
  const error = Math.sqrt(average(values.map((v) => (v - mean) ** 2)) / (values.length - 1));
  return { mean, allowed: 4 * error + 1e-5 * Math.abs(mean) }; // and the rounding of f32
}

/** The negative loss, for noise that is drawn anew each time. */
async function drawn(objective: Objective, n: Numbers, { times, replays }: { times: number; replays: number }): Promise<number[]> {
  const parameters = tensorsOf(n);
  const model = linearVae(parameters);
  const x = batch(times);
  const step = compile(() => objective.terms(model, x).loss.neg(), { seed: 1 });
  try {
    return [...(await step.repeat(replays).data())];
  } finally {
    step.dispose();
    for (const t of [...parameters, x]) t.dispose(); // what a step captured stays on the device
  }
}

/** Each likelihood, over all values that x can have. */
async function* masses(): AsyncGenerator<Finding, void> {
  for (const name of likelihoodNames) {
    const { of, scales } = likelihoods[name];
    for (const scale of scales.length > 0 ? scales : [undefined]) {
      const likelihood = of(scale === "number" ? 0.5 : scale);
      const { x, width } = values(likelihood.support);
      const decoded = tensor([0.4, -1].slice(0, likelihood.outputs)).broadcastTo([x.length, 1, likelihood.outputs]);
      const fit = likelihood.outputs === 1 ? decoded.reshape([x.length, 1]) : decoded;
      const logs = [...(await likelihood.logProb(tensor(x, [x.length, 1]), fit).data())];
      for (const t of likelihood.parameters.values()) t.dispose();
      const total = logs.reduce((sum, log) => sum + Math.exp(log) * width, 0);
      const form = scale === undefined ? "" : `, ${scale === "number" ? "fixed" : scale} scale`;
      yield finding(`${name}${form}: p(x) sums to`, total, 1, 1e-4);
    }
  }
}

/** The values of x, and the width that each stands for. Beyond 20 nothing is left of the densities that are looked at. */
function values(support: Support): { x: Float32Array; width: number } {
  if (support === "bits") return { x: Float32Array.of(0, 1), width: 1 };
  if (support === "bytes") return { x: Float32Array.from({ length: 256 }, (_, i) => i / 255), width: 1 };
  const [from, to] = support === "unit" ? [0, 1] : [-20, 20];
  const width = (to - from) / 4000;
  return { x: Float32Array.from({ length: 4000 }, (_, i) => from + (i + 0.5) * width), width };
}
