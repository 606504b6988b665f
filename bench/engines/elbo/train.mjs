// Training steps of Elbo: the judged ones, the timed ones, and the first of a process.
import { adam, compile, keep, tensor } from "elbo";
import { read, training, trainingFiles } from "../../peers/peer.mjs";
import { models } from "../../tasks/models.mjs";
import { givenNoise, RATE } from "../../tasks/task.mjs";
import { opened } from "./opened.mjs";

/** @typedef {import("elbo").Tensor} Tensor */

export async function train() {
  const device = await opened();
  const { noise, tensors } = trainingFiles();
  const { make, x: pictures } = given();
  const x = keep(pictures);
  const judged = givenNoise(make());
  /** @type {ReturnType<typeof drawnNoise> | undefined} */
  let step; // a second model, so made when it is needed: its memory is not the first one's
  const drawn = () => {
    step ??= drawnNoise(make());
    return step(x);
  };
  const found = await training(noise, (name) => judged(x, tensor(read(name), tensors[name])).item(), {
    run: async (count) => {
      for (let i = 0; i < count; i++) drawn();
      await device.idle();
    },
    loss: () => drawn().item(),
  });
  return { ...found, description: device.description };
}

/** The step as a user writes it, with noise of its own. @param {import("elbo/vae").Vae} vae */
export function drawnNoise(vae) {
  const optimizer = adam([...vae.parameters.values()], { rate: RATE });
  return compile((/** @type {Tensor} */ x) => {
    const { loss } = vae.terms(x);
    optimizer.step(loss);
    return loss;
  });
}

/** The model of the task, with the values that its files have, and the pictures. */
export function given() {
  const { model, tensors } = trainingFiles();
  return { make: models[model].make, x: tensor(read("x"), tensors["x"]) };
}

/** From open to the end of the first step, in a process that did nothing before but make the model's first values. */
export async function startup() {
  const { make, x } = given();
  const vae = make();
  const start = performance.now();
  await opened();
  const loss = await drawnNoise(vae)(x).item();
  const ms = performance.now() - start;
  if (!Number.isFinite(loss)) throw new Error(`the first loss is ${loss}`);
  return { ms: [ms] };
}
