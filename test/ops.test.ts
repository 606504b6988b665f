// One loop over the list of ops: shapes and errors, gradients of first and second order, and agreement of the devices.
import { expect, test } from "vitest";
import { checkGradient, concat, grad, seed, Tensor } from "../src/index.ts";
import { JsDevice } from "../src/kernels/devices/js.ts";
import type { Callable } from "../src/kernels/op.ts";
import * as list from "../src/kernels/ops.ts";
import { sample } from "../src/kernels/sample.ts";
import { start } from "../src/tensor/read.ts";
import type { Values } from "../src/tensor/tensor.ts";
import { onEachDevice, onEachFamily } from "./setup/each-device.ts";

type Args = readonly unknown[];
type Op = Callable<(...args: Args) => Tensor | Tensor[]>;
const ops = Object.entries(list) as unknown as [string, Op][]; // their argument types differ, which a loop cannot express

/** The example calls that succeed; made anew each time, because a tensor that was read remembers its values. */
const calls = (op: Op) => op.examples().filter((e) => "shape" in e);
const results = (op: Op, args: Args): Tensor[] => [op(...args)].flat();

// What has no gradient, so that nothing escapes the check unseen.
/** Refuse to be differentiated. */
const refuse = ["equal", "notEqual", "less", "lessEqual", "greater", "greaterEqual", "isFinite", "argMax", "cast"];
/** Have a gradient of zero although the function is not constant. */
const stop = ["stopGradient"];
/** Have no f32 argument. */
const integer = ["oneHot", "batchOrder", "randomBits", "randomUniform", "randomNormal"];

/** The f32 tensors among the arguments, alone, in an array or among options; not the mask of `where`, which jumps. */
function inputsOf(name: string, args: Args): Tensor[] {
  const tensorsIn = (x: unknown): Tensor[] => {
    if (x instanceof Tensor) return [x];
    return typeof x === "object" && x !== null ? Object.values(x).flatMap(tensorsIn) : [];
  };
  return tensorsIn(name === "where" ? args.slice(1) : args).filter((x) => x.dtype === "f32");
}

/** The op as a function of those tensors alone, with one result. */
const asFunction =
  (op: Op, args: Args, inputs: readonly Tensor[]) =>
  (...xs: Tensor[]): Tensor => {
    const given = (x: unknown): unknown => {
      if (Array.isArray(x)) return x.map(given);
      if (x instanceof Tensor) return inputs.includes(x) ? xs[inputs.indexOf(x)] : x;
      if (typeof x !== "object" || x === null) return x;
      return Object.fromEntries(Object.entries(x).map(([key, value]) => [key, given(value)])); // options
    };
    return joined(results(op, args.map(given)));
  };

const joined = (ts: readonly Tensor[]): Tensor => (ts.length === 1 ? ts[0] : concat(ts.map((t) => t.reshape([-1]))));

/** A fixed function of y that is no symmetric one: Σ y · c. */
const weighted = (y: Tensor): Tensor => y.mul(sample(y.shape, 0.5, 1.5, 9)).sum();

const required =
  `add sub mul div equal notEqual less lessEqual greater greaterEqual where exp log log1p expm1 sqrt rsqrt square abs sign neg
   reciprocal pow minimum maximum clip floor sin cos tanh erf sigmoid softplus relu leakyRelu elu gelu silu softmax logSoftmax logSumExp
   sum mean max min prod argMax matmul reshape permute transpose slice pad concat split stack broadcastTo flip
   take scatterAdd oneHot cast isFinite stopGradient randomBits randomUniform randomNormal batchOrder
   windows maxPool2d avgPool2d upsampleNearest upsampleBilinear pixelShuffle pixelUnshuffle layerNorm groupNorm batchNorm dropout`.split(
    /\s+/,
  );

test("the list has every op", () => {
  expect(required.filter((name) => !(name in list))).toEqual([]);
});

for (const [name, op] of ops) {
  onEachDevice(`${name}: shapes are right, and wrong arguments are refused where they are passed`, async () => {
    for (const example of op.examples()) {
      if ("error" in example) {
        expect(() => op(...example.args)).toThrow(example.error);
        continue;
      }
      const ys = results(op, example.args);
      const shapes = (Array.isArray(example.shape[0]) ? example.shape : [example.shape]) as number[][];
      expect(ys.map((y) => y.shape)).toEqual(shapes);
      const values = await Promise.all(ys.map((y) => y.data()));
      expect(values.map((v) => v.length)).toEqual(ys.map((y) => y.size));
    }
  });
}

const differentiable = ops.filter(([name]) => ![...refuse, ...stop, ...integer].includes(name));

for (const [name, op] of differentiable) {
  test(`${name}: the gradient matches finite differences [js]`, async () => {
    let checked = 0;
    for (const { args } of calls(op)) {
      const inputs = inputsOf(name, args);
      if (inputs.length === 0 || results(op, args)[0].dtype !== "f32") continue; // an example for integers
      await checkGradient(asFunction(op, args, inputs), inputs);
      checked++;
    }
    expect(checked).toBeGreaterThan(0);
  });

  test(`${name}: the gradient's gradient matches finite differences [js]`, async () => {
    for (const { args } of calls(op)) {
      const inputs = inputsOf(name, args);
      if (inputs.length === 0 || results(op, args)[0].dtype !== "f32") continue;
      if (inputs.some((x) => x.size > 40)) continue; // the large examples are for the edges of kernels
      const f = asFunction(op, args, inputs);
      await checkGradient((...xs) => joined(grad(weighted(f(...xs)), xs)), inputs);
    }
  });
}

for (const [name, op] of ops.filter(([name]) => refuse.includes(name))) {
  test(`${name}: says that it has no gradient [js]`, () => {
    for (const { args } of calls(op)) {
      const inputs = inputsOf(name, args);
      const y = results(op, args)[0].cast("f32").sum();
      if (inputs.length === 0 || results(op, args)[0].size === 0) continue; // an example for integers, or an empty one
      expect(() => grad(y, inputs)).toThrow(/grad: \w+ has no gradient/);
    }
  });
}

onEachDevice("stopGradient: the gradient is zero", async () => {
  const x = sample([3]);
  const [dx] = grad(x.stopGradient().mul(2).add(x).sum(), [x]);
  expect([...(await dx.data())]).toEqual([1, 1, 1]);
});

for (const [name, op] of ops.filter(([name]) => integer.includes(name))) {
  test(`${name}: has nothing to differentiate [js]`, () => {
    for (const { args } of calls(op)) expect(inputsOf(name, args)).toEqual([]);
  });
}

// Devices agree. The reference is the `js` device in float64, and `js` in float32 is one of those compared with it.

const reference = new JsDevice({ precision: "f64" });
const valuesOn = (device: Parameters<typeof start>[2], ts: readonly Tensor[]) => Promise.all(start(ts, [], device));

/** Copies, integers, and choices between given values: the same to the last bit. */
const exact = new Set(
  `equal notEqual less lessEqual greater greaterEqual isFinite argMax where neg abs sign floor relu maximum minimum max min clip
   reshape permute transpose slice pad concat split stack broadcastTo flip stopGradient take oneHot cast randomBits randomUniform
   batchOrder windows maxPool2d upsampleNearest pixelShuffle pixelUnshuffle`.split(/\s+/),
);

/** Linear in each input. A sum of n products in f32, in any order, is off by at most n · 2⁻²⁴ · Σ|a||b|; n is 65 at most here. */
const linear = new Set(["sum", "mean", "matmul", "scatterAdd", "avgPool2d", "upsampleBilinear"]);
const SUM = 65 * 2 ** -24;

/** For functions: WGSL lets exp be off by 3 + 2|x| units in the last place and log by 2⁻²¹; the arguments are at most 3. */
const RELATIVE = 4e-6;
const ABSOLUTE = 1e-6;

/** Have kernels with workgroup memory beside those without. */
const tiled = new Set(`sum mean max min argMax matmul scatterAdd softmax logSumExp maxPool2d avgPool2d layerNorm groupNorm`.split(" "));
const onEach = (name: string) => (tiled.has(name) ? onEachFamily : onEachDevice);

for (const [name, op] of ops) {
  onEach(name)(`${name}: the values agree with js in float64`, async (device) => {
    for (const [which, { args }] of calls(op).entries()) {
      const on = async (d: typeof device, fs: Args = args): Promise<Values[]> => {
        seed(0); // random draws begin anew
        return valuesOn(d, results(op, fs));
      };
      const got = await on(device);
      const expected = await on(reference);
      const sums = linear.has(name) ? await on(reference, args.map(magnitude)) : undefined;
      const dtypes = results(op, args).map((y) => y.dtype);
      expected.forEach((values, part) => {
        const bound = (e: number, i: number): number => {
          if (exact.has(name) || dtypes[part] !== "f32") return 0;
          return sums ? SUM * sums[part][i] : ABSOLUTE + RELATIVE * Math.abs(e);
        };
        expectClose(got[part], values, bound, `example ${which}`);
      });
    }
  });
}

const magnitude = (x: unknown): unknown => (x instanceof Tensor && x.dtype === "f32" ? x.abs() : x);

for (const [name, op] of differentiable) {
  onEach(name)(`${name}: the gradients agree with js in float64`, async (device) => {
    for (const [which, { args }] of calls(op).entries()) {
      const inputs = inputsOf(name, args);
      const f = asFunction(op, args, inputs);
      if (inputs.length === 0 || f(...inputs).dtype !== "f32") continue;
      const gradients = () => {
        seed(0); // random draws begin anew
        return grad(weighted(f(...inputs)), inputs);
      };
      const got = await valuesOn(device, gradients());
      const expected = await valuesOn(reference, gradients());
      expected.forEach((values, i) => {
        // A gradient is a sum over all that an input touches; what cancels in one element is as large as the largest element.
        const largest = Math.max(0, ...Array.from(values, Math.abs));
        expectClose(got[i], values, () => ABSOLUTE + 1e-5 * largest, `example ${which}, input ${i}`);
      });
    }
  });
}

function expectClose(got: Values, expected: Values, bound: (e: number, i: number) => number, what: string): void {
  expect(got.length, what).toBe(expected.length);
  Array.from(expected).forEach((value, i) => {
    const e = got instanceof Float32Array ? Math.fround(value) : value;
    if (!(Math.abs(got[i] - e) <= bound(e, i))) throw new Error(`${what}, element ${i}: ${got[i]}, expected ${e} ± ${bound(e, i)}`);
  });
}
