// Optimizers against PyTorch's formulas, written out here for single numbers, over twenty steps.
import { expect, test } from "vitest";
import {
  adam,
  adamW,
  clipByGlobalNorm,
  compile,
  concat,
  cosineDecay,
  globalNorm,
  linearWarmup,
  type Optimizer,
  parameter,
  type Rate,
  scalar,
  set,
  sgd,
  stepDecay,
  type Tensor,
  tensor,
} from "../src/index.ts";
import { onEachDevice } from "./setup/each-device.ts";

const values = async (t: Tensor): Promise<number[]> => [...(await t.data())];
const STEPS = 20;

/** A loss of five numbers in two parameters whose gradient is known: Σ aᵢ (wᵢ - cᵢ)² / 2, so that gᵢ = aᵢ (wᵢ - cᵢ). */
const a = [1, 3, 0.5, 2, 0.1];
const c = [1, -1, 2, 0, 5];
const start = [0.5, 0.5, -1, 1, 2];
const slope = (w: readonly number[]): number[] => w.map((x, i) => a[i] * (x - c[i]));
const lossOf = ([w, v]: readonly Tensor[], a: Tensor, c: Tensor): Tensor =>
  concat([w, v.reshape([2])])
    .sub(c)
    .square()
    .mul(a)
    .sum()
    .mul(0.5);

/** A rule for all five numbers at once: given w, its gradient and the step (from 0), the next w. */
type Rule = (w: readonly number[], g: readonly number[], t: number) => number[];

function reference(rule: Rule): number[] {
  let w = [...start];
  for (let t = 0; t < STEPS; t++) w = rule(w, slope(w), t);
  return w;
}

/** The parameters after twenty steps, compiled or not. */
async function trained(make: (parameters: readonly Tensor[]) => Optimizer, compiled: boolean): Promise<number[]> {
  const parameters = [parameter(start.slice(0, 3)), parameter(start.slice(3), [2, 1])];
  const optimizer = make(parameters);
  const constants = [tensor(a), tensor(c)]; // disposed below: what a trace captures lives on its device
  const body = () => {
    const loss = lossOf(parameters, constants[0], constants[1]);
    optimizer.step(loss);
    return loss;
  };
  if (compiled) {
    using step = compile(body);
    for (let i = 0; i < STEPS; i++) step();
  } else {
    for (let i = 0; i < STEPS; i++) await body().item();
  }
  expect(await optimizer.state.get("steps")?.item()).toBe(STEPS);
  const result = (await Promise.all(parameters.map(values))).flat();
  optimizer.dispose();
  for (const t of [...parameters, ...constants]) t.dispose();
  return result;
}

function follows(name: string, make: (parameters: readonly Tensor[]) => Optimizer, rule: () => Rule): void {
  onEachDevice(name, async () => {
    const expected = reference(rule());
    for (const compiled of [false, true]) {
      const got = await trained(make, compiled);
      got.forEach((x, i) => {
        expect(Math.abs(x - expected[i]), `number ${i}, ${compiled ? "compiled" : "eager"}: ${x} for ${expected[i]}`).toBeLessThan(5e-6);
      });
    }
  });
}

const momentumRule =
  (rate: number, momentum: number, nesterov: boolean, weightDecay = 0): (() => Rule) =>
  () => {
    let v: number[] | undefined; // PyTorch's buffer begins as the first gradient
    return (w, g) => {
      const d = g.map((x, i) => x + weightDecay * w[i]);
      v = v ? v.map((x, i) => momentum * x + d[i]) : d;
      const step = nesterov ? d.map((x, i) => x + momentum * (v as number[])[i]) : v;
      return w.map((x, i) => x - rate * step[i]);
    };
  };

const adamRule =
  (rate: (t: number) => number, { b1 = 0.9, b2 = 0.999, eps = 1e-8, decay = 0, decoupled = false } = {}): (() => Rule) =>
  () => {
    const m = start.map(() => 0);
    const v = start.map(() => 0);
    return (w, g, t) =>
      w.map((x, i) => {
        const lr = rate(t);
        const d = decoupled ? g[i] : g[i] + decay * x;
        m[i] = b1 * m[i] + (1 - b1) * d;
        v[i] = b2 * v[i] + (1 - b2) * d * d;
        const mean = m[i] / (1 - b1 ** (t + 1));
        const deviation = Math.sqrt(v[i] / (1 - b2 ** (t + 1)));
        return (decoupled ? x * (1 - lr * decay) : x) - (lr * mean) / (deviation + eps);
      });
  };

const clipped =
  (limit: number, inner: () => Rule): (() => Rule) =>
  () => {
    const rule = inner();
    return (w, g, t) => {
      const norm = Math.hypot(...g);
      const scale = Math.min(1, limit / (norm + 1e-6));
      return rule(
        w,
        g.map((x) => x * scale),
        t,
      );
    };
  };

follows("sgd", (ps) => sgd(ps, { rate: 0.1 }), momentumRule(0.1, 0, false));
follows("sgd with weight decay", (ps) => sgd(ps, { rate: 0.1, weightDecay: 0.2 }), momentumRule(0.1, 0, false, 0.2));
follows("sgd with momentum", (ps) => sgd(ps, { rate: 0.05, momentum: 0.9 }), momentumRule(0.05, 0.9, false));
follows(
  "sgd with Nesterov momentum and weight decay",
  (ps) => sgd(ps, { rate: 0.05, momentum: 0.9, nesterov: true, weightDecay: 0.1 }),
  momentumRule(0.05, 0.9, true, 0.1),
);
follows("sgd with clipping", (ps) => sgd(ps, { rate: 0.1, clipNorm: 0.7 }), clipped(0.7, momentumRule(0.1, 0, false)));
follows(
  "adam",
  (ps) => adam(ps, { rate: 0.05 }),
  adamRule(() => 0.05),
);
follows(
  "adam with its own betas, epsilon and weight decay",
  (ps) => adam(ps, { rate: 0.05, beta1: 0.5, beta2: 0.9, epsilon: 0.01, weightDecay: 0.3 }),
  adamRule(() => 0.05, { b1: 0.5, b2: 0.9, eps: 0.01, decay: 0.3 }),
);
follows(
  "adam without memory",
  (ps) => adam(ps, { rate: 0.03, beta1: 0, beta2: 0 }),
  adamRule(() => 0.03, { b1: 0, b2: 0 }),
);
follows(
  "adamW",
  (ps) => adamW(ps, { rate: 0.05 }),
  adamRule(() => 0.05, { decay: 0.01, decoupled: true }),
);
follows(
  "adamW with more weight decay and clipping",
  (ps) => adamW(ps, { rate: 0.05, weightDecay: 0.4, clipNorm: 1 }),
  clipped(
    1,
    adamRule(() => 0.05, { decay: 0.4, decoupled: true }),
  ),
);

// Rates that change.

const schedules: readonly (readonly [string, Rate, (t: number) => number])[] = [
  ["linear warm-up", linearWarmup(0.1, 8), (t) => 0.1 * Math.min(1, (t + 1) / 8)],
  ["cosine decay", cosineDecay(0.1, 15, 0.01), (t) => 0.01 + 0.045 * (1 + Math.cos(Math.PI * Math.min(1, t / 15)))],
  ["cosine decay with restarts", cosineDecay(0.1, 6, 0.01, 2), (t) => 0.01 + 0.045 * (1 + Math.cos(Math.PI * (t < 12 ? (t % 6) / 6 : 1)))],
  ["step decay", stepDecay(0.1, 6, 0.5), (t) => 0.1 * 0.5 ** Math.floor(t / 6)],
  ["a function of the user's", (step) => step.add(1).reciprocal().mul(0.2), (t) => 0.2 / (t + 1)],
];
for (const [name, rate, at] of schedules) follows(`adam with ${name}`, (ps) => adam(ps, { rate }), adamRule(at));

onEachDevice("step decay falls at every multiple, whichever way 1/every rounds", async () => {
  for (const every of [1, 3, 41, 47, 999]) {
    const rate = stepDecay(1, every, 0.5) as (step: Tensor) => Tensor;
    const steps = [0, every - 1, every, 2 * every - 1, 2 * every]; // the last step before a fall, and the first after
    const expected = steps.map((s) => 0.5 ** Math.floor(s / every));
    (await values(rate(tensor(steps)))).forEach((r, i) => {
      expect(r).toBeCloseTo(expected[i], 5);
    });
  }
});

onEachDevice("a rate that is a state may be set between replays", async () => {
  using rate = scalar(0.5);
  using w = parameter([1]);
  const optimizer = sgd([w], { rate });
  using step = compile(() => {
    const loss = w.sum();
    optimizer.step(loss);
    return loss;
  });
  step();
  expect(await values(w)).toEqual([0.5]);
  set(rate, 0.25);
  step();
  expect(await values(w)).toEqual([0.25]);
  optimizer.dispose();
});

// What else they promise.

onEachDevice("a step with a loss that is not finite changes nothing, and neither do later ones", async () => {
  using w = parameter([2, 3]);
  const optimizer = adam([w], { rate: 0.1 });
  using x = scalar(1);
  using step = compile(() => {
    const loss = w.mul(x).square().sum();
    optimizer.step(loss);
    return loss;
  });
  step();
  const good = await values(w);
  const moments = await values(optimizer.state.get("0.mean") as Tensor);
  set(x, Number.NaN);
  expect(Number.isFinite(await step().item())).toBe(false);
  set(x, 1);
  step();
  expect(await values(w)).toEqual(good);
  expect(await values(optimizer.state.get("0.mean") as Tensor)).toEqual(moments);
  expect(await optimizer.state.get("steps")?.item()).toBe(1);
  expect(await optimizer.state.get("ok")?.item()).toBe(0);
  set(optimizer.state.get("ok") as Tensor, 1);
  step();
  expect(await values(w)).not.toEqual(good);
  optimizer.dispose();
});

onEachDevice("with clipping, gradients that are not finite are refused too", async () => {
  using w = parameter([2, 3]);
  const optimizer = sgd([w], { rate: 0.1, clipNorm: 1 });
  optimizer.apply([tensor([1, Number.POSITIVE_INFINITY])]);
  expect(await values(w)).toEqual([2, 3]);
  optimizer.dispose();
});

onEachDevice("adam finds the lowest point of a quadratic", async () => {
  const w = parameter([5, -4]);
  const optimizer = adam([w], { rate: 0.3 });
  using step = compile((lowest: Tensor, weights: Tensor) => {
    const loss = w.sub(lowest).square().mul(weights).sum();
    optimizer.step(loss);
    return loss;
  });
  const [lowest, weights] = [tensor([1, 2]), tensor([1, 10])];
  for (let i = 0; i < 300; i++) step(lowest, weights);
  const [x, y] = await values(w);
  expect(Math.abs(x - 1)).toBeLessThan(1e-3);
  expect(Math.abs(y - 2)).toBeLessThan(1e-3);
  optimizer.dispose();
  w.dispose();
});

onEachDevice("norms over several tensors, and clipping by them", async () => {
  const gs = [tensor([3, 0]), tensor([[4]])];
  expect(await globalNorm(gs).item()).toBe(5);
  const [a, b] = await Promise.all(clipByGlobalNorm(gs, 1).map(values));
  [a[0] - 0.6, a[1], b[0] - 0.8].forEach((error) => {
    expect(Math.abs(error)).toBeLessThan(1e-6);
  });
  const untouched = await Promise.all(clipByGlobalNorm(gs, 10).map(values));
  expect(untouched).toEqual([[3, 0], [4]]);
  expect(() => clipByGlobalNorm(gs, 0)).toThrow("clipByGlobalNorm: limit 0; it is above 0");
});

onEachDevice("two optimizers may share a parameter, one after the other", async () => {
  using w = parameter([1, 2]);
  const first = adam([w], { rate: 0.1 });
  first.step(w.square().sum());
  const after = await values(w);
  const second = sgd([w], { rate: 0.5, momentum: 0.5 });
  expect(await values(w)).toEqual(after);
  second.step(w.sum());
  (await values(w)).forEach((x, i) => {
    expect(x).toBeCloseTo(after[i] - 0.5, 6);
  });
  first.step(w.square().sum());
  expect(await first.state.get("steps")?.item()).toBe(2);
  first.dispose();
  second.dispose();
});

onEachDevice("a state moved by a second optimizer is found by programs that were compiled before", async () => {
  using w = parameter([1, 2]);
  const first = sgd([w], { rate: 0.5, momentum: 0.5 });
  using step = compile(() => {
    const loss = w.sum();
    first.step(loss);
    return loss;
  });
  using look = compile(() => w.mul(1));
  step(); // v = 1, w = .5, 1.5
  expect(await values(look())).toEqual([0.5, 1.5]);
  const second = adam([w], { rate: 0.1 });
  expect(await values(look())).toEqual([0.5, 1.5]);
  step(); // v = 1.5, w -= .75
  expect(await values(w)).toEqual([-0.25, 0.75]);
  expect(await values(look())).toEqual([-0.25, 0.75]);
  second.step(w.sum());
  expect((await values(w)).map((x) => Math.round(x * 1e4) / 1e4)).toEqual([-0.35, 0.65]);
  first.dispose();
  second.dispose();
});

onEachDevice("the state to save has names, and restores the optimizer", async () => {
  const run = async (interrupted: boolean): Promise<number[]> => {
    let w = parameter([5, -4]);
    let optimizer = adam([w], { rate: 0.1 });
    const step = async () => {
      const loss = w.square().sum();
      optimizer.step(loss);
      await loss.data();
    };
    for (let i = 0; i < 3; i++) await step();
    if (interrupted) {
      const saved = new Map(await Promise.all([...optimizer.state].map(async ([name, t]) => [name, (await t.data()).slice()] as const)));
      const weights = (await w.data()).slice();
      optimizer.dispose();
      w.dispose();
      w = parameter(weights);
      optimizer = adam([w], { rate: 0.1 });
      for (const [name, state] of optimizer.state) set(state, saved.get(name) as Float32Array);
    }
    for (let i = 0; i < 3; i++) await step();
    const result = await values(w);
    optimizer.dispose();
    w.dispose();
    return result;
  };
  expect(await run(true)).toEqual(await run(false));
});

onEachDevice("a disposed optimizer leaves the parameters as they are, and gives its memory back", async (device) => {
  using w = parameter(new Float32Array(100).fill(1));
  const optimizer = adam([w], { rate: 0.5 });
  optimizer.step(w.sum());
  const trained = await values(w);
  expect(trained[0]).toBeCloseTo(0.5, 5);
  const held = device.bytes;
  optimizer.dispose();
  optimizer.dispose();
  expect(device.bytes).toBe(held - 2 * 400 - 3 * 4); // two moments, and three states of its own
  expect(await values(w)).toEqual(trained);
  expect(await values(w.mul(2))).toEqual(trained.map((x) => x * 2));
  expect(() => optimizer.step(w.sum())).toThrow(/was disposed/);
});

onEachDevice("what an optimizer recorded runs before it is disposed", async () => {
  using w = parameter([1]);
  {
    using optimizer = sgd([w], { rate: 0.5, momentum: 0.9 });
    optimizer.step(w.sum());
  }
  expect(await values(w)).toEqual([0.5]);
});

test("names of the states", () => {
  const ps = [parameter([1]), parameter([2])];
  expect([...sgd(ps).state.keys()]).toEqual(["steps", "ok", "pace"]);
  expect([...sgd(ps, { momentum: 0.9 }).state.keys()]).toEqual(["steps", "ok", "pace", "0.velocity", "1.velocity"]);
  expect([...adam(ps).state.keys()]).toEqual(["steps", "ok", "pace", "0.mean", "1.mean", "0.variance", "1.variance"]);
});

test("what cannot be optimized is refused", () => {
  const w = parameter([1]);
  expect(() => adam([])).toThrow("adam: no parameters to optimize");
  expect(() => sgd([tensor([1])])).toThrow(/sgd: tensor \[1\] .* is no parameter/);
  expect(() => adam([tensor([1])])).toThrow(/adam: tensor \[1\] .* is no parameter/);
  expect(() => sgd([w], { nesterov: true })).toThrow("sgd: nesterov needs momentum");
  expect(() => sgd([w]).apply([])).toThrow("sgd: 0 gradients for 1 parameters");
  expect(() => sgd([w]).apply([tensor([1, 2])])).toThrow(/sgd: gradient 0 is \[2\], its parameter \[1\]/);
  expect(() => sgd([w], { clipNorm: 0 })).toThrow("sgd: clipNorm 0; it is above 0");
  expect(() => adam([w, w])).toThrow(/adam: parameter 1 is named twice/);
});
