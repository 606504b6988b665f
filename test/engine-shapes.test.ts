// Shapes, views and broadcasting against a model that is as naive as can be: lists of coordinates.
import fc from "fast-check";
import { expect } from "vitest";
import { arange, concat, grad, type Tensor, tensor } from "../src/index.ts";
import { onEachDevice } from "./setup/each-device.ts";

/** An array that is known by its value at every coordinate. */
interface Model {
  readonly shape: readonly number[];
  readonly at: (c: readonly number[]) => number;
}

/** All coordinates, row-major. */
const coordinates = (shape: readonly number[]): number[][] =>
  shape.reduce<number[][]>((all, d) => all.flatMap((c) => Array.from({ length: d }, (_, i) => [...c, i])), [[]]);

/** The model and the tensor of 0, 1, 2, … in a shape. */
function counted(shape: readonly number[]): [Model, Tensor] {
  const place = new Map(coordinates(shape).map((c, i) => [`${c}`, i]));
  const n = place.size;
  return [{ shape, at: (c) => place.get(`${c}`) as number }, arange(n).reshape(shape)];
}

async function expectSame(t: Tensor, model: Model): Promise<void> {
  expect(t.shape).toEqual(model.shape);
  expect([...(await t.data())]).toEqual(coordinates(model.shape).map(model.at));
}

// On webgpu every new structure is another pipeline: few runs there, each a chain of several steps.
const check = async (device: { name: string }, property: fc.IAsyncProperty<unknown>): Promise<void> =>
  fc.assert(property, { numRuns: device.name === "js" ? 200 : 30, seed: 5 });

const sizes = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 });

/** One way to look at an array differently, with what it does to the model. */
type View = (t: Tensor, m: Model) => [Tensor, Model];

const permuted =
  (order: number): View =>
  (t, m) => {
    const axes = m.shape.map((_, i) => i).sort((a, b) => (((a + 1) * order * 7919) % 101) - (((b + 1) * order * 7919) % 101));
    return [t.permute(axes), { shape: axes.map((a) => m.shape[a]), at: (c) => m.at(m.shape.map((_, axis) => c[axes.indexOf(axis)])) }];
  };

const sliced =
  (from: number | undefined, to: number | undefined, step: number): View =>
  (t, m) => {
    if (m.shape.length === 0) return [t, m];
    const axis = Math.abs((from ?? 1) + step) % m.shape.length;
    const d = m.shape[axis];
    // Python's rule, as a walk: begin inside, go on while inside and before the end.
    const begin = from === undefined ? (step > 0 ? 0 : d - 1) : from < 0 ? from + d : from;
    const end = to === undefined ? (step > 0 ? d : -1) : to < 0 ? Math.max(to + d, -1) : to;
    const rows: number[] = [];
    for (let i = step > 0 ? Math.max(begin, 0) : Math.min(begin, d - 1); step > 0 ? i < Math.min(end, d) : i > end && i >= 0; i += step)
      rows.push(i);
    const range = [from, to, step] as const;
    return [
      t.slice(m.shape.map((_, i) => (i === axis ? range : null))),
      { shape: m.shape.map((n, i) => (i === axis ? rows.length : n)), at: (c) => m.at(c.map((x, i) => (i === axis ? rows[x] : x))) },
    ];
  };

const reshaped =
  (front: boolean): View =>
  (t, m) => {
    const n = m.shape.reduce((a, b) => a * b, 1);
    const shape = front ? [1, n] : [n, 1, 1];
    const all = coordinates(m.shape);
    return [t.reshape(shape), { shape, at: (c) => m.at(all[Math.max(...c)]) }];
  };

const padded =
  (before: number, after: number, value: number): View =>
  (t, m) => {
    const shape = m.shape.map((d) => before + d + after);
    const at = (c: readonly number[]) => {
      const inner = c.map((x) => x - before);
      return inner.every((x, i) => x >= 0 && x < m.shape[i]) ? m.at(inner) : value;
    };
    return [
      t.pad(
        m.shape.map(() => [before, after] as const),
        value,
      ),
      { shape, at },
    ];
  };

const flipped: View = (t, m) => [t.flip(), { shape: m.shape, at: (c) => m.at(c.map((x, i) => m.shape[i] - 1 - x)) }];

const stretched =
  (n: number): View =>
  (t, m) => {
    if (m.shape.length > 4) return [t, m];
    const shape = [n, ...m.shape];
    return [t.broadcastTo(shape), { shape, at: (c) => m.at(c.slice(1)) }];
  };

const doubled: View = (t, m) => [t.mul(2), { shape: m.shape, at: (c) => m.at(c) * 2 }];

const whole = fc.option(fc.integer({ min: -5, max: 5 }), { nil: undefined });
const view: fc.Arbitrary<View> = fc.oneof(
  fc.integer({ min: 1, max: 9 }).map(permuted),
  fc.tuple(whole, whole, fc.constantFrom(-2, -1, 1, 2, 3)).map(([from, to, step]) => sliced(from, to, step)),
  fc.boolean().map(reshaped),
  fc.tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: 1 }), fc.constantFrom(0, -1, 2.5)).map((a) => padded(...a)),
  fc.constant(flipped),
  fc.integer({ min: 0, max: 2 }).map(stretched),
  fc.constant(doubled),
);

onEachDevice("a chain of views reads what its definition says", async (device) => {
  const property = fc.asyncProperty(sizes, fc.array(view, { maxLength: 5 }), async (shape, views) => {
    let [m, t] = counted(shape);
    for (const v of views) [t, m] = v(t, m);
    await expectSame(t, m);
  });
  await check(device, property);
});

onEachDevice("the gradient of a chain of views counts how often each element is seen", async (device) => {
  const property = fc.asyncProperty(sizes, fc.array(view, { maxLength: 4 }), async (shape, views) => {
    const [model, x] = counted(shape);
    // Elements of x are told from padding by a quarter; doubling is left out of the model, and counted.
    let m: Model = { shape, at: (c) => model.at(c) + 0.25 };
    let t = x;
    let factor = 1;
    for (const v of views) {
      if (v === doubled) factor *= 2;
      const [next, of] = v(t, m);
      t = next;
      if (v !== doubled) m = of;
    }
    const seen = new Array<number>(x.size).fill(0);
    for (const value of coordinates(m.shape).map(m.at)) if (value % 1 === 0.25) seen[Math.floor(value)] += factor;
    const [dx] = grad(t.sum(), [x]);
    expect([...(await dx.data())]).toEqual(seen);
  });
  await check(device, property);
});

/** A tensor to build views of that nobody reads. */
const emptyOf = (shape: readonly number[]): Tensor => tensor(new Float32Array(shape.reduce((a, b) => a * b, 1)), shape);

/** Two shapes that broadcast: parts of one, with ones in places. */
const pair = fc
  .tuple(
    fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 }),
    fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }),
    fc.nat(4),
    fc.nat(4),
  )
  .map(([shape, ones, skipA, skipB]) => {
    const part = (skip: number, mask: readonly boolean[]) => shape.map((d, i) => (mask[i] ? 1 : d)).slice(Math.min(skip, shape.length));
    return skipA < skipB ? [part(0, ones), part(skipB, ones.slice(4))] : [part(skipA, ones), part(0, ones.slice(4))];
  });

const joint = (a: readonly number[], b: readonly number[]): number[] => {
  const [long, short] = a.length >= b.length ? [a, b] : [b, a];
  const lead = long.length - short.length;
  return long.map((d, i) => (i < lead ? d : d === 1 ? short[i - lead] : d));
};

/** The coordinate in an operand that belongs to one of the result. */
const under = (c: readonly number[], shape: readonly number[]): number[] =>
  c.slice(c.length - shape.length).map((x, i) => (shape[i] === 1 ? 0 : x));

onEachDevice("operands broadcast from the right, and their gradients are summed back", async (device) => {
  const property = fc.asyncProperty(pair, async ([aShape, bShape]) => {
    const [[ma, a], [mb, b]] = [counted(aShape), counted(bShape)];
    const shape = joint(aShape, bShape);
    await expectSame(a.mul(b.add(1)), { shape, at: (c) => ma.at(under(c, aShape)) * (mb.at(under(c, bShape)) + 1) });
    const [da] = grad(a.mul(b.add(1)).sum(), [a]);
    const sums = new Array<number>(a.size).fill(0);
    for (const c of coordinates(shape)) sums[ma.at(under(c, aShape))] += mb.at(under(c, bShape)) + 1;
    expect(da.shape).toEqual(aShape);
    expect([...(await da.data())]).toEqual(sums);
  });
  await check(device, property);
});

onEachDevice("shapes that do not broadcast are refused, with both shapes in the message", async () => {
  const property = fc.property(sizes, sizes, (a, b) => {
    const n = Math.min(a.length, b.length);
    const tail = (s: readonly number[], i: number) => s[s.length - 1 - i];
    const fits = Array.from({ length: n }, (_, i) => [tail(a, i), tail(b, i)]).every(([x, y]) => x === y || x === 1 || y === 1);
    const add = () => emptyOf(a).add(emptyOf(b));
    if (fits) expect(add().rank).toBe(Math.max(a.length, b.length));
    else expect(add).toThrow(`add: shapes [${a.join(", ")}] and [${b.join(", ")}] do not broadcast`);
  });
  fc.assert(property, { seed: 5 });
});

onEachDevice("sums, means and largest values over any axes", async (device) => {
  const shapes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 });
  const property = fc.asyncProperty(
    shapes,
    fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
    fc.boolean(),
    async (shape, mask, keep) => {
      const [m, x] = counted(shape);
      const axes = shape.map((_, i) => i).filter((i) => mask[i]);
      const groups = new Map<string, number[]>();
      for (const c of coordinates(shape)) {
        const key = `${c.filter((_, i) => !axes.includes(i))}`;
        groups.set(key, [...(groups.get(key) ?? []), m.at(c)]);
      }
      const out = keep ? shape.map((d, i) => (axes.includes(i) ? 1 : d)) : shape.filter((_, i) => !axes.includes(i));
      const fold = (f: (values: number[]) => number) => [...groups.values()].map(f);
      const named = axes.map((a, i) => (i % 2 === 0 ? a - shape.length : a)); // negative axes mean the same
      const total = (values: number[]) => values.reduce((a, b) => a + b, 0);
      for (const y of [x.sum(named, keep), x.max(named, keep), x.mean(named, keep)]) expect(y.shape).toEqual(out);
      const [sum, max, mean] = await Promise.all([x.sum(named, keep).data(), x.max(named, keep).data(), x.mean(named, keep).data()]);
      expect([...sum]).toEqual(fold(total));
      expect([...max]).toEqual(fold((v) => Math.max(...v)));
      fold((v) => total(v) / v.length).forEach((e, i) => {
        expect(Math.abs(mean[i] - e)).toBeLessThanOrEqual(1e-6 * e);
      });
    },
  );
  await check(device, property);
});

onEachDevice("what is split is joined again by concat", async (device) => {
  const property = fc.asyncProperty(fc.array(fc.nat(3), { minLength: 1, maxLength: 4 }), fc.nat(1), async (parts, axis) => {
    const total = parts.reduce((a, b) => a + b, 0);
    const [m, x] = counted(axis === 0 ? [total, 2] : [2, total]);
    await expectSame(concat(x.split(parts, axis), axis), m);
  });
  await check(device, property);
});

onEachDevice("take picks the rows that its indices name, along any axis", async (device) => {
  const property = fc.asyncProperty(
    fc.integer({ min: 1, max: 4 }),
    fc.array(fc.nat(99), { maxLength: 5 }),
    fc.nat(2),
    async (d, picks, axis) => {
      const [m, x] = counted([0, 1, 2].map((i) => (i === axis ? d : i + 1)));
      const rows = picks.map((p) => p % d);
      const y = x.take(tensor(Uint32Array.from(rows)), axis);
      const shape = m.shape.map((n, i) => (i === axis ? rows.length : n));
      await expectSame(y, { shape, at: (c) => m.at(c.map((v, i) => (i === axis ? rows[v] : v))) });
      const seen = new Array<number>(x.size).fill(0);
      for (const c of coordinates(shape)) seen[m.at(c.map((v, i) => (i === axis ? rows[v] : v)))]++;
      expect([...(await grad(y.sum(), [x])[0].data())]).toEqual(seen);
    },
  );
  await check(device, property);
});
