// What PyTorch gave for some ops, as fixtures/pytorch-layers.py wrote it down, and the comparison with it.
import { readFileSync } from "node:fs";
import { expect } from "vitest";
import { grad, type Tensor, tensor } from "../../src/index.ts";

export interface Stored {
  readonly shape: readonly number[];
  readonly values: readonly number[];
}
interface Case extends Readonly<Record<"x" | "y" | "dy" | "dx", Stored>> {
  readonly op: string;
  readonly args: readonly unknown[];
  readonly weight?: Stored;
  readonly bias?: Stored;
  readonly dweight?: Stored;
  readonly dbias?: Stored;
}
interface Fixture {
  readonly cases: readonly Case[];
  readonly batchNorm: {
    readonly batches: readonly Stored[];
    readonly trained: readonly Stored[];
    readonly other: Stored;
    readonly evaluated: Stored;
    readonly state: Readonly<Record<string, Stored & { readonly dtype: string }>>;
  };
}
export const fixture: Fixture = JSON.parse(readFileSync(new URL("../fixtures/pytorch-layers.json", import.meta.url), "utf8"));

export const restored = ({ shape, values }: Stored): Tensor => tensor(Float32Array.from(values), shape);

/** The op's result and its gradients are those of PyTorch, to within the rounding of f32 sums. */
export async function expectPyTorch({ op, args, x, y, dy, dx, weight, bias, dweight, dbias }: Case): Promise<void> {
  const inputs = [x, ...[weight, bias].filter((t) => t !== undefined)].map(restored);
  const [input, ...scales] = inputs;
  const options = scales.length > 0 ? [{ weight: scales[0], bias: scales[1] }] : [];
  const method = input[op as "maxPool2d"] as (...args: unknown[]) => Tensor;
  const result = method.call(input, ...args, ...options);
  expect(result.shape).toEqual(y.shape);
  const gradients = grad(result.mul(restored(dy)).sum(), inputs);
  await expectClose(result, y);
  for (const [i, expected] of [dx, dweight, dbias].entries()) if (expected) await expectClose(gradients[i], expected);
}

export async function expectClose(got: Tensor, { values }: Stored, tolerance = 2e-5): Promise<void> {
  const largest = Math.max(1, ...values.map(Math.abs));
  const data = await got.data();
  expect(data.length).toBe(values.length);
  values.forEach((value, i) => {
    if (!(Math.abs(data[i] - value) <= tolerance * largest)) throw new Error(`${got}, element ${i}: ${data[i]}, PyTorch has ${value}`);
  });
}
