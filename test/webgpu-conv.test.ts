// Convolutions on WebGPU against js where kernels go wrong: borders, strides, groups, blocks that hang over the edge, sums in parts; and a
// training step of a convolutional VAE. Values are small whole numbers, so that sums are exact in any order.
import { describe, expect, test } from "vitest";
import type { ConvTransposeOptions } from "../src/kernels/conv/geometry.ts";
import { use } from "../src/kernels/devices/device.ts";
import type { WebGpuOptions } from "../src/kernels/devices/webgpu/device.ts";
import { threefry, unit } from "../src/kernels/random/threefry.ts";
import { adam, compile, type Device, grad, parameter, randomNormal, type Tensor, tensor } from "../src/node.ts";
import { explainedForGpu } from "./setup/dispatches.ts";
import { agree, js, openedAs, type Shape, size, whole } from "./setup/exact.ts";

const OPTIONS = {
  webgpu: { kernels: "simple" },
  "webgpu, in parts": { kernels: "simple", parts: 3 },
  "webgpu, tiled": { kernels: "tiled" },
  "webgpu, tiled, in parts": { kernels: "tiled", parts: 3 },
} as const satisfies Record<string, WebGpuOptions>;
type Label = keyof typeof OPTIONS;
const ALL = Object.keys(OPTIONS) as Label[];
const SIMPLE = ALL.slice(0, 2); // quick to compile

const opened = openedAs(OPTIONS);

interface Case {
  readonly x: Shape;
  readonly w: Shape;
  readonly options?: ConvTransposeOptions;
}

/** A layer with its bias and its activation, and all its gradients. */
const layer = (x: Tensor, w: Tensor, sum: Tensor): Tensor[] => {
  const b = whole([sum.shape[3]], 2);
  const y = sum.add(b).relu();
  return [y, ...grad(y.mul(whole(y.shape, 3)).sum(), [x, w, b])];
};
function forward({ x, w, options }: Case): Tensor[] {
  const [a, b] = [whole(x), whole(w, 1)];
  return layer(a, b, a.conv2d(b, options));
}
function transposed({ x, w, options }: Case): Tensor[] {
  const [a, b] = [whole(x), whole(w, 1)];
  return layer(a, b, a.convTranspose2d(b, options));
}

describe("convolutions agree with js", () => {
  const options: readonly ConvTransposeOptions[] = [
    {},
    { stride: 2, padding: 1 },
    { stride: [2, 3], padding: "same" },
    { stride: 3 }, // leaves rows that no patch reaches
    {
      padding: [
        [0, 3],
        [2, 1],
      ],
    },
    { dilation: 2, padding: 2 },
    { dilation: [1, 2], stride: 2, padding: 1 },
  ];
  for (const label of SIMPLE) {
    for (const each of options) {
      test(`odd sizes, ${JSON.stringify(each)} [${label}]`, async () => {
        const kernels = [
          [[2, 3], 1, 2],
          [[3, 3], 2, 5],
          [[1, 1], 3, 9],
          [[4, 4], 5, 1],
        ] as const;
        for (const [kernel, c, o] of label === "webgpu" ? kernels : kernels.slice(0, 2)) {
          const w = [...kernel, c, o];
          await agree(opened[label], `[${w}]`, () => forward({ x: [2, 7, 9, c], w, options: each }));
          await agree(opened[label], `[${w}] transposed`, () => transposed({ x: [2, 5, 6, o], w, options: each }));
        }
      });
    }
  }

  test.each(SIMPLE)("groups, depthwise, output padding, kernels as large as the image, one example, none [%s]", async (label) => {
    const cases: readonly (readonly [(c: Case) => Tensor[], Case])[] = [
      [forward, { x: [2, 5, 6, 4], w: [3, 2, 2, 6], options: { groups: 2, padding: 1 } }],
      [forward, { x: [2, 5, 6, 4], w: [3, 3, 1, 4], options: { groups: 4, stride: 2, padding: 1 } }],
      [transposed, { x: [2, 4, 3, 6], w: [3, 2, 2, 6], options: { groups: 2, stride: 2 } }],
      [transposed, { x: [2, 4, 3, 4], w: [4, 4, 1, 4], options: { groups: 4, stride: 2, padding: 1 } }],
      [transposed, { x: [1, 3, 2, 3], w: [3, 3, 2, 3], options: { stride: [3, 2], outputPadding: [2, 1] } }],
      [forward, { x: [3, 5, 7, 2], w: [5, 7, 2, 3] }],
      [transposed, { x: [3, 1, 1, 3], w: [5, 7, 2, 3] }],
      [forward, { x: [1, 1, 1, 1], w: [1, 1, 1, 1], options: { padding: 1 } }],
      [forward, { x: [0, 5, 5, 2], w: [3, 3, 2, 3] }],
      [transposed, { x: [0, 5, 5, 3], w: [3, 3, 2, 3] }],
    ];
    for (const [make, c] of cases) await agree(opened[label], JSON.stringify(c), () => make(c));
  });

  // Large enough for tiles: 16 rows and columns.
  test.each(ALL.slice(2))("tiles [%s]", async (label) => {
    await agree(opened[label], "down", () => forward({ x: [2, 7, 9, 3], w: [4, 4, 3, 17], options: { stride: 2, padding: 1 } }));
    await agree(opened[label], "up", () => transposed({ x: [2, 7, 5, 18], w: [4, 4, 16, 18], options: { stride: 2, padding: 1 } }));
  });
});

/** Numbers from -scale to scale. */
const drawn = (shape: Shape, salt: number, scale: number): Tensor =>
  tensor(
    Float32Array.from({ length: size(shape) }, (_, i) => scale * (2 * unit(threefry(salt, 0, 0, i)[0]) - 1)),
    shape,
  );
/** Two convolutions down to a quarter of the side, two transposed ones up again; noise, Bernoulli, Adam; compiled. */
function trainingStep(side: number, [c1, c2]: readonly [number, number], latent: number) {
  const low = side / 4;
  const flat = low * low * c2;
  let salt = 0;
  const weight = (...shape: number[]) => parameter(drawn(shape, salt++, size(shape.slice(0, -1)) ** -0.5));
  const bias = (n: number) => parameter(drawn([n], salt++, 0.1));
  const p = {
    ...{ w1: weight(4, 4, 1, c1), b1: bias(c1), w2: weight(4, 4, c1, c2), b2: bias(c2) },
    ...{ mean: weight(flat, latent), meanBias: bias(latent), logVariance: weight(flat, latent), logVarianceBias: bias(latent) },
    ...{ w3: weight(latent, flat), b3: bias(flat), w4: weight(4, 4, c1, c2), b4: bias(c1), w5: weight(4, 4, 1, c1), b5: bias(1) },
  };
  const optimizer = adam(Object.values(p));
  const half = { stride: 2, padding: 1 };
  const step = compile(
    (x: Tensor) => {
      const n = x.shape[0];
      const h = x.conv2d(p.w1, half).add(p.b1).relu().conv2d(p.w2, half).add(p.b2).relu().reshape([n, flat]);
      const mean = h.matmul(p.mean).add(p.meanBias);
      const logVariance = h.matmul(p.logVariance).add(p.logVarianceBias);
      const z = mean.add(logVariance.mul(0.5).exp().mul(randomNormal(mean.shape)));
      const up = z.matmul(p.w3).add(p.b3).relu().reshape([n, low, low, c2]).convTranspose2d(p.w4, half).add(p.b4).relu();
      const logits = up.convTranspose2d(p.w5, half).add(p.b5);
      const reconstruction = x.mul(logits).sub(logits.softplus()).reshape([n, -1]).sum(1).neg().mean();
      const kl = mean.square().add(logVariance.expm1().sub(logVariance)).sum(1).mul(0.5).mean();
      const loss = reconstruction.add(kl);
      optimizer.step(loss);
      return { loss, reconstruction, kl };
    },
    { seed: 3 },
  );
  const dispose = () => {
    step.dispose();
    for (const t of [...Object.values(p), ...optimizer.state.values()]) t.dispose();
  };
  return { parameters: Object.values(p), step, dispose };
}

describe("a training step of a convolutional VAE", () => {
  test("is 22 kernels, which move less than 1.2 times the bytes that they must; 32 dispatches on a GPU [webgpu]", () => {
    use(opened.webgpu);
    const [batch, c1, c2, latent] = [64, 32, 64, 16];
    const { parameters, step, dispose } = trainingStep(28, [c1, c2], latent);
    const { kernels, bytes, onGpu } = explainedForGpu(opened.webgpu, () => step.explain(drawn([batch, 28, 28, 1], 0, 1)));
    expect(kernels.length).toBeLessThanOrEqual(22);
    expect(kernels.filter((k) => k.loops === "product").length, "six forward, six weight gradients, five others").toBe(17);
    expect(onGpu, "sums of few results are cut into parts").toBeLessThanOrEqual(32);

    // Each parameter and its two moments read and written once. Each activation written once, and read by the next layer and by that
    // layer's weight gradient; its gradient likewise. x is read by the first layer, its weight gradient and the loss.
    const weights = parameters.reduce((n, p) => n + p.size, 0);
    const activations = 2 * 14 * 14 * c1 + 2 * 7 * 7 * c2 + 3 * latent + 28 * 28;
    const least = 4 * (6 * weights + 3 * batch * 28 * 28 + 6 * batch * activations);
    expect(bytes / least).toBeLessThan(1.2);
    dispose();
  });

  const losses = async (device: Device): Promise<number[][]> => {
    use(device);
    const { step, dispose } = trainingStep(12, [5, 6], 3);
    const results: number[][] = [];
    for (let i = 0; i < 10; i++) {
      const { loss, reconstruction, kl } = step(drawn([4, 12, 12, 1], 100 + (i % 3), 1));
      results.push((await Promise.all([loss.data(), reconstruction.data(), kl.data()])).map(([value]) => value));
    }
    dispose();
    return results;
  };
  test.each(ALL.slice(0, 3))("follows js within 1e-4 for ten steps [%s]", async (label) => {
    const [got, expected] = [await losses(opened[label]), await losses(js)];
    expected.forEach((terms, i) => {
      for (const [which, term] of terms.entries())
        expect(Math.abs(got[i][which] / term - 1), `step ${i}, ${got[i]} and ${terms}`).toBeLessThan(1e-4);
    });
    expect(got.at(-1)?.[0], "the loss falls").toBeLessThan(got[0][0]);
  });
});
