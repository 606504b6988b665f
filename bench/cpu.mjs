// The CPU: a training step of the dense VAE and single products, by Elbo and by others that do the same, in processes of their own that
// take turns, so that a noisy minute hits all. What an engine computes is compared with float64 before its times count.
import { engines } from "./cpu/engines.mjs";
import { ratios } from "./cpu/entries.mjs";
import { tables } from "./cpu/tables.mjs";
import { pinning } from "./engines/process.mjs";
import { nodeVersions } from "./engines/programs.mjs";
import { Findings } from "./tasks/findings.mjs";
import { sizes, wrongProduct } from "./tasks/judge.mjs";
import { lazily, productTask, trainingTask } from "./tasks/task.mjs";
import { askForPhases, askToTrain } from "./tasks/training.mjs";

export { tables };

/** @typedef {{ device: string, rounds: string, seconds: string, filter: string }} Options */

export const title = "the dense VAE and products on the CPU, beside jax-js, TensorFlow.js and PyTorch";
/** As parseArgs takes them; `seconds` is the limit for one process. @type {import("./run.mjs").Bench["options"]} */
export const options = {
  device: { type: "string", default: "wasm" },
  rounds: { type: "string", default: "3" },
  seconds: { type: "string", default: "180" },
};

/** @param {Options} options */
export function objection({ device, rounds, seconds }) {
  if (!["wasm", "js"].includes(device)) return `--device "${device}"; there are wasm and js`;
  if (!(Number(seconds) > 0)) return `--seconds ${seconds}; it is more than 0`;
  return Number(rounds) >= 1 ? undefined : `--rounds ${rounds}; it is 1 or more`;
}

/** @param {unknown} _ @param {Options} options */
export const isWhole = (_, { device, rounds, filter }) => device === "wasm" && Number(rounds) >= 3 && filter === "";

const STARTS = 5;

/** @param {Options & { log: (line: string) => void }} options */
export async function run({ device, rounds: count, seconds, filter, log }) {
  const all = engines(device, log);
  const found = new Findings({ filter, seconds: Number(seconds), log });
  const [dense, products] = [lazily(() => trainingTask("dense")), lazily(productTask)];

  const rounds = Number(count);
  const computing = all.filter(({ engine }) => engine !== "core");
  const elbo = all.filter(({ engine }) => engine === "Elbo");
  const own = async (/** @type {string} */ work) => ["--work", work, "--folder", (await dense.get()).folder];
  try {
    await askToTrain(found, "dense", dense, computing, rounds);
    await found.ask(
      "gemm",
      all,
      ({ isSlow }) => (isSlow ? 1 : rounds),
      async () => ["--work", "gemm", "--folder", (await products.get()).folder],
      async (one, answer) => {
        found.addCore(one, answer);
        for (const { product, ms } of answer["products"] ?? []) {
          const wrong = wrongProduct((await products.get()).folder, product);
          const flop = 2 * sizes(product).reduce((a, b) => a * b);
          if (wrong) found.fail("gemm", one, `wrong: ${wrong}`);
          else found.add(product, one, ms, { flop }, "gemm");
        }
      },
    );
    const every = (/** @type {number} */ n) => () => n;
    await found.ask(
      "startup",
      elbo,
      every(STARTS),
      () => own("startup"),
      (one, { ms }) => found.add("startup", one, ms, {}),
    );
    await found.ask(
      "replay",
      elbo,
      every(rounds),
      () => own("replay"),
      (one, { ms, kernels }) => found.add("replay", one, ms, { kernels }),
    );
    await askForPhases(found, "phase", dense, all, rounds);
  } finally {
    await Promise.all([dense, products].map((task) => task.remove()));
  }
  const results = found.entries();
  const versions = { ...found.versions, Node: nodeVersions(all).join(" and ") };
  return { versions, pinning, device, results, ratios: ratios(results, "dense") };
}
