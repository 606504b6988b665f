// How fast a device is, measured as any program can: a product of two matrices, and a copy that is too large for most caches.
// What was timed is checked before its time counts.

import { arange, assign, compile, type Device, keep, parameter, tensor, zeros } from "../index.ts";

export interface Rates {
  /** The matrices were [size, size]. */
  readonly size: number;
  readonly gflops: number;
  /** Of memory that was copied, and what went by in each second: read and written. */
  readonly megabytes: number;
  readonly gigabytesPerSecond: number;
}

/** Rates of the device that is open, in a second or two. */
export async function measured(device: Device): Promise<Rates> {
  return { ...(await product(device)), ...(await copy(device)) };
}

const SIZES = [128, 512, 2048]; // each takes 64 times as long as the one before
const SOON = 50; // milliseconds that a product may take
const SPAN = 300; // milliseconds that runs are repeated for

async function product(device: Device): Promise<Pick<Rates, "size" | "gflops">> {
  let size = 0;
  let ms = 0;
  for (const next of SIZES) {
    if (64 * ms > SOON) break;
    size = next;
    ms = await productTime(device, size);
  }
  return { size, gflops: (2 * size ** 3) / (1e6 * ms) };
}

async function productTime(device: Device, n: number): Promise<number> {
  // Small whole numbers, so that every sum is exact in f32, in whatever order it is made.
  const a = Float32Array.from({ length: n * n }, (_, i) => (i % 7) - 3);
  const b = Float32Array.from({ length: n * n }, (_, i) => (i % 5) - 2);
  using left = keep(tensor(a, [n, n]));
  using right = keep(tensor(b, [n, n]));
  using c = parameter(zeros([n, n]));
  using run = compile(() => {
    assign(c, left.matmul(right)); // a result would be copied to where results are read
    return {};
  });
  const ms = await leastTime(run, device);

  // C v = A (B v), for a v without zeros, tells of any wrong element at the cost of three products with a vector (Freivalds).
  const v = Float64Array.from({ length: n }, (_, i) => 1 + (i % 11));
  const expected = timesVector(a, timesVector(b, v));
  const row = timesVector(await c.data(), v).findIndex((x, i) => x !== expected[i]);
  if (row >= 0) throw new Error(`a product of [${n}, ${n}] is wrong in row ${row}`);
  return ms;
}

/** y[i] = Σ m[i, j] · v[j] */
const timesVector = (m: ArrayLike<number>, v: Float64Array): Float64Array =>
  v.map((_, i) => v.reduce((sum, x, j) => sum + m[i * v.length + j] * x, 0));

const COPIED = 1 << 23; // elements, each in f32 exactly

async function copy(device: Device): Promise<Pick<Rates, "megabytes" | "gigabytesPerSecond">> {
  using x = keep(arange(COPIED));
  using y = parameter(zeros([COPIED]));
  using run = compile(() => {
    assign(y, x.add(1)); // without a change it could be no kernel at all
    return {};
  });
  const ms = await leastTime(run, device);
  const wrong = (await y.data()).findIndex((value, i) => value !== i + 1);
  if (wrong >= 0) throw new Error(`a copy of ${COPIED} elements is wrong at element ${wrong}`);
  return { megabytes: (4 * COPIED) / 1e6, gigabytesPerSecond: (8 * COPIED) / (1e6 * ms) };
}

/** Milliseconds that a run takes, at best: whatever else the machine does only adds to it. */
async function leastTime(run: () => unknown, device: Device): Promise<number> {
  run(); // planned, compiled, its memory at hand
  await device.idle();
  const end = performance.now() + SPAN;
  let least = Number.POSITIVE_INFINITY;
  let runs = 1;
  while (performance.now() < end) {
    const start = performance.now();
    for (let i = 0; i < runs; i++) run();
    await device.idle();
    const ms = performance.now() - start;
    least = Math.min(least, ms / runs);
    if (ms < 10) runs *= 2; // to wait for a GPU takes as long as a short run
  }
  return least;
}
