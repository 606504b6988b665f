// The list of objectives: what stands here can be trained by name.

import { autoencoder } from "./objectives/autoencoder.ts";
import { type ElboSettings, elbo } from "./objectives/elbo.ts";
import { dreg, type ImportanceSettings, iwae } from "./objectives/importance.ts";
import type { Objective, ObjectiveName } from "./objectives/objective.ts";
import { choice } from "./settings.ts";

export { autoencoder } from "./objectives/autoencoder.ts";
export { type ElboSettings, elbo } from "./objectives/elbo.ts";
export { dreg, type ImportanceSettings, iwae, SAMPLES } from "./objectives/importance.ts";
export type { Moment, Objective, ObjectiveName, Terms } from "./objectives/objective.ts";
export { readWeight, WEIGHTS_WANTED, type Weight, type WrittenWeight } from "./objectives/weights.ts";

export interface ObjectiveSettings extends ElboSettings, ImportanceSettings {}

interface ObjectiveKind {
  of(settings: ObjectiveSettings): Objective;
  /** The settings that it knows. */
  readonly takes: readonly (keyof ObjectiveSettings)[];
}

export const objectives: Readonly<Record<ObjectiveName, ObjectiveKind>> = {
  vae: { of: elbo, takes: ["beta", "freeBits", "capacity"] },
  ae: { of: autoencoder, takes: [] },
  iwae: { of: iwae, takes: ["samples"] },
  dreg: { of: dreg, takes: ["samples"] },
};
export const objectiveNames: readonly ObjectiveName[] = Object.keys(objectives) as ObjectiveName[];

/** An objective by its name. A setting that it does not know is refused. */
export function objectiveOf(name: string, settings: ObjectiveSettings = {}): Objective {
  const known = choice("objective", name, objectiveNames);
  const { of, takes } = objectives[known];
  for (const [key, value] of Object.entries(settings)) {
    if (value === undefined || (takes as readonly string[]).includes(key)) continue;
    const others = takes.length > 0 ? `takes ${takes.join(", ")}` : "takes nothing";
    throw new Error(`objective: ${key} is of no use to "${known}", which ${others}`);
  }
  return of(settings);
}
