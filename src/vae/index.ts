// The VAE part for any platform: models, training, evaluation, use, and the format of runs. Runs in directories are Node's (run.node.ts).

import "../index.ts"; // installs the ops as methods

export * as layers from "./all-layers.ts";
export { type Binarize, binarizeImages } from "./binarize.ts";
export { type Finding, selfCheck } from "./check.ts";
export { type ConvVaeOptions, convVae } from "./conv.ts";
export type { Norm } from "./conv-layers.ts";
export { UnfitSizeError } from "./conv-sizes.ts";
export { type DenseOptions, denseVae } from "./dense.ts";
export { type DiagnoseOptions, type Diagnosis, diagnose } from "./diagnosis/diagnose.ts";
export type { Course, DiagnosisFinding, EpochLosses } from "./diagnosis/findings.ts";
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
export { withMissing } from "./objectives/missing.ts";
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
export { RATES_WANTED, readRate, type WrittenRate } from "./rates.ts";
export {
  type DataDescription,
  describeData,
  modelFromSafetensors,
  modelToSafetensors,
  parseRunConfig,
  type Run,
  type RunConfig,
} from "./run.ts";
export { adjustedRand, normalizedMutualInformation } from "./statistics/agreement.ts";
export { shareInterval } from "./statistics/beta.ts";
export { type KMeans, type KMeansOptions, kMeans, nearestCenters } from "./statistics/kmeans.ts";
export { accuracy, type Logistic, type LogisticOptions, logisticRegression } from "./statistics/logistic.ts";
export {
  type Covariance,
  gaussianMixture,
  type Mixture,
  type MixtureOptions,
  type MixtureParameters,
  mixtureOf,
} from "./statistics/mixture.ts";
export { type Pca, pca, projected, residuals } from "./statistics/pca.ts";
export { type Stream, stream } from "./statistics/random.ts";
export { auroc, type RocPoint, rocPoints, simplified, type Threshold, thresholdAt } from "./statistics/roc.ts";
export { firstRows, type Rows, rowsOf } from "./statistics/rows.ts";
export { type Blame, blame } from "./tasks/anomaly/blame.ts";
export { type Detector, type DetectorOptions, detector, type ScoresOf } from "./tasks/anomaly/detector.ts";
export { halves, type Judgement, judge, type Share } from "./tasks/anomaly/judge.ts";
export { type OneClass, oneClass } from "./tasks/anomaly/one-class.ts";
export { type Score, type ScoreName, scoreNames, scores } from "./tasks/anomaly/scores.ts";
export { type Attribute, type AttributeOptions, attributeDirection, withAttribute } from "./tasks/attributes.ts";
export {
  type ClusterAgreement,
  type ClusterMethod,
  type ClusterOptions,
  type Clusters,
  clusterAgreement,
  clusterMethods,
  clusterRows,
  nearestMembers,
  sizesOf,
} from "./tasks/cluster.ts";
export { type Embedding, embed } from "./tasks/embed.ts";
export { type Absent, type Assessed, type Assessment, type AssessOptions, assess } from "./tasks/evaluation/assess.ts";
export { type Between, type Distances, sampleDistances } from "./tasks/evaluation/distances.ts";
export { type FactorScore, type FactorScoreOptions, factorScore } from "./tasks/evaluation/factor-score.ts";
export type { Factors } from "./tasks/evaluation/factors.ts";
export { type Gap, mutualInformationGap } from "./tasks/evaluation/gap.ts";
export { type Codes, type Information, mutualInformation } from "./tasks/evaluation/information.ts";
export type { Estimate } from "./tasks/evaluation/log-mean.ts";
export { type Mmd, medianDistance, mmd } from "./tasks/evaluation/mmd.ts";
export { NLL_SAMPLES, type NllOptions, negativeLogLikelihood } from "./tasks/evaluation/nll.ts";
export { seenImages } from "./tasks/evaluation/seen.ts";
export { coverage, hiddenError } from "./tasks/impute/figures.ts";
export { meanImage, nearestBySeen } from "./tasks/impute/floor.ts";
export { type Imputation, type ImputeMethod, type ImputeOptions, impute, imputeMethods } from "./tasks/impute/impute.ts";
export { type MaskOptions, type Missing, masksFor, missingKinds } from "./tasks/impute/masks.ts";
export { codeBetween, type Interpolation, type InterpolationOptions, interpolateImages } from "./tasks/interpolate.ts";
export { latentManifold, type Manifold, type ManifoldOptions } from "./tasks/manifold.ts";
export { mapByPca, mapByUmap, type PlaneMap, type UmapLibrary, type UmapOptions } from "./tasks/map.ts";
export { type NeighbourOptions, type Neighbours, nearestImages, nearestRows } from "./tasks/neighbours.ts";
export { type LabelledRows, linearProbe, type Probe, pixelComponents, pixelRows } from "./tasks/probe.ts";
export { type Reconstructions, reconstructions } from "./tasks/reconstruct.ts";
export { fitLatents, type LatentMixtureOptions, type LatentMixtures, sampleMixtures } from "./tasks/sampling.ts";
export { type Traversal, type TraversalOptions, traverseLatents } from "./tasks/traverse.ts";
export { type TrainData, type Training, type TrainOptions, train } from "./train.ts";
export type { EndEvent, EpochEvent, RecoveryEvent, StepEvent, TrainEvent } from "./training/events.ts";
export { NotFiniteError, recoveryText } from "./training/recovery.ts";
export { stateFromSafetensors, stateToSafetensors } from "./training/saved.ts";
export type { TrainState } from "./training/state.ts";
export {
  decodeLatents,
  type Examples,
  encodeImages,
  type Labelled,
  reconstructImages,
  type SampleOptions,
  sampleImages,
} from "./use.ts";
