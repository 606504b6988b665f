// Asking engines in turns, and what they found: samples by what they are of. An engine that failed once at some work has none of it.

import { answerOf } from "../engines/process.mjs";
import { summary } from "../time.mjs";
import { countOf } from "./entry.mjs";

/** @typedef {import("../engines/process.mjs").Engine} Engine @typedef {import("./entry.mjs").Entry} Entry */

export class Findings {
  /** Of what engines were made of, as they said. @type {Record<string, string>} */
  versions = {};
  /** @type {Map<string, { group: string, entry: Entry, ms: number[] }>} */
  #samples = new Map();
  /** @type {Map<string, Entry>} */
  #errors = new Map();
  #filter;
  #seconds;
  #log;

  /** `seconds` is the limit for one process. @param {{ filter: string, seconds: number, log: (line: string) => void }} options */
  constructor({ filter, seconds, log }) {
    this.#filter = filter;
    this.#seconds = seconds;
    this.#log = log;
  }

  /**
   * Asks each engine in turn, in rounds, with arguments that are made if anybody is asked at all. Parts that came before an error are noted.
   * @param {string} work @param {readonly Engine[]} engines @param {(engine: Engine) => number} rounds
   * @param {(engine: Engine) => Promise<string[]>} args @param {(engine: Engine, answer: Record<string, any>) => unknown} note
   */
  async ask(work, engines, rounds, args, note) {
    const name = (/** @type {Engine} */ { engine, runtime, threads }) => `${work}, ${engine}, ${runtime}, ${countOf(threads)}`;
    const wanted = engines.filter((one) => name(one).includes(this.#filter));
    const most = Math.max(0, ...wanted.map(rounds));
    for (let round = 1; round <= most; round++) {
      for (const one of wanted) {
        if (this.#errors.has(key(work, one)) || round > rounds(one)) continue;
        this.#log(`round ${round} of ${rounds(one)}: ${name(one)}`);
        const answer = await answerOf(one, await args(one), this.#seconds);
        Object.assign(this.versions, answer["versions"]);
        if (answer["error"]) this.fail(work, one, answer["error"]);
        if (!answer["error"] || answer.parts.length > 0) await note(one, answer);
      }
    }
  }

  /** @param {string} work @param {Engine} engine @param {string} error */
  fail(work, engine, error) {
    this.#errors.set(key(work, engine), { work, ...who(engine), error });
  }

  /**
   * Samples of some work, in milliseconds. `group` is the work that was asked for, where it has several parts.
   * @param {string} work @param {Engine} engine @param {number[]} ms @param {Partial<Entry>} facts
   */
  add(work, engine, ms, facts, group = work) {
    const name = `${key(work, engine)}, ${facts.how}`;
    const known = this.#samples.get(name) ?? { group, entry: { work, ...who(engine), ...facts }, ms: [] };
    known.ms.push(...ms);
    this.#samples.set(name, known);
  }

  /** What the core itself can do. @param {Engine} engine @param {Record<string, any>} answer */
  addCore(engine, { ceilings = [], copy }) {
    for (const { how, flop, ms } of ceilings) this.add("ceiling", engine, ms, { how, flop });
    if (copy) this.add("copy", engine, copy.ms, { bytes: copy.bytes });
  }

  /** @returns {Entry[]} */
  entries() {
    const good = [...this.#samples.values()].filter(({ group, entry }) => !this.#errors.has(key(group, entry)));
    return [...good.map(({ entry, ms }) => ({ ...entry, ...summary(ms.map((t) => t * 1e3)) })), ...this.#errors.values()];
  }
}

/** @typedef {{ engine: string, runtime: string, threads: number }} Who */
/** @param {Who} of @returns {Who} */
const who = ({ engine, runtime, threads }) => ({ engine, runtime, threads });
/** @param {string} work @param {Who} of */
const key = (work, { engine, runtime, threads }) => [work, engine, runtime, threads].join(", ");
