// What the results of the bench `training` say. No number is typed.
import { digits, duration, markdown, withSpread } from "../markdown.mjs";

/** @typedef {import("../training.mjs").Found & { machine: import("../report.mjs").Machine }} Results */

/** By the names of their markers. @param {Results} file @returns {Record<string, string>} */
export function tables(file) {
  const failures = [
    ...file.wrong.map(({ device, work, what }) => `- WRONG, and so not timed: ${work} on ${device}: ${what}`),
    ...file.leftOut.map(({ device, work, why }) => `- left out: ${work} on ${device}: ${why}`),
  ];
  const parts = [stepTable(file), costTable(file), caption(file), failures.join("\n")];
  return { training: `${parts.filter(Boolean).join("\n\n")}\n` };
}

/** @param {Results} file */
function stepTable({ steps }) {
  if (steps.length === 0) return "";
  const hasGpu = steps.some(({ encode }) => encode);
  const rows = steps.map((one) => {
    const { device, model, batch, call, step, dispatches, onGpu, flops, bytes, least, encode, gpu } = one;
    return [
      device,
      `${model}, batch ${batch}`,
      withSpread(call),
      withSpread(step),
      ...(hasGpu ? [gpu ? duration(gpu.median) : "", encode ? duration(encode.median / dispatches) : ""] : []),
      `${dispatches}${onGpu && onGpu !== dispatches ? ` (${onGpu} on a GPU)` : ""}`,
      `${digits(flops / step.median / 1e3)}`,
      `${digits(bytes / 1e6)} MB, ${digits(bytes / least)}×`,
    ];
  });
  const gpuColumns = hasGpu ? ["GPU's clock", "encoding, per dispatch"] : [];
  return markdown([["on", "a step of", "read", "one of many", ...gpuColumns, "dispatches", "GFLOP/s", "moved, of the least"], ...rows]);
}

/** @param {Results} file */
function costTable({ costs }) {
  if (costs.length === 0) return "";
  const lengths = [...new Set(costs.map(({ dispatches }) => dispatches))];
  const rows = [...new Set(costs.map(({ device }) => device))].flatMap((device) =>
    /** @type {const} */ (["call", "done"]).map((kind) => [
      kind === "call" ? device : "",
      kind === "call" ? "until the call returns" : "until the device is idle",
      ...lengths.map((length) => {
        const cost = costs.find((one) => one.device === device && one.dispatches === length);
        return cost ? duration(cost[kind].median) : "";
      }),
    ]),
  );
  return markdown([["per kernel of a chain", "kernels in it", ...lengths.map(String)], ...rows]);
}

/** @param {Results} file */
function caption({ machine, devices }) {
  const { cpu, cores, os, node, packages, commit, date, loadBefore, loadAfter } = machine;
  const on = Object.entries(devices).map(
    ([name, { description, isSoftware }]) =>
      `\`${name}\` is ${description}${isSoftware ? ", a driver in software, which says nothing of GPUs" : ""}`,
  );
  const webgpu = new Map(Object.entries(packages)).get("webgpu");
  return [
    "Adam, noise drawn in the step; dense is 784-400-20. Read is one step until its loss is read; one of many is one of as many as take 5 ms, started",
    "together. Moved is what the plan's kernels read and write, beside the least that products and reductions could. A kernel of a chain is a product",
    "of [8, 8]: on a GPU the call encodes and submits, on the others it computes. " + `${on.join("; ")}.`,
    `Medians ± half the distance between the quartiles, measured ${date} at commit ${commit} on ${cores} cores of ${cpu}, ${os}, Node ${node},`,
    `elbo ${packages.elbo}, webgpu ${webgpu}; load ${loadBefore} before and ${loadAfter} after.`,
  ].join("\n");
}
