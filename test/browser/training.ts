// Small trainings, for pages and their workers: VAEs on generated digits, compiled, on the device that is in use.
import { digits } from "../../src/data/index.ts";
import { adam, compile, seed, type Tensor, tensor } from "../../src/index.ts";
import { convVae, denseVae, type Vae } from "../../src/vae/index.ts";

export interface Training extends Disposable {
  /** Runs a step and gives its loss, to be read. */
  readonly step: () => Tensor;
}

interface Options {
  readonly hidden?: number;
}

export const training = ({ hidden = 32 }: Options = {}): Training =>
  trainingOf(denseVae({ input: [14, 14, 1], hidden, latent: 4, seed: 1 }), { count: 64, size: 14 });

/** The preset conv28, on eight pictures. */
export const convTraining = (): Training => trainingOf(convVae({ model: "conv28" }), { count: 8, size: 28 });

function trainingOf(model: Vae, data: { count: number; size: number }): Training {
  seed(0);
  const { pixels, count } = digits(data);
  const optimizer = adam([...model.parameters.values()], { rate: 5e-3 });
  const step = compile(
    (bytes: Tensor) => {
      const { loss } = model.terms(bytes.cast("f32").mul(1 / 255));
      optimizer.step(loss);
      return loss;
    },
    { seed: 1 },
  );
  const images = tensor(pixels, [count, data.size ** 2]);
  return {
    step: () => step(images),
    [Symbol.dispose]: () => {
      step.dispose();
      model.dispose();
    },
  };
}

/** The losses of the first steps. */
export async function losses(steps: number, options?: Options): Promise<number[]> {
  using run = training(options);
  return await lossesOf(run, steps);
}

export async function lossesOf({ step }: Training, steps: number): Promise<number[]> {
  const results: number[] = [];
  for (let i = 0; i < steps; i++) results.push(await step().item());
  return results;
}
