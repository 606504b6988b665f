// Losses and gradients of all objectives on the linear model, for given noise, against float64.

import { grad, tensor } from "../../index.ts";
import { normal, threefry } from "../../kernels/random/threefry.ts";
import { autoencoder, dreg, elbo, iwae, type Objective } from "../objectives.ts";
import { type Finding, finding } from "./finding.ts";
import { batch, LATENT, linearVae, type Matrix, type Numbers, OFF, tensorsOf, X } from "./linear.ts";
import { doublyReparameterized, type PlainLoss, plain, slopes } from "./plain.ts";

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

export async function* gradients(): AsyncGenerator<Finding, void> {
  for (const each of checked) yield* checkObjective(each);
}

/** Loss and gradient of an objective of the linear model, for given noise, against float64. */
export async function* checkObjective({ title, objective, samples, loss, gradient }: Checked): AsyncGenerator<Finding, void> {
  const noise = Array.from({ length: samples }, (_, k) =>
    X.map((_, i) => Array.from({ length: LATENT }, (_, j) => normal(...threefry(k, i, 0, j)))),
  );
  const drawn = tensor(samples === 1 ? noise[0] : noise);
  const parameters = tensorsOf(OFF);
  const terms = objective.terms(linearVae(parameters), batch(), { noise: drawn });
  const [[value], ...gradients] = await Promise.all([terms.loss, ...grad(terms.loss, parameters)].map((t) => t.data()));
  const expected = loss(OFF, X, noise);
  yield finding(`${title}: loss`, value, expected, 1e-5 * Math.abs(expected));
  const slope = gradient ? gradient(OFF, X, noise) : slopes(loss, OFF, X, noise);
  const found = gradients.flatMap((values) => [...values]);
  const error = Math.max(...found.map((v, i) => Math.abs(v - slope[i]))) / Math.max(...slope.map(Math.abs));
  yield finding(`${title}: gradient, error / largest slope`, error, 0, 1e-4);
}
