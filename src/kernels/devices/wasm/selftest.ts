// Does a device compute what `js` computes? A small work for every family of kernels, with sizes that reach all of their
// lo It is asked of what is not trusted yet.

import { graph } from "../../../tensor/graph.ts";
import { makeProgram } from "../../../tensor/run.ts";
import { size } from "../../../tensor/shape.ts";
import { hostBlock, Tensor, type Values } from "../../../tensor/tensor.ts";
import { within } from "../../../tensor/trace.ts";
import { iota } from "../../layout/iota.ts";
import { leaf } from "../../layout/leaf.ts";
import { concat, matmul, randomBits, randomNormal, take } from "../../ops.ts";
import { threefry, unit } from "../../random/threefry.ts";
import type { Device } from "../device.ts";
import { JsDevice } from "../js.ts";

/** Values in (low, low + 2), the same each time. */
function data(shape: readonly number[], low = -1): Tensor {
  const values = Float32Array.from({ length: size(shape) }, (_, i) => low + 2 * unit(threefry(7, shape.length, 0, i)[0]));
  return new Tensor(leaf, [], {}, shape, "f32", { block: hostBlock(values, "f32"), offset: 0 });
}

/** What is computed, by name; and the scale of the errors that rounding may make, where that is not the result itself. */
interface Work {
  readonly of: () => Tensor;
  readonly scale?: () => Tensor;
}

function works(): Record<string, Work> {
  const found: Record<string, Work> = {};
  const [x, b] = [data([65, 77]), data([77])];
  const positive = data([65, 77], 0.1);
  for (const name of [
    "exp",
    "expm1",
    "sigmoid",
    "softplus",
    "tanh",
    "erf",
    "sin",
    "cos",
    "relu",
    "abs",
    "sign",
    "floor",
    "square",
  ] as const)
    found[name] = { of: () => x.mul(3).add(b)[name]() };
  for (const name of ["log", "log1p", "sqrt", "rsqrt", "reciprocal"] as const) found[name] = { of: () => positive[name]() };
  found["division and comparisons"] = { of: () => x.div(positive).where(x.greater(b), b.sub(x)).maximum(-0.7).minimum(0.9) };
  found["powers and remainders"] = { of: () => positive.pow(x.mul(2)).add(x.mod(positive)) };
  found["an update of Adam"] = {
    of: () => {
      const m = x.mul(0.9).add(b.mul(0.1));
      const v = positive.mul(0.999).add(b.square().mul(0.001));
      return x.sub(m.mul(0.01).div(v.sqrt().add(1e-8))).where(b.isFinite(), x);
    },
  };
  found["sums of rows"] = { of: () => x.exp().sum(1) };
  found["sums of columns"] = { of: () => x.exp().sum(0) };
  found["the sum of many"] = { of: () => data([301, 211], 0).sum() };
  found["the largest, and where"] = { of: () => x.max(1).add(x.argMax(1).cast("f32")) };
  found["a softmax"] = { of: () => x.softmax() };
  found["rows by index, turned and cut"] = {
    of: () =>
      take(x, iota(65).mul(7).mod(65))
        .transpose()
        .slice([[3, 70, 2]])
        .mul(1),
  };
  found["parts joined"] = { of: () => concat([x, positive], 1).mul(1) };
  found["normal numbers"] = { of: () => randomNormal([4099], { seed: 5 }) };
  found["random bits"] = { of: () => randomBits([4099], { seed: 5 }) };
  for (const [m, k, n] of [
    [65, 70, 131],
    [13, 401, 50],
    [3, 60, 130],
  ] as const) {
    for (const flipA of [false, true])
      for (const flipB of [false, true]) {
        const a = data(flipA ? [k, m] : [m, k]);
        const c = data(flipB ? [n, k] : [k, n]);
        const flags = { flipA, flipB };
        found[`a product of ${m} x ${k} x ${n}${flipA ? ", A turned" : ""}${flipB ? ", B turned" : ""}`] = {
          of: () =>
            matmul(a, c, flags)
              .add(data([n]))
              .relu(),
          scale: () => matmul(a.abs(), c.abs(), flags).add(1),
        };
      }
  }
  return found;
}

/** The value of each tensor on a device, side by side with whatever else it is used for. */
async function valuesOn(device: Device, tensors: readonly Tensor[]): Promise<Values[]> {
  const g = graph(tensors, []);
  const { prepared } = makeProgram(g, device, true);
  const buffers = tensors.map((t) => device.alloc(t.size, t.dtype));
  prepared.run(g.nodes, 1, buffers);
  const values = await Promise.all(tensors.map((t, i) => device.read(buffers[i], 0, t.size, t.dtype)));
  prepared.dispose();
  for (const buffer of buffers) device.free(buffer);
  return values;
}

const TOLERANCE = 2e-5; // a few units in the last place of f32 along a chain; what is wrong is wrong by more

/** What the device computes otherwise than `expected`, a device that is trusted; undefined if there is nothing. */
export async function wrongIn(device: Device, expected: Device = new JsDevice({ precision: "f64" })): Promise<string | undefined> {
  const recorded = within({ effects: [], draws: 0, clock: undefined, seed: 0 }, () =>
    Object.entries(works()).map(([name, { of, scale }]) => ({ name, of: of(), scale: scale?.() })),
  );
  const got = await valuesOn(
    device,
    recorded.map((r) => r.of),
  );
  const right = await valuesOn(
    expected,
    recorded.map((r) => r.of),
  );
  const scales = await valuesOn(
    expected,
    recorded.flatMap((r) => r.scale ?? []),
  );
  for (const [i, { name, of, scale }] of recorded.entries()) {
    const around = scale && scales.shift();
    for (let j = 0; j < of.size; j++) {
      const [a, b] = [got[i][j], right[i][j]];
      const most = of.dtype === "u32" ? 0 : TOLERANCE * Math.max(1, around ? around[j] : Math.abs(b));
      if (!(Math.abs(a - b) <= most)) return `${name} wrong (element ${j} is ${a}, not ${b})`;
    }
  }
  return undefined;
}
