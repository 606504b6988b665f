// The order of steps on many threads. A phase is what runs without a barrier: steps that do not touch what another one
// of the phase writes, or that are shared by rows, of which each thread goes on with its own. Each step runs as early as
// what it waits for allows, so phases are few.

import type { Step } from "./steps.ts";

const meet = (a: ReadonlySet<string>, b: ReadonlySet<string>): boolean => {
  for (const name of a) if (b.has(name)) return true;
  return false;
};

/** Must b see what a did, or a see what was there before b? */
const conflict = (a: Step, b: Step): boolean => meet(a.writes, b.reads) || meet(a.writes, b.writes) || meet(a.reads, b.writes);

/** Does each thread touch only what it made itself? So it is where both are shared by the same rows of all that they have in common. */
function sameRows(a: Step, b: Step): boolean {
  const [x, y] = [a.rows, b.rows];
  if (!x || !y || x.total !== y.total || x.grain !== y.grain || a.isSmall || b.isSmall) return false;
  const common = [...a.reads, ...a.writes].filter((name) => b.writes.has(name) || (a.writes.has(name) && b.reads.has(name)));
  return common.every((name) => x.widths.has(name) && x.widths.get(name) === y.widths.get(name));
}

/** The phases, in order; the steps of each in order as well. */
export function phasesOf(steps: readonly Step[]): Step[][] {
  const phases: Step[][] = [];
  const at = new Map<Step, number>();
  steps.forEach((step, i) => {
    let phase = 0;
    for (const before of steps.slice(0, i)) {
      if (!conflict(before, step)) continue;
      const wait = (before.isSmall && step.isSmall) || sameRows(before, step) ? 0 : 1; // small steps are all done by one thread
      phase = Math.max(phase, (at.get(before) as number) + wait);
    }
    at.set(step, phase);
    while (phases.length <= phase) phases.push([]);
    phases[phase].push(step);
  });
  return phases;
}
