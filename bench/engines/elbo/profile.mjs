// Where the time of a step goes on `wasm`.
import { keep } from "elbo";
import { sampled } from "../../peers/peer.mjs";
import { opened } from "./opened.mjs";
import { drawnNoise, given } from "./train.mjs";

/** Each phase of its program, from one barrier to the next, on one thread. */
export async function profile() {
  const device = /** @type {import("../../../src/kernels/devices/wasm/device.ts").WasmDevice} */ (await opened());
  const { threads, prepare } = device;
  /** @type {number[][]} */
  let samples = [];
  /** @type {readonly import("../../../src/kernels/devices/wasm/program.ts").PhaseFacts[]} */
  let facts = [];
  const load = threads.load.bind(threads);
  threads.load = (...args) => {
    const loaded = load(...args);
    /** @type {number[][]} */
    const own = loaded.phases.map(() => []);
    if (own.length > 1) samples = own; // the step's; setting up takes one phase
    const phases = loaded.phases.map((phase, i) => (/** @type {number} */ thread, /** @type {number} */ count) => {
      const start = performance.now();
      phase(thread, count);
      own[i].push(performance.now() - start);
    });
    return { ...loaded, phases };
  };
  device.prepare = (plan) => {
    const made = prepare.call(device, plan);
    const { phases } = /** @type {ReturnType<typeof import("../../../src/kernels/devices/wasm/program.ts").prepare>} */ (made);
    if (phases.length > 1) facts = phases;
    return made;
  };
  const { make, x: pictures } = given();
  const step = drawnNoise(make());
  const x = keep(pictures);
  const { length } = await sampled(() => step(x).item(), 1.5);
  return { phases: facts.map(({ steps, flops }, i) => ({ what: steps.join("; "), flop: flops, ms: samples[i].slice(-length) })) };
}
