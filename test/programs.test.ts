// Programs that were once wrong on a device that fuses, or could be: what is fused, and in which order it runs, changes no value.
// The numbers are small and whole, and expected as one op after the other gives them.
import { beforeAll, expect, test } from "vitest";
import { use } from "../src/kernels/devices/device.ts";
import { adam, assign, compile, concat, type Device, open, parameter, type Tensor, tensor, where } from "../src/node.ts";

const FUSING = ["wasm", "webgpu"] as const;
const devices = {} as Record<"js" | (typeof FUSING)[number], Device>;
beforeAll(async () => {
  for (const name of ["js", ...FUSING] as const) devices[name] = await open(name);
  return async () => {
    for (const device of Object.values(devices)) await device.close();
  };
});

/** Runs the body on each device, where everything it reads must be what it reads on js. */
function onEach(name: string, body: () => Promise<unknown>): void {
  for (const device of FUSING) {
    test(`${name} [${device}]`, async () => {
      use(devices.js);
      const expected = await body();
      use(devices[device]);
      expect(await body()).toEqual(expected);
    });
  }
}

const whole = (shape: readonly number[], salt = 1): Float32Array =>
  Float32Array.from({ length: shape.reduce((n, d) => n * d, 1) }, (_, i) => ((i * 7 * salt) % 11) - 5);
const data = (shape: readonly number[], salt?: number): Tensor => tensor(whole(shape, salt), shape);
const state = (shape: readonly number[], salt?: number): Tensor => parameter(whole(shape, salt), shape);
const values = async (...ts: readonly Tensor[]): Promise<number[][]> =>
  (await Promise.all(ts.map((t) => t.data()))).map((v) => Array.from(v));

onEach("a value read after an assignment is the new one, before it the old one", async () => {
  const w = state([5]);
  const before = w.mul(2);
  assign(w, w.add(1));
  const after = w.mul(2);
  return values(before, after, w);
});

onEach("an assignment's value may be used until the next assignment, at other indices too", async () => {
  const w = state([5]);
  const first = assign(w, w.add(1));
  const kept = first.mul(3);
  assign(w, first.flip());
  return values(kept.add(w), w);
});

onEach("a chain recorded between two assignments is computed between them", async () => {
  const w = state([5]);
  const first = assign(w, data([5], 2));
  const between = first.add(first);
  assign(w, data([5], 3));
  return values(between.mul(data([5], 4)), w);
});

onEach("what saw the old value is computed before the assignment, even if it is used after it", async () => {
  const w = state([5]);
  const seen = w.add(data([5], 2));
  assign(w, data([5], 3));
  return values(seen.mul(data([5], 4)), w);
});

onEach("an assignment that reads its state at other indices sees only old values", async () => {
  const w = state([5, 5]);
  assign(w, w.transpose().add(w.slice([[undefined, undefined, -1]])));
  return values(w);
});

onEach("two states that become each other", async () => {
  const [a, b] = [state([5], 1), state([5], 2)];
  const [olda, oldb] = [a.mul(1), b.mul(1)];
  assign(a, oldb);
  assign(b, olda);
  return values(a, b);
});

onEach("a column sum does not ride on a product over the same numbers in other columns", async () => {
  const x = data([4, 6]);
  return values(data([2, 8], 3).matmul(x.reshape([8, 3])), x.sum(0));
});

onEach("a bias that is updated with the weight, from its old value", async () => {
  const [w, b] = [state([1, 5], 1), state([5], 2)];
  const [x, dy] = [data([8, 1], 3), data([8, 5], 4)]; // one input: weight and bias have as many elements
  const dw = x.matmul(dy, { flipA: true });
  assign(b, b.add(dy.sum(0)).add(w.reshape([5])));
  assign(w, w.add(dw));
  return values(w, b);
});

onEach("a fold over an axis of one, of a value that becomes a state which is read behind it", async () => {
  const [s, t] = [state([5, 1], 1), state([5, 1], 2)];
  const x = data([5, 1], 3);
  const y = x.add(s).mul(x.sub(s));
  const total = y.sum(1).add(t.reshape([5]));
  assign(t, y);
  return values(total, s, t);
});

onEach("an argument that lies behind another in one block: a moment of Adam", async () => {
  const w = state([5]);
  const optimizer = adam([w]);
  optimizer.step(w.square().sum());
  await w.data();
  const f = compile((x: Tensor) => x.add(1));
  const [mean] = [...optimizer.state].filter(([name]) => name === "0.mean").map(([, t]) => t);
  const [got] = await values(f(mean));
  f.dispose();
  return got.map((v) => v.toFixed(5));
});

onEach("more operands than a kernel can bind", async () => {
  const x = (i: number) => {
    const index = (step: number) => tensor(Uint32Array.from({ length: 5 }, (_, j) => (j * step) % 5));
    return data([5], i)
      .take(index(i))
      .take(index(i + 1));
  };
  const states = Array.from({ length: 20 }, (_, i) => state([5], i + 1));
  return values(
    where(x(1), x(2), x(3)),
    concat(Array.from({ length: 20 }, (_, i) => x(i + 1))),
    states.reduce((sum, t) => sum.add(t), data([5])),
  );
});

onEach("two arguments that are one tensor", async () => {
  const f = compile((a: Tensor, b: Tensor) => a.sub(b.flip()));
  const x = data([5]);
  const got = await values(f(x, x));
  f.dispose();
  return got;
});

onEach("bytes, and views of them", async () => {
  const bytes = tensor(
    Uint8Array.from({ length: 35 }, (_, i) => (i * 37) % 256),
    [7, 5],
  );
  const rows = bytes.take(tensor(Uint32Array.from([6, 0, 3])));
  const got = [await bytes.slice([[1, 6, 2], [3]]).data(), await rows.data(), await bytes.reshape([5, 7]).transpose().data()];
  expect(got.map((v) => v.constructor.name)).toEqual(["Uint8Array", "Uint8Array", "Uint8Array"]);
  return [got.map((v) => Array.from(v)), await values(rows.cast("f32").mul(2))];
});

onEach("bytes kept on the device", async () => {
  const bytes = parameter(Uint8Array.from([9, 8, 7, 6, 5]), [5]);
  return [...(await values(bytes, bytes.flip(), bytes.cast("u32").add(1)))];
});

onEach("arguments of one program with growing data between them", async () => {
  const f = compile((x: Tensor) => x.sum());
  const g = compile((x: Tensor, y: Tensor) => x.add(y));
  const small = data([3]);
  const got = [await values(f(small)), await values(g(small, small))];
  got.push(await values(g(data([3000], 2), data([3000], 3)))); // slots grow: what was bound to the old ones is bound anew
  got.push(await values(f(small)), await values(g(small, small)));
  f.dispose();
  g.dispose();
  return got;
});

onEach("many reads at once", async () => values(...Array.from({ length: 40 }, (_, i) => data([i + 1]).mul(i))));

onEach("a value seen under another shape of the same rank keeps its order", async () => {
  const sum = data([4, 6]).add(data([6], 2));
  return values(
    sum.reshape([6, 4]).mul(data([4], 3)),
    sum.reshape([6, 4]).sum(1),
    sum
      .reshape([3, 8])
      .add(data([3, 1], 2))
      .max(0),
  );
});
