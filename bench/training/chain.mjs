// What a kernel costs that has next to nothing to do: chains of products of [8, 8], of several lengths, replayed. On a GPU the call encodes
// and submits and waits for nothing; on the others it computes.
import { compile, keep, tensor } from "elbo";
import { time, timed } from "../time.mjs";

/** @typedef {import("elbo").Tensor} Tensor @typedef {import("../time.mjs").Times} Times */
/** Per dispatch, in microseconds: until the call returns, and until the device is idle. @typedef {{ dispatches: number, call: Times, done: Times }} Cost */

const LENGTHS = [1, 3, 10, 30, 100, 300];
const IN_A_ROW = 10; // before the device is waited for: what waits longer than a queue is long would be timed as the device's work

/** @param {(i: number) => number} value */
const matrix = (value) =>
  keep(
    tensor(
      Float32Array.from({ length: 64 }, (_, i) => value(i)),
      [8, 8],
    ),
  );

/** @param {import("elbo").Device} device @param {number} seconds for each way of timing @returns {AsyncGenerator<Cost>} */
export async function* chainCosts(device, seconds) {
  const [x, w] = [matrix(Math.sin), matrix((i) => (i % 9 === 0 ? 0.75 : -0.25))]; // w is a reflection: products neither grow nor vanish
  for (const length of LENGTHS) {
    const chain = compile((/** @type {Tensor} */ x, /** @type {Tensor} */ w) => {
      for (let i = 0; i < length; i++) x = x.matmul(w);
      return x;
    });
    const reflected = length % 2 === 1 ? await x.matmul(w).data() : await x.data(); // x w w = x
    const wrong = (await chain(x, w).data()).findIndex((value, i) => !(Math.abs(value - reflected[i]) < 1e-4));
    if (wrong >= 0) throw new Error(`${device.name}: element ${wrong} of a chain of ${length} products is wrong`);
    const { dispatches } = chain.explain(x, w);
    const calls = () => {
      const start = performance.now();
      for (let i = 0; i < IN_A_ROW; i++) chain(x, w);
      return performance.now() - start;
    };
    const idle = () => device.idle();
    const called = async () => {
      const ms = calls();
      await idle();
      return ms;
    };
    const call = await timed(called, IN_A_ROW * dispatches, 10);
    const done = await time(() => Promise.resolve(calls()).then(idle), IN_A_ROW * dispatches, seconds);
    yield { dispatches, call, done };
    chain.dispose();
  }
  x.dispose();
  w.dispose();
}
