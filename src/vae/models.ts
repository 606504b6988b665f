// The list of models. What stands here can be built from a config, saved, loaded, and chosen by name.

import { conv, conv28, conv64 } from "./conv.ts";
import { dense } from "./dense.ts";
import type { Draw } from "./initial.ts";
import type { Vae, VaeConfig } from "./model.ts";
import type { ModelKind } from "./options.ts";
import { choice } from "./settings.ts";

export const models: Readonly<Record<string, ModelKind>> = { dense, conv, conv28, conv64 };

export const modelNames: readonly string[] = Object.keys(models);

const kindOf = ({ model }: VaeConfig): ModelKind => models[choice("model", model, modelNames)];

/** The model that a config describes, with its first parameters. */
export const build = (config: VaeConfig, draw?: Draw): Vae => kindOf(config).build(config, draw);

/** The sizes of its layers down to the latents: 784-400-20. */
export const outline = (config: VaeConfig): string => kindOf(config).outline(config);
