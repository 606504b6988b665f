// One step of gradient descent: compiled once and replayed; and recorded anew where somebody has to look into it.

import { adam, batchOrder, type Compiled, compile, type Optimizer, type Precision, type Tensor } from "../../index.ts";
import { tensor } from "../../tensor/create.ts";
import { within } from "../../tensor/trace.ts";
import type { Binarize } from "../binarize.ts";
import { batchOf } from "../evaluate.ts";
import type { Vae } from "../model.ts";
import type { Objective, Terms } from "../objectives/objective.ts";
import type { Resident } from "../pictures.ts";
import { read } from "../pipeline.ts";

export interface StepSettings {
  readonly batch: number;
  readonly seed: number;
  readonly precision: Precision;
  readonly objective: Objective;
  readonly binarize?: Binarize | undefined;
  readonly freezeNorm?: number | undefined;
  readonly optimizer?: ((parameters: readonly Tensor[]) => Optimizer) | undefined;
}

export interface TrainingStep {
  readonly optimizer: Optimizer;
  readonly compiled: Pick<Compiled<[], { [name: string]: Tensor }>, "clock" | "lossScale">;
  /** Starts so many steps in one submission. */
  start(times: number): Promise<Terms<number>[]>;
  /** What a step at this clock makes, to be computed by somebody else. */
  record(clock: Tensor): readonly Tensor[];
  /** The numbers of the images in the batch of this clock. */
  rows(clock: number): number[];
  dispose(): void;
}

export function trainingStep(model: Vae, data: Resident, settings: StepSettings): TrainingStep {
  const { batch, seed, precision, objective, binarize, freezeNorm } = settings;
  const optimizer = (settings.optimizer ?? adam)([...model.parameters.values()]);
  const record = (clock: Tensor): Terms<Tensor> & { readonly [name: string]: Tensor } => {
    const [x, given] = batchOf(data, batchOrder(data.count, batch), binarize);
    const done = clock.cast("f32"); // as a tensor: it goes on while the step is replayed
    const frozen = freezeNorm === undefined ? undefined : done.greaterEqual(freezeNorm);
    const terms = objective.terms(model, x, { ...given, step: done, training: true, remember: optimizer.state.get("ok"), frozen });
    optimizer.step(terms.loss); // a loss that is no number changes nothing: the parameters of the step before remain
    return { ...terms };
  };
  const compiled = compile((): ReturnType<typeof record> => record(compiled.clock), { seed, precision });
  return {
    optimizer,
    compiled,
    start: (times) => read(times === 1 ? compiled() : compiled.repeat(times)),
    record: (clock) => Object.values(record(clock)),
    rows: (clock) => {
      const now = tensor(Uint32Array.of(clock), [], "u32");
      const order = within({ effects: [], draws: 0, clock: () => now, seed }, () => batchOrder(data.count, batch));
      const rows = new Uint32Array(batch);
      order.op.js(rows, [Uint32Array.of(clock)], order);
      return [...rows];
    },
    dispose: () => {
      compiled.dispose();
      optimizer.dispose();
    },
  };
}
