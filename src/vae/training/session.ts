// A training while it goes on: the step, where it stands, and the way to a state and back.

import type { Tensor } from "../../index.ts";
import type { EpochLosses } from "../diagnosis/findings.ts";
import type { Vae } from "../model.ts";
import type { Resident } from "../pictures.ts";
import { type Average, average, nothing } from "../pipeline.ts";
import type { RecoveryEvent } from "./events.ts";
import { put, type Running, stateTensors, type TrainState, valuesOf, write } from "./state.ts";
import { type StepSettings, type TrainingStep, trainingStep } from "./step.ts";

/** Where a training stands: what is no tensor of its state. */
export interface Position {
  /** Epochs that have ended, and steps of the next one that are done. */
  epoch: number;
  step: number;
  /** What is remembered of these steps. */
  averages: Average;
  seconds: number;
  recoveries: readonly RecoveryEvent[];
  /** How often a step had to be given up, in all. */
  recovered: number;
  best: EpochLosses | undefined;
}

/** All that the next step depends on, the model included. */
export interface Snapshot extends Omit<TrainState, "basis"> {
  readonly model: ReadonlyMap<string, Float32Array | Uint32Array>;
}

export interface Session extends Pick<TrainingStep, "optimizer" | "record" | "rows"> {
  readonly model: Vae;
  readonly seed: number;
  readonly stepsPerEpoch: number;
  readonly at: Position;
  /** Steps done in all. */
  clock(): number;
  /** Starts steps; their results come in order. */
  start: TrainingStep["start"];
  /** The epoch is over. */
  turnPage(): void;
  /** What of a state is no tensor. */
  position(): Omit<TrainState, "basis" | "tensors">;
  /** The tensors of a state. Between two steps they are read once, and so is the model for a snapshot. */
  tensors(): Promise<TrainState["tensors"]>;
  snapshot(): Promise<Snapshot>;
  /** The way back, to an earlier step or another training's. The model stays as it is if none is given. */
  load(from: Omit<Snapshot, "model"> & { readonly model?: Snapshot["model"] }): void;
  /** Goes on at this step of the epoch, after one that was refused. */
  goOn(step: number, pace: number): void;
  dispose(): void;
}

export function session(model: Vae, data: Resident, settings: StepSettings): Session {
  const step = trainingStep(model, data, settings);
  const { optimizer, compiled, record, rows } = step;
  const stepsPerEpoch = Math.floor(data.count / settings.batch);
  const at: Position = { epoch: 0, step: 0, averages: average(), seconds: 0, recoveries: [], recovered: 0, best: undefined };
  const parts: ReadonlyMap<string, Tensor> = new Map([...model.parameters, ...model.state]);
  const own = stateTensors(model, optimizer, compiled.lossScale);
  let read: { tensors?: Promise<TrainState["tensors"]>; model?: Promise<Snapshot["model"]> } = {}; // since the last step

  const running = (): Running => ({ sums: at.averages.sums(), seconds: at.seconds, recoveries: at.recoveries });
  const position = () => ({ epoch: at.epoch, step: at.step, running: running(), recovered: at.recovered, best: at.best });
  const clock = () => at.epoch * stepsPerEpoch + at.step;
  const tensors = () => {
    read.tensors ??= valuesOf(own);
    return read.tensors;
  };
  return {
    ...{ model, seed: settings.seed, stepsPerEpoch, at, optimizer, record, rows, clock, position, tensors },
    start: (times) => {
      read = {};
      return step.start(times);
    },
    turnPage: () => {
      Object.assign(at, { epoch: at.epoch + 1, step: 0, averages: average(nothing), seconds: 0, recoveries: [] });
    },
    snapshot: async () => {
      read.model ??= valuesOf(parts);
      const model = read.model;
      return { ...position(), tensors: await tensors(), model: await model };
    },
    load: ({ epoch, step, running, recovered, best, tensors, model }) => {
      put(own, tensors);
      if (model) put(parts, model);
      const { sums, ...rest } = running;
      Object.assign(at, { epoch, step, recovered, best, ...rest, averages: average(sums) });
      write(compiled.clock, [clock()]);
      read = {};
    },
    goOn: (step, pace) => {
      at.step = step;
      for (const [name, value] of [
        ["ok", 1],
        ["pace", pace],
      ] as const) {
        const state = optimizer.state.get(name);
        if (state) write(state, [value]);
      }
      write(compiled.clock, [clock()]);
      read = {};
    },
    dispose: step.dispose,
  };
}
