// Convolutional VAEs on the CPU: a training step of conv28 and of conv64, and single convolutions, by Elbo and by others, as in cpu.mjs.
// Who takes longer than ten seconds for a step is asked once, for the smaller model, in one runtime.
import { tables } from "./cpu/conv-tables.mjs";
import { engines } from "./cpu/engines.mjs";
import { ratios } from "./cpu/entries.mjs";
import * as cpu from "./cpu.mjs";
import { pinning } from "./engines/process.mjs";
import { nodeVersions } from "./engines/programs.mjs";
import { Findings } from "./tasks/findings.mjs";
import { wrongLayer } from "./tasks/judge.mjs";
import { flopOf, LAYERS, passOf } from "./tasks/layers.mjs";
import { layerTask, lazily, trainingTask } from "./tasks/task.mjs";
import { askForPhases, askToTrain } from "./tasks/training.mjs";

export { isWhole, objection } from "./cpu.mjs";
export { tables };

/** @typedef {import("./engines/process.mjs").Engine} Engine */

export const title = "convolutional VAEs and convolutions on the CPU, beside jax-js, TensorFlow.js and PyTorch";
/** @type {import("./run.mjs").Bench["options"]} */
export const options = { ...cpu.options, seconds: { type: "string", default: "400" } };

const isSlow = (/** @type {Engine} */ { engine }) => ["jax-js", "tfjs (cpu)"].includes(engine);
const isFirst = (/** @type {Engine} */ { runtime, threads }) => runtime === "Node 24" && threads === 1;

/** @param {import("./cpu.mjs").Options & { log: (line: string) => void }} options */
export async function run({ device, rounds: count, seconds, filter, log }) {
  const all = engines(device, log);
  const found = new Findings({ filter, seconds: Number(seconds), log });
  const [conv28, conv64, layers] = [lazily(() => trainingTask("conv28")), lazily(() => trainingTask("conv64")), lazily(layerTask)];

  const rounds = Number(count);
  const own = all.filter(({ engine }) => ["Elbo", "PyTorch"].includes(engine));
  const others = all.filter((one) => !own.includes(one) && one.engine !== "core" && isFirst(one));
  const fast = [...own, ...others.filter((one) => !isSlow(one))];
  try {
    await askToTrain(found, "conv28", conv28, [...own, ...others], rounds, isSlow);
    await askToTrain(found, "conv64", conv64, fast, rounds);
    await found.ask(
      "layers",
      [...own, ...all.filter(({ engine }) => engine === "core")],
      () => rounds,
      async () => ["--work", "layers", "--folder", (await layers.get()).folder],
      async (one, answer) => {
        found.addCore(one, answer);
        if (one.engine === "core") return;
        const { folder } = await layers.get();
        const wrong = LAYERS.map((layer) => wrongLayer(folder, layer)).find(Boolean);
        if (wrong) return found.fail("layers", one, `wrong: ${wrong}`);
        for (const { layer, role, how, ms } of answer["layers"])
          found.add(passOf(layer, role), one, ms, { ...(how && { how }), flop: flopOf(layer) }, "layers");
      },
    );
    await askForPhases(found, "conv28 phase", conv28, all, rounds);
    await askForPhases(found, "conv64 phase", conv64, all, 1); // for the operations in its products alone
  } finally {
    await Promise.all([conv28, conv64, layers].map((task) => task.remove()));
  }
  const results = found.entries();
  const versions = { ...found.versions, Node: nodeVersions(all).join(" and ") };
  const compared = ["conv28", "conv64"].flatMap((work) => ratios(results, work).map((ratio) => ({ work, ...ratio })));
  return { versions, pinning, device, results, ratios: compared };
}
