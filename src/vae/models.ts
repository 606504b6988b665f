// The list of models. What stands here can be built from a config, saved, loaded, and chosen by name.

import { type DenseOptions, denseVae } from "./dense.ts";
import type { Draw } from "./layers.ts";
import type { Vae, VaeConfig } from "./model.ts";
import { choice } from "./settings.ts";

const models: Readonly<Record<string, (config: VaeConfig, draw?: Draw) => Vae>> = {
  dense: (config, draw) => denseVae(config as VaeConfig & DenseOptions, draw), // which checks every option, as if it were unknown
};

export const modelNames: readonly string[] = Object.keys(models);

/** The model that a config describes, with its first parameters. */
export function build(config: VaeConfig, draw?: Draw): Vae {
  return models[choice("model", config.model, modelNames)](config, draw);
}
