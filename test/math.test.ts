// Elementary functions against Math over dense ranges. WGSL promises little here (log within 2⁻²¹, sin within 2⁻¹¹, tanh(100)
// may be NaN), and WebAssembly has none, so math.wgsl and math.wasm.ts have their own; the bounds below are what those keep.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { use } from "../src/kernels/devices/device.ts";
import { JsDevice } from "../src/kernels/devices/js.ts";
import { erf } from "../src/kernels/elementwise/erf.ts";
import { normal, threefry, unit } from "../src/kernels/random/threefry.ts";
import { batchOrder, compile, type Device, open, randomBits, randomNormal, randomUniform, seed, type Tensor, tensor } from "../src/node.ts";
import { start } from "../src/tensor/read.ts";

const js = new JsDevice();
const POINTS = 1e5;
const even = (lo: number, hi: number) => Float32Array.from({ length: POINTS }, (_, i) => lo + ((hi - lo) * i) / (POINTS - 1));
/** Evenly over the exponents, on both sides of zero if asked. */
const scaled = (lo: number, hi: number, sides = 1) =>
  Float32Array.from({ length: POINTS }, (_, i) => (sides === 2 && i % 2 ? -1 : 1) * lo * (hi / lo) ** (i / (POINTS - 1)));

/** Distance between a number and the next of f32. */
const ulp = (x: number): number => 2 ** (Math.max(Math.floor(Math.log2(Math.abs(x) || 2 ** -126)), -126) - 23);

type Measure = "absolute" | "relative" | "ulp";
const errors: Readonly<Record<Measure, (got: number, exact: number) => number>> = {
  absolute: (got, exact) => Math.abs(got - exact),
  relative: (got, exact) => (got === exact ? 0 : Math.abs(got - exact) / Math.abs(exact)),
  ulp: (got, exact) => Math.abs(got - exact) / ulp(exact),
};

type Unary = (x: Tensor) => Tensor;
const cases: readonly [name: string, f: Unary, exact: (x: number) => number, xs: Float32Array, measure: Measure, bound: number][] = [
  ["log away from 1", (x) => x.log(), Math.log, scaled(1e-37, 0.5), "ulp", 2],
  ["log away from 1, above", (x) => x.log(), Math.log, scaled(2, 3e38), "ulp", 2],
  ["log near 1", (x) => x.log(), Math.log, even(0.5, 2), "absolute", 2e-7],
  ["log near 1, relatively", (x) => x.log(), Math.log, even(0.9, 1.1), "relative", 4e-7],
  ["log1p", (x) => x.log1p(), Math.log1p, scaled(1e-30, 1e30), "relative", 4e-7],
  ["log1p below 0", (x) => x.log1p(), Math.log1p, even(-0.999, -1e-6), "relative", 4e-7],
  ["exp", (x) => x.exp(), Math.exp, even(-20, 20), "relative", 5e-6],
  ["expm1", (x) => x.expm1(), Math.expm1, scaled(1e-30, 20, 2), "relative", 5e-6],
  ["expm1 near 0", (x) => x.expm1(), Math.expm1, scaled(1e-30, 0.5, 2), "ulp", 2],
  ["tanh", (x) => x.tanh(), Math.tanh, scaled(1e-30, 30, 2), "relative", 1e-6],
  ["erf", (x) => x.erf(), erf, even(-6, 6), "absolute", 4e-7],
  ["erf near 0", (x) => x.erf(), erf, scaled(1e-30, 0.9, 2), "relative", 1e-6],
  ["sin", (x) => x.sin(), Math.sin, even(-10, 10), "absolute", 2e-7],
  ["sin far out", (x) => x.sin(), Math.sin, even(-1e4, 1e4), "absolute", 1e-6],
  ["sin near 0", (x) => x.sin(), Math.sin, scaled(1e-30, 0.7, 2), "relative", 3e-7],
  ["cos", (x) => x.cos(), Math.cos, even(-10, 10), "absolute", 2e-7],
  ["cos far out", (x) => x.cos(), Math.cos, even(-1e4, 1e4), "absolute", 1e-6],
  ["sqrt", (x) => x.sqrt(), Math.sqrt, scaled(1e-30, 1e30), "ulp", 2.5],
  ["rsqrt", (x) => x.rsqrt(), (x) => 1 / Math.sqrt(x), scaled(1e-30, 1e30), "ulp", 2.5],
  ["reciprocal", (x) => x.reciprocal(), (x) => 1 / x, scaled(1e-30, 1e30, 2), "ulp", 2.5],
  ["sigmoid", (x) => x.sigmoid(), (x) => 1 / (1 + Math.exp(-x)), even(-80, 80), "relative", 3e-5],
  ["softplus", (x) => x.softplus(), (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))), even(-80, 80), "relative", 3e-5],
  ["pow", (x) => x.pow(2.5), (x) => x ** 2.5, scaled(1e-10, 1e10), "relative", 2e-5],
];

const values = async (t: Tensor): Promise<number[]> => Array.from(await t.data());

const DRAWS = 1e5;
/** The two words of draw i of the first stream: eager draws have clock 0. */
const words = (of: number, i: number): [number, number] => threefry(of, 0, 0, i);

describe.each(["wasm", "webgpu"] as const)("[%s]", (name) => {
  let device: Device;
  beforeAll(async () => {
    device = await open(name);
  });
  afterAll(() => device.close());

  // On a GPU exp is the driver's own, which may be off by 3 + 2|x| ulp: what is made of it (sigmoid, softplus, pow) is as good far out.
  describe("functions stay within their bounds", () => {
    for (const [name, f, exact, xs, measure, bound] of cases) {
      test(`${name}: ${measure} error ${bound}`, async () => {
        const ys = await f(tensor(xs)).data();
        let [worst, at] = [-1, 0];
        ys.forEach((y: number, i: number) => {
          const error = errors[measure](y, exact(xs[i]));
          if (!(error <= worst)) [worst, at] = [error, i];
        });
        expect(worst, `at ${xs[at]}: ${ys[at]}, exactly ${exact(xs[at])}`).toBeLessThanOrEqual(bound);
      });
    }
  });

  test("functions are right where they are not smooth", async () => {
    const { POSITIVE_INFINITY: inf } = Number;
    expect(await values(tensor([0, inf, 1]).log())).toEqual([-inf, inf, 0]);
    expect(await values(tensor([-1, Number.NaN]).log().isFinite())).toEqual([0, 0]);
    expect(await values(tensor([-1, -2]).log1p().isFinite())).toEqual([0, 0]);
    expect(await values(tensor([1e-8, -1e-8, 0]).log1p())).toEqual([Math.fround(1e-8), Math.fround(-1e-8), 0]);
    expect(await values(tensor([100, -100, 1e30, 0]).tanh())).toEqual([1, -1, 1, 0]);
    for (const x of [1e-7, -1e-20]) expect((await tensor([x]).tanh().item()) / x, `tanh ${x}`).toBeCloseTo(1, 6);
    expect(await values(tensor([-100]).expm1())).toEqual([-1]);
    expect(await values(tensor([-90, 90, 0]).sigmoid())).toEqual([expect.closeTo(8.19e-40, 38), 1, 0.5]);
    expect(await values(tensor([1000, 0]).softplus())).toEqual([1000, Math.fround(Math.LN2)]);
    const [far] = await values(tensor([-40]).softplus());
    expect(far / Math.exp(-40)).toBeCloseTo(1, 4);
  });

  test("a power is right for negative, zero and whole arguments", async () => {
    const cases = [
      [-2, 3, -8],
      [-2, 2, 4],
      [-2, -3, -0.125],
      [-0.5, 5, -0.03125],
      [0, 0, 1],
      [0, 2, 0],
      [0, -1, Number.POSITIVE_INFINITY],
      [5, 0, 1],
      [-5, 0, 1],
      [1, 100, 1],
      [2, 10, 1024],
      [9, 0.5, 3],
    ];
    const got = await values(tensor(cases.map(([a]) => a)).pow(tensor(cases.map(([, b]) => b))));
    cases.forEach(([a, b, y], i) => {
      if (Number.isFinite(y)) expect(Math.abs(got[i] - y), `${a} to the ${b} is ${got[i]}`).toBeLessThanOrEqual(2e-6 * Math.abs(y));
      else expect(got[i], `${a} to the ${b}`).toBe(y);
    });
    expect(await values(tensor([-2]).pow(0.5).isFinite()), "no real power").toEqual([0]);
  });

  test("the remainder of a multiple is 0, however the driver divides", async () => {
    const bs = Array.from({ length: 1000 }, (_, i) => i + 1);
    expect(new Set(await values(tensor(bs).mul(49).mod(tensor(bs))))).toEqual(new Set([0]));
    expect(await values(tensor([7, -7, 7, -7, 5.5]).mod(tensor([3, 3, -3, -3, 2])))).toEqual([1, 2, -2, -1, 1.5]);
  });

  test("isFinite finds NaN and infinity by their bits, where comparisons need not see them", async () => {
    const x = tensor([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 3.4e38, -0, 1e-45]);
    expect(await values(x.isFinite())).toEqual([0, 0, 0, 1, 1, 1]);
    // It finds them too in what this kernel has only just computed.
    expect(await values(tensor([Number.NaN, 3e38, 1]).mul(2).isFinite())).toEqual([0, 0, 1]);
    expect(await values(tensor([Number.NaN, 1, 2]).sum().isFinite()), "and in a sum over them").toEqual([0]);
  });

  test("a logarithm of a subnormal is right, or that of zero where the driver flushes it", async () => {
    const xs = Float32Array.from([1e-40, 5e-39, 1e-45]);
    (await values(tensor(xs).log())).forEach((y, i) => {
      const flushed = y === Number.NEGATIVE_INFINITY;
      expect(flushed || Math.abs(y - Math.log(xs[i])) < 1e-5, `log ${xs[i]} is ${y}`).toBe(true);
    });
  });

  test("random bits and uniforms are identical to js, bit for bit", async () => {
    for (const of of [0, 1, 0xdeadbeef]) {
      seed(of);
      expect(await randomBits([DRAWS]).data()).toEqual(Uint32Array.from({ length: DRAWS }, (_, i) => words(of, i)[0]));
      seed(of);
      expect(await randomUniform([DRAWS]).data()).toEqual(Float32Array.from({ length: DRAWS }, (_, i) => unit(words(of, i)[0])));
    }
  });

  test("normals agree with js to 1e-5, and are normal", async () => {
    seed(7);
    const got = await randomNormal([DRAWS]).data();
    let [worst, sum, squares] = [0, 0, 0];
    got.forEach((y: number, i: number) => {
      worst = Math.max(worst, Math.abs(y - normal(...words(7, i))));
      sum += y;
      squares += y * y;
    });
    expect(worst, "largest distance").toBeLessThan(1e-5);
    expect(Math.abs(sum / DRAWS), "mean").toBeLessThan(5 / Math.sqrt(DRAWS));
    expect(Math.abs(squares / DRAWS - 1), "variance less 1").toBeLessThan(5 * Math.sqrt(2 / DRAWS));
  });

  test("the order of the data is that of js, for any number of rows", async () => {
    for (const rows of [1, 2, 3, 7, 100, 60000]) {
      const order = async (device: Device) => (await Promise.all(start([batchOrder(rows, rows, { seed: 5 })], [], device)))[0];
      const got = await order(device);
      expect(got, `${rows} rows`).toEqual(await order(js));
      expect(new Set(got).size, `distinct among ${rows}`).toBe(rows);
    }
  });

  test("it goes on into the next epochs as on js", async () => {
    const batches = async (device: Device) => {
      use(device);
      const next = compile(() => batchOrder(10, 3, { seed: 2 }));
      const got = Array.from(await next.repeat(8).data()); // three batches of three to an epoch: one row is left out
      next.dispose();
      return got;
    };
    expect(await batches(device)).toEqual(await batches(js));
  });
});
