// A small training, for pages and their workers: a dense VAE on generated digits, compiled, on the device that is in use.
import { digits } from "../../src/data/index.ts";
import { adam, compile, seed, type Tensor, tensor } from "../../src/index.ts";
import { denseVae } from "../../src/vae/index.ts";

export interface Training extends Disposable {
  /** Runs a step and gives its loss, to be read. */
  readonly step: () => Tensor;
}

export function training({ hidden = 32 } = {}): Training {
  seed(0);
  const { pixels, count } = digits({ count: 64, size: 14 });
  const model = denseVae({ input: 14 * 14, hidden, latent: 4, seed: 1 });
  const optimizer = adam([...model.parameters.values()], { rate: 5e-3 });
  const step = compile(
    (bytes: Tensor) => {
      const { loss } = model.terms(bytes.cast("f32").mul(1 / 255));
      optimizer.step(loss);
      return loss;
    },
    { seed: 1 },
  );
  const images = tensor(pixels, [count, 14 * 14]);
  return {
    step: () => step(images),
    [Symbol.dispose]: () => {
      step.dispose();
      model.dispose();
    },
  };
}

/** The losses of the first steps. */
export async function losses(steps: number, options?: { hidden: number }): Promise<number[]> {
  using run = training(options);
  const results: number[] = [];
  for (let i = 0; i < steps; i++) results.push(await run.step().item());
  return results;
}
