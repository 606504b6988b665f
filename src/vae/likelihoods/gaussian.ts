// The Gaussian likelihood, for real values.

import { randomNormal, type Tensor } from "../../index.ts";
import { above, type Likelihood, type LikelihoodKind, type Located, located, logProbs, refuse, type Scale } from "./likelihood.ts";

const START = -1; // e⁻¹ = 0.37, about the deviation of pixels
const LEAST = -6; // of a log scale that the decoder gives: else a pixel that never changes would be worth infinitely much

/**
 * x = location + scale · noise: log p = -½ ((x - location) / scale)² - log scale - ½ log 2π. A learned scale is shared by all values
 * ("Simple and Effective VAE Training with Calibrated Decoders", Rybkin et al. 2021). With "pixel" the decoder gives it for each value,
 * and it is held above e⁻⁶ as in that article's code.
 */
export function gaussianLikelihood(scale: Scale = "learned"): Likelihood {
  if (typeof scale === "number" && !(scale > 0 && scale < Number.POSITIVE_INFINITY))
    throw new Error(`gaussian: scale ${scale}; it is above 0`);
  const { parameters, outputs, of } = located(scale, START);
  const parts = (decoded: Tensor): Located => {
    const { location, logScale } = of(decoded);
    return { location, logScale: scale === "pixel" ? above(LEAST, logScale as Tensor) : logScale };
  };
  return {
    ...{ name: "gaussian", parameters, outputs, support: "reals" },
    ...logProbs((x, decoded) => {
      const { location, logScale } = parts(decoded);
      return x
        .sub(location)
        .mul(typeof logScale === "number" ? 1 / (scale as number) : logScale.neg().exp())
        .square()
        .mul(-0.5)
        .sub(logScale)
        .sub(0.5 * Math.log(2 * Math.PI));
    }),
    mean: (decoded) => of(decoded).location,
    sample: (decoded) => {
      const { location, logScale } = parts(decoded);
      return location.add(randomNormal(location.shape).mul(typeof logScale === "number" ? (scale as number) : logScale.exp()));
    },
    check: (values, size) => {
      if (values instanceof Uint8Array) return;
      refuse("gaussian", values, size, Number.isFinite, "not finite; leave such examples out");
    },
  };
}

export const gaussianKind: LikelihoodKind = { of: gaussianLikelihood, scales: ["learned", "pixel", "number"] };
