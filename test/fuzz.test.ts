// Random programs: graphs of a few ops, views, folds, products and assignments. Whatever is fused, and in whatever order
// kernels run, the values must be those of one op after the other on `js`. All numbers are small integers, so that every
// sum is exact in any order and the comparison is to the last bit.
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { use } from "../src/kernels/devices/device.ts";
import {
  arange,
  assign,
  compile,
  concat,
  type Device,
  eye,
  full,
  open,
  parameter,
  randomBits,
  stack,
  type Tensor,
  tensor,
  type Values,
} from "../src/node.ts";
import { type Shape, size, wholeNumbers } from "./setup/exact.ts";

const RUNS = Number(process.env["FUZZ_RUNS"] ?? 150);
const SEED = Number(process.env["FUZZ_SEED"] ?? 1);

/** One instruction: which op, on which of the tensors made so far, with a few numbers that say how. */
type Step = readonly [op: number, a: number, b: number, c: number, how: number];

interface Program {
  readonly steps: readonly Step[];
  /** Which tensors are asked for. */
  readonly asked: readonly number[];
}

const program = (size: number): fc.Arbitrary<Program> =>
  fc.record({
    steps: fc.array(fc.tuple(fc.nat(99), fc.nat(99), fc.nat(99), fc.nat(99), fc.nat(9999)), { minLength: 2, maxLength: size, size: "max" }),
    asked: fc.array(fc.nat(99), { maxLength: 4, size: "max" }),
  });

const SHAPES = [[], [3], [2, 3], [1, 3], [2, 1], [2, 2, 3], [5], [4, 5], [3, 4], [1, 1]];
const STATES = [[2, 3], [5], [], [3]];
const filled = (shape: Shape, salt: number): Float32Array => wholeNumbers(size(shape), salt);

const newStates = (): Tensor[] => STATES.map((shape, i) => parameter(filled(shape, i + 20), shape));
const newLeaves = (): Tensor[] => [
  ...SHAPES.map((shape, i) => tensor(filled(shape, i), shape)),
  tensor(Uint8Array.from([3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8]), [4, 3]),
];

/** Numbers up to here are exact in f32, and so are their sums. */
const LARGE = 2 ** 14;

/** Makes the program's tensors one after the other, and hands out each. */
function* made({ steps }: Program, leaves: readonly Tensor[], states: readonly Tensor[], random: boolean): Generator<Tensor, Tensor[]> {
  const pool: Tensor[] = [...leaves.slice(0, SHAPES.length), ...states];
  const bounds = new Map<Tensor, number>([...leaves.map((t) => [t, 9] as const), ...states.map((t) => [t, 99] as const)]);
  const latest = new Map<Tensor, Tensor>();
  const indices = [arange(0, 3, 1, "u32")];
  const bytes = leaves[SHAPES.length];
  const bound = (t: Tensor): number => bounds.get(t) ?? 9;
  // Small enough to be multiplied or summed.
  const small = (t: Tensor, limit = 64): Tensor => (bound(t) <= limit ? t : t.clip(-9, 9));
  const below = (t: Tensor, limit = 64): number => Math.min(bound(t), limit);

  for (const [op, a, b, c, how] of steps) {
    const x = pool[pool.length - 1 - (a % pool.length)]; // the newest are the most likely to be used again
    const like = (fits: (t: Tensor) => boolean, n: number): Tensor | undefined => {
      const found = pool.filter(fits);
      return found[found.length - 1 - (n % found.length)];
    };
    const stretches = (t: Tensor): boolean => {
      const rank = Math.max(t.rank, x.rank);
      let size = 1;
      for (let i = 1; i <= rank; i++) {
        const [p, q] = [x.shape[x.rank - i] ?? 1, t.shape[t.rank - i] ?? 1];
        if (p !== q && p !== 1 && q !== 1) return false;
        size *= Math.max(p, q);
      }
      return size <= 300 && rank <= 4;
    };
    const add = (t: Tensor, limit: number): void => {
      if (t.size > 300 || t.rank > 4) return;
      pool.push(t);
      bounds.set(t, limit);
    };
    const axes = x.shape.map((_, i) => i).filter((i) => (how >> i) & 1);
    const before = pool.length;
    switch (OPS[op % OPS.length]) {
      case "add": {
        const y = like(stretches, b) as Tensor;
        add(small(x, LARGE).add(small(y, LARGE)), below(x, LARGE) + below(y, LARGE));
        break;
      }
      case "sub": {
        const y = like(stretches, b) as Tensor;
        add(small(x, LARGE).sub(small(y, LARGE)), below(x, LARGE) + below(y, LARGE));
        break;
      }
      case "mul": {
        const y = like(stretches, b) as Tensor;
        add(small(x).mul(small(y)), below(x) * below(y));
        break;
      }
      case "larger": {
        const y = like(stretches, b) as Tensor;
        add(how % 2 ? x.maximum(y) : x.minimum(y), Math.max(bound(x), bound(y)));
        break;
      }
      case "where": {
        const y = like(stretches, b) as Tensor;
        const z = x.greater(y);
        add(z.where(how % 2 ? x : 2, how % 3 ? y : x), Math.max(bound(x), bound(y), 2));
        break;
      }
      case "one": {
        const list = [
          () => x.neg(),
          () => x.abs(),
          () => x.maximum(0),
          () => x.sign(),
          () => x.mul(0.5).floor(),
          () => x.isFinite(),
          () => x.stopGradient(),
          () => x.add(how % 3),
        ];
        add(list[how % list.length](), bound(x) + 3);
        break;
      }
      case "square":
        add(small(x).square(), below(x) ** 2);
        break;
      case "reshape": {
        const n = x.size;
        const first = [1, 2, 3, 4, 5, n].filter((d) => d > 0 && n % d === 0);
        const d = first[how % first.length];
        const shapes = [[d, n / d], [n], [n / d, 1, d], n === 1 ? [] : [1, n]];
        add(x.reshape(shapes[b % shapes.length]), bound(x));
        break;
      }
      case "permute": {
        const order = x.shape.map((_, i) => i).sort((i, j) => ((i * 7 + how) % 5) - ((j * 7 + how) % 5));
        add(x.permute(order), bound(x));
        break;
      }
      case "broadcast": {
        const stretched = x.shape.map((d, i) => (d === 1 && axes.includes(i) ? 2 + (b % 2) : d));
        add(x.broadcastTo(b % 3 === 0 ? [2, ...stretched] : stretched), bound(x));
        break;
      }
      case "slice": {
        const step = [1, 1, 2, -1, -2][how % 5];
        const at = b % Math.max(x.rank, 1);
        const ranges = x.shape.map((d, i) => (i === at ? ([step > 0 ? c % d : undefined, undefined, step] as const) : null));
        add(x.slice(ranges), bound(x));
        break;
      }
      case "flip":
        add(x.flip(axes), bound(x));
        break;
      case "pad": {
        const value = how % 2 ? 0 : 3;
        add(
          x.pad(
            x.shape.map((_, i) => (axes.includes(i) ? [b % 2, c % 3] : [0, 0])),
            value,
          ),
          Math.max(bound(x), 3),
        );
        break;
      }
      case "concat": {
        const y = like((t) => t.rank === x.rank && t.rank > 0 && t.shape.slice(1).every((d, i) => d === x.shape[i + 1]), b);
        if (y) add(concat([x, y, ...(how % 3 ? [] : [x])], 0), Math.max(bound(x), bound(y)));
        break;
      }
      case "stack": {
        const y = like((t) => `${t.shape}` === `${x.shape}`, b) as Tensor;
        add(stack([x, y], how % (x.rank + 1)), Math.max(bound(x), bound(y)));
        break;
      }
      case "take": {
        if (x.rank === 0) break;
        const axis = b % x.rank;
        const index = indices[c % indices.length].mod(x.shape[axis]);
        add(x.take(index, axis), bound(x));
        break;
      }
      case "scatter": {
        if (x.rank === 0) break;
        const index = indices.findLast((t) => t.rank === 1 && t.size === x.shape[0]) ?? arange(0, x.shape[0], 1, "u32");
        add(small(x).scatterAdd(index.mod(3), 3), below(x) * x.shape[0]);
        break;
      }
      case "oneHot": {
        const index = indices[c % indices.length].mod(4);
        add(index.oneHot(4), 1);
        break;
      }
      case "sum":
        add(small(x).sum(axes, how % 2 === 0), below(x) * x.size);
        break;
      case "extreme":
        add(how % 2 ? x.max(axes, b % 2 === 0) : x.min(axes, b % 2 === 0), bound(x));
        break;
      case "argMax":
        if (x.rank === 0) break;
        yield indices[indices.push(x.argMax(how % x.rank)) - 1];
        add(indices[indices.length - 1].cast("f32"), x.size);
        break;
      case "prod":
        add(x.clip(-1, 2).prod(axes), LARGE);
        if (axes.reduce((n, i) => n * x.shape[i], 1) > 12) pool.length = before;
        break;
      case "matmul": {
        if (x.rank < 2) break;
        const inner = how & 1 ? x.shape[x.rank - 2] : x.shape[x.rank - 1];
        const flipB = (how & 2) > 0;
        const y = like((t) => t.rank === 2 && (flipB ? t.shape[1] : t.shape[0]) === inner, b);
        if (y) add(small(x).matmul(small(y), { flipA: (how & 1) > 0, flipB }), below(x) * below(y) * inner);
        break;
      }
      case "reader": {
        // A value that depends on which version of a state it saw.
        const state = states[b % states.length];
        const fits = like((t) => `${t.shape}` === `${state.shape}` && !states.includes(t), a);
        add(fits && how % 2 ? small(fits, LARGE).add(state) : state.add(how % 5), 99 + (fits ? below(fits, LARGE) : 5));
        break;
      }
      case "columns":
        if (x.rank > 1) add(small(x).sum(x.shape.map((_, i) => i).slice(0, -1)), below(x) * x.size);
        break;
      case "weights": {
        // The gradient of a dense layer's weight, and with it the one of its bias.
        const dy = x.rank === 2 ? x : x.rank > 2 ? x.reshape([-1, x.shape[x.rank - 1]]) : x.reshape([1, -1]);
        const y = like((t) => t.rank === 2 && t.shape[0] === dy.shape[0], b);
        if (y) add(small(y).matmul(small(dy), { flipA: true }), below(x) * below(y) * dy.shape[0]);
        break;
      }
      case "constant":
        add([full([2, 3], how % 5), arange(5), eye(3, 4), full([], 2)][b % 4], 5);
        break;
      case "random":
        if (random)
          add(
            randomBits(SHAPES[b % SHAPES.length], { seed: c })
              .mod(5)
              .cast("f32"),
            5,
          );
        break;
      case "bytes": {
        const rows = bytes.slice([[c % 2, 4]]).take(indices[b % indices.length].mod(2));
        add((how % 2 ? rows : bytes).cast("f32"), 9);
        break;
      }
      case "assign": {
        const state = states[b % states.length];
        const value = like((t) => `${t.shape}` === `${state.shape}`, a) as Tensor;
        const t = assign(state, how % 4 ? small(value, 99) : small(state, 90).add(1).maximum(small(value, 90)));
        const last = latest.get(state); // its value is gone now, as an error would say
        for (const [i, old] of pool.entries()) if (old === last) pool[i] = state;
        latest.set(state, t);
        add(t, 99);
        break;
      }
      default:
        throw new Error(`no op ${OPS[op % OPS.length]}`);
    }
    if (pool.length > before) yield pool[pool.length - 1];
    else if (OPS[op % OPS.length] === "assign") yield pool[pool.length - 1];
  }
  return pool;
}

const OPS =
  "add sub mul larger where one square reshape permute broadcast slice flip pad concat stack take scatter oneHot sum extreme argMax prod matmul constant random bytes assign add mul sum matmul assign assign reshape permute columns weights columns weights reader reader reader assign".split(
    " ",
  );

/** The tensors that are asked for: the last one, and some others. */
function drained(p: Program, leaves: readonly Tensor[], states: readonly Tensor[], random = false): Tensor[] {
  const each = made(p, leaves, states, random);
  for (let next = each.next(); ; next = each.next()) if (next.done) return chosen(p, next.value);
}
const chosen = ({ asked }: Program, pool: readonly Tensor[]): Tensor[] =>
  [...new Set([0, ...asked])].map((i) => pool[pool.length - 1 - (i % pool.length)]).filter((t, i, all) => all.indexOf(t) === i);

/** The same, with every tensor computed as soon as it is made. */
async function stepwise(p: Program, leaves: readonly Tensor[], states: readonly Tensor[]): Promise<Values[]> {
  const each = made(p, leaves, states, false);
  for (;;) {
    const next = each.next();
    if (next.done) {
      const ts = chosen(p, next.value);
      // A state that was read stands for its value then: each was computed before later ones were assigned.
      return Promise.all(ts.map((t) => t.data()));
    }
    await next.value.data();
  }
}

const numbers = (values: Values): number[] => Array.from(values, (v) => v + 0);
const all = async (ts: readonly Tensor[]): Promise<number[][]> => (await Promise.all(ts.map((t) => t.data()))).map(numbers);

const names = ["js", "wasm", "webgpu", "webgpu, narrow"] as const;
const devices = {} as Record<(typeof names)[number], Device>;
beforeAll(async () => {
  devices.js = await open("js");
  devices.wasm = await open("wasm", { threads: 2 });
  devices.webgpu = await open("webgpu");
  // One whose kernels bind four buffers: more of what could be one kernel has to be several.
  devices["webgpu, narrow"] = Object.assign(await open("webgpu"), { buffers: 4 });
});
afterAll(async () => {
  for (const device of Object.values(devices)) await device.close();
});

const settings = { numRuns: RUNS, seed: SEED, endOnFailure: !!process.env["FUZZ_QUICK"] };

test.each(names)("random programs give what their ops give one after the other [%s]", { timeout: 600_000 }, async (name) => {
  await fc.assert(
    fc.asyncProperty(program(Number(process.env["FUZZ_SIZE"] ?? 25)), async (p) => {
      use(devices.js);
      const before = newStates();
      const expected = (await stepwise(p, newLeaves(), before)).map(numbers);
      const statesAfter = await all(before);

      use(devices[name]);
      const states = newStates();
      const ts = drained(p, newLeaves(), states);
      expect(await all(ts), "values").toEqual(expected);
      expect(await all(states), "states").toEqual(statesAfter);
      for (const t of [...before, ...states]) t.dispose();
    }),
    settings,
  );
});

test.each(["wasm", "webgpu"] as const)(
  "random steps, compiled, replayed and repeated, follow js [%s]",
  { timeout: 600_000 },
  async (name) => {
    const TIMES = 3;
    await fc.assert(
      fc.asyncProperty(program(Number(process.env["FUZZ_SIZE"] ?? 20)), async (p) => {
        const run = async (device: Device, repeat: boolean): Promise<unknown> => {
          use(device);
          const states = newStates();
          const step = compile((...leaves: Tensor[]) => drained(p, leaves, states, true), { seed: 3 });
          const results: number[][][] = [];
          if (repeat) results.push(await all(step.repeat(TIMES, ...newLeaves())));
          else for (let i = 0; i < TIMES; i++) results.push(await all(step(...newLeaves())));
          const after = await all(states);
          step.dispose();
          for (const t of states) t.dispose();
          const rows = repeat ? results[0].map((v) => v) : (results[0] ?? []).map((_, which) => results.flatMap((r) => r[which]));
          return { rows, after };
        };
        const expected = await run(devices.js, false);
        expect(await run(devices[name], false), "replayed").toEqual(expected);
        expect(await run(devices[name], true), "repeated").toEqual(expected);
      }),
      settings,
    );
  },
);
