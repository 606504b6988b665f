// Where did it begin? What a function records is computed once more by plain loops, tensor by tensor, and the first one that is no number
// although what it was made of are numbers is found. Nothing is fused, no effect runs, and no state changes.

import { tensor } from "../tensor/create.ts";
import { graph, isLeaf } from "../tensor/graph.ts";
import { arrayOf, type Tensor, type Values } from "../tensor/tensor.ts";
import { type Trace, within } from "../tensor/trace.ts";

export interface NotFinite {
  /** As it was recorded: its op, its shape, and by its inputs where in the graph it stands. */
  readonly tensor: Tensor;
  /** The first of its values that is no number. */
  readonly value: number;
  /** The largest absolute value among its inputs. */
  readonly largest: number;
}

export interface ReplayOptions {
  readonly seed: number;
  /** Of the replay that is to be computed again: the same noise and the same order of the data follow from it. */
  readonly clock: number;
  /** Ends the search, as one that found nothing. */
  readonly signal?: AbortSignal | undefined;
}

const TURN = 50; // milliseconds that the loop may take before others get theirs

/**
 * The tensor with which not-a-number or infinity came into what `record` returns, or into what it gives to states. Infinities that lead to
 * none of these, as in a branch that `where` does not take, count only where nothing else is found: behind an update that was refused
 * there may be one. Undefined where all is finite.
 */
export async function firstNotFinite(
  record: (clock: Tensor) => readonly Tensor[],
  { seed, clock, signal }: ReplayOptions,
): Promise<NotFinite | undefined> {
  const now = tensor(Uint32Array.of(clock), [], "u32");
  const trace: Trace = { effects: [], draws: 0, clock: () => now, seed };
  const results = within(trace, () => record(now));
  const roots = [...results, ...trace.effects.map((effect) => effect.inputs[1])];
  const { nodes, inputs } = graph(roots, []);
  const rootOf = new Set(roots);

  const last = new Map<number, number>(); // the node that uses each last; then its values are forgotten
  inputs.forEach((list, i) => {
    for (const x of list) last.set(x, i);
  });
  const values: (Values | undefined)[] = nodes.map(() => undefined);
  const found: (NotFinite | undefined)[] = nodes.map(() => undefined);
  let turn = performance.now();
  for (const [i, t] of nodes.entries()) {
    if (signal?.aborted) return undefined;
    const xs = inputs[i].map((x) => values[x] as Values);
    const y = isLeaf(t) ? await t.data() : computed(t, xs);
    values[i] = y;
    const value = t.dtype === "f32" ? y.find((v) => !Number.isFinite(v)) : undefined;
    if (value !== undefined) {
      const origins = inputs[i].flatMap((x) => found[x] ?? []).sort((a, b) => a.tensor.id - b.tensor.id);
      found[i] = origins[0] ?? { tensor: t, value, largest: Math.max(0, ...xs.map(largestIn)) };
      if (rootOf.has(t)) return found[i];
    }
    for (const x of inputs[i]) if (last.get(x) === i) values[x] = undefined;
    if (performance.now() - turn < TURN) continue;
    await new Promise((resolve) => setTimeout(resolve));
    turn = performance.now();
  }
  return found.find((f) => f);
}

function computed(t: Tensor, xs: readonly Values[]): Values {
  const y = arrayOf(t.dtype, t.size);
  t.op.js(y, xs, t);
  return y;
}

function largestIn(values: Values): number {
  let most = 0;
  for (const v of values) most = Math.max(most, Math.abs(v));
  return most;
}

/** The name nearest to a tensor, going back through what it was made of. */
export function nearestNamed(t: Tensor, names: ReadonlyMap<Tensor, string>): string | undefined {
  const seen = new Set<Tensor>();
  for (let near: Tensor[] = [t]; near.length > 0; ) {
    const named = near.find((x) => names.has(x));
    if (named) return names.get(named);
    for (const x of near) seen.add(x);
    near = [...new Set(near.flatMap((x) => x.inputs))].filter((x) => !seen.has(x));
  }
  return undefined;
}
