// Whether each likelihood is a distribution.

import { tensor } from "../../index.ts";
import { likelihoodNames, likelihoods, type Support } from "../likelihoods.ts";
import { type Finding, finding } from "./finding.ts";

/** Each likelihood, over all values that x can have. */
export async function* masses(): AsyncGenerator<Finding, void> {
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
