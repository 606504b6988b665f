// Mixed precision: what is stored as f16, how the loss is scaled, and that programs in f16 agree with their twins in f32. The tests'
// own driver has no f16. So kernels are compiled here by Dawn's null backend, which runs nothing; and run where the adapter has f16.
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { VARIANTS, verifyHalf } from "../bench/verify-f16.mjs";
import { use } from "../src/kernels/devices/device.ts";
import type { WebGpuDevice } from "../src/kernels/devices/webgpu/device.ts";
import { kernelCode, type Target } from "../src/kernels/devices/webgpu/kernel.ts";
import { inMatrices, type Matrices } from "../src/kernels/devices/webgpu/matrices.ts";
import { sample } from "../src/kernels/sample.ts";
import * as elbo from "../src/node.ts";
import { adam, assign, compile, type Device, grad, open, type Precision, parameter, set, sync, type Tensor, tensor } from "../src/node.ts";
import { adjust, lossScale } from "../src/tensor/loss-scale.ts";
import type { Plan } from "../src/tensor/plan.ts";
import * as vae from "../src/vae/index.ts";
import { openNull, openWebGpu } from "./setup/dawn.ts";

const probe = await openWebGpu();
const lacksHalf = probe.lacksHalf;
await probe.close();
if (lacksHalf) console.log(`${lacksHalf}: programs in f16 are compiled here, and not run`);

const NVIDIA = { m: 16, n: 16, k: 16, lanes: 32 };
const COMPILED = [{ kernels: "simple" }, { kernels: "tiled" }, { kernels: "tiled", matrices: NVIDIA }] as const;
const nulls: WebGpuDevice[] = [];
let js: Device;
beforeAll(async () => {
  js = await open("js");
  for (const options of COMPILED) nulls.push(await openNull(options));
});
afterAll(async () => {
  for (const device of [js, ...nulls]) await device.close();
});

/** The plan of a compiled program, and what the op of each node that is stored as f16 is called. */
function planned(f: (...xs: Tensor[]) => Tensor[], args: Tensor[], precision: Precision = "f16"): { plan: Plan; halves: string[] } {
  use(nulls[0]);
  const prepare = vi.spyOn(nulls[0], "prepare");
  using compiled = compile(f, { precision });
  compiled.explain(...args);
  const [plan] = prepare.mock.calls[0];
  prepare.mockRestore();
  return { plan, halves: plan.graph.nodes.filter((_, i) => plan.half[i]).map((t) => t.op.name) };
}

const training = (model: Pick<elbo.Vae, "parameters" | "terms">, precision: Precision) => {
  const optimizer = adam([...model.parameters.values()]);
  const step = (x: Tensor) => {
    const { loss } = model.terms(x);
    optimizer.step(loss);
    return loss;
  };
  return compile(step, { precision });
};

describe("what is stored as f16", () => {
  const [x, w, v] = [sample([96, 80]), sample([80, 96], -1, 1, 1), sample([96, 64], -1, 1, 2)];

  test("is what large products pass on to others; not their results, nor small values", () => {
    expect(planned((x) => [x.matmul(w).relu().matmul(v)], [x]).halves).toEqual(["relu"]);
    expect(planned((x) => [x.matmul(w).relu()], [x]).halves, "a result").toEqual([]);
    expect(planned((x) => [x.matmul(w).relu().matmul(v)], [sample([4, 80])]).halves, "384 elements").toEqual([]);
  });

  test("is no sum, and nothing that is computed from sums alone", () => {
    const sums = (x: Tensor) => [
      x
        .reshape([4800, 80])
        .sum(1)
        .neg()
        .exp()
        .reshape([48, 100])
        .matmul(sample([100, 3])),
    ];
    expect(planned(sums, [sample([4800, 8, 10])]).halves).toEqual([]);
    const normalized = (x: Tensor) => {
      const h = x.matmul(w);
      return [h.sub(h.mean(1, true)).matmul(v)];
    };
    expect(planned(normalized, [x]).halves, "but what a mean is taken from is").toEqual(["matmul", "sub"]);
  });

  test("is nothing that a state takes over", () => {
    const state = parameter(new Float32Array(96 * 96), [96, 96]);
    const { halves } = planned(
      (x) => {
        const h = x.matmul(w).relu();
        assign(state, h);
        return [h.matmul(v)];
      },
      [x],
    );
    expect(halves).toEqual([]);
    state.dispose();
  });

  test("is no gradient that was unscaled: weight gradients go into a norm in f32", () => {
    const f = (x: Tensor) => {
      const dw = grad(x.matmul(w).relu().matmul(v).square().mean(), [w])[0];
      return [dw.square().sum(), dw.mean(0)];
    };
    const { plan } = planned(f, [x]);
    const stored = plan.graph.nodes.filter((t, i) => plan.stored[i] && t.op.name === "mul" && `${t.shape}` === "80,96");
    expect(stored.length, "the gradient divided by the scale").toBe(1);
    expect(plan.graph.nodes.filter((t, i) => plan.half[i] && `${t.shape}` === "80,96")).toEqual([]);
  });

  test("takes half the bytes, in slots and in explain: a step of conv28 moves less than 0.6 of what it moves in f32", () => {
    const pixels = sample([64, 28, 28, 1], 0, 1);
    use(nulls[0]);
    const facts = (["f32", "f16"] as const).map((precision) => {
      const model = elbo.convVae({ input: [28, 28, 1], seed: 1 });
      using step = training(model, precision);
      return step.explain(pixels);
    });
    expect(facts[1].kernels.length, "and is no more kernels").toBe(facts[0].kernels.length);
    expect(facts[1].bytes / facts[0].bytes).toBeLessThan(0.6);
    const { plan } = planned((x) => [x.matmul(w).relu().matmul(v)], [x]);
    expect(plan.slots).toContain((96 * 96) / 2);
  });
});

describe("products of mixed precision", () => {
  /** The file of each product of a program, on a device without a GPU's limits. */
  const filesOf = (f: (...xs: Tensor[]) => Tensor[], args: Tensor[], precision: Precision = "f16", matrices: Matrices | false = NVIDIA) => {
    const { plan } = planned(f, args, precision);
    const target: Target = { family: "tiled", buffers: 8, parts: 1, matrices: matrices || undefined, memory: 32768 };
    const codes = plan.kernels.filter((k) => k.loops === "product").flatMap((k) => kernelCode(plan, k, target));
    return codes.map(({ label, linked }) => `${label.split(":")[0]}${/alias Slice = vec4h/.test(linked.code) ? ", f16" : ""}`);
  };
  const product = (a: Tensor, b: Tensor) => [a.matmul(b)];

  test("use tensor cores where there are any, and else tiles in f16; in f32 neither", () => {
    const args = [sample([64, 64]), sample([64, 64])];
    expect(filesOf(product, args)).toEqual(["matmul-matrix"]);
    expect(filesOf(product, args, "f16", false)).toEqual(["matmul-tiled, f16"]);
    expect(filesOf(product, args, "f32")).toEqual(["matmul-tiled"]);
  });

  test("are too small for them below one matrix each way", () => {
    expect(filesOf(product, [sample([64, 64]), sample([64, 15])])).toEqual(["matmul-tiled, f16"]);
    expect(filesOf(product, [sample([64, 15]), sample([15, 64])])).toEqual(["matmul-tiled, f16"]);
    expect(filesOf(product, [sample([64, 64]), sample([64, 4])]), "and for tiles").toEqual(["matmul-narrow"]);
  });

  test("read gradients in f16 only if somebody watches whether they fit", () => {
    const layers = (x: Tensor, w: Tensor, v: Tensor) => grad(x.matmul(w).relu().matmul(v).square().mean(), [w]);
    const files = (batch: number) => filesOf(layers, [sample([batch, 96]), sample([96, 96]), sample([96, 96])]);
    expect(files(64), "two forward, and two of gradients of 64 × 96").toEqual(Array(4).fill("matmul-matrix"));
    expect(files(32), "whose 3072 elements stay in f32").toEqual([...Array(2).fill("matmul-matrix"), ...Array(2).fill("matmul-tiled")]);
  });

  test("get larger blocks the more of them there are, as far as workgroup memory goes", () => {
    const along = { a: true, b: false };
    const block = (m: number, n: number, memory = 32768) => {
      const found = inMatrices({ batch: 1, m, n, k: 512, parts: 1 }, 512, NVIDIA, memory, along);
      return found && [found.height, found.width, found.constants["ROWS"], found.constants["COLUMNS"], found.hangs];
    };
    expect(block(4096, 4096)).toEqual([128, 128, 4, 2, false]);
    expect(block(4096, 4096, 16384), "WebGPU's least").toEqual([64, 64, 2, 2, false]);
    expect(block(512, 512)).toEqual([64, 64, 2, 2, false]);
    expect(block(128, 400)).toEqual([32, 32, 1, 1, true]);
    expect(
      inMatrices({ batch: 1, m: 64, n: 64, k: 64, parts: 1 }, 64, { ...NVIDIA, k: 24 }, 32768, along),
      "no such slice",
    ).toBeUndefined();
  });
});

describe("the loss scale", () => {
  test("doubles after 2000 steps, halves when a gradient saturated, and keeps within bounds", async () => {
    use(js);
    const state = lossScale();
    const read = async () => [await state.scale.item(), await state.steady.item(), await state.saturated.item()];
    const step = async () => {
      adjust(state);
      await sync();
      return read();
    };
    expect(await read()).toEqual([2 ** 15, 0, 0]);
    expect(await step()).toEqual([2 ** 15, 1, 0]);
    set(state.steady, 1998);
    expect(await step()).toEqual([2 ** 15, 1999, 0]);
    expect(await step()).toEqual([2 ** 16, 0, 0]);
    set(state.saturated, 1);
    expect(await step()).toEqual([2 ** 15, 0, 0]);
    set(state.saturated, 1);
    set(state.steady, 1999);
    expect(await step(), "both at once").toEqual([2 ** 14, 0, 0]);
    set(state.scale, 2 ** 24);
    set(state.steady, 1999);
    expect((await step())[0]).toBe(2 ** 24);
    set(state.scale, 2 ** -14);
    set(state.saturated, 1);
    expect((await step())[0]).toBe(2 ** -14);
    for (const t of Object.values(state)) t.dispose();
  });

  test("is there to save in f16, and only there", () => {
    using f32 = compile((x: Tensor) => x);
    using f16 = compile((x: Tensor) => x, { precision: "f16" });
    expect(f32.lossScale).toBeUndefined();
    expect(Object.keys(f16.lossScale ?? {})).toEqual(["scale", "steady", "saturated"]);
  });
});

describe("a device without f16", () => {
  test("is an error that says what lacks and what to do [js] [wasm]", async () => {
    use(js);
    using f = compile((x: Tensor) => x.add(1), { precision: "f16" });
    expect(() => f(sample([3]))).toThrow(/compile: precision "f16" is not possible here: js .*; leave it out for f32/);
    const wasm = await open("wasm", { threads: 1 });
    expect(() => f(sample([3]))).toThrow(/WebAssembly has no f16/);
    await wasm.close();
  });

  test.skipIf(!lacksHalf)("that might have it under another driver or setting, says which [webgpu]", async () => {
    const device = await openWebGpu();
    using f = compile((x: Tensor) => x.add(1), { precision: "f16" });
    expect(() => f(sample([3]))).toThrow(/does not offer the WebGPU feature "shader-f16".*vulkan_enable_f16_on_nvidia/);
    await device.close();
  });

  test("a precision that does not exist is refused", () => {
    expect(() => compile((x: Tensor) => x, { precision: "f8" as "f16" })).toThrow(/compile: precision "f8"; there are f32 and f16/);
  });
});

test("the kernels of training steps in f16 compile, of both families and with tensor cores [webgpu, null]", async () => {
  for (const device of nulls) {
    use(device);
    const dense = elbo.denseVae({ input: 196, hidden: 130, latent: 20, seed: 1 });
    const conv = elbo.convVae({ input: [16, 16, 1], channels: [16, 24], latent: 12, norm: "group", seed: 1 });
    for (const [model, x] of [
      [dense, sample([48, 196], 0, 1)],
      [conv, sample([48, 16, 16, 1], 0, 1)],
    ] as const) {
      using step = training(model, "f16");
      step(x);
      await device.idle(); // throws if a kernel was refused
    }
  }
});

describe.skipIf(lacksHalf)("where the adapter has f16", () => {
  test("every program agrees with its twin in f32 and with js [webgpu]", async () => {
    const wrong = await verifyHalf({ ...elbo, sample }, VARIANTS, console.log);
    expect(wrong).toEqual([]);
  });

  test("a gradient that is too large is cut off, and the next step has half the scale [webgpu]", async () => {
    await using _ = await openWebGpu();
    const [w, v] = [parameter(sample([96, 96])), parameter(sample([96, 96], -1, 1, 1))];
    using f = compile((x: Tensor) => grad(x.matmul(w).matmul(v).square().sum(), [w, v])[0], { precision: "f16" });
    const scale = f.lossScale?.scale as Tensor;
    const x = sample([64, 96]);
    const scales: number[] = [];
    for (let i = 0; i < 20; i++) {
      expect((await f(x).data()).every(Number.isFinite)).toBe(true);
      scales.push(await scale.item());
    }
    expect(scales.slice(0, 3)).toEqual([2 ** 14, 2 ** 13, 2 ** 12]);
    expect(scales[19], "until nothing is cut off").toBe(scales[18]);
    using exact = compile((x: Tensor) => grad(x.matmul(w).matmul(v).square().sum(), [w, v])[0]);
    const [got, expected] = [await f(x).data(), await exact(x).data()];
    const largest = Math.max(...expected.map(Math.abs));
    expect(Math.max(...got.map((g, i) => Math.abs(g - expected[i]))) / largest).toBeLessThan(4 * 4 * 2 ** -11);
  });

  test("no bit of a gradient depends on the scale, as long as it fits [webgpu]", async () => {
    await using _ = await openWebGpu();
    const [w, v] = [parameter(sample([96, 96])), parameter(sample([96, 96], -1, 1, 1))];
    using f = compile((x: Tensor) => grad(x.matmul(w).relu().matmul(v).square().mean(), [w, v])[0], { precision: "f16" });
    const x = sample([64, 96]);
    const first = await f(x).data();
    set(f.lossScale?.scale as Tensor, 2 ** 10);
    expect(await f(x).data()).toEqual(first);
  });

  test("50 steps of a VAE on digits follow those in f32, to a thousandth of the loss [webgpu]", async () => {
    await using _ = await openWebGpu();
    const losses = async (precision: Precision) => {
      using model = elbo.denseVae({ input: 196, hidden: 130, latent: 20, seed: 1 });
      using step = training(model, precision);
      const x = tensor(
        Float32Array.from(elbo.digits({ count: 64, size: 14 }).pixels, (byte) => byte / 255),
        [64, 196],
      );
      const all: number[] = [];
      for (let i = 0; i < 50; i++) all.push(await step(x).item());
      return all;
    };
    const [twin, half] = [await losses("f32"), await losses("f16")];
    const differences = half.map((loss, i) => Math.abs(loss - twin[i]) / twin[i]);
    expect(Math.max(...differences)).toBeLessThan(1e-3);
    expect(half[49], "and something is learned").toBeLessThan(0.9 * half[0]);
  });

  test("a training that is resumed from files ends as one that was not interrupted, its loss scale included [webgpu]", async () => {
    await using _ = await openWebGpu();
    const data = { train: elbo.digits({ count: 64, size: 14 }) };
    const make = () => vae.denseVae({ input: [14, 14, 1], hidden: 30, latent: 4 });
    const trained = async (model: vae.Vae, options: vae.TrainOptions) => {
      let state!: vae.TrainState;
      const onEpoch = async () => {
        state = await training.state();
      };
      const training = vae.train(model, data, { batch: 16, precision: "f16", onEpoch, ...options });
      await training;
      const weights = await vae.modelToSafetensors(model);
      return { state, weights, written: vae.stateToSafetensors(model, { ...state, running: { ...state.running, seconds: 0 } }) };
    };
    using whole = make();
    const expected = await trained(whole, { epochs: 4 });
    expect(expected.state.tensors.get("lossScale.scale")?.[0]).toBeGreaterThan(1);
    using begun = make();
    const half = await trained(begun, { epochs: 2 });
    using goesOn = vae.modelFromSafetensors(begun.config, half.weights, "weights");
    const resume = vae.stateFromSafetensors(goesOn, half.written, "state");
    const got = await trained(goesOn, { epochs: 4, resume });
    expect(Buffer.from(got.weights).equals(expected.weights)).toBe(true);
    expect(Buffer.from(got.written).equals(expected.written)).toBe(true);
  });
});
