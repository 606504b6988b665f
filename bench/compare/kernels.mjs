// Asking for single kernels: each answer is compared with float64 before its time counts, and who cannot compute one says why.
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { floats } from "../tasks/floats.mjs";
import { kernelOf, RELATIVE } from "../tasks/kernels.mjs";

/** @typedef {import("../engines/process.mjs").Engine} Engine @typedef {import("../tasks/findings.mjs").Findings} Findings */

/** By what computes them: on a driver in software large ones would take minutes; on a GPU small ones say nothing of it. */
export const KERNELS = {
  cpu: ["matmul 256", "matmul 512", "matmul 1024", "conv 14x14x32x64", "chain 4194304", "sum 4194304"],
  software: ["matmul 256", "conv 14x14x32x64", "chain 1048576", "sum 1048576"],
  gpu: ["matmul 256", "matmul 512", "matmul 1024", "matmul 4096", "matmul 4096 f16", "conv 14x14x32x64", "chain 16777216", "sum 16777216"],
};

/**
 * @param {Findings} found @param {{ get(): Promise<{ folder: string }> }} task @param {readonly Engine[]} engines @param {number} rounds
 */
export async function askForKernels(found, task, engines, rounds) {
  await found.ask(
    "kernels",
    engines,
    ({ isSlow }) => (isSlow ? 1 : rounds),
    async () => ["--work", "kernels", "--folder", (await task.get()).folder],
    async (one, { parts, rss, description }) => {
      const { folder } = await task.get();
      for (const { kernel, ms, how, error } of parts) {
        const wrong = error ? undefined : wrongKernel(folder, kernel, { how, relative: one.relative ?? RELATIVE });
        const { flop, bytes } = kernelOf(kernel);
        const facts = { ...(how && { how }), ...(description && { description }), flop, bytes, rss };
        if (error ?? wrong) found.fail(kernel, one, error ?? `wrong: ${wrong}`);
        else found.add(kernel, one, ms, facts, kernel);
      }
    },
  );
}

/** A result in f16 has ten bits of fraction, of a sum that is small beside the magnitudes in it. */
const HALF = 1e-4;

/**
 * What is wrong with what an engine wrote to the folder, in one of its ways if it has several. The answer is removed, so that nobody is
 * judged by another's.
 * @param {string} folder @param {string} name @param {{ how?: string, relative?: number }} [options]
 */
export function wrongKernel(folder, name, { how, relative = RELATIVE } = {}) {
  const { given, wrong, isHalf } = kernelOf(name);
  const file = join(folder, `${[name, how].filter(Boolean).join(".")}.got.f32`);
  if (!existsSync(file)) return "no result was written";
  const got = floats(file);
  rmSync(file);
  const operands = Object.keys(given).map((operand) => floats(join(folder, `${name}.${operand}.f32`)));
  return wrong(operands, got, isHalf ? Math.max(relative, HALF) : relative);
}
