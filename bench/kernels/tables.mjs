// What the results of the bench `kernels` say: a table for each device, and what its shares are shares of.
import { limitsText } from "../limits.mjs";
import { digits, duration, markdown, withSpread } from "../markdown.mjs";

/** @typedef {import("../kernels.mjs").Found} Found @typedef {import("../kernels.mjs").Entry} Entry */

/** By the names of their markers. @param {Found & { machine: import("../report.mjs").Machine }} file @returns {Record<string, string>} */
export function tables({ machine, devices, results, wrong, leftOut }) {
  const parts = Object.entries(devices).map(([name, { description, isSoftware, limits }]) => {
    const what = `\`${name}\` is ${description}: ${limitsText(limits)}.${isSoftware ? " A software driver: these numbers say nothing of GPUs." : ""}`;
    return `${table(results.filter((e) => e.device === name))}\n\n${what}`;
  });
  const failures = [
    ...wrong.map(({ device, kernel, what }) => `- WRONG, and so not timed: ${kernel} on ${device}: ${what}`),
    ...leftOut.map(({ device, kernel, why }) => `- left out: ${kernel} on ${device}: ${why}`),
  ];
  return { kernels: `${[...parts, caption(machine), failures.join("\n")].filter(Boolean).join("\n\n")}\n` };
}

/** @param {readonly Entry[]} results */
function table(results) {
  const hasClock = results.some(({ gpu }) => gpu);
  const rows = results.map(({ kernel, call, repetition, together, gpu, gflops, gbps, share, bound, isCached }) => [
    `${kernel}${isCached ? " †" : ""}`,
    withSpread(call),
    together > 1 ? withSpread(repetition) : "",
    ...(hasClock ? [gpu ? duration(gpu.median) : ""] : []),
    digits(gflops),
    digits(gbps),
    `${digits(100 * share)} % of ${bound}`,
  ]);
  const head = ["kernel", "one call", "one of many", ...(hasClock ? ["GPU's clock"] : []), "GFLOP/s", "GB/s", "share of the limit"];
  return markdown([head, ...rows]);
}

/** @param {import("../report.mjs").Machine} machine */
function caption({ cpu, cores, os, node, packages, commit, date, loadBefore, loadAfter }) {
  const versions = ["elbo", "webgpu"].map((name) => `${name} ${new Map(Object.entries(packages)).get(name)}`);
  return [
    "One call is timed from the host until the device is idle; one of many is one of as many as take 5 ms, started together. Rates and shares",
    "are by the GPU's clock, or else of one of many, or else of one call. The limit is what the device's arithmetic or its memory, whichever takes",
    "longer, allows at the rates measured in the same run; a kernel that only reads may exceed what copying reaches. † ran from a cache, because",
    `all copies that were made are small: its limit is arithmetic alone. Medians ± half the distance between the quartiles, measured ${date} at commit`,
    `${commit} on ${cores} cores of ${cpu}, ${os}, Node ${node}, ${versions.join(", ")}; load ${loadBefore} before and ${loadAfter} after.`,
  ].join("\n");
}
