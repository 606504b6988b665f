// compile: traced once, replayed, and the same numbers as without it.
import { expect, test } from "vitest";
import {
  adam,
  batchOrder,
  compile,
  keep,
  type Optimizer,
  parameter,
  randomBits,
  randomNormal,
  scalar,
  seed,
  set,
  sgd,
  type Tensor,
  tensor,
} from "../src/index.ts";
import { sample } from "../src/kernels/sample.ts";
import { assign } from "../src/kernels/state/assign.ts";
import { onEachDevice } from "./setup/each-device.ts";

const values = async (t: Tensor): Promise<number[]> => [...(await t.data())];

/** A small network that is trained: the same parameters every time. */
function network(): { parameters: Tensor[]; loss: (x: Tensor) => Tensor } {
  const w = parameter(
    Float32Array.from({ length: 15 }, (_, i) => Math.sin(i)),
    [5, 3],
  );
  const b = parameter([0.1, 0.2, 0.3]);
  const v = parameter(
    Float32Array.from({ length: 3 }, (_, i) => Math.cos(i)),
    [3, 1],
  );
  return { parameters: [w, b, v], loss: (x) => x.matmul(w).add(b).tanh().matmul(v).sub(1).square().mean() };
}

const disposeAll = (parameters: readonly Tensor[], optimizer?: Optimizer): void => {
  optimizer?.dispose();
  for (const t of parameters) t.dispose();
};

const batches = Array.from({ length: 6 }, (_, i) => sample([4, 5], -1, 1, i));

onEachDevice("a compiled step trains as the same step does without compile", async () => {
  const train = async (compiled: boolean): Promise<number[]> => {
    const { parameters, loss } = network();
    const optimizer = adam(parameters, { rate: 0.05 });
    const body = (x: Tensor) => {
      const l = loss(x);
      optimizer.step(l);
      return l;
    };
    const step = compiled ? compile(body) : body;
    const losses: number[] = [];
    for (const x of batches) losses.push(await step(x).item());
    losses.push(...(await values(parameters[0])));
    if ("dispose" in step) (step as { dispose(): void }).dispose();
    disposeAll(parameters, optimizer);
    return losses;
  };
  const [eager, compiled] = [await train(false), await train(true)];
  eager.forEach((x, i) => {
    expect(Math.abs(x - compiled[i])).toBeLessThan(2e-6); // fused otherwise on webgpu: the same sums in another order
  });
});

onEachDevice("draws at clock 0 are those of an eager program with the same seed", async () => {
  using draw = compile(() => [randomBits([5]), randomNormal([3])], { seed: 7 });
  seed(7);
  const [bits, normal] = draw();
  const [eagerBits, eagerNormal] = [randomBits([5]), randomNormal([3])];
  expect(await values(bits)).toEqual(await values(eagerBits));
  expect(await values(normal)).toEqual(await values(eagerNormal));
});

onEachDevice("the function is traced once per shape and dtype of its arguments", async () => {
  let traces = 0;
  using double = compile((x: Tensor) => {
    traces++;
    return x.cast("f32").mul(2);
  });
  expect(await values(double(tensor([1, 2])))).toEqual([2, 4]);
  expect(await values(double(tensor([3, 4])))).toEqual([6, 8]);
  expect(traces).toBe(1);
  expect(await values(double(tensor([[1, 2]])))).toEqual([2, 4]);
  expect(await values(double(tensor(Uint32Array.of(1, 2))))).toEqual([2, 4]);
  expect(await values(double(tensor(Uint8Array.of(1, 2))))).toEqual([2, 4]);
  expect(traces).toBe(4);
  expect(await values(double(tensor([5, 6])))).toEqual([10, 12]);
  expect(traces).toBe(4);
});

onEachDevice("what a trace would freeze is refused", () => {
  using f = compile((x: Tensor, rate: Tensor) => x.mul(rate));
  const x = tensor([1]);
  expect(() => f(x, 2 as never)).toThrow(
    "compile: argument 1 is number, which the trace would freeze; pass a tensor, or scalar(v) and set it",
  );
  using reads = compile((x: Tensor) => {
    void x.data();
    return x;
  });
  expect(() => reads(x)).toThrow(/data: .* is read inside compile, where nothing is computed; return it from the step instead/);
  using later = compile((async (x: Tensor) => x) as unknown as (x: Tensor) => Tensor);
  expect(() => later(x)).toThrow("compile: the function is async; a step records, it does not wait");
  using odd = compile((x: Tensor) => ({ x, n: 3 as unknown as Tensor }));
  expect(() => odd(x)).toThrow("compile: result n is no tensor");
  const double = compile((x: Tensor) => x.mul(2));
  using nested = compile((x: Tensor) => double(x));
  expect(() => nested(x)).toThrow(/compile: a compiled function is called inside another/);
  const draw = compile(() => randomNormal([2]));
  using nestedDraw = compile(() => draw());
  expect(() => nestedDraw()).toThrow(/compile: a compiled function is called inside another/);
  double.dispose();
  draw.dispose();
});

onEachDevice("a function that throws while it is traced leaves nothing behind", async () => {
  using w = parameter([1]);
  let broken = true;
  using step = compile((x: Tensor) => {
    assign(w, w.add(1));
    if (broken) throw new Error("no");
    return x.mul(2);
  });
  expect(() => step(tensor([1]))).toThrow("no");
  expect(await values(w.add(0))).toEqual([1]);
  broken = false;
  expect(await values(step(tensor([1])))).toEqual([2]);
  expect(await values(w)).toEqual([2]);
});

onEachDevice("an argument must have a value", async () => {
  using double = compile((x: Tensor) => x.mul(2));
  const x = tensor([1]).add(1);
  expect(() => double(x)).toThrow(
    /compile: argument 0, add \[1\] \(tensor \d+\), has no value yet; await its data\(\) or keep\(\) it first/,
  );
  await x.data();
  expect(await values(double(x))).toEqual([4]);
  using y = keep(tensor([1]).add(2));
  expect(await values(double(y))).toEqual([6]);
});

onEachDevice("results come as they were returned: alone, in an array, in a record, or not at all", async () => {
  const x = tensor([3]);
  using array = compile((x: Tensor) => [x.mul(2), x.add(1)]);
  const [a, b] = array(x);
  expect([await a.item(), await b.item()]).toEqual([6, 4]);
  using record = compile((x: Tensor) => ({ double: x.mul(2), same: x }));
  const { double, same } = record(x);
  expect([await double.item(), await same.item()]).toEqual([6, 3]);
  using w = parameter([0]);
  using silent = compile((x: Tensor): Tensor[] => {
    assign(w, w.add(x));
    return [];
  });
  expect(silent(x)).toEqual([]);
  silent(x);
  expect(await values(w)).toEqual([6]);
  using twice = compile((x: Tensor) => {
    const y = x.mul(2);
    return [y, y];
  });
  const [c, d] = twice(x);
  expect([await c.item(), await d.item()]).toEqual([6, 6]);
});

onEachDevice("an argument that is not used, and one that is used twice", async () => {
  using f = compile((a: Tensor, _: Tensor, b: Tensor) => a.sub(b));
  const [x, y] = [tensor([5]), tensor([3])];
  expect(await values(f(x, x, y))).toEqual([2]);
  expect(await values(f(y, x, y))).toEqual([0]);
  expect(await values(f(y, y, x))).toEqual([-2]);
});

onEachDevice("results feed the next call, and eager ops", async () => {
  using half = compile((x: Tensor) => x.mul(0.5));
  let x: Tensor = tensor([1024, 2048]);
  for (let i = 0; i < 10; i++) x = half(x);
  expect(await values(x.add(1))).toEqual([2, 3]);
});

onEachDevice("a result is readable for four more runs, and for good once it was read", async () => {
  using count = compile((x: Tensor) => x.add(1));
  const results = Array.from({ length: 5 }, (_, i) => count(tensor([i])));
  expect(() => results[0].data()).toThrow("data: a result of a compiled step was not read before 4 later steps; await it, or keep() it");
  for (let i = 1; i < 5; i++) expect(await values(results[i])).toEqual([i + 1]);
  for (let i = 0; i < 5; i++) count(tensor([100]));
  for (let i = 1; i < 5; i++) expect(await values(results[i])).toEqual([i + 1]);
  expect(await values(results[1].mul(10))).toEqual([20]);
});

onEachDevice("reads that are under way survive the ring", async () => {
  using count = compile((x: Tensor) => x.add(1));
  const results = Array.from({ length: 12 }, (_, i) => {
    const y = count(tensor([i]));
    return { y, read: y.item() };
  });
  for (const [i, { read }] of results.entries()) expect(await read).toBe(i + 1);
  for (const [i, { y }] of results.entries()) expect(await y.item()).toBe(i + 1);
});

onEachDevice("keep saves a result from the ring", async () => {
  using count = compile((x: Tensor) => x.add(1));
  using kept = keep(count(tensor([1])));
  for (let i = 0; i < 9; i++) count(tensor([100]));
  expect(await values(kept)).toEqual([2]);
});

onEachDevice("repeat(k) is k steps: one row of results each", async () => {
  const train = async (repeated: boolean): Promise<number[]> => {
    const { parameters, loss } = network();
    const optimizer = sgd(parameters, { rate: 0.1, momentum: 0.9 });
    using step = compile(
      (x: Tensor) => {
        const l = loss(x.add(randomNormal([4, 5]).mul(0.1)));
        optimizer.step(l);
        return { l, steps: optimizer.state.get("steps")?.cast("f32") as Tensor };
      },
      { seed: 3 },
    );
    const losses: number[] = [];
    if (repeated) {
      const { l, steps } = step.repeat(5, batches[0]);
      expect(l.shape).toEqual([5]);
      losses.push(...(await values(l)), ...(await values(steps)));
    } else {
      const results = [];
      for (let i = 0; i < 5; i++) {
        const { l, steps } = step(batches[0]);
        results.push([await l.item(), await steps.item()]);
      }
      losses.push(...results.map(([l]) => l), ...results.map(([, s]) => s));
    }
    losses.push(...(await values(parameters[1])), await step.clock.item());
    disposeAll(parameters, optimizer);
    return losses;
  };
  const single = await train(false);
  expect(await train(true)).toEqual(single);
  expect(single.at(-1)).toBe(5);
  using step = compile((x: Tensor) => x);
  expect(() => step.repeat(0, batches[0])).toThrow("repeat: 0 times; it is a whole number from 1");
  expect(() => step.repeat(1.5, batches[0])).toThrow("repeat: 1.5 times");
});

onEachDevice("repeat of one, and of bytes that are not a multiple of four", async () => {
  using f = compile((x: Tensor) => [x.sum(), x.mul(2)]);
  const [sum, double] = f.repeat(3, tensor([1, 2, 3]));
  expect(await values(sum)).toEqual([6, 6, 6]);
  expect(double.shape).toEqual([3, 3]);
  expect(await values(double)).toEqual([2, 4, 6, 2, 4, 6, 2, 4, 6]);
  expect(f.repeat(1, tensor([1]))[1].shape).toEqual([1]);
});

onEachDevice("the clock counts replays, and set back it replays the same noise", async () => {
  using draw = compile(() => randomNormal([4]), { seed: 1 });
  const first = await values(draw());
  const second = await values(draw());
  expect(second).not.toEqual(first);
  expect(await draw.clock.item()).toBe(2);
  set(draw.clock, 0);
  expect(await values(draw())).toEqual(first);
  expect(await values(draw())).toEqual(second);
  set(draw.clock, 1);
  expect(await values(draw())).toEqual(second);
});

onEachDevice("a program's clock is its own: others, and eager draws, do not touch it", async () => {
  const run = async (disturbed: boolean): Promise<number[]> => {
    using train = compile(() => randomNormal([4]), { seed: 1 });
    using evaluate = compile((x: Tensor) => x.add(randomNormal([2])), { seed: 1 });
    const all: number[] = [];
    for (let i = 0; i < 3; i++) {
      all.push(...(await values(train())));
      if (disturbed) await Promise.all([evaluate(tensor([0, 0])).data(), randomNormal([3]).data()]);
    }
    return all;
  };
  expect(await run(true)).toEqual(await run(false));
});

onEachDevice("programs for other shapes share the clock", async () => {
  using noisy = compile((x: Tensor) => x.add(randomNormal([1])), { seed: 1 });
  const zero = tensor([0]);
  const [a] = await values(noisy(zero));
  const [b] = await values(noisy(tensor([0, 0])));
  const [c] = await values(noisy(zero));
  expect(new Set([a, b, c]).size).toBe(3);
  expect(await noisy.clock.item()).toBe(3);
});

onEachDevice("another seed is other noise", async () => {
  using one = compile(() => randomBits([4]), { seed: 1 });
  using two = compile(() => randomBits([4]), { seed: 2 });
  expect(await values(one())).not.toEqual(await values(two()));
});

onEachDevice("batchOrder walks through permutations, and drops the remainder", async () => {
  using next = compile(() => batchOrder(10, 3), { seed: 4 });
  const epochs: number[][] = [];
  for (let epoch = 0; epoch < 3; epoch++) {
    const rows: number[] = [];
    for (let i = 0; i < 3; i++) rows.push(...(await values(next())));
    expect(new Set(rows).size).toBe(9);
    expect(Math.max(...rows)).toBeLessThan(10);
    epochs.push(rows);
  }
  expect(epochs[1]).not.toEqual(epochs[0]);
  expect(epochs[2]).not.toEqual(epochs[1]);
});

onEachDevice("states may be set between replays", async () => {
  using rate = scalar(2);
  using scaled = compile((x: Tensor) => x.mul(rate));
  const x = tensor([5]);
  expect(await values(scaled(x))).toEqual([10]);
  set(rate, 3);
  expect(await values(scaled(x))).toEqual([15]);
});

onEachDevice("effects recorded before a call run before it", async () => {
  using w = parameter([1]);
  using read = compile(() => w.mul(1));
  set(w, [2]);
  const a = read();
  assign(w, w.add(1));
  const b = read();
  expect([await a.item(), await b.item()]).toEqual([2, 3]);
});

onEachDevice("captured data stays with the program, and can still be read", async () => {
  const table = tensor([10, 20, 30]);
  using look = compile((i: Tensor) => table.take(i));
  expect(await values(look(tensor(Uint32Array.of(2, 0))))).toEqual([30, 10]);
  expect(await values(table)).toEqual([10, 20, 30]);
  expect(await values(table.mul(2))).toEqual([20, 40, 60]);
  expect(await values(look(tensor(Uint32Array.of(1, 1))))).toEqual([20, 20]);
  table.dispose();
  expect(() => look(tensor(Uint32Array.of(1, 1)))).toThrow(/compile: .* was disposed/);
});

onEachDevice("a state that the step overwrites cannot be its argument too", async () => {
  using w = parameter([1, 2]);
  using step = compile((x: Tensor) => {
    assign(w, x.add(1));
    return x.flip();
  });
  expect(() => step(w)).toThrow(/compile: argument 0, parameter \[2\] \(tensor \d+\), is a state that the function overwrites; /);
  expect(await values(step(tensor([5, 6])))).toEqual([6, 5]);
});

onEachDevice("a function may return a state, and the result of an effect", async () => {
  using w = parameter([1, 2]);
  using step = compile(() => {
    const before = w.mul(1);
    const after = assign(w, w.add(1));
    return { before, after, w };
  });
  step();
  const { before, after, w: now } = step();
  expect([await values(before), await values(after), await values(now)]).toEqual([
    [2, 3],
    [3, 4],
    [3, 4],
  ]);
  step();
  expect(await values(now)).toEqual([3, 4]);
});

onEachDevice("what was recorded outside may not read what the function overwrites", async () => {
  using w = parameter([1, 2]);
  const outside = w.mul(2);
  using fine = compile(() => outside.add(1));
  expect(await values(fine())).toEqual([3, 5]);
  using step = compile(() => {
    assign(w, w.add(1));
    return outside;
  });
  expect(() => step()).toThrow(
    /compile: mul \[2\] \(tensor \d+\) was recorded outside of the function, which overwrites parameter \[2\] \(tensor \d+\); record it inside/,
  );
  assign(w, w.add(1));
  await values(w);
  using late = compile(() => outside.add(1));
  expect(() => late()).toThrow(/was overwritten by assign before/);
});

onEachDevice("a disposed function says so", async () => {
  const double = compile((x: Tensor) => x.mul(2));
  const late = double(tensor([1]));
  const read = double(tensor([2]));
  await read.data();
  double.dispose();
  double.dispose();
  expect(() => double(tensor([1]))).toThrow("compile: the function was disposed");
  expect(() => late.data()).toThrow("data: the compiled function it is a result of was disposed");
  expect(await values(read)).toEqual([4]);
});

onEachDevice("explain lists the kernels with their work", () => {
  using f = compile((x: Tensor) => x.matmul(x).add(1).sum());
  const explained = f.explain(sample([5, 5]));
  expect(explained.kernels.length).toBeGreaterThan(0);
  expect(explained.flops).toBeGreaterThanOrEqual(2 * 5 * 5 * 5);
  expect(String(explained)).toMatch(/matmul/);
  expect(explained.dispatches, "none of them is large enough for two").toBe(explained.kernels.length);
});

test("a program reads from one device only", async () => {
  const { open } = await import("../src/index.ts");
  const one = await open("js");
  using a = parameter([1]);
  await a.add(0).data();
  const two = await open("js");
  using b = parameter([1]);
  await b.add(0).data();
  await expect(a.add(b).data()).rejects.toThrow(/data: a program on js reads a value that lives on js; one program runs on one device/);
  await one.close();
  await two.close();
});
