// Climbing a ladder: each rung is verified, and only then timed. And what is gained from one to the next.
import { digits, duration, markdown, withSpread } from "../markdown.mjs";
import { checkOf } from "./check.mjs";
import { Refused } from "./declared.mjs";

/**
 * `perSecond` is in the unit of the work; `clock` is microseconds by the GPU's own clock; `description` says on what it ran, where that is
 * not known beforehand; `wrong` says why there are no times.
 * @typedef {import("../time.mjs").Times & { perSecond: number, clock?: number, description?: string }} Measured
 * @typedef {{ rung: string, device: string, beside: boolean, wrong?: string } & Partial<Measured>} Entry
 * @typedef {(body: () => Promise<unknown>, count: number) => Promise<import("../time.mjs").Times>} Sample
 * @typedef {import("./rungs.mjs").Rung} Rung
 */

/**
 * The rungs, one after another: what was found, as it is found.
 * @param {readonly Rung[]} rungs @param {import("./work.mjs").Work} work @param {import("./rungs.mjs").Context} context @param {Sample} sample
 * @returns {AsyncGenerator<Entry>}
 */
export async function* climb(rungs, work, context, sample) {
  const check = checkOf(work);
  for (const rung of rungs) {
    const entry = { rung: rung.name, device: rung.device, beside: rung.beside ?? false };
    try {
      yield { ...entry, ...(await measured(rung, work, context, check, sample)) };
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      yield { ...entry, wrong: error.message };
    }
  }
}

/** @param {Rung} rung @param {import("./work.mjs").Work} work @param {import("./rungs.mjs").Context} context @param {ReturnType<typeof checkOf>} check @param {Sample} sample */
async function measured(rung, work, context, check, sample) {
  const opened = await rung.open(work, context);
  try {
    const wrong = check(await opened.results());
    if (wrong) throw new Refused(`${rung.name}: ${wrong}`);
    const count = await together(opened);
    const times = await sample(() => opened.run(count), count);
    const clock = opened.clock && median(await several(5, () => opened.clock?.(count)));
    return {
      ...times,
      perSecond: work.amount / times.median / 1e3,
      ...(clock && { clock }),
      ...(opened.description && { description: opened.description }),
    };
  } finally {
    await opened.close();
  }
}

const LONG = 50; // milliseconds, beside which it hardly counts that work is handed over and waited for

/** How many runs one sample takes together. @param {import("./rungs.mjs").Opened} opened */
async function together(opened) {
  for (let count = 1; ; count *= 4) {
    const start = performance.now();
    await opened.run(count);
    const took = performance.now() - start;
    if (took >= LONG) return Math.ceil((count * LONG) / took);
    if (count >= 1024) return count;
  }
}

/** @template T @param {number} count @param {() => Promise<T | undefined> | undefined} ask */
async function several(count, ask) {
  /** @type {T[]} */
  const answers = [];
  for (let i = 0; i < count; i++) {
    const answer = await ask();
    if (answer !== undefined) answers.push(answer);
  }
  return answers;
}

/** @param {readonly number[]} numbers */
const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];

/** @param {number} x */
const times = (x) => `${digits(x)}×`;

/** What the rungs gain, each over the one before it and over the first. @param {readonly Entry[]} entries @returns {(Entry & { before?: number, first?: number, share?: number })[]} */
export function gains(entries) {
  const rungs = entries.filter(({ beside, perSecond }) => !beside && perSecond);
  const best = Math.max(...entries.map(({ perSecond = 0 }) => perSecond));
  return entries.map((entry) => {
    const { perSecond, beside } = entry;
    if (!perSecond) return entry;
    const at = rungs.indexOf(entry);
    const over = (/** @type {Entry | undefined} */ other) => (beside || !other?.perSecond ? {} : { gain: perSecond / other.perSecond });
    const [before, first] = [over(rungs[at - 1]).gain, at > 0 ? over(rungs[0]).gain : undefined];
    return { ...entry, ...(before && { before }), ...(first && { first }), share: perSecond / best };
  });
}

/** What a table of them says, row by row, the head first. @param {readonly Entry[]} entries @param {string} unit @param {string} kernel the head of the first column */
export function cells(entries, unit, kernel) {
  const hasClock = entries.some(({ clock }) => clock);
  const head = [kernel, "on", "time", ...(hasClock ? ["GPU's clock"] : []), unit, "gain", "over the first", "of the best"];
  const rows = gains(entries).map((entry) => {
    const { rung, device, wrong, median, spread, clock, perSecond, before, first, share } = entry;
    if (wrong || !median || spread === undefined || !perSecond || !share) return head.map((_, i) => (i === 0 ? `${rung}: refused` : ""));
    return [
      rung,
      device,
      withSpread({ median, spread }),
      ...(hasClock ? [clock ? duration(clock) : ""] : []),
      digits(perSecond),
      before ? times(before) : "",
      first ? times(first) : "",
      `${Math.round(100 * share)} %`,
    ];
  });
  return [head, ...rows];
}

/** @param {readonly Entry[]} entries @param {string} unit @param {string} kernel */
export const table = (entries, unit, kernel = "rung") => markdown(cells(entries, unit, kernel));
