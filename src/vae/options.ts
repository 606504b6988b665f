// What all kinds of models have in common when they are made: the options that each takes, and how options are checked. They may come
// from a file, so nothing is taken for granted.

import { type Draw, type Initialization, initializations } from "./initial.ts";
import { type Activation, activations } from "./layers.ts";
import { scaleOf } from "./likelihoods/likelihood.ts";
import { type LikelihoodName, likelihoodNames, likelihoods, type Scale } from "./likelihoods.ts";
import type { Vae, VaeConfig } from "./model.ts";
import { choice, notNegative, seedOf, whole } from "./settings.ts";

/** What every model is told. */
export interface ModelOptions {
  readonly latent?: number;
  /** `likelihoodFor` tells which one fits given data. */
  readonly likelihood?: LikelihoodName;
  /** Of a likelihood that has one: fixed, one learned number, or a number that the decoder gives for each value. */
  readonly scale?: Scale;
  /** Makes a conditional model: how many classes the labels tell apart. */
  readonly classes?: number;
  readonly beta?: number;
  readonly activation?: Activation;
  /** How large the first weights are. */
  readonly init?: Initialization;
  /** Of the first parameters. */
  readonly seed?: number;
}

/** A kind of model, as the list in models.ts has it. */
export interface ModelKind {
  /** Every option that it knows, with the value that it has if it is not given. */
  readonly defaults: Defaults;
  /** The model that a config describes, which may come from a file. */
  build(config: VaeConfig, draw?: Draw): Vae;
  /** The sizes of the layers down to the latents, for people. */
  outline(config: VaeConfig): string;
}

export type Defaults = Readonly<Record<string, VaeConfig[string] | undefined>>;

export const modelDefaults: Defaults = {
  ...{ likelihood: "bernoulli", scale: undefined, beta: 1, classes: undefined, activation: "relu", init: "pytorch", seed: 1 },
};

/** All options of a model, given or not; what it does not know is refused. */
export function completed(caller: string, defaults: Defaults, options: object): Readonly<Record<string, unknown>> {
  const given = Object.entries(options).filter(([name, value]) => value !== undefined && name !== "model");
  const unknown = given.find(([name]) => !Object.hasOwn(defaults, name));
  if (unknown) throw new Error(`${caller}: unknown option "${unknown[0]}"; it takes ${Object.keys(defaults).join(", ")}`);
  return { ...defaults, ...Object.fromEntries(given) };
}

export type CheckedOptions = Required<Omit<ModelOptions, "scale" | "classes">> & Pick<ModelOptions, "scale" | "classes">;

const MOST_CLASSES = 256; // labels are bytes

/** The options that all models have, checked, as a config holds them. */
export function checkedOptions(all: Readonly<Record<string, unknown>>): CheckedOptions {
  const { latent, classes, beta, activation, init, seed } = all;
  const likelihood = choice("likelihood", all["likelihood"], likelihoodNames);
  const scale = scaleOf(likelihood, likelihoods[likelihood], all["scale"]);
  return {
    latent: whole("latent", latent),
    likelihood,
    ...(scale === undefined ? {} : { scale }),
    ...(classes === undefined ? {} : { classes: whole("classes", classes, 2, MOST_CLASSES) }),
    beta: notNegative("beta", beta),
    activation: choice("activation", activation, Object.keys(activations) as Activation[]),
    init: choice("init", init, initializations),
    seed: seedOf(seed),
  };
}
