// VAEs of convolutions: what they are made of, that they learn alike on every device, and that their gradients and files are right.
import { describe, expect, test } from "vitest";
import { digits } from "../src/data/index.ts";
import { adam, open, type Tensor, tensor } from "../src/index.ts";
import { use } from "../src/kernels/devices/device.ts";
import { sample } from "../src/kernels/sample.ts";
import { conv2d, convTranspose2d, residual } from "../src/vae/conv-layers.ts";
import {
  build,
  type ConvVaeOptions,
  convVae,
  evaluate,
  outline,
  type StepEvent,
  type TrainOptions,
  train,
  UnfitSizeError,
  type Vae,
} from "../src/vae/index.ts";
import { initializer } from "../src/vae/initial.ts";
import { modelFromSafetensors, modelToSafetensors } from "../src/vae/run.ts";
import { readSafetensors } from "../src/vae/safetensors.ts";
import { onEachDevice } from "./setup/each-device.ts";
import { checkModelGradient } from "./setup/model-gradient.ts";

const count = (model: Vae): number => [...model.parameters.values()].reduce((sum, t) => sum + t.size, 0);
const shapes = (model: Vae): Record<string, string> =>
  Object.fromEntries(Array.from(model.parameters, ([name, t]) => [name, `${t.shape}`]));

describe("the presets", () => {
  test("conv28 has the layers and the 220,385 parameters that its description gives", () => {
    using model = convVae({ model: "conv28" });
    expect(shapes(model)).toEqual({
      "encoder.0.weight": "4,4,1,32",
      "encoder.0.bias": "32",
      "encoder.2.weight": "4,4,32,64",
      "encoder.2.bias": "64",
      "mean.weight": "3136,16", // from the flattened 7 x 7 x 64
      "mean.bias": "16",
      "logVariance.weight": "3136,16",
      "logVariance.bias": "16",
      "decoder.0.weight": "16,3136",
      "decoder.0.bias": "3136",
      "decoder.3.weight": "4,4,32,64",
      "decoder.3.bias": "32",
      "decoder.5.weight": "4,4,1,32",
      "decoder.5.bias": "1",
    });
    const [down, up] = [16 * 32 + 32 + (16 * 32 * 64 + 64), 16 * 64 * 32 + 32 + (16 * 32 + 1)];
    const [heads, dense] = [2 * (3136 * 16 + 16), 16 * 3136 + 3136];
    expect(down + heads + dense + up).toBe(220_385);
    expect(count(model)).toBe(220_385);
    expect(outline(model.config)).toBe("28x28x1-14x14x32-7x7x64-16");
    expect(model.shape).toEqual([28, 28, 1]);
  });

  test("conv64 is the model of Burgess et al.: four convolutions of 32, two layers of 256, ten latents, and the mirror", () => {
    using model = convVae({ model: "conv64" });
    const conv = 16 * 32 * 32 + 32;
    const down = 16 * 32 + 32 + 3 * conv + (512 * 256 + 256) + (256 * 256 + 256) + 2 * (256 * 10 + 10);
    const up = 10 * 256 + 256 + (256 * 256 + 256) + (256 * 512 + 512) + 3 * conv + (16 * 32 + 1);
    expect(count(model)).toBe(down + up);
    expect(outline(model.config)).toBe("64x64x1-32x32x32-16x16x32-8x8x32-4x4x32-256-256-10");
    expect(shapes(model)).toMatchObject({ "encoder.9.weight": "512,256", "decoder.4.weight": "256,512", "decoder.13.weight": "4,4,1,32" });
  });

  test("fit other sizes, colours and options, which a config keeps", () => {
    using model = convVae({ model: "conv28", input: [32, 24, 3], latent: 5, channels: [4, 6], hidden: [7], norm: "group" });
    expect(outline(model.config)).toBe("32x24x3-16x12x4-8x6x6-7-5");
    expect(model.reconstruct(sample([2, 32, 24, 3], 0, 1)).shape).toEqual([2, 32, 24, 3]);
    using again = build(JSON.parse(JSON.stringify(model.config)));
    expect(again.config).toEqual(model.config);
    expect(shapes(again)).toEqual(shapes(model));
  });
});

describe("layers", () => {
  test("begin as PyTorch's do: within 1/√fan-in, which a transposed convolution counts by its channels out", async () => {
    const largest = async (t: Tensor | undefined) => Math.max(...Array.from((await t?.data()) ?? [], Math.abs));
    for (const [layer, bound] of [
      [conv2d(6, 10, { kernel: [3, 5], groups: 2 }, initializer(1)), 1 / Math.sqrt(3 * 3 * 5)],
      [convTranspose2d(6, 20, { kernel: [3, 5], groups: 2 }, initializer(1)), 1 / Math.sqrt(10 * 3 * 5)],
    ] as const) {
      const weight = await largest(layer.parameters.get("weight"));
      expect(weight).toBeLessThanOrEqual(bound);
      expect(weight).toBeGreaterThan(0.95 * bound);
      const bias = await largest(layer.parameters.get("bias"));
      expect(bias).toBeLessThanOrEqual(bound);
      expect(bias).toBeGreaterThan(0.5 * bound);
      for (const t of layer.parameters.values()) t.dispose();
    }
  });

  test("begin, if asked, as He et al. say: values keep their size on their way through many layers", async () => {
    const spread = async (init: "pytorch" | "he") => {
      using model = convVae({ model: "conv64", init });
      const values = Float32Array.from(await model.encode(sample([8, 64, 64, 1], 0, 1)).mean.data());
      return Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / values.length);
    };
    const given = 1 / Math.sqrt(3); // of what is uniform between 0 and 1, its mean included
    expect(await spread("he")).toBeGreaterThan(0.3 * given);
    expect(await spread("he")).toBeLessThan(3 * given);
    expect(await spread("pytorch")).toBeLessThan(0.15 * given);
    // a transposed convolution of stride 2 adds up a quarter of what its kernel has, from each of its inputs
    const { parameters } = convTranspose2d(6, 20, { kernel: 4, stride: 2 }, initializer(1, "he"));
    const largest = Math.max(...Array.from(await (parameters.get("weight") as Tensor).data(), Math.abs));
    const bound = Math.sqrt(6 / ((4 * 4 * 6) / 4));
    expect(largest).toBeLessThanOrEqual(bound);
    expect(largest).toBeGreaterThan(0.95 * bound);
    expect((await (parameters.get("bias") as Tensor).data()).every((b) => b === 0)).toBe(true);
    for (const t of parameters.values()) t.dispose();
  });

  test("a residual block adds what it computes to its input, which a 1 x 1 convolution fits where channels change", () => {
    expect([...residual(3, 3).parameters.keys()]).toEqual(["body.0.weight", "body.0.bias", "body.2.weight", "body.2.bias"]);
    const block = residual(3, 5, { norm: "batch" });
    expect(block.parameters.get("skip.weight")?.shape).toEqual([1, 1, 3, 5]);
    expect([...(block.state?.keys() ?? [])]).toContain("body.4.running_var");
    expect(block.forward(sample([2, 4, 3, 3])).shape).toEqual([2, 4, 3, 5]);
  });

  test("refuse groups that do not divide the channels", () => {
    expect(() => conv2d(3, 4, { kernel: 3, groups: 2 })).toThrow("conv2d: 2 groups do not divide 3 channels in and 4 out");
    expect(() => convTranspose2d(4, 3, { kernel: 3, groups: 2 })).toThrow(
      "convTranspose2d: 2 groups do not divide 4 channels in and 3 out",
    );
  });
});

/** Every option at least once, each small enough to be computed hundreds of times. */
const tiny = (options: ConvVaeOptions = {}): Vae => convVae({ input: [8, 8, 1], channels: [3, 4], latent: 2, ...options });
const configurations: Record<string, ConvVaeOptions> = {
  plain: {},
  "a Gaussian, colours": { likelihood: "gaussian", input: [4, 8, 3], activation: "silu" },
  "batch norm, hidden layers": { norm: "batch", hidden: [5, 4], activation: "tanh" },
  "group norm, residual blocks": { norm: "group", channels: [2, 4], residual: 1, activation: "gelu" },
  "layer norm, upsampling": { norm: "layer", decoder: "upsample", activation: "elu" },
  "upsampling, residual blocks, a Gaussian": {
    decoder: "upsample",
    residual: 1,
    likelihood: "gaussian",
    scale: 0.3,
    activation: "softplus",
  },
  "kernels of 3 with output padding": { kernel: 3, input: [6, 9, 1], channels: [3], activation: "silu" },
  "stride 1, kernels of 5": { kernel: 5, stride: 1, input: [5, 4, 1], channels: [2, 2], activation: "silu" },
};

describe("gradients", () => {
  for (const [name, options] of Object.entries(configurations)) {
    test(`of every parameter match finite differences: ${name} [js]`, async () => {
      const make = () => tiny(options);
      await checkModelGradient(
        make,
        (model) => model.terms(sample([3, ...model.shape], 0, 1), { noise: sample([3, 2], -2, 2, 1), beta: 0.7, training: true }).loss,
      );
    });
  }
});

const data = { train: digits({ count: 70, size: 8 }), test: digits({ count: 25, start: 70, size: 8 }) };
const settings = { batch: 10, epochs: 3 };

async function losses(model: Vae, rate = 1e-3): Promise<number[]> {
  const steps: StepEvent[] = [];
  const optimizer: TrainOptions["optimizer"] = (parameters) => adam(parameters, { rate });
  await train(model, { train: data.train }, { ...settings, optimizer, onStep: (event) => steps.push(event) });
  return steps.map(({ loss }) => loss);
}

describe("training", () => {
  onEachDevice("lowers the loss of images it has not seen, and the same seed gives the same run", async () => {
    using model = tiny();
    const before = await evaluate(model, data.test);
    const first = await losses(model, 1e-2);
    expect((await evaluate(model, data.test)).loss).toBeLessThan(before.loss - 3);
    using again = tiny();
    expect(await losses(again, 1e-2)).toEqual(first);
    using other = tiny({ seed: 2 });
    expect(await losses(other, 1e-2)).not.toEqual(first);
  });

  for (const [name, options] of Object.entries({
    plain: { channels: [6, 8], latent: 4 },
    "batch norm, residual blocks, dropout": { norm: "batch", residual: 1, dropout: 0.2 },
    "group norm, upsampling, hidden layers": { norm: "group", channels: [8, 16], decoder: "upsample", hidden: [9] },
  } satisfies Record<string, ConvVaeOptions>)) {
    onEachDevice(`follows js for twenty steps: ${name}`, async (device) => {
      const run = async () => {
        using model = tiny(options);
        return (await losses(model)).slice(0, 20);
      };
      const here = await run();
      await using _ = await open("js");
      const there = await run();
      use(device);
      expect(there.length).toBe(20);
      for (const [i, loss] of there.entries()) expect(Math.abs(here[i] / loss - 1), `step ${i}: ${here[i]}, js ${loss}`).toBeLessThan(1e-4);
    });
  }
});

describe("files", () => {
  onEachDevice("keep a model with norms, residual blocks and hidden layers as it is", async () => {
    using model = tiny({ norm: "batch", residual: 1, hidden: [5], input: [8, 4, 3], likelihood: "gaussian" });
    const x = sample([6, 8, 4, 3], 0, 1);
    await model.terms(x, { noise: sample([6, 2]), training: true }).loss.item();
    // The running averages have moved now.
    using again = modelFromSafetensors(model.config, await modelToSafetensors(model), "model.safetensors");
    for (const [name, t] of [...model.parameters, ...model.state]) {
      expect(await (again.parameters.get(name) ?? again.state.get(name))?.data(), name).toEqual(await t.data());
    }
    expect(await again.reconstruct(x).data()).toEqual(await model.reconstruct(x).data());
  });

  test("hold weights as PyTorch has them: channels first, also where pictures are flattened", async () => {
    using model = tiny({ input: [8, 4, 1], hidden: [5] }); // 2 x 1 x 4 before it is flattened
    const { tensors } = readSafetensors(await modelToSafetensors(model), "");
    const stored = (name: string) => tensors.get(name) as { shape: readonly number[]; data: Float32Array };
    const own = (name: string) => model.parameters.get(name)?.data() as Promise<Float32Array>;
    expect(stored("encoder.2.weight").shape).toEqual([4, 3, 4, 4]); // out, in, kh, kw
    expect(stored("decoder.5.weight").shape).toEqual([4, 3, 4, 4]); // in, out, kh, kw
    expect(stored("encoder.5.weight").shape).toEqual([5, 8]);
    expect(stored("decoder.2.weight").shape).toEqual([8, 5]);

    const [conv, down, up, bias] = await Promise.all(
      ["encoder.2.weight", "encoder.5.weight", "decoder.2.weight", "decoder.2.bias"].map(own),
    );
    for (const [u, v, i, o] of [
      [3, 1, 2, 0],
      [0, 2, 1, 3],
    ]) {
      expect(stored("encoder.2.weight").data[((o * 3 + i) * 4 + u) * 4 + v]).toBe(conv[((u * 4 + v) * 3 + i) * 4 + o]);
    }
    for (const [h, c, o] of [
      [1, 2, 3],
      [0, 3, 4],
    ]) {
      expect(stored("encoder.5.weight").data[o * 8 + (c * 2 + h)]).toBe(down[(h * 4 + c) * 5 + o]);
      expect(stored("decoder.2.weight").data[(c * 2 + h) * 5 + o]).toBe(up[o * 8 + (h * 4 + c)]);
      expect(stored("decoder.2.bias").data[c * 2 + h]).toBe(bias[h * 4 + c]);
    }
  });
});

describe("what does not fit is refused", () => {
  const cases: [string, Record<string, unknown>, string][] = [
    [
      "a size",
      { model: "conv64", input: [30, 30, 1] },
      "convVae: 30 x 30 images: 4 layers of stride 2 take multiples of 16: 16, 32, 48, 64",
    ],
    ["one of two sides", { input: [28, 30, 1] }, "convVae: 28 x 30 images: 2 layers of stride 2 take multiples of 4: 28, 32, 36, 40"],
    [
      "a size, with kernels that take others",
      { input: [28, 28, 1], kernel: 3, padding: 0 },
      "convVae: 28 x 28 images: 2 layers of kernel 3, padding 0, stride 2 take sizes like 27, 31, 35, 39",
    ],
    [
      "a padding that no size fits",
      { input: [28, 28, 1], kernel: 3, padding: 0, decoder: "upsample" },
      '2 layers of kernel 3, padding 0, stride 2 with decoder "upsample" fit no size; choose another padding',
    ],
    ["images smaller than a kernel", { input: [2, 2, 1], kernel: 7, stride: 1, padding: 0 }, "take sizes like 13, 14"],
    ["no size", {}, "convVae: input is missing: [height, width, channels]"],
    ["a size without channels", { input: [28, 28] }, "input: [28,28] is not [height, width, channels]"],
    ["an unknown option", { input: [8, 8, 1], filters: [2] }, 'convVae: unknown option "filters"; it takes input, channels, kernel, '],
    ["an unknown model", { model: "conv29" }, 'model: "conv29" is not one of conv, conv28, conv64'],
    ["an unknown norm", { input: [8, 8, 1], norm: "weight" }, 'norm: "weight" is not one of none, batch, group, layer'],
    ["an unknown decoder", { input: [8, 8, 1], decoder: "flow" }, 'decoder: "flow" is not one of transposed, upsample'],
    ["no filters", { input: [8, 8, 1], channels: [] }, "channels: 0 sizes; 1 to 64 are allowed"],
    ["half a block", { input: [8, 8, 1], residual: 0.5 }, "residual: 0.5 is not a whole number from 0 to 64"],
    ["a padding as wide as the kernel", { input: [8, 8, 1], padding: 4 }, "padding: 4 is not a whole number from 0 to 3"],
    ["dropping everything", { input: [8, 8, 1], dropout: 1 }, "dropout: 1 is not a number from 0 up to, but not including, 1"],
    ["a scale without use", { input: [8, 8, 1], scale: 1 }, "scale: 1 is of no use to a bernoulli likelihood"],
    ["absurd sizes", { input: [2 ** 40, 2 ** 40, 1] }, "parameters or more, which exceeds"],
    ["absurd strides", { input: [28, 28, 1], stride: 2 ** 40, channels: [1, 1] }, "convVae: 28 x 28 images"],
  ];
  for (const [name, options, message] of cases) {
    test(name, () => expect(() => convVae(options as ConvVaeOptions)).toThrow(message));
  }

  test("and the error knows the size that is nearest", () => {
    const error = (() => {
      try {
        return convVae({ model: "conv64", input: [30, 50, 3] });
      } catch (error) {
        return error;
      }
    })();
    expect(error).toBeInstanceOf(UnfitSizeError);
    expect((error as UnfitSizeError).nearest).toBe(48);
  });
});

test("values of another size are no pictures for it", () => {
  using model = tiny();
  expect(() => model.encode(tensor([[0, 1]]))).toThrow(/examples are \[8, 8, 1\] here; tensor \[1, 2\]/);
});
