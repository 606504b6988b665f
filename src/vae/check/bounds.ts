// Which bounds lie below the evidence of the linear model, and by how much.

import { compile, grad } from "../../index.ts";
import { dreg, elbo, iwae, type Objective } from "../objectives.ts";
import { type Finding, finding } from "./finding.ts";
import { batch, ENCODER, EXACT, klToPosterior, linearVae, logEvidence, type Numbers, OFF, tensorsOf, X } from "./linear.ts";

const average = (values: readonly number[]): number => values.reduce((sum, v) => sum + v, 0) / values.length;
const evidence = average(X.map(logEvidence));

/** With q(z|x) = p(z|x) each weight p(x|z) p(z) / q(z|x) is p(x), whatever z: nothing is left to chance. */
export async function* exactBounds(): AsyncGenerator<Finding, void> {
  for (const samples of [1, 8]) {
    const bounds = await drawn(iwae({ samples }), EXACT, { times: 1, replays: 50 });
    const allowed = 1e-5 * Math.abs(evidence);
    const off = bounds.find((bound) => !(Math.abs(bound - evidence) <= allowed)); // also if it is no number
    yield finding(`exact q: bound of k = ${samples}, each of 50, is log p(x)`, off ?? bounds[0], evidence, allowed);
  }
  const parameters = tensorsOf(EXACT);
  const { loss } = dreg({ samples: 8 }).terms(linearVae(parameters), batch());
  const slopes = await Promise.all(grad(loss, parameters.slice(0, ENCODER)).map((t) => t.data()));
  const steepest = Math.max(...slopes.flatMap((values) => [...values].map(Math.abs)));
  yield finding("exact q: dreg gives the encoder no slope", steepest, 0, 1e-4);
}

/** With chance: what is allowed are four standard errors. */
export async function* bounds(): AsyncGenerator<Finding, void> {
  const elboOfExact = await estimate(elbo(), EXACT);
  yield finding("exact q: ELBO is log p(x)", elboOfExact.mean, evidence, elboOfExact.allowed);
  const gap = average(X.map((x) => klToPosterior(OFF, x)));
  const elboOfOff = await estimate(elbo(), OFF);
  yield finding("other q: ELBO is log p(x) - KL(q || p(z|x))", elboOfOff.mean, evidence - gap, elboOfOff.allowed);
  let last = await estimate(iwae({ samples: 1 }), OFF);
  yield finding("other q: bound of k = 1 is the ELBO", last.mean, evidence - gap, last.allowed);
  for (const samples of [4, 16, 64]) {
    const bound = await estimate(iwae({ samples }), OFF);
    const allowed = last.allowed + bound.allowed;
    yield finding(`other q: bound of k = ${samples} is no worse than of fewer`, last.mean, bound.mean, allowed, "at most");
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
  const step = compile(() => objective.terms(model, x, { valuesOnly: true }).loss.neg(), { seed: 1 });
  try {
    return [...(await step.repeat(replays).data())];
  } finally {
    step.dispose();
    for (const t of [...parameters, x]) t.dispose(); // what a step captured stays on the device
  }
}
