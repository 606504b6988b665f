// The CPU: a training step of the dense VAE and single products, by Elbo and by others that do the same, in processes of their own that
// take turns, so that a noisy minute hits all. What an engine computes is compared with float64 before its times count.
import { answerOf, engines, nodeVersions, pinning } from "./cpu/engines.mjs";
import { sizes, wrongLoss, wrongProduct, wrongTraining } from "./cpu/judge.mjs";
import { countOf, ratios, tables } from "./cpu/tables.mjs";
import { prepared } from "./cpu/task.mjs";
import { summary } from "./time.mjs";

export { tables };

/** @typedef {import("./cpu/engines.mjs").Engine} Engine @typedef {import("./cpu/tables.mjs").Entry} Entry */

export const title = "the dense VAE and products on the CPU, beside jax-js, TensorFlow.js and PyTorch";
/** As parseArgs takes them. @type {import("./run.mjs").Bench["options"]} */
export const options = { device: { type: "string", default: "wasm" }, rounds: { type: "string", default: "3" } };

/** @param {{ device: string, rounds: string }} options */
export function objection({ device, rounds }) {
  if (!["wasm", "js"].includes(device)) return `--device "${device}"; there are wasm and js`;
  return Number(rounds) >= 1 ? undefined : `--rounds ${rounds}; it is 1 or more`;
}

/** @param {unknown} _ @param {{ device: string, rounds: string, filter: string }} options */
export const isWhole = (_, { device, rounds, filter }) => device === "wasm" && Number(rounds) >= 3 && filter === "";

const STARTS = 5;

/** @param {{ device: string, rounds: string, filter: string, log: (line: string) => void }} options */
export async function run({ device, rounds: count, filter, log }) {
  const all = engines(device, log);
  const task = await prepared();
  /** @type {Record<string, string>} */
  const versions = {};
  const found = new Findings();

  /** Asks each engine in turn, `rounds` times. @param {string} work @param {readonly Engine[]} list @param {number} rounds @param {(engine: Engine, answer: Record<string, any>) => void} note */
  const ask = async (work, list, rounds, note) => {
    const name = (/** @type {Engine} */ { engine, runtime, threads }) => `${work}, ${engine}, ${runtime}, ${countOf(threads)}`;
    const wanted = list.filter((one) => name(one).includes(filter));
    for (let round = 1; round <= rounds; round++) {
      for (const one of wanted) {
        if (found.hasError(work, one) || (one.isSlow && work === "gemm" && round > 1)) continue;
        log(`round ${round} of ${rounds}: ${name(one)}`);
        const answer = await answerOf(one, ["--work", work === "phase" ? "profile" : work, "--folder", task.folder]);
        Object.assign(versions, answer.versions);
        if (answer.error) found.fail(work, one, answer.error);
        else note(one, answer);
      }
    }
  };

  const rounds = Number(count);
  const computing = all.filter(({ engine }) => engine !== "core");
  const elbo = all.filter(({ engine }) => engine === "Elbo");
  try {
    await ask("dense", computing, rounds, (one, { losses, trainings, rss, description }) => {
      for (const { how, ms, first, last } of trainings) {
        const wrong = wrongLoss(losses, task.losses) ?? wrongTraining(first, last);
        if (wrong) found.fail("dense", one, `wrong: ${wrong}`);
        else found.add("dense", one, ms, { ...(how && { how }), ...(description && { description }), rss });
      }
    });
    await ask("gemm", all, rounds, (one, { products = [], ceilings = [], copy }) => {
      for (const { how, flop, ms } of ceilings) found.add("ceiling", one, ms, { how, flop });
      if (copy) found.add("copy", one, copy.ms, { bytes: copy.bytes });
      for (const { product, ms } of products) {
        const wrong = wrongProduct(task.folder, product);
        const flop = 2 * sizes(product).reduce((a, b) => a * b);
        if (wrong) found.fail("gemm", one, `wrong: ${wrong}`);
        else found.add(product, one, ms, { flop });
      }
    });
    await ask("startup", elbo, STARTS, (one, { ms }) => found.add("startup", one, ms, {}));
    await ask("replay", elbo, rounds, (one, { ms, kernels }) => found.add("replay", one, ms, { kernels }));
    const alone = elbo.filter(({ threads }) => threads === 1);
    await ask("phase", alone, rounds, (one, { phases }) => {
      for (const [i, { what, flop, ms }] of phases.entries()) found.add("phase", one, ms, { how: `${i + 1}: ${what}`, flop });
    });
  } finally {
    task.remove();
  }
  const results = found.entries();
  return { versions: { ...versions, Node: nodeVersions(all).join(" and ") }, pinning, device, results, ratios: ratios(results) };
}

/** Samples by what they are of; an engine that failed once at some work has none of it. */
class Findings {
  /** @type {Map<string, { entry: Entry, ms: number[] }>} */
  #samples = new Map();
  /** @type {Map<string, Entry>} */
  #errors = new Map();

  /** @param {string} work @param {Engine} engine */
  hasError(work, engine) {
    return this.#errors.has(key(work, engine));
  }

  /** @param {string} work @param {Engine} engine @param {string} error */
  fail(work, engine, error) {
    this.#errors.set(key(work, engine), { work, ...who(engine), error });
  }

  /** @param {string} work @param {Engine} engine @param {number[]} ms @param {Partial<Entry>} facts */
  add(work, engine, ms, facts) {
    const name = `${key(work, engine)}, ${facts.how}`;
    const known = this.#samples.get(name) ?? { entry: { work, ...who(engine), ...facts }, ms: [] };
    known.ms.push(...ms);
    this.#samples.set(name, known);
  }

  /** @returns {Entry[]} */
  entries() {
    const products = (/** @type {Entry} */ { work }) => (/^\d/.test(work) ? "gemm" : work);
    const good = [...this.#samples.values()].filter(({ entry }) => !this.#errors.has(key(products(entry), entry)));
    return [...good.map(({ entry, ms }) => ({ ...entry, ...summary(ms.map((t) => t * 1e3)) })), ...this.#errors.values()];
  }
}

/** @typedef {{ engine: string, runtime: string, threads: number }} Who */
/** @param {Who} of @returns {Who} */
const who = ({ engine, runtime, threads }) => ({ engine, runtime, threads });
/** @param {string} work @param {Who} of */
const key = (work, { engine, runtime, threads }) => [work, engine, runtime, threads].join(", ");
