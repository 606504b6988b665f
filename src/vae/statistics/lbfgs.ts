// The minimum of a smooth function of many numbers by L-BFGS (Nocedal and Wright, Numerical Optimization, algorithm 7.4): steps of Newton's
// method with a curvature that is remembered from the last few gradients, so that nothing of size n² is stored. All in float64, on the host.

/** The value at x; writes the gradient there. */
export type Smooth = (x: Float64Array, gradient: Float64Array) => number;

export interface MinimizeOptions {
  /** Of the largest entry of the gradient. */
  readonly tolerance?: number;
  /** At most so many. */
  readonly steps?: number;
}

export interface Minimum {
  readonly x: Float64Array;
  readonly value: number;
  /** Steps that were taken. */
  readonly steps: number;
  /** Whether the gradient vanished, relative to `tolerance`; else the steps were used up, or rounding allows no lower value. */
  readonly settled: boolean;
}

const MEMORY = 10;
const ENOUGH = 1e-4; // Armijo: of the fall that the slope promises

/** From `start` until no entry of the gradient is larger than `tolerance`. */
export function minimize(f: Smooth, start: Float64Array, { tolerance = 1e-6, steps = 500 }: MinimizeOptions = {}): Minimum {
  const n = start.length;
  let x = Float64Array.from(start);
  let gradient = new Float64Array(n);
  let value = f(x, gradient);
  const memory: { s: Float64Array; y: Float64Array; sy: number }[] = []; // changes of x and of the gradient, the newest last
  for (let step = 0; step < steps; step++) {
    if (largest(gradient) <= tolerance) return { x, value, steps: step, settled: true };
    const direction = downhill(gradient, memory);
    const slope = dot(direction, gradient);
    let rate = memory.length === 0 ? Math.min(1, 1 / Math.sqrt(dot(gradient, gradient))) : 1;
    let next = x;
    let nextValue = value;
    const nextGradient = new Float64Array(n);
    for (; ; rate /= 2) {
      if (rate < 1e-16) return { x, value, steps: step, settled: false };
      next = x.map((v, i) => v + rate * direction[i]);
      nextValue = f(next, nextGradient);
      if (nextValue <= value + ENOUGH * rate * slope) break;
    }
    const s = next.map((v, i) => v - x[i]);
    const y = nextGradient.map((v, i) => v - gradient[i]);
    const sy = dot(s, y);
    if (sy > 0) memory.push({ s, y, sy }); // of a convex function always, but for rounding
    if (memory.length > MEMORY) memory.shift();
    [x, value, gradient] = [next, nextValue, nextGradient];
  }
  return { x, value, steps, settled: largest(gradient) <= tolerance };
}

/** -H g, with H the inverse curvature that the memory implies (the two loops of algorithm 7.4). */
function downhill(gradient: Float64Array, memory: readonly { s: Float64Array; y: Float64Array; sy: number }[]): Float64Array {
  const d = gradient.map((g) => -g);
  const weights: number[] = [];
  for (let m = memory.length - 1; m >= 0; m--) {
    const { s, y, sy } = memory[m];
    weights[m] = dot(s, d) / sy;
    for (let i = 0; i < d.length; i++) d[i] -= weights[m] * y[i];
  }
  const newest = memory[memory.length - 1];
  const scale = newest ? newest.sy / dot(newest.y, newest.y) : 1;
  for (let i = 0; i < d.length; i++) d[i] *= scale;
  for (const [m, { s, y, sy }] of memory.entries()) {
    const weight = weights[m] - dot(y, d) / sy;
    for (let i = 0; i < d.length; i++) d[i] += weight * s[i];
  }
  return d;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

const largest = (v: Float64Array): number => v.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
