// Optimizers: each step is a handful of ordinary ops and assignments, so it is fused, compiled and replayed like
// everything else. Adam's moments lie beside their parameter in one block, which a kernel binds once.
//
// Every update is conditional: once a loss (or, with clipping, a gradient norm) is not finite, that step and all later
// ones leave parameters and moments as they were. The last good state survives, and the step count tells which it is. To go on from
// there, set `ok` to 1 again, and perhaps `pace`, by which the rate is multiplied, to less.

import { where } from "../kernels/elementwise/table.ts";
import { fullOf } from "../kernels/layout/full.ts";
import { parameterLeaf } from "../kernels/layout/leaf.ts";
import { assign } from "../kernels/state/assign.ts";
import { scalar } from "../tensor/create.ts";
import { format, sameShape } from "../tensor/shape.ts";
import { hostBlock, Tensor } from "../tensor/tensor.ts";
import { withCompanions, withoutCompanions } from "./companions.ts";
import { grad } from "./grad.ts";

/** A rate that may change: a number, a state set from outside, or a function of the steps done so far. */
export type Rate = number | Tensor | ((step: Tensor) => Tensor);

export interface Optimizer {
  /** Records one step down the gradient of `loss`; it runs with the next program that runs. */
  step(loss: Tensor): void;
  /** The same, from gradients at hand, one per parameter. A loss is given so that a step with one that is not finite is refused. */
  apply(gradients: readonly Tensor[], loss?: Tensor): void;
  readonly parameters: readonly Tensor[];
  /** Everything that must be saved to resume, by name: `steps`, `ok`, `pace`, and of parameter number i `i.mean` and the like. */
  readonly state: ReadonlyMap<string, Tensor>;
  /** Gives back the state; the parameters stay. */
  dispose(): void;
  [Symbol.dispose](): void;
}

export interface Clipping {
  /** Gradients are scaled down together so that their norm over all parameters does not exceed this. */
  readonly clipNorm?: number;
}

export interface SgdOptions extends Clipping {
  readonly rate?: Rate;
  readonly momentum?: number;
  readonly nesterov?: boolean;
  readonly weightDecay?: number;
}

export interface AdamOptions extends Clipping {
  readonly rate?: Rate;
  readonly beta1?: number;
  readonly beta2?: number;
  readonly epsilon?: number;
  readonly weightDecay?: number;
}

/** Stochastic gradient descent, as in PyTorch: v ← momentum · v + g, w ← w - rate · v (nesterov: g + momentum · v). */
export function sgd(parameters: readonly Tensor[], options: SgdOptions = {}): Optimizer {
  const { rate = 1e-2, momentum = 0, nesterov = false, weightDecay = 0 } = options;
  if (nesterov && momentum === 0) throw new Error("sgd: nesterov needs momentum");
  check("sgd", parameters, options);
  const velocities = momentum === 0 ? [] : withCompanions(parameters, 1).map(([v]) => v);
  return optimizer("sgd", parameters, options, rate, { velocity: velocities }, (rateNow) => (w, g, i) => {
    const slope = weightDecay === 0 ? g : g.add(w.mul(weightDecay));
    if (momentum === 0) return [[w, w.sub(slope.mul(rateNow))]];
    const v = velocities[i].mul(momentum).add(slope);
    const step = nesterov ? slope.add(v.mul(momentum)) : v;
    return [
      [velocities[i], v],
      [w, w.sub(step.mul(rateNow))],
    ];
  });
}

/** "Adam: A Method for Stochastic Optimization" (Kingma and Ba 2015), in PyTorch's form; weight decay adds to the gradient. */
export const adam = (parameters: readonly Tensor[], options: AdamOptions = {}): Optimizer => adamLike("adam", parameters, options, false);

/** Adam with the weights decayed directly ("Decoupled Weight Decay Regularization", Loshchilov and Hutter 2019). */
export const adamW = (parameters: readonly Tensor[], options: AdamOptions = {}): Optimizer =>
  adamLike("adamW", parameters, { weightDecay: 0.01, ...options }, true);

function adamLike(name: string, parameters: readonly Tensor[], options: AdamOptions, decoupled: boolean): Optimizer {
  const { rate = 1e-3, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0 } = options;
  check(name, parameters, options);
  const moments = withCompanions(parameters, 2);
  const state = { mean: moments.map(([m]) => m), variance: moments.map(([, v]) => v) };
  return optimizer(name, parameters, options, rate, state, (rateNow, step) => {
    // w ← w - rate · (m / (1 - β₁ᵗ)) / (√(v / (1 - β₂ᵗ)) + ε), with the corrections moved to two scalars
    const correction = biasCorrection(beta2, step).sqrt();
    const pace = rateNow.mul(correction).div(biasCorrection(beta1, step));
    const floor = correction.mul(epsilon);
    return (w, g, i) => {
      const [mean, variance] = moments[i];
      const slope = weightDecay === 0 || decoupled ? g : g.add(w.mul(weightDecay));
      const m = mean.mul(beta1).add(slope.mul(1 - beta1));
      const v = variance.mul(beta2).add(slope.square().mul(1 - beta2));
      const kept = decoupled && weightDecay !== 0 ? w.sub(w.mul(rateNow).mul(weightDecay)) : w;
      return [
        [mean, m],
        [variance, v],
        [w, kept.sub(m.mul(pace).div(v.sqrt().add(floor)))],
      ];
    };
  });
}

/** 1 - baseᵗ, as -expm1(t · ln base): right from the first step on. */
const biasCorrection = (base: number, step: Tensor): Tensor => (base === 0 ? step.mul(0).add(1) : step.mul(Math.log(base)).expm1().neg());

/** Before anything is moved: is this something to optimize? */
function check(name: string, parameters: readonly Tensor[], { clipNorm = 1 }: Clipping): void {
  if (parameters.length === 0) throw new Error(`${name}: no parameters to optimize`);
  parameters.forEach((p, i) => {
    if (p.op !== parameterLeaf) throw new Error(`${name}: ${p} is no parameter`);
    if (parameters.indexOf(p) < i) throw new Error(`${name}: parameter ${i} is named twice`);
  });
  if (!(clipNorm > 0)) throw new Error(`${name}: clipNorm ${clipNorm}; it is above 0`);
}

/** New values of the states that belong to parameter w, given its gradient: an optimizer's own mathematics. */
type Update = (w: Tensor, g: Tensor, i: number) => readonly (readonly [state: Tensor, value: Tensor])[];

/** What optimizers share: the step count, the rate, clipping, the guard, and the walk over the parameters. */
function optimizer(
  name: string,
  parameters: readonly Tensor[],
  { clipNorm }: Clipping,
  rate: Rate,
  companions: Readonly<Record<string, readonly Tensor[]>>,
  prepare: (rate: Tensor, step: Tensor) => Update,
): Optimizer {
  const steps = scalar(0, "u32");
  const { ok, pace } = guards();
  const apply = (gradients: readonly Tensor[], loss?: Tensor): void => {
    if (gradients.length !== parameters.length)
      throw new Error(`${name}: ${gradients.length} gradients for ${parameters.length} parameters`);
    gradients.forEach((g, i) => {
      if (!sameShape(g.shape, parameters[i].shape))
        throw new Error(`${name}: gradient ${i} is ${format(g.shape)}, its parameter ${format(parameters[i].shape)}`);
    });
    const norm = clipNorm === undefined ? undefined : globalNorm(gradients);
    const stillOk = [loss, norm].reduce<Tensor>((all, t) => (t ? all.mul(t.isFinite().reshape([])) : all), ok);
    const before = steps.cast("f32");
    const asked = typeof rate === "function" ? rate(before) : typeof rate === "number" ? fullOf([], rate) : rate;
    const update = prepare(asked.mul(pace), before.add(1));
    const scale = norm && clipNorm ? scaleTo(norm, clipNorm) : undefined;
    parameters.forEach((w, i) => {
      for (const [state, value] of update(w, scale ? gradients[i].mul(scale) : gradients[i], i))
        assign(state, where(stillOk, value, state), name);
    });
    assign(steps, steps.add(stillOk.cast("u32")), name);
    assign(ok, stillOk, name);
  };
  const own = Object.values(companions);
  const dispose = () => {
    const beside = (own[0] ?? []).map((_, i) => own.map((list) => list[i]));
    withoutCompanions(parameters, beside, `the ${name} optimizer was disposed`);
    for (const t of [steps, ok, pace]) t.dispose();
  };
  const state = new Map([["steps", steps], ["ok", ok], ["pace", pace], ...named(companions)]);
  return { step: (loss) => apply(grad(loss, parameters), loss), apply, parameters, state, dispose, [Symbol.dispose]: dispose };
}

/** Both are 1 at first, and lie in one block, which a kernel binds once. */
function guards(): { ok: Tensor; pace: Tensor } {
  const block = hostBlock(Float32Array.of(1, 1), "f32", true);
  const at = (offset: number) => new Tensor(parameterLeaf, [], {}, [], "f32", { block, offset });
  return { ok: at(0), pace: at(1) };
}

/** √(Σ over all gradients of their squares). */
export const globalNorm = (gradients: readonly Tensor[]): Tensor =>
  gradients
    .map((g) => g.square().sum())
    .reduce((a, b) => a.add(b))
    .sqrt();

/** Gradients scaled down together, if need be, so that their norm over all of them is at most `limit`. */
export function clipByGlobalNorm(gradients: readonly Tensor[], limit: number): Tensor[] {
  if (!(limit > 0)) throw new Error(`clipByGlobalNorm: limit ${limit}; it is above 0`);
  const scale = scaleTo(globalNorm(gradients), limit);
  return gradients.map((g) => g.mul(scale));
}

/** What brings a norm down to the limit, if it is above. */
const scaleTo = (norm: Tensor, limit: number): Tensor => norm.add(1e-6).reciprocal().mul(limit).minimum(1);

const named = (groups: Readonly<Record<string, readonly Tensor[]>>): (readonly [string, Tensor])[] =>
  Object.entries(groups).flatMap(([name, list]) => list.map((t, i) => [`${i}.${name}`, t] as const));
