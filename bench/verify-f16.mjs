// node bench/verify-f16.mjs: programs of mixed precision beside the same programs in f32, and in float64 by `js`: products in every
// layout, chains, convolutions, normalization, gradients, training. For machines whose GPU has f16; the tests run it where theirs has.
import { fileURLToPath } from "node:url";

// f16 has 11 bits: what is rounded to it is off by 2⁻¹¹ of itself at most, a product of two such operands by 2 · 2⁻¹¹, and so a sum of
// products by 2 · 2⁻¹¹ · Σ|a||b|. After several layers the bound is of the largest element of the result, for each layer 4 · 2⁻¹¹: for
// operands, and for storing the result; sums of random terms stay far below. A wrong place is off by as much as the largest element.
const ROUNDING = 2 ** -11;

/**
 * @typedef {import("../src/node.ts").Tensor} Tensor
 * @typedef {{ what: string, layers: number, args: Tensor[], f: (...args: Tensor[]) => Tensor[], bound?: Tensor }} Program
 * @typedef {Pick<typeof import("../src/node.ts"), "adam" | "compile" | "convVae" | "denseVae" | "grad" | "open"> & { sample: typeof import("../src/kernels/sample.ts").sample }} Api
 */

/** Both families of kernels; of the one for GPUs with tensor cores, where there are any, and without. @type {readonly import("../src/node.ts").OpenOptions[]} */
export const VARIANTS = [{ kernels: "simple" }, { kernels: "tiled" }, { kernels: "tiled", matrices: false }];

/** What differs, a line for each; none if all agree. @param {Api} api @param {readonly import("../src/node.ts").OpenOptions[]} variants @param {(line: string) => void} log */
export async function verifyHalf(api, variants, log) {
  const js = await api.open("js", { precision: "f64" });
  const exact = await results(api, "f32");
  await js.close();
  const wrong = [];
  for (const options of variants) {
    const device = await api.open("webgpu", options);
    if (device.lacksHalf) throw new Error(device.lacksHalf);
    const [twins, halves] = [await results(api, "f32"), await results(api, "f16")];
    await device.close();
    let worst = 0;
    for (const [what, { values, bounds }] of halves) {
      const references = /** @type {const} */ ([
        ["js", exact],
        ["f32", twins],
      ]);
      for (const [name, reference] of references) {
        const found = compare(values, reference.get(what)?.values ?? [], bounds);
        worst = Math.max(worst, found.share);
        if (!(found.share <= 1)) wrong.push(`${what}, ${JSON.stringify(options)}: ${found.where} by ${name}`);
      }
    }
    log(
      `${device.description}, ${JSON.stringify(options)}: ${halves.size} results in f16, the farthest at ${(100 * worst).toFixed(0)} % of its bound`,
    );
  }
  return wrong;
}

/** The largest difference as a share of its bound. @param {ArrayLike<number>} got @param {ArrayLike<number>} expected @param {(i: number, largest: number) => number} bounds */
function compare(got, expected, bounds) {
  const largest = Array.from(expected).reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  let worst = {
    share: got.length === expected.length ? 0 : Number.POSITIVE_INFINITY,
    where: `${got.length} elements, and ${expected.length}`,
  };
  for (let i = 0; i < expected.length; i++) {
    const share = Math.abs(got[i] - expected[i]) / bounds(i, largest);
    if (!(share <= worst.share))
      worst = { share, where: `element ${i} is ${got[i]}, and ${expected[i]} ± ${bounds(i, largest).toPrecision(2)}` };
  }
  return worst;
}

/** What the current device makes of all programs. @param {Api} api @param {"f32" | "f16"} precision */
async function results(api, precision) {
  /** @type {Map<string, { values: ArrayLike<number>, bounds: (i: number, largest: number) => number }>} */
  const found = new Map();
  for (const { what, f, args, layers, bound } of programs(api)) {
    const compiled = api.compile(f, { precision });
    const limits = await bound?.data();
    const all = await Promise.all(compiled(...args).map((y) => y.data()));
    all.forEach((values, which) => {
      const bounds = (/** @type {number} */ i, /** @type {number} */ largest) =>
        2 * ROUNDING * (limits?.[i] ?? 2 * layers * largest) + 1e-6;
      found.set(`${what}, result ${which}`, { values, bounds });
    });
    compiled.dispose();
  }
  return found;
}

/** @param {Api} api @returns {Generator<Program>} */
function* programs({ adam, convVae, denseVae, grad, sample }) {
  const random = (/** @type {number[]} */ shape, salt = 0) => sample(shape, -2, 2, salt);
  const energy = (/** @type {Tensor} */ y) => y.square().mean();

  for (const [m, k, n, flipA, flipB] of /** @type {const} */ ([
    [70, 150, 99, false, false], // sizes of more than a tile each way, and no multiple of one
    [70, 150, 99, false, true],
    [70, 150, 99, true, false],
    [70, 150, 99, true, true],
    [128, 64, 64, false, true], // whole tiles
    [33, 520, 40, true, false], // sums in parts
  ])) {
    const args = [random(flipA ? [k, m] : [m, k]), random(flipB ? [n, k] : [k, n], 1)];
    const bound = args[0].abs().matmul(args[1].abs(), { flipA, flipB });
    const what = `[${m}, ${k}] · [${k}, ${n}] with ${JSON.stringify({ flipA, flipB })}`;
    yield { what, layers: 1, args, bound, f: (a, b) => [a.matmul(b, { flipA, flipB })] };
  }
  yield { what: "a batch", layers: 1, args: [random([3, 40, 50]), random([3, 50, 36], 1)], f: (a, b) => [a.matmul(b)] };

  // Activations are smooth: a sum near 0 that is rounded may switch a relu, and then its gradient is another one.
  const args = [random([96, 120]), sample([120, 136], -0.2, 0.2, 1), random([136], 2), sample([136, 72], -0.2, 0.2, 3)];
  const net = (/** @type {Tensor[]} */ ...[x, w1, b1, w2]) => x.matmul(w1).add(b1).tanh().matmul(w2);
  yield { what: "two layers", layers: 2, args, f: (...args) => [net(...args)] };
  yield { what: "their gradients", layers: 4, args, f: (...args) => grad(energy(net(...args)), args) };
  const tiny = (/** @type {Tensor[]} */ ...args) => grad(energy(net(...args)).mul(1e-6), args).map((g) => g.mul(1e6));
  yield { what: "gradients a million times smaller", layers: 4, args, f: tiny };
  const normalized = (/** @type {Tensor[]} */ ...[x, w1, b1, w2]) => {
    const h = x.matmul(w1).add(b1);
    const centred = h.sub(h.mean(1, true));
    const y = centred.div(centred.square().mean(1, true).add(1e-5).sqrt()).tanh().matmul(w2);
    return [y, ...grad(energy(y), [x, w1, w2])];
  };
  yield { what: "layers with a norm between", layers: 4, args, f: normalized };

  const pictures = [random([4, 14, 14, 8]), sample([4, 4, 8, 16], -0.2, 0.2, 1)];
  const options = { stride: 2, padding: 1 };
  const conv = (/** @type {Tensor[]} */ ...[x, w]) => x.conv2d(w, options).tanh().convTranspose2d(w, options);
  yield { what: "convolutions", layers: 2, args: pictures, f: (...args) => [conv(...args)] };
  yield { what: "gradients of convolutions", layers: 4, args: pictures, f: (...args) => grad(energy(conv(...args)), args) };

  for (const [what, model, x] of /** @type {const} */ ([
    ["dense VAE", denseVae({ input: 196, hidden: 130, latent: 20, seed: 1 }), sample([48, 196], 0, 1)],
    ["VAE of convolutions", convVae({ input: [16, 16, 1], channels: [16, 24], latent: 12, seed: 1 }), sample([48, 16, 16, 1], 0, 1)],
  ])) {
    const optimizer = adam([...model.parameters.values()]);
    const step = (/** @type {Tensor} */ x) => {
      const { loss } = model.terms(x);
      optimizer.step(loss);
      return [loss];
    };
    yield { what: `loss of the ${what}`, layers: 0.25, args: [x], f: step };
  }
}

/** The built project on this adapter. @param {(line: string) => void} log */
export async function verifyF16(log) {
  const elbo = await import("../dist/node.js");
  const { sample } = await import("../dist/kernels/sample.js");
  const device = await elbo.open("webgpu");
  const { lacksHalf } = device;
  await device.close();
  if (lacksHalf) log(lacksHalf);
  // The same as the sources, built.
  return lacksHalf ? [] : verifyHalf(/** @type {Api} */ (/** @type {unknown} */ ({ ...elbo, sample })), VARIANTS, log);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const wrong = await verifyF16(console.log);
  for (const line of wrong) console.log(`WRONG ${line}`);
  process.exit(wrong.length > 0 ? 1 : 0);
}
