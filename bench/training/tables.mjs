// What the results of the bench `training` say. No number is typed.

import { digits, duration, markdown, withSpread } from "../markdown.mjs";

/** @typedef {import("../training.mjs").Found & { machine: import("../report.mjs").Machine }} Results */

/** By the names of their markers. @param {Results} file @returns {Record<string, string>} */
export function tables(file) {
  const failures = [
    ...file.wrong.map(({ device, work, what }) => `- WRONG, and so not timed: ${work} on ${device}: ${what}`),
    ...file.leftOut.map(({ device, work, why }) => `- left out: ${work} on ${device}: ${why}`),
  ];
  const parts = [stepTable(file), encodingTable(file), costTable(file), caption(file), failures.join("\n")];
  return { training: `${parts.filter(Boolean).join("\n\n")}\n` };
}

/** @param {Results} file */
function stepTable({ steps, devices }) {
  if (steps.length === 0) return "";
  const hasGpu = steps.some(({ gpu }) => gpu);
  // Where a driver computes on the CPU, its threads take the time of the one that encodes.
  const encodes = steps.some(({ device, encode }) => encode && !devices[device]?.isSoftware);
  const rows = steps.map((one) => {
    const { device, model, batch, call, step, dispatches, onGpu, flops, bytes, least, encode, gpu } = one;
    return [
      device,
      `${model}, batch ${batch}`,
      withSpread(call),
      withSpread(step),
      ...(hasGpu ? [gpu ? duration(gpu.median) : ""] : []),
      ...(encodes ? [encode ? duration(encode.median / dispatches) : ""] : []),
      `${dispatches}${onGpu && onGpu !== dispatches ? ` (${onGpu} on a GPU)` : ""}`,
      `${digits(flops / step.median / 1e3)}`,
      `${digits(bytes / 1e6)} MB, ${digits(bytes / least)}×`,
    ];
  });
  const gpuColumns = [...(hasGpu ? ["GPU's clock"] : []), ...(encodes ? ["encoding, per dispatch"] : [])];
  return markdown([["on", "a step of", "read", "one of many", ...gpuColumns, "dispatches", "GFLOP/s", "moved, of the least"], ...rows]);
}

/** @param {Results} file */
function encodingTable({ encoding = [] }) {
  if (encoding.length === 0) return "";
  const rows = encoding.map(({ model, dispatches, encode, repeated }) => [
    model,
    `${dispatches}`,
    ...[encode, repeated].flatMap((times) => [withSpread(times), duration(times.median / dispatches)]),
  ]);
  return markdown([
    [
      "encoding alone",
      "dispatches",
      "a step, submitted",
      "per dispatch",
      `a step of ${encoding[0].together} submitted together`,
      "per dispatch",
    ],
    ...rows,
  ]);
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
    "of [8, 8]: on a GPU the call encodes and submits, on the others it computes. Encoding alone is of the kernels of a GPU, for Dawn's null backend,",
    "which runs nothing. " + `${on.join("; ")}.`,
    `Medians ± half the distance between the quartiles, measured ${date} at commit ${commit} on ${cores} cores of ${cpu}, ${os}, Node ${node},`,
    `elbo ${packages.elbo}, webgpu ${webgpu}; load ${loadBefore} before and ${loadAfter} after.`,
  ].join("\n");
}
