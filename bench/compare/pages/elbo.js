// A page that trains a dense VAE with Elbo, on the best device there is.
import { adam, compile, open, tensor } from "elbo";
import { denseVae } from "elbo/vae";

/** @param {AsyncIterable<Float32Array>} batches @param {number} batch */
export async function train(batches, batch) {
  await open();
  const model = denseVae({ input: 784, hidden: 400, latent: 20 });
  const optimizer = adam([...model.parameters.values()]);
  const step = compile((/** @type {import("elbo").Tensor} */ x) => {
    const { loss } = model.terms(x);
    optimizer.step(loss);
    return loss;
  });
  for await (const pixels of batches) console.log(await step(tensor(pixels, [batch, 784])).item());
}
