// Choosing tiles by trying: each product of a plan runs with every tile on this adapter, and the fastest is taken. It runs as it
// stands in the plan, with what is fused to it, but on memory of its own, so that no state changes.
//
// No tile can win with a wrong result: what it leaves in memory is compared with what the table's tile leaves there.

import type { Plan } from "../../../tensor/plan.ts";
import type { Values } from "../../../tensor/tensor.ts";
import type { WebGpuDevice } from "./device.ts";
import { kernelCode, type Target } from "./kernel.ts";
import { tileOf } from "./product.ts";
import { Stopwatch } from "./stopwatch.ts";
import { candidatesFor } from "./tiles.ts";
import { Trial } from "./trial.ts";
import { type KernelCode, Writing } from "./writing.ts";

/** The fastest tile of each product of the plan, by productKey. */
export async function tune(device: WebGpuDevice, plan: Plan): Promise<Map<string, string>> {
  const fastest = new Map<string, string>();
  const target: Target = { family: device.family, buffers: device.buffers, parts: device.parts };
  for (const kernel of plan.kernels) {
    const tile = kernel.loops === "product" ? tileOf(new Writing(plan, kernel), target) : undefined;
    if (!tile || fastest.has(tile.product)) continue;
    const codesFor = (name: string) => kernelCode(plan, kernel, { ...target, tile: name });
    fastest.set(tile.product, await fastestOf(device, plan, codesFor, tile.name, candidatesFor(tile.sizes)));
  }
  return fastest;
}

const ROUNDS = 5;
const MARGIN = 0.98; // of the time of the table's tile: what gains less is noise

async function fastestOf(
  device: WebGpuDevice,
  plan: Plan,
  codesFor: (tile: string) => readonly KernelCode[],
  usual: string,
  names: readonly string[],
): Promise<string> {
  const trial = new Trial(device, plan);
  const watch = new Stopwatch(device);
  try {
    const launchesOf = (name: string) => codesFor(name).map((code) => trial.launch(code));
    const first = launchesOf(usual);
    if (first.some(({ groups }) => groups.includes(0))) return usual; // an empty tensor: nothing to compute
    const candidates = [{ name: usual, launches: first, times: [] as number[] }];
    const expected = await trial.outcome(first);
    for (const name of names.filter((name) => name !== usual)) {
      const launches = launchesOf(name);
      if (agree(await trial.outcome(launches), expected)) candidates.push({ name, launches, times: [] });
    }
    // In turn, so that a clock which slows down does so for all.
    for (let round = 0; round < ROUNDS; round++) {
      for (const { launches, times } of candidates) times.push(await watch.time(launches));
    }
    const [usually, ...others] = candidates.map(({ name, times }) => ({ name, time: median(times) }));
    const best = others.reduce((a, b) => (b.time < a.time ? b : a), usually);
    return best.time < MARGIN * usually.time ? best.name : usual;
  } finally {
    watch.dispose();
    trial.dispose();
  }
}

const median = (times: readonly number[]): number => times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)];

/** Equal but for rounding: a product and a sum may be one instruction in one kernel and two in another. */
export function agree(got: readonly Values[], expected: readonly Values[]): boolean {
  return expected.every((values, which) => {
    const finite = Array.from(values).filter(Number.isFinite);
    const mean = finite.reduce((sum, x) => sum + Math.abs(x), 0) / values.length;
    return values.every((x: number, i: number) => {
      const y = got[which][i];
      return Object.is(x, y) || Math.abs(x - y) <= 1e-4 * (Math.abs(x) + mean);
    });
  });
}
