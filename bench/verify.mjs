// node bench/verify.mjs: does the GPU compute what the plain loops compute? Every example of every op, and its gradient, larger
// products, and steps of a VAE, with both families of kernels, as eager programs and as compiled ones (whose products have their
// sizes built in), against `js` in float64. It needs dist/ and the package `webgpu` alone, for machines that cannot run the tests.
import { fileURLToPath } from "node:url";
import * as list from "../dist/kernels/ops.js";
import { sample } from "../dist/kernels/sample.js";
import { adam, compile, grad, matmul, open, seed, Tensor } from "../dist/node.js";
import { denseVae } from "../dist/vae/index.js";

/** @typedef {import("../dist/kernels/op.js").Callable<(...args: readonly unknown[]) => Tensor | Tensor[]>} Op */
const ops = /** @type {[string, Op][]} */ (/** @type {unknown} */ (Object.entries(list))); // their argument types differ

/** A line for each result that differs, with its first wrong element; none if all agree. @param {(line: string) => void} log */
export async function verify(log) {
  const js = await open("js", { precision: "f64" });
  const expected = await results();
  await js.close();
  const wrong = [];
  for (const kernels of /** @type {const} */ (["simple", "tiled"])) {
    const device = await open("webgpu", { kernels });
    const got = await results();
    const differing = [...expected].flatMap(([what, values]) => {
      const found = difference(got.get(what) ?? [], values);
      return found ? [`${what}, ${kernels} kernels: ${found}`] : [];
    });
    log(`${device.description}, ${kernels} kernels: ${expected.size} results, ${differing.length} wrong`);
    wrong.push(...differing);
    await device.close();
  }
  return wrong;
}

// WGSL lets exp be off by 3 + 2|x| units in the last place, which is 5e-7 at |x| = 3, and log by 2⁻²¹; a sum of n products is off by
// n · 2⁻²⁴ of their magnitudes at most, 1e-5 for the longest here; and what cancels in one element is as large as the largest.
// The arguments are random, so an element from a wrong place is off by five orders more.
const RELATIVE = 1e-5; // of the largest element
const ABSOLUTE = 1e-6;

/** The first element that is wrong, in words. Integers are equal to the last bit. @param {ArrayLike<number>} got @param {ArrayLike<number>} expected */
export function difference(got, expected) {
  let largest = 0;
  for (let i = 0; i < expected.length; i++) if (Number.isFinite(expected[i])) largest = Math.max(largest, Math.abs(expected[i]));
  const bound = got instanceof Uint32Array ? 0 : ABSOLUTE + RELATIVE * largest;
  for (let i = 0; i < expected.length; i++) {
    if (Object.is(expected[i], got[i]) || Math.abs(expected[i] - got[i]) <= bound) continue;
    return `element ${i} is ${got[i]}, and ${expected[i]} ± ${bound.toPrecision(1)} by js`;
  }
  return undefined;
}

/** What the current device makes of all programs. */
async function results() {
  /** @type {Map<string, ArrayLike<number>>} */
  const found = new Map();
  const note = async (/** @type {string} */ what, /** @type {Tensor[]} */ ys) => {
    for (const [i, values] of (await Promise.all(ys.map((y) => y.data()))).entries()) found.set(`${what}, result ${i}`, values);
  };
  for (const [what, program] of programs()) {
    const compiled = compile(program);
    seed(0); // eager draws begin anew
    await note(`${what}, eager`, program());
    await note(`${what}, compiled`, compiled());
    compiled.dispose();
  }
  return found;
}

/** @returns {Generator<[what: string, program: () => Tensor[]]>} */
function* programs() {
  for (const [name, op] of ops) {
    for (const [i, example] of op.examples().entries()) {
      if ("error" in example) continue;
      const program = () => [op(...example.args)].flat();
      yield [`${name}, example ${i}`, program];
      const inputs = example.args.flat().filter((x) => x instanceof Tensor && x.dtype === "f32");
      const gradients = () => grad(weighted(program()), /** @type {Tensor[]} */ (inputs));
      const isFloat = program().every((y) => y.dtype === "f32");
      if (isFloat && inputs.length > 0 && isPossible(gradients)) yield [`${name}, gradients of example ${i}`, gradients];
    }
  }
  // Sizes of more than a tile each way, and no multiple of one.
  for (const [flipA, flipB] of [
    [false, false],
    [false, true],
    [true, false],
    [true, true],
  ]) {
    const [a, b] = [sample(flipA ? [150, 70] : [70, 150]), sample(flipB ? [99, 150] : [150, 99], -3, 3, 1)];
    yield [`matmul, [70, 150] · [150, 99] with ${JSON.stringify({ flipA, flipB })}`, () => [matmul(a, b, { flipA, flipB })]];
  }
  const model = denseVae({ input: 70, hidden: 40, latent: 20 });
  const optimizer = adam([...model.parameters.values()]);
  const x = sample([33, 70], 0, 1);
  for (let i = 1; i <= 3; i++) {
    const step = () => {
      const { loss } = model.terms(x);
      optimizer.step(loss);
      return [loss];
    };
    yield [`dense VAE, step ${i}`, step];
  }
}

/** Σ y · c with fixed c: no symmetric function of y. @param {Tensor[]} ys */
const weighted = (ys) => ys.map((y) => y.mul(sample(y.shape, 0.5, 1.5, 9)).sum()).reduce((a, b) => a.add(b));

/** @param {() => unknown} gradients */
function isPossible(gradients) {
  try {
    gradients();
    return true;
  } catch (error) {
    if (/has no gradient/.test(/** @type {Error} */ (error).message)) return false;
    throw error;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const wrong = await verify(console.log);
  for (const line of wrong) console.log(`WRONG ${line}`);
  process.exit(wrong.length > 0 ? 1 : 0);
}
