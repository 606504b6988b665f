// The VAE part for any platform: models, training, evaluation, use, and the format of runs. Runs in directories are Node's (run.node.ts).

import "../index.ts"; // installs the ops as methods

export * as layers from "./all-layers.ts";
export { type Binarize, binarizeImages } from "./binarize.ts";
export { type Finding, selfCheck } from "./check.ts";
export { type ConvVaeOptions, convVae } from "./conv.ts";
export type { Norm } from "./conv-layers.ts";
export { UnfitSizeError } from "./conv-sizes.ts";
export { type DenseOptions, denseVae } from "./dense.ts";
export { type EvaluateOptions, evaluate } from "./evaluate.ts";
export { type Gaussian, gaussian, gaussianPosterior, type Posterior, type Prior, standardNormal } from "./gaussian.ts";
export { type Draw, type Initialization, initializations, initializer } from "./initial.ts";
export { ACTIVE, activeUnits, klPerLatent, varianceOfMeans } from "./latents.ts";
export { type Activation, activations, type Layer, linear, type Pass, sequential } from "./layers.ts";
export {
  bernoulli,
  bitsPerDimension,
  continuousBernoulli,
  countsBits,
  discretizedLogistic,
  gaussianLikelihood,
  type Likelihood,
  type LikelihoodKind,
  type LikelihoodName,
  likelihoodFor,
  likelihoodNames,
  likelihoods,
  type Scale,
  type Support,
} from "./likelihoods.ts";
export { type ElboOptions, type Given, type Parts, type Terms, type Vae, type VaeConfig, vae } from "./model.ts";
export { build, modelNames, models, outline } from "./models.ts";
export {
  autoencoder,
  dreg,
  type ElboSettings,
  elbo,
  type ImportanceSettings,
  iwae,
  type Moment,
  type Objective,
  type ObjectiveName,
  type ObjectiveSettings,
  objectiveNames,
  objectiveOf,
  objectives,
  readWeight,
  SAMPLES,
  type Weight,
  type WrittenWeight,
} from "./objectives.ts";
export type { ModelKind, ModelOptions } from "./options.ts";
export {
  type DataDescription,
  describeData,
  modelFromSafetensors,
  modelToSafetensors,
  parseRunConfig,
  type Run,
  type RunConfig,
} from "./run.ts";
export { type Attribute, type AttributeOptions, attributeDirection, withAttribute } from "./tasks/attributes.ts";
export { codeBetween, type Interpolation, type InterpolationOptions, interpolateImages } from "./tasks/interpolate.ts";
export { latentManifold, type Manifold, type ManifoldOptions } from "./tasks/manifold.ts";
export { type NeighbourOptions, type Neighbours, nearestImages, nearestRows } from "./tasks/neighbours.ts";
export { type Reconstructions, reconstructions } from "./tasks/reconstruct.ts";
export { fitLatents, type LatentMixtureOptions, type LatentMixtures, sampleMixtures } from "./tasks/sampling.ts";
export { type Absent, type AssessOptions, type Assessed, type Assessment, assess } from "./tasks/evaluation/assess.ts";
export { type Between, type Distances, sampleDistances } from "./tasks/evaluation/distances.ts";
export { type FactorScore, type FactorScoreOptions, factorScore } from "./tasks/evaluation/factor-score.ts";
export type { Factors } from "./tasks/evaluation/factors.ts";
export { type Gap, mutualInformationGap } from "./tasks/evaluation/gap.ts";
export { type Codes, type Information, mutualInformation } from "./tasks/evaluation/information.ts";
export type { Estimate } from "./tasks/evaluation/log-mean.ts";
export { type Mmd, medianDistance, mmd } from "./tasks/evaluation/mmd.ts";
export { NLL_SAMPLES, type NllOptions, negativeLogLikelihood } from "./tasks/evaluation/nll.ts";
export { seenImages } from "./tasks/evaluation/seen.ts";
export { type Traversal, type TraversalOptions, traverseLatents } from "./tasks/traverse.ts";
export {
  type EndEvent,
  type EpochEvent,
  type StepEvent,
  type TrainData,
  type TrainEvent,
  type Training,
  type TrainOptions,
  train,
} from "./train.ts";
export {
  decodeLatents,
  type Examples,
  encodeImages,
  type Labelled,
  reconstructImages,
  type SampleOptions,
  sampleImages,
} from "./use.ts";
