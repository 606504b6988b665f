// Keeping a device busy: the next job is started before the result of the last is looked at, and the event loop gets its turn.

import type { Tensor } from "../index.ts";
import type { Terms } from "./objectives/objective.ts";

const AHEAD = 2; // jobs started beyond the one that is waited for
const TURN = 10; // milliseconds that the loop may take before a key press or a frame is served
let turn = 0; // when others last had theirs; kept from loop to loop, or short epochs would never let a Ctrl-C in

/** The results in order. Taking a promise from `jobs` starts the job; an error is thrown when its turn comes. */
export async function* inFlight<T>(jobs: Iterable<Promise<T>>): AsyncGenerator<T, void> {
  const running: Promise<T>[] = [];
  try {
    for (const job of jobs) {
      job.catch(() => {}); // so that no error counts as unhandled before its turn
      running.push(job);
      if (running.length > AHEAD) yield (await running.shift()) as T;
      if (performance.now() - turn < TURN) continue;
      await otherTasks();
      turn = performance.now();
    }
    while (running.length > 0) yield (await running.shift()) as T;
  } finally {
    await Promise.allSettled(running);
  }
}

/** Resolves after the tasks that wait now. A promise alone would not let them in, and timers wait too long. */
const otherTasks = (): Promise<void> =>
  new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(0);
  });

/** The numbers of one step or, for several steps in one submission, of each. */
export async function read(terms: Terms<Tensor>): Promise<Terms<number>[]> {
  const names = Object.keys(terms) as (keyof Terms<Tensor>)[];
  const values = await Promise.all(names.map((name) => (terms[name] as Tensor).data())); // one read, as one program
  return Array.from(values[0], (_, i) => termsOf(names, (which) => values[which][i]));
}

/** What was added up so far, so that an average can be gone on with. */
export interface Sums {
  readonly weight: number;
  readonly terms: Readonly<Record<string, number>>;
}
export const nothing: Sums = { weight: 0, terms: {} };

export interface Average {
  add(terms: Terms<number>, weight?: number): void;
  mean(): Terms<number>;
  sums(): Sums;
}

/** The weighted average of what was added, which always has the same terms. */
export function average(from: Sums = nothing): Average {
  const sums = new Map(Object.entries(from.terms)) as Map<keyof Terms<number>, number>;
  let total = from.weight;
  return {
    add: (terms, weight = 1) => {
      for (const [name, value] of Object.entries(terms) as [keyof Terms<number>, number][])
        sums.set(name, (sums.get(name) ?? 0) + weight * value);
      total += weight;
    },
    mean: () => {
      const all = [...sums.values()];
      return termsOf([...sums.keys()], (which) => all[which] / total);
    },
    sums: () => ({ weight: total, terms: Object.fromEntries(sums) }),
  };
}

/** `loss`, `reconstruction` and `kl` are among the names of all terms. */
const termsOf = (names: readonly (keyof Terms<number>)[], value: (which: number) => number): Terms<number> =>
  Object.fromEntries(names.map((name, which) => [name, value(which)])) as { [K in keyof Terms<number>]: number } as Terms<number>;
