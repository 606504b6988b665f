// Are the gradients of a whole model right? Every parameter against finite differences, in float64 on `js`.
import { expect } from "vitest";
import { compile, grad, type Tensor, type Values } from "../../src/index.ts";
import { use } from "../../src/kernels/devices/device.ts";
import { JsDevice } from "../../src/kernels/devices/js.ts";
import type { Vae } from "../../src/vae/index.ts";

const EPSILON = 1e-6;

export async function checkModelGradient(make: () => Vae, lossOf: (model: Vae) => Tensor): Promise<void> {
  await using device = new JsDevice({ precision: "f64" });
  use(device);
  using model = make();
  const loss = compile(() => lossOf(model));
  await loss().item(); // the parameters lie on the device now
  const parameters = [...model.parameters];
  const gradients = await Promise.all(
    grad(
      lossOf(model),
      parameters.map(([, t]) => t),
    ).map((t) => t.data()),
  );
  for (const [which, [name, t]] of parameters.entries()) {
    const values = t.storage?.block.buffer as Values;
    expect(values).toBeInstanceOf(Float64Array);
    for (let i = 0; i < t.size; i++) {
      const at = values[i];
      const shifted = async (by: number) => {
        values[i] = at + by;
        return loss().item();
      };
      const numeric = ((await shifted(EPSILON)) - (await shifted(-EPSILON))) / (2 * EPSILON);
      values[i] = at;
      const error = Math.abs(numeric - gradients[which][i]);
      // Losses are a hundred or so, of which float64 leaves 1e-14: divided by 2e-6, some 1e-6 of a difference is rounding.
      if (!(error <= 1e-5 + 1e-5 * Math.abs(numeric)))
        throw new Error(`${name}, element ${i}: the gradient is ${gradients[which][i]}, differences give ${numeric}`);
    }
  }
  loss.dispose();
}
