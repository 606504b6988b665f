// What a training tells of: steps, epochs, steps that had to be given up, and the end.

import type { Diagnosis } from "../diagnosis/diagnose.ts";
import type { Terms } from "../objectives/objective.ts";

/** One step of gradient descent. Its loss is known when the next steps have already begun. */
export interface StepEvent extends Terms<number> {
  readonly type: "step";
  /** From 1. */
  readonly epoch: number;
  readonly step: number;
  readonly stepsPerEpoch: number;
  /** Seen since the training began, before it was resumed too. */
  readonly images: number;
}

export interface EpochEvent {
  readonly type: "epoch";
  readonly epoch: number;
  /** Averages over the steps of the epoch, each with the parameters of its time. */
  readonly train: Terms<number>;
  /** With the parameters at the end of the epoch; absent without a test set, or if the training was aborted meanwhile. */
  readonly test?: Terms<number>;
  /** What the latents are like, if that was asked for. */
  readonly diagnosis?: Diagnosis;
  /** What had to be given up on the way, if anything had. */
  readonly recoveries?: readonly RecoveryEvent[];
  /** Of training; the evaluation is not counted. */
  readonly seconds: number;
  readonly imagesPerSecond: number;
}

/** A loss was no number. What was known of it then, and how the training goes on. */
export interface RecoveryEvent {
  readonly type: "recovery";
  /** The step that spoiled it. */
  readonly epoch: number;
  readonly step: number;
  /** Its loss, in words: "NaN", "Infinity"; or "a number", if it was the gradient that was none. */
  readonly loss: string;
  /** The numbers of its training images; none if the step could not be told, which is one of this epoch then. */
  readonly rows: readonly number[];
  /** The first op that made no number of numbers, if the replay by plain loops met one: "exp [128, 20], near logVariance; its inputs reach 97". */
  readonly op?: string;
  /** The step is left out and its batch with it; or, where the next one fails as well, all since the last end of an epoch is done again. */
  readonly action: "skipped" | "returned";
  /** By what the learning rate that was asked for is multiplied from now on. */
  readonly pace: number;
}

export interface EndEvent {
  readonly type: "end";
  readonly reason: "done" | "aborted";
  /** Steps done in all, before it was resumed too. */
  readonly steps: number;
  /** Those that ended in this call. */
  readonly epochs: readonly EpochEvent[];
}

export type TrainEvent = StepEvent | EpochEvent | RecoveryEvent | EndEvent;
