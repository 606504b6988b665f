// Is the loss right? A check that anybody can run on the device that is to be trusted: a linear Gaussian VAE, of which the evidence is known
// (check/linear.ts), so that it can be seen which bounds lie below it and by how much; all objectives and their gradients against float64
// (check/plain.ts); and that each likelihood is a distribution.

import { bounds, exactBounds } from "./check/bounds.ts";
import type { Finding } from "./check/finding.ts";
import { gradients } from "./check/gradients.ts";
import { masses } from "./check/masses.ts";

export type { Finding } from "./check/finding.ts";
export { type Checked, checked, checkObjective } from "./check/gradients.ts";

/** All findings, as they are made, on the device that was opened last. */
export async function* selfCheck(): AsyncGenerator<Finding, void> {
  yield* gradients();
  yield* exactBounds();
  yield* bounds();
  yield* masses();
}
