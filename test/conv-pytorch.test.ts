// Convolutions and small VAEs of them against what PyTorch gave in float64, as fixtures/conv.py wrote it down.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { grad, type Tensor, tensor, type Values } from "../src/index.ts";
import { build, type Vae, type VaeConfig } from "../src/vae/index.ts";
import { layoutOf, toStored } from "../src/vae/layouts.ts";
import { fill } from "../src/vae/run.ts";
import type { StoredTensor } from "../src/vae/safetensors.ts";
import { onEachDevice, onEachFamily } from "./setup/each-device.ts";
import { restored, type Stored } from "./setup/pytorch-layers.ts";

interface Convolution extends Readonly<Record<"x" | "w" | "y" | "dy" | "dx" | "dw", Stored>> {
  readonly op: "conv2d" | "convTranspose2d";
  readonly options: Readonly<Record<string, number>>;
}
interface Terms {
  readonly loss: number;
  readonly reconstruction: number;
  readonly kl: number;
}
interface Model extends Terms {
  readonly config: VaeConfig;
  readonly weights: Readonly<Record<string, Stored & { readonly dtype: string }>>;
  readonly x: Stored;
  readonly noise: Stored;
  readonly gradients: Readonly<Record<string, Stored>>;
}
const fixture: { ops: readonly Convolution[]; vaes: readonly Model[] } = JSON.parse(
  readFileSync(new URL("fixtures/conv.json", import.meta.url), "utf8"),
);

/** The op and its gradients. */
function results({ op, options }: Convolution, x: Tensor, w: Tensor, dy: Tensor): Tensor[] {
  const y = x[op](w, options);
  return [y, ...grad(y.mul(dy).sum(), [x, w])];
}

/** Each value is within `tolerance` of the expected one, relative to its own scale. */
function expectClose(what: string, got: ArrayLike<number>, { values }: Stored, tolerance: number, scales: ArrayLike<number>): void {
  expect(got.length, what).toBe(values.length);
  for (const [i, value] of values.entries()) {
    if (!(Math.abs(got[i] - value) <= tolerance * scales[i])) throw new Error(`${what}, element ${i}: ${got[i]}, PyTorch has ${value}`);
  }
}

// A sum of n products in f32 is off by at most n · 2⁻²⁴ of the sum of their absolute values; as roundings go both ways, by about √n of
// 2⁻²⁴: 2e-6 for the thousand products of the longest sums here. 1e-5 leaves room for bad luck, and none for a wrong term.
const TOLERANCE = 1e-5;

describe("convolutions and their gradients are those of PyTorch", () => {
  for (const c of fixture.ops) {
    const given = Object.entries(c.options).filter(
      ([name, value]) => value !== (name === "stride" || name === "dilation" || name === "groups" ? 1 : 0),
    );
    const name = `${c.op} ${[c.x, c.w].map(({ shape }) => `[${shape}]`).join(" ")} ${given.map(([key, value]) => `${key} ${JSON.stringify(value)}`).join(", ")}`;
    onEachFamily(name.trim(), async () => {
      const inputs = [c.x, c.w, c.dy] as const;
      const [x, w, dy] = inputs.map(restored);
      const got = results(c, x, w, dy);
      expect(got.map(({ shape }) => shape)).toEqual([c.y, c.dx, c.dw].map(({ shape }) => shape));
      // The same sums of absolute values.
      const [ax, aw, ady] = inputs.map(({ shape, values }) => tensor(Float32Array.from(values, Math.abs), shape));
      const all: Values[] = [];
      for (const t of [...got, ...results(c, ax, aw, ady)]) all.push(await t.data());
      for (const [i, expected] of [c.y, c.dx, c.dw].entries()) {
        expectClose(["y", "dx", "dw"][i], all[i], expected, TOLERANCE, all[3 + i]);
      }
    });
  }

  test("with kernels of every kind, and a thousand terms in a sum", () => {
    expect(fixture.ops.length).toBeGreaterThanOrEqual(12);
    expect(Math.max(...fixture.ops.map(({ w: { shape } }) => shape[0] * shape[1] * shape[2]))).toBe(1000);
  });
});

/** A model with the weights of PyTorch's. */
function loaded({ config, weights }: Model): Vae {
  const model = build(config);
  const tensors = Object.entries(weights).map(([name, { dtype, shape, values }]): [string, StoredTensor] => {
    if (dtype === "torch.int64") return [name, { dtype: "I64", shape, data: BigInt64Array.from(values, BigInt) }];
    return [name, { dtype: "F32", shape, data: Float32Array.from(values) }];
  });
  fill(model, new Map(tensors), "conv.json");
  return model;
}

describe("the loss of a VAE of convolutions and all its gradients are those of PyTorch", () => {
  for (const m of fixture.vaes) {
    const { norm, residual, decoder, likelihood, hidden } = m.config;
    onEachDevice(`norm ${norm}, ${residual} residual blocks, ${decoder}, ${likelihood}, hidden [${hidden}]`, async () => {
      using model = loaded(m);
      const terms = model.terms(restored(m.x), { noise: restored(m.noise), training: true });
      const names = [...model.parameters.keys()];
      expect(names.toSorted()).toEqual(Object.keys(m.gradients).toSorted());
      const gradients = grad(terms.loss, [...model.parameters.values()]);
      const [loss, reconstruction, kl, ...values] = await Promise.all(
        [terms.loss, terms.reconstruction, terms.kl, ...gradients].map((t) => t.data()),
      );
      for (const [[got], expected] of [
        [loss, m.loss],
        [reconstruction, m.reconstruction],
        [kl, m.kl],
      ] as const) {
        expect(Math.abs(got / expected - 1)).toBeLessThan(1e-5);
      }
      for (const [i, [name, t]] of [...model.parameters].entries()) {
        const expected = m.gradients[name];
        expect(layoutOf(t).shape).toEqual(expected.shape);
        const largest = Math.max(...Object.values(m.gradients).flatMap((g) => g.values.map(Math.abs)));
        const scales = expected.values.map((v) => Math.abs(v) + largest);
        expectClose(name, toStored(values[i] as Float32Array, layoutOf(t)), expected, 1e-5, scales);
      }
    });
  }
});
