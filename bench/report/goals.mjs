// What is wanted on a GPU, and what came of it: each goal looks for what it needs among the results, wherever they were measured.
import { kernelsIn, timeOf } from "../compare/tables.mjs";
import { digits, duration, markdown } from "../markdown.mjs";

/**
 * `files` are the results of benches, by name. A share of 1 or more meets the goal; where there is none, the words must do.
 * @typedef {{ where: string, isSoftware: boolean, files: Record<string, any> }} Place
 * @typedef {{ text: string, share?: number }} Reached
 * @typedef {{ work: string, goal: string, reached(files: Record<string, any>): Reached | undefined, ofPlan?: true }} Goal
 */

/** The time of a peer, or of Elbo, in µs. @param {any} peers @param {string} device @param {string} work @param {string} engine @param {string} runtime */
const us = (peers, device, work, engine, runtime) =>
  timeOf(
    (peers?.results ?? []).filter((/** @type {any} */ e) => e.device === device),
    work,
    { engine, runtime },
  )?.median;

/** How many times as long as Elbo one of PyTorch's modes takes on the same GPU. @param {any} peers @param {string} work @param {string} mode */
function overElbo({ peers }, work, mode) {
  const [elbo, pytorch] = [us(peers, "cuda", work, "Elbo", "webgpu"), us(peers, "cuda", work, "PyTorch", mode)];
  return elbo && pytorch ? pytorch / elbo : undefined;
}

/** @param {string} work @param {string} mode @param {number} wanted @param {(ratio: number) => string} text @returns {Pick<Goal, "reached">} */
const ratioGoal = (work, mode, wanted, text) => ({
  reached: (files) => {
    const ratio = overElbo(/** @type {any} */ (files), work, mode);
    return ratio === undefined ? undefined : { text: text(ratio), share: ratio / wanted };
  },
});

const times = (/** @type {number} */ ratio) => `${digits(ratio)}×`;
const percent = (/** @type {number} */ ratio) => `${digits(100 * ratio)} %`;

/** Elbo's step by itself. @param {string} model @param {number} most in µs @returns {Pick<Goal, "reached">} */
const timeGoal = (model, most) => ({
  reached: ({ training, peers }) => {
    const step = stepOf(training, model)?.step.median ?? us(peers, "cuda", model, "Elbo", "webgpu");
    return step === undefined ? undefined : { text: duration(step), share: most / step };
  },
});

/** The step of a model on webgpu with the batch that it is compared with. @param {any} training @param {string} model */
const stepOf = (training, model) =>
  training?.steps.find(
    (/** @type {any} */ one) => one.device === "webgpu" && one.model === model && one.batch === (model === "dense" ? 128 : 64),
  );

/** The largest of kernels of that kind on webgpu. @param {any} kernels @param {RegExp} name */
function largest(kernels, name) {
  const all = (kernels?.results ?? []).filter((/** @type {any} */ e) => e.device === "webgpu" && name.test(e.kernel));
  return all.toSorted((/** @type {any} */ a, /** @type {any} */ b) => b.bytes - a.bytes)[0];
}

/** @param {string} work @param {RegExp} name @returns {Goal} */
const bandwidthGoal = (work, name) => ({
  work: `${work} at 64M elements`,
  goal: "85 % of the measured copy bandwidth",
  reached: ({ kernels }) => {
    const found = largest(kernels, name);
    if (!found) return undefined;
    const share = found.gbps / kernels.devices.webgpu.limits.gbps;
    return { text: `${percent(share)}, ${found.kernel}`, share: share / 0.85 };
  },
});

/** The least of a peer's ratios, and at what. @param {string} peer @param {"steps" | "kernels"} what @param {number} wanted @returns {Goal} */
const peerGoal = (peer, what, wanted) => ({
  work: `${peer} on the same Dawn, ${what === "steps" ? "training steps" : "kernels"}`,
  goal: `${wanted}× as long in every row that it can run`,
  reached: ({ peers }) => {
    const device = peers?.devices.cuda && !peers.devices.cuda.error ? "cuda" : "webgpu";
    const works = what === "steps" ? ["dense", "conv28", "conv64"] : kernelsIn(peers?.results ?? []);
    const ratios = works.flatMap((work) => {
      const [elbo, other] = [us(peers, device, work, "Elbo", "webgpu"), us(peers, device, work, peer, "webgpu")];
      return elbo && other ? [{ work, ratio: other / elbo }] : [];
    });
    const [worst] = ratios.sort((a, b) => a.ratio - b.ratio);
    return worst && { text: `${times(worst.ratio)} at worst, ${worst.work}`, share: worst.ratio / wanted };
  },
});

/** Of a plan, not of a machine. @param {string} model @param {number} most @returns {Goal[]} */
const planGoals = (model, most) => [
  {
    work: `dispatches of a ${model} step`,
    goal: `≤ ${most}`,
    ofPlan: true,
    reached: ({ training }) => {
      const step = stepOf(training, model);
      const count = step?.onGpu ?? step?.dispatches;
      return step && { text: `${count}`, share: most / count };
    },
  },
  {
    work: `bytes of a ${model} step`,
    goal: "≤ 1.3× the least possible",
    ofPlan: true,
    reached: ({ training }) => {
      const step = stepOf(training, model);
      return step && { text: times(step.bytes / step.least), share: (1.3 * step.least) / step.bytes };
    },
  },
];

const HALF = "matmul 4096 f16";
/** Elbo's product of f16, by the bench of peers or that of kernels, in µs. @param {Record<string, any>} files */
const halfOf = ({ peers, kernels }) =>
  us(peers, "cuda", HALF, "Elbo", "webgpu") ?? largest(kernels, /^matmul \[4096, 4096\].*f16/)?.repetition?.median;

/** @param {string} goal @param {string} work of PyTorch @param {number} wanted @returns {Goal} */
const halfGoal = (goal, work, wanted) => ({
  work: "f16 matmul 4096³ with subgroup matrices",
  goal,
  reached: (files) => {
    const [elbo, cublas] = [halfOf(files), us(files["peers"], "cuda", work, "PyTorch", "eager")];
    return elbo && cublas ? { text: percent(cublas / elbo), share: cublas / elbo / wanted } : undefined;
  },
});

/** @type {readonly Goal[]} */
export const goals = [
  { work: "dense VAE step, batch 128", goal: "5× PyTorch eager", ...ratioGoal("dense", "eager", 5, times) },
  { work: "", goal: "no slower than its CUDA graph", ...ratioGoal("dense", "graph", 1, times) },
  { work: "", goal: "at most 0.12 ms", ...timeGoal("dense", 120) },
  { work: "conv28 step, batch 64", goal: "2× PyTorch eager, TF32 off", ...ratioGoal("conv28", "eager", 2, times) },
  { work: "conv64 step, batch 64", goal: "2× PyTorch eager, TF32 off", ...ratioGoal("conv64", "eager", 2, times) },
  { work: "fp32 matmul 1024³", goal: "60 % of cuBLAS, TF32 off", ...ratioGoal("matmul 1024", "eager", 0.6, percent) },
  { work: "fp32 matmul 4096³", goal: "75 % of cuBLAS, TF32 off", ...ratioGoal("matmul 4096", "eager", 0.75, percent) },
  halfGoal("faster than cuBLAS fp32", "matmul 4096", 1),
  halfGoal("30 % of cuBLAS f16", HALF, 0.3),
  bandwidthGoal("elementwise", /^(x \+ y|exp|softplus)/),
  bandwidthGoal("reduction", /^sum of/),
  bandwidthGoal("Adam", /^Adam/),
  ...["tfjs", "jax-js"].flatMap((peer) => [peerGoal(peer, "steps", 3), peerGoal(peer, "kernels", 1.5)]),
  ...planGoals("dense", 20),
  ...planGoals("conv28", 32),
  {
    work: "encoding",
    goal: "< 2.5 µs per dispatch",
    ofPlan: true, // and of the host: nothing is run
    reached: ({ training }) => {
      /** @type {import("../training/encoding.mjs").Encoding | undefined} */
      const found = training?.encoding?.find((/** @type {{ model: string }} */ { model }) => model === "dense");
      if (!found) return undefined;
      const one = found.encode.median / found.dispatches;
      return { text: duration(one), share: 2.5 / one };
    },
  },
];

/** The first of the places that can tell decides. A driver in software meets no goal but those of a plan. @param {readonly Place[]} places */
export function goalTable(places) {
  let last = "";
  const rows = goals.map(({ work, goal, reached, ofPlan }) => {
    const found = places.map((place) => ({ ...place, ...reached(place.files) })).find(({ text }) => text !== undefined);
    const name = work || "";
    const shown = name === last ? "" : name;
    if (name) last = name;
    if (!found?.text) return [shown, goal, "not measured", ""];
    const { text, share, where, isSoftware } = found;
    const verdict = isSoftware && !ofPlan ? "" : (share ?? 0) >= 1 ? ", met" : ", missed";
    return [shown, goal, `${text}${verdict}`, `${where}${isSoftware ? ", a driver in software" : ""}`];
  });
  return `${markdown([["work", "wanted", "reached", "where"], ...rows])}\n\n${LEGEND}`;
}

const LEGEND = [
  "×: how many times as long as Elbo takes. Shares of cuBLAS are of PyTorch's product in the same run. What was found with a driver in software says",
  "nothing of a GPU, and is given no verdict, but for what the plan alone decides.",
].join("\n");
