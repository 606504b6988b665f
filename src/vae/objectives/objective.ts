// What a training makes smaller. Each objective stands in a file of its own beside this one, and in the list of ../objectives.ts. All
// are nats per example, averaged over the batch, and all tell reconstruction and KL apart, whatever else they put into the loss.

import type { Tensor } from "../../index.ts";
import type { Given, Vae } from "../model.ts";

export interface Objective {
  readonly name: ObjectiveName;
  /** How the loss is made of its parts, in a formula for people. */
  readonly formula: string;
  terms(model: Vae, x: Tensor, now?: Moment): Terms<Tensor>;
}

export type ObjectiveName = "vae" | "ae" | "iwae" | "dreg";

/** When and on what an objective is computed, besides x. */
export interface Moment extends Given {
  /** The standard normal numbers behind z, to have the same ones elsewhere: [batch, latent], or [samples, batch, latent]. */
  readonly noise?: Tensor | undefined;
  /** Steps done so far, f32, for schedules. Without it they stand where they end: losses of an evaluation compare with each other. */
  readonly step?: Tensor | undefined;
  /** Nobody will ask for a gradient, so that none need be prepared. */
  readonly valuesOnly?: boolean | undefined;
}

/** In nats per example. */
export interface Terms<T> {
  /** What is made smaller. With `vae` and beta 1 it is the negative ELBO, an upper bound on -log p(x); with `iwae` and `dreg` a lower one of these. */
  readonly loss: T;
  /** -log p(x|z), for one z from q(z|x); of several the average, which is the same but for its noise. */
  readonly reconstruction: T;
  /** KL(q(z|x) ‖ p(z)), multiplied by nothing. 0 of an autoencoder, which has no q. */
  readonly kl: T;
  /** What the KL is multiplied by now, where a schedule says it. */
  readonly beta?: T;
  /** The KL that is aimed at now, where a schedule says it. */
  readonly capacity?: T;
}
